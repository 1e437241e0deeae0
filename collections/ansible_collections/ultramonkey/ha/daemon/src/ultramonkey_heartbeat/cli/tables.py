"""Status as people read it: rows once, columns as wide as they must be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]


_SECOND_MS = 1000
_MINUTE_S = 60


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with left-aligned columns, two blanks apart."""
    everything = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in everything) for column in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in everything]


def duration(ms: int | None) -> str:
    """Milliseconds in the unit that a person would choose."""
    if ms is None:
        return "-"
    if ms < _SECOND_MS:
        return f"{ms} ms"
    if ms < 10 * _SECOND_MS:
        return f"{ms / _SECOND_MS:.1f} s"
    seconds = ms // _SECOND_MS
    if seconds < 2 * _MINUTE_S:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // _MINUTE_S, 60)
    return f"{hours} h {minutes} min" if hours > 1 else f"{seconds // _MINUTE_S} min"


def status(result: Json) -> list[str]:
    """The answer of `status`, for a terminal."""
    config = result["config"]
    lines = [
        (
            f"{result['node']} is {result['state']}, for {duration(result['uptime_ms'])}; "
            f"keepalive {duration(config['keepalive_ms'])}, deadtime {duration(config['deadtime_ms'])}, "
            f"auto_failback {config['auto_failback']}"
        ),
        "",
        *table(("NODE", "STATE", "HEARD", "LINKS"), [_node(node) for node in result["nodes"]]),
        "",
    ]
    pings = result.get("ping_nodes")
    if pings:
        lost = {node["name"]: node["ping_lost"] or () for node in result["nodes"]}
        titles = ("PING NODE", "STATE", "ANSWERED", "LOST BY")
        lines += [*table(titles, [_ping(ping, lost) for ping in pings]), ""]
    if result["groups"]:
        header = ("GROUP", "HOLDER", "PREFERRED", "STATE", "LAST MOVE")
        lines += table(header, [_group(group) for group in result["groups"]])
    else:
        lines.append("no groups in haresources")
    serial = [link for link in result["links"] if link.get("load")]
    if serial:
        columns = ("LINE", "STATE", "GOOD FRAME", "SENT", "RECEIVED", "DAMAGED", "DROPPED", "LOAD OUT/IN")
        lines += ["", *table(columns, [_line(link) for link in serial])]
    for problem in result["problems"]:
        lines += ["", f"! {problem['text']}", f"  {problem['remedy']}"]
    return lines


def _node(node: Json) -> Sequence[str]:
    state = f"{node['state']}, standby" if node.get("standby") else node["state"]
    if node["self"]:
        return (node["name"], state, "(here)", "")
    silent_ms = node["silent_ms"]
    heard = "never" if silent_ms is None else f"{duration(silent_ms)} ago"
    links = ", ".join(f"{link['name']} {'up' if link['up'] else 'silent'}" for link in node["links"])
    return (node["name"], state, heard, links)


def _line(link: Json) -> Sequence[str]:
    """A link over a line of fixed speed; only these can be too slow."""
    silent_ms, load = link["silent_ms"], link["load"]
    return (
        link["name"],
        "up" if link["up"] else "down",
        "never" if silent_ms is None else f"{duration(silent_ms)} ago",
        f"{link['frames_sent']} ({link['bytes_sent']} bytes)",
        f"{link['frames_received']} ({link['bytes_received']} bytes)",
        str(link["frames_damaged"]),
        str(link["frames_dropped"]),
        f"{load['out']:.0%} / {load['in']:.0%}",
    )


def _ping(ping: Json, lost: Mapping[str, Sequence[str]]) -> Sequence[str]:
    silent_ms = ping["silent_ms"]
    answered = "never" if silent_ms is None else f"{duration(silent_ms)} ago"
    losers = ", ".join(name for name, names in lost.items() if ping["name"] in names)
    return (ping["name"], ping["state"], answered, losers or "-")


def _group(group: Json) -> Sequence[str]:
    others = [
        f"{state} on {name}" for name, state in group["states"].items() if state not in ("idle", "held")
    ]
    others += ["maintenance"] if group.get("maintenance") else []
    held = [name for name, state in group["states"].items() if state == "held"]
    state = "held" if len(held) == 1 else "held twice" if held else "not held"
    return (
        group["key"],
        group["holder"] or "-",
        group["preferred"],
        ", ".join([state, *others]),
        _move(group["last_move"]),
    )


