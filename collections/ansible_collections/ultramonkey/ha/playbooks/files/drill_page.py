"""Makes a drill's page: the report (drill.json) on standard input becomes HTML on standard output.

Runs on the controller, with Ansible's own Python. The argument is the style sheet. The page needs nothing but
itself: style and pictures are in it.
"""  # noqa: INP001 - a program that a playbook runs, no module

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from html import escape
from typing import Any

# The pictures' geometry, in their own units; the page scales them.
WIDTH = 1000.0
LEFT = 110.0
RIGHT = 20.0
LANE = 34.0
BAR = 16.0
MARKER = 9.0
# A stripe that is thinner than this would not be seen.
THINNEST = 2.0
# More events than these would hide the picture; all of them are in the table at the end.
MOST_EVENTS = 12
MOST_TICKS = 10
IN_SECONDS_FROM_MS = 10_000
WHOLE_FROM_MS = 100
TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
WORDS = {"held": "holds the group", "moving": "starts or stops the group"}


def duration(milliseconds: float) -> str:
    """A duration as people say it."""
    if milliseconds >= IN_SECONDS_FROM_MS:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.{0 if milliseconds >= WHOLE_FROM_MS else 1}f} ms"


class Scale:
    """Where an instant is in a picture."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin = begin
        self.end = max(end, begin + 0.001)

    def x(self, at: float) -> float:
        """The place of an instant, kept inside the picture."""
        part = (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 2)

    def ticks(self, zero: float) -> list[tuple[float, str]]:
        """Round instants, counted from `zero`, and what to write there."""
        span = self.end - self.begin
        step = next((tick for tick in TICKS if span / tick <= MOST_TICKS), TICKS[-1])
        first = int((self.begin - zero) / step) - 1
        counted = [first + i for i in range(int(span / step) + 3)]
        inside = [n for n in counted if self.begin <= zero + n * step <= self.end]
        if step < 1:
            return [(zero + n * step, f"{n * step * 1000:.0f} ms") for n in inside]
        return [(zero + n * step, f"{n * step:.0f} s") for n in inside]


def stripe(scale: Scale, lane_y: float, stretch: tuple[float, float], kind: str, title: str = "") -> str:
    """A stretch of time (its begin and end) in a lane."""
    x = scale.x(stretch[0])
    width = max(scale.x(stretch[1]) - x, THINNEST)
    inner = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<rect class="{kind}" x="{x}" y="{lane_y}" width="{width:.2f}" height="{BAR}" rx="2">{inner}</rect>'
    )


def held(report: dict[str, Any], node: str) -> list[tuple[float, float, str]]:
    """When a node held the group, and when that came and went, by its own journal; a crash ends it, too."""
    since = report["probe"]["from"] if report["steps"][0]["from"] == node else None
    crashes = [
        (step["at"], step["at"], "crashed")
        for step in report["steps"]
        if step["name"] == "crash" and step["from"] == node
    ]
    told = [
        (event["at"] - (event.get("duration_ms") or 0) / 1000, event["at"], event["event"])
        for event in report["events"]
        if event["node"] == node
        and event["event"] in ("started", "stopped")
        and event.get("group") == report["group"]
    ]
    found = []
    for begun, done, what in sorted(crashes + told):
        if since is not None:
            found.append((since, begun, "held"))
        if begun < done:
            found.append((begun, done, "moving"))
        since = done if what == "started" else None
    return [*found, (since, report["probe"]["to"], "held")] if since is not None else found


def lanes(report: dict[str, Any], scale: Scale, top: float) -> tuple[list[str], float]:
    """The client's lane and one for each node, and where they end."""
    parts = []
    names = [report["client"], *report["nodes"]]
    for number, name in enumerate(names):
        y = top + number * LANE
        text_y = y + BAR - 3.5
        parts.append(f'<text x="{LEFT - 12}" y="{text_y}" text-anchor="end">{escape(name)}</text>')
        parts.append(stripe(scale, y, (scale.begin, scale.end), "good" if number == 0 else "empty"))
        if number == 0:
            parts += [
                stripe(scale, y, (gap["from"], gap["to"]), "bad", f"no answer for {duration(gap['ms'])}")
                for gap in report["probe"]["gaps"]
                if gap["to"] >= scale.begin and gap["from"] <= scale.end
            ]
        else:
            parts += [
                stripe(scale, y, (begin, end), kind, f"{name}: {WORDS[kind]}")
                for begin, end, kind in held(report, name)
                if end >= scale.begin and begin <= scale.end
            ]
    return parts, top + len(names) * LANE


