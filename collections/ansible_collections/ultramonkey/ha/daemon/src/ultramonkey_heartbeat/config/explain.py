"""What a cluster with this configuration would do, for `hbctl config check --explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .address import address_of
from .model import (
    AutoFailback,
    BroadcastLink,
    Configuration,
    Group,
    HaCf,
    LinkConfig,
    MulticastLink,
    PingNode,
    Resource,
    SerialLink,
)
from .problems import Problem, Severity
from .values import human_time

_FAILBACK = {
    AutoFailback.ON: "A group returns to its preferred node as soon as that node is back.",
    AutoFailback.OFF: "A group stays where it is until its node leaves or somebody moves it.",
    AutoFailback.LEGACY: "A group always returns to its preferred node, and planned moves are refused.",
}


def explain(configuration: Configuration, doubts: Sequence[Problem]) -> list[str]:
    """The explanation as lines for a terminal, the doubts at its end."""
    ha = configuration.ha
    lines = [f"This is node {configuration.node} of {', '.join(ha.nodes)}.", ""]
    lines += _section("Links", ((link.name, _link(link)) for link in ha.links))
    lines += _section("Timers", _timers(ha))
    if ha.pings:
        lines += _section("Ping nodes", ((node.name, _ping(node, ha)) for node in ha.pings))
    lines += ["Failback", f"  {_FAILBACK[ha.auto_failback]}", ""]
    lines += _section("Groups", (row for group in configuration.groups for row in _group(group, ha.nodes)))
    return [*lines, "Doubts", *([f"  {_doubt(doubt)}" for doubt in doubts] or ["  None."])]


def second_thoughts(configuration: Configuration) -> list[Problem]:
    """What is no fault of any file, and still worth a thought before relying on this cluster.

    It is not told at every start, as the warnings are that reading the files gives.
    """
    return [
        *_about_nodes(configuration.ha.nodes),
        *_about_links(configuration.ha.links),
        *_about_groups(configuration.groups),
    ]


def _section(title: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    """Two columns under a title, and an empty line."""
    found = list(rows)
    width = max((len(name) for name, _ in found), default=0)
    lines = [f"  {name.ljust(width)}  {text}".rstrip() for name, text in found]
    return [title, *(lines or ["  None."]), ""]


def _link(link: LinkConfig) -> str:
    if isinstance(link, SerialLink):
        return f"{link.baud} bits a second"
    if isinstance(link, BroadcastLink):
        return f"UDP port {link.port}, to the broadcast address of {link.interface}"
    if isinstance(link, MulticastLink):
        hops = "1 hop" if link.ttl == 1 else f"{link.ttl} hops"
        return f"UDP port {link.port}, to the group {link.group}, at most {hops} far"
    return f"UDP port {link.port}, to {link.address} alone"


def _ping(node: PingNode, ha: HaCf) -> str:
    several = f"seen as long as one of {', '.join(node.hosts)} answers; " if node.group else ""
    lost = f"{several}lost after {human_time(ha.ping_deadtime_ms)} without an answer"
    if ha.auto_failback is AutoFailback.LEGACY:
        return lost
    return f"{lost}; a node that sees fewer ping nodes than another hands its groups to it"


def _timers(ha: HaCf) -> Iterator[tuple[str, str]]:
    yield "keepalive", f"every {human_time(ha.keepalive_ms)} a heartbeat goes out over each link"
    yield "warntime", f"a heartbeat that is {human_time(ha.warntime_ms)} late is logged"
    yield (
        "deadtime",
        f"a node that is silent for {human_time(ha.deadtime_ms)} is dead; its groups are taken over",
    )
    yield (
        "initdead",
        f"while this node starts, it waits {human_time(ha.initdead_ms)} for nodes it has not heard",
    )


def _group(group: Group, nodes: Sequence[str]) -> Iterator[tuple[str, str]]:
    others = [node for node in nodes if node != group.preferred]
    heirs = f"; without it on {others[0]}" if others else ""
    if len(others) > 1:
        heirs = f"; without it on the first that is alive of {', '.join(others)}"
    yield group.key, f"on {group.preferred}{heirs}; starts"
    for number, resource in enumerate(group.resources, start=1):
        yield "", f"  {number}. {resource.text}{_address(resource)}"


def _address(resource: Resource) -> str:
    address = address_of(resource)
    if address is None:
        return ""
    missing = [
        name
        for name, value in (("prefix length", address.prefix_length), ("interface", address.interface))
        if value is None
    ]
    return f" ({' and '.join(missing)} of the network that contains it)" if missing else ""


# --- doubts -------------------------------------------------------------------------------------------------


def _doubt(doubt: Problem) -> str:
    return str(doubt).replace(f"{doubt.severity.value}: ", "", 1)


def _thought(file: str, line: int, word: str, message: str, remedy: str) -> Problem:
    return Problem(file, line, word, message, remedy, Severity.WARNING)


def _about_nodes(nodes: Sequence[str]) -> Iterator[Problem]:
    if len(nodes) == 1:
        message = "there is one node only, so nobody takes over when it dies"
        yield _thought("ha.cf", 0, nodes[0], message, "name the other machines, too")
    short = [node for node in nodes if "." not in node]
    if short and len(short) < len(nodes):
        yield _thought(
            "ha.cf",
            0,
            short[0],
            f"some nodes are named with their domain and some without ({', '.join(short)})",
            "see what `uname -n` prints on each: that is its name here",
        )


def _about_links(links: Sequence[LinkConfig]) -> Iterator[Problem]:
    # A serial line needs no network, and is a path of its own.
    paths = {link.device if isinstance(link, SerialLink) else link.interface for link in links}
    if len(paths) == 1:
        path = paths.pop()
        message = (
            f"all heartbeats go over {path}: when that breaks, every node thinks it is alone, and serves"
        )
        yield _thought("ha.cf", 0, path, message, "add a link over another network, or a serial cable")


def _about_groups(groups: Sequence[Group]) -> Iterator[Problem]:
    if not groups:
        message = "there is no group, so nothing is ever started"
        yield _thought("haresources", 0, "", message, "write a line such as: lb1 192.0.2.10/24/eth0")