def _move(move: Json | None) -> str:
    if move is None:
        return "-"
    source = f"from {move['from']}, " if move["from"] else ""
    gap_ms = move["without_holder_ms"]
    gap = f", {duration(gap_ms)} without holder" if gap_ms is not None else ""
    return f"{source}{move['reason']}, {duration(move['age_ms'])} ago{gap}"


def link_test(result: Json) -> list[str]:
    """The answer of `link test serial`, for a terminal."""
    trip, rate = result["round_trip_ms"], result["byte_error_rate"]
    rows = [
        ("line", f"{result['device']} at {result['baud']} baud"),
        ("other end heard", _yes(result["peer_heard"])),
        ("heard by other end", _yes(result["heard_by_peer"])),
        ("own voice heard", _yes(result["echo"])),
        ("CTS", {None: "not on this line", True: "on", False: "off"}[result["cts"]]),
        (
            "probes",
            f"{result['probes_sent']} sent, {result['probes_received']} of {result['probes_expected']} heard",
        ),
        ("bytes damaged or lost", "-" if rate is None else f"{rate:.2g} of 1" if rate else "none"),
        ("round trip", f"{trip['median']} ms ({trip['min']} to {trip['max']})" if trip else "-"),
        ("verdict", result["text"]),
    ]
    return table(rows[0], rows[1:])


def network_test(result: Json) -> list[str]:
    """The answer of `link test network`, for a terminal."""
    links = result.get("links", ())
    rows = [
        (link["name"], _names([*link["heard"], *link["heartbeats"]]), _names(link["heard_by"]), link["text"])
        for link in links
    ]
    strangers = [f"! {one['text']}" for one in result.get("strangers", ())]
    return [*table(("LINK", "HEARD", "HEARD BY", "VERDICT"), rows), *strangers] if links else _texts(result)


def address_test(result: Json) -> list[str]:
    """The answer of `address test`, for a terminal."""
    lines = [f"{one['text']}{' (this machine has it)' * one['here']}" for one in result.get("addresses", ())]
    return lines or _texts(result)


def _texts(result: Json) -> list[str]:
    return [problem["text"] for problem in result.get("problems", ())]


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "-"


def _yes(value: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "yes" if value else "no"


def maintenance(result: Json) -> list[str]:
    """The answer of `maintenance`, for a terminal."""
    switched = result["maintenance"]
    if switched["cluster"]:
        return ["the cluster is under maintenance: nothing is started, stopped or taken over"]
    if switched["groups"]:
        return [f"{key} is under maintenance" for key in switched["groups"]]
    return ["nothing is under maintenance"]


def node(result: Json) -> list[str]:
    """The answer of `standby`, for a terminal."""
    if not result["standby"]:
        return [f"{result['node']} takes part"]
    moving = f", and gives away {', '.join(result['holds'])}" if result["holds"] else ""
    return [f"{result['node']} is on standby{moving}"]


def cleanup(result: Json) -> list[str]:
    """The answer of `cleanup`, for a terminal."""
    lines = [f"{one['group']}: forgot {what}" for one in result["cleaned"] for what in one["forgotten"]]
    return lines or ["nothing had failed here"]


def reload(result: Json) -> list[str]:
    """The answer of `reload`, for a terminal."""
    return [f"took over: {', '.join(result['changed'])}" if result["changed"] else "nothing to take over"]


def move(result: Json) -> list[str]:
    """The answer of `move`, for a terminal."""
    lines = [f"{m['group']}: {m['from'] or 'nobody'} -> {m['to']}{_gap(m)}" for m in result.get("moved", ())]
    lines += [f"{key}: is there already" for key in result.get("unchanged", ())]
    return lines + [f"{f['group']}: {f['message']}" for f in result.get("failed", ())]


def _gap(moved: Json) -> str:
    gap_ms = moved.get("without_holder_ms")
    return f" ({duration(gap_ms)} without holder)" if gap_ms is not None else ""