def axis(scale: Scale, zero: float, top: float, bottom: float) -> list[str]:
    """Lines at round instants, with their names below."""
    parts = []
    for at, text in scale.ticks(zero):
        x = scale.x(at)
        parts.append(f'<line class="grid" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
        parts.append(f'<text class="soft" x="{x}" y="{bottom + 16}" text-anchor="middle">{text}</text>')
    return parts


def picture(parts: list[str], height: float, label: str) -> str:
    """A whole picture."""
    inner = "\n".join(parts)
    return (
        f'<figure><svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
        f"\n{inner}\n</svg></figure>"
    )


def overview(report: dict[str, Any]) -> str:
    """The whole drill in one picture."""
    scale = Scale(report["probe"]["from"], report["probe"]["to"])
    top = 50.0
    drawn, bottom = lanes(report, scale, top)
    parts = [*axis(scale, report["probe"]["from"], top - 8, bottom), *drawn]
    for step in report["steps"]:
        x = scale.x(step["at"])
        anchor = "end" if x > WIDTH * 0.8 else "start"
        parts.append(f'<line class="step" x1="{x}" y1="18" x2="{x}" y2="{bottom}"/>')
        parts.append(
            f'<text class="steps" x="{x + (-6 if anchor == "end" else 6)}" y="26" text-anchor="{anchor}">'
            f"{escape(step['title'])}: {duration(step['outage_ms'])}</text>"
        )
    return picture(parts, bottom + 26, "When the address answered, and which node held it")


def near(report: dict[str, Any], step: dict[str, Any]) -> Scale:
    """The time around a step that is worth a look: until the other node has it, answers lost or not."""
    gaps = step["gaps"]
    taken = [
        event["at"]
        for event in report["events"]
        if (event["event"], event["node"], event.get("group")) == ("started", step["to"], report["group"])
        and event["at"] >= step["at"]
    ]
    begin = min([step["at"], *(gap["from"] for gap in gaps)])
    end = max([step["at"] + 0.05, *taken[:1], *(gap["to"] for gap in gaps)])
    margin = max((end - begin) * 0.12, 0.01)
    return Scale(begin - margin, end + margin)


def numbered(report: dict[str, Any], scale: Scale) -> list[dict[str, Any]]:
    """What the nodes say of that time, the most important if it is too much."""
    inside = [event for event in report["events"] if scale.begin <= event["at"] <= scale.end]
    if len(inside) > MOST_EVENTS:
        inside = [event for event in inside if event["event"] not in ("peer-link", "link", "late")]
    return inside[:MOST_EVENTS]


def markers(events: list[dict[str, Any]], scale: Scale, top: float, bottom: float) -> tuple[list[str], float]:
    """A numbered dot for each event, below each other where they would overlap; and where they end."""
    parts = []
    rows: list[float] = []
    for number, event in enumerate(events, start=1):
        x = scale.x(event["at"])
        row = next((i for i, last in enumerate(rows) if x - last >= 2 * MARKER + 3), len(rows))
        rows[row : row + 1] = [x]
        y = bottom + 14 + row * (2 * MARKER + 4)
        parts.append(f'<line class="lead" x1="{x}" y1="{top}" x2="{x}" y2="{y}"/>')
        parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="{MARKER}"/>')
        parts.append(f'<text class="number" x="{x}" y="{y + 4}">{number}</text>')
    return parts, bottom + (len(rows) * (2 * MARKER + 4) + 8 if rows else 0)


def closely(report: dict[str, Any], step: dict[str, Any]) -> str:
    """One step as under a glass: a picture, and what the nodes say of it."""
    scale = near(report, step)
    events = numbered(report, scale)
    top = 44.0
    drawn, lanes_end = lanes(report, scale, top)
    dots, bottom = markers(events, scale, top - 6, lanes_end - 6)
    at = scale.x(step["at"])
    parts = [*axis(scale, step["at"], top - 8, bottom), *dots, *drawn]
    parts.append(f'<line class="step" x1="{at}" y1="14" x2="{at}" y2="{bottom}"/>')
    parts.append(f'<text class="steps" x="{at + 6}" y="14">{escape(step["title"])}</text>')
    for gap in step["gaps"]:
        middle = (scale.x(gap["from"]) + scale.x(gap["to"])) / 2
        parts.append(
            f'<text class="loss" x="{middle:.1f}" y="{top - 10}" text-anchor="middle">'
            f"{duration(gap['ms'])} without an answer</text>"
        )
    rows = "".join(
        f'<tr><td class="n">{number}</td><td class="n">{(event["at"] - step["at"]) * 1000:+.0f} ms</td>'
        f'<td class="node">{escape(event["node"])}</td><td>{escape(event["text"])}</td></tr>\n'
        for number, event in enumerate(events, start=1)
    )
    table = (
        '<table>\n<tr><th class="n"></th><th class="n">when</th><th>node</th><th>what it says</th></tr>\n'
        f"{rows}</table>"
        if rows
        else '<p class="sub">The nodes say nothing of this time.</p>'
    )
    heading = f"<h2>{escape(step['title'])}: {escape(step['what'])}</h2>"
    return f"{heading}\n{picture(parts, bottom + 26, step['what'])}\n{table}"


def card(what: str, figure: str, more: str) -> str:
    """A figure that is read at once."""
    number, _blank, unit = figure.partition(" ")
    return (
        f'<div class="card"><div class="what">{escape(what)}</div><div class="figure">{escape(number)} '
        f"<small>{escape(unit)}</small></div><div>{escape(more)}</div></div>"
    )


def page(report: dict[str, Any], style: str) -> str:
    """The whole page."""
    probe = report["probe"]
    when = datetime.fromtimestamp(probe["from"], timezone.utc).strftime("%d %B %Y, %H:%M:%S UTC")
    address = escape(probe["address"])
    cards = "\n".join(
        [
            *(card(step["title"], duration(step["outage_ms"]), step["what"]) for step in report["steps"]),
            card(
                "questions without an answer",
                f"{probe['lost']:,} of {probe['sent']:,}",
                f"one every {probe['interval_ms']:g} ms for {probe['to'] - probe['from']:.0f} s",
            ),
        ]
    )
    rows = "\n".join(
        f'<tr><td class="n">{event["at"] - probe["from"]:.3f}</td>'
        f'<td class="node">{escape(event["node"])}</td>'
        f"<td>{escape(event['text'])}</td></tr>"
        for event in report["events"]
    )
    nodes = ", ".join(map(escape, report["nodes"]))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Failover drill of {address}</title>
<style>
{style}</style>
</head>
<body>
<h1>Failover drill of {address}</h1>
<p class="sub">{when} · nodes {nodes} · keepalive {duration(report["keepalive_ms"])}, deadtime \
{duration(report["deadtime_ms"])} · seen by {escape(report["client"])}</p>
<div class="cards">
{cards}
</div>
<h2>The whole drill</h2>
{overview(report)}
<p class="key"><span><i style="background: var(--good)"></i>the address answers the client</span>
<span><i style="background: var(--bad)"></i>it does not</span>
<span><i style="background: var(--held)"></i>the node holds the group</span>
<span><i style="background: var(--held); opacity: .45"></i>it starts or stops it</span></p>
{"".join(closely(report, step) for step in report["steps"])}
<details>
<summary>All that the nodes say ({len(report["events"])})</summary>
<table>
<tr><th class="n">s</th><th>node</th><th>event</th></tr>
{rows}
</table>
</details>
<footer>An outage is counted from the last answer before it to the first one after it, at the client. After a
crash the address may answer for a moment although nobody holds it: until the node has let go of it, or is
off. Events have the time of their own machine's clock, so they fit as well as the clocks agree. The figures
are in drill.json beside this page.</footer>
</body>
</html>
"""


def main() -> None:
    """Read, make, write."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(page(json.load(sys.stdin), sys.argv[1]))


if __name__ == "__main__":
    main()
