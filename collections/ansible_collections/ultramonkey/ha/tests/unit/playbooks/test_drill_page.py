"""The drill's page: whole, safe, and its picture shows what the report says."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

MAKER = Path(__file__).resolve().parents[3] / "playbooks/files/drill_page.py"
_spec = importlib.util.spec_from_file_location("drill_page", MAKER)
drill_page = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(drill_page)

GROUP = "192.0.2.10/24/eth0"
T = 1_800_000_000.0


def event(after_s, node, kind, duration_ms=None, **more):
    told = {"at": T + after_s, "node": node, "event": kind, "text": f"{kind} on {node}", **more}
    return {**told, "duration_ms": duration_ms} if duration_ms is not None else told


REPORT = {
    "client": "client",
    "group": GROUP,
    "nodes": ["lb1", "lb2"],
    "keepalive_ms": 100,
    "deadtime_ms": 500,
    "probe": {
        "address": "192.0.2.10",
        "interval_ms": 5,
        "from": T,
        "to": T + 8,
        "sent": 1600,
        "answered": 1490,
        "lost": 110,
        "gaps": [
            {"from": T + 2.001, "to": T + 2.021, "ms": 20.0, "lost": 4},
            {"from": T + 5.0, "to": T + 5.53, "ms": 530.0, "lost": 106},
        ],
    },
    "events": [
        event(2.0, "lb1", "assigned", group=GROUP),
        event(2.01, "lb1", "stopped", 10, group=GROUP),
        event(2.02, "lb2", "started", 8, group=GROUP),
        event(2.5, "lb2", "started", 8, group="another"),
        event(5.51, "lb1", "node"),
        event(5.53, "lb1", "started", 5, group=GROUP),
    ],
}
REPORT["steps"] = [
    {
        "name": "planned",
        "title": "Planned switchover",
        "at": T + 2.0,
        "from": "lb1",
        "to": "lb2",
        "outage_ms": 20.0,
        "gaps": REPORT["probe"]["gaps"][:1],
        "what": "from lb1 to lb2",
    },
    {
        "name": "crash",
        "title": "Crash",
        "at": T + 5.001,
        "from": "lb2",
        "to": "lb1",
        "outage_ms": 530.0,
        "gaps": REPORT["probe"]["gaps"][1:],
        "what": "lb2 crashes, lb1 takes over",
    },
]


def made(report):
    done = subprocess.run(
        [sys.executable, "-I", str(MAKER), MAKER.with_suffix(".css").read_text()],
        input=json.dumps(report),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def pictures(page):
    return [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def bars(picture, kind):
    return [
        (float(r.get("x")), float(r.get("width"))) for r in picture.iter("rect") if r.get("class") == kind
    ]


def test_the_page_has_the_whole_drill_and_each_step():
    page = made(REPORT)
    assert len(pictures(page)) == 3
    assert "<script" not in page
    assert "http" not in page
    for said in ("20.0 ms", "530 ms", "110", "lb2 crashes, lb1 takes over", "+10 ms"):
        assert said in page


def test_the_outages_are_where_and_as_long_as_they_were():
    scale = drill_page.Scale(T, T + 8)
    overview = pictures(made(REPORT))[0]
    (first, thin), (second, width) = bars(overview, "bad")
    assert first == pytest.approx(scale.x(T + 2.001), abs=0.02)
    assert thin >= drill_page.THINNEST
    assert second == pytest.approx(scale.x(T + 5.0), abs=0.02)
    assert width == pytest.approx(scale.x(T + 5.53) - scale.x(T + 5.0), abs=0.02)


def test_a_node_holds_the_group_between_its_start_and_its_stop_or_crash():
    def rounded(node):
        return [
            (round(begin - T, 3), round(end - T, 3), kind)
            for begin, end, kind in drill_page.held(REPORT, node)
        ]

    assert rounded("lb1") == [
        (0.0, 2.0, "held"),
        (2.0, 2.01, "moving"),
        (5.525, 5.53, "moving"),
        (5.53, 8.0, "held"),
    ]
    assert rounded("lb2") == [(2.012, 2.02, "moving"), (2.02, 5.001, "held")]


def test_events_that_are_close_do_not_cover_each_other():
    scale = drill_page.Scale(T, T + 1)
    events = [event(0.5 + i / 1000, "lb1", "link") for i in range(5)]
    parts, _ = drill_page.markers(events, scale, 0, 100)
    dots = [ET.fromstring(part) for part in parts if part.startswith("<circle")]
    places = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in dots]
    assert all(
        abs(a[0] - b[0]) >= 2 * drill_page.MARKER or abs(a[1] - b[1]) >= 2 * drill_page.MARKER
        for i, a in enumerate(places)
        for b in places[i + 1 :]
    )


def test_names_and_texts_of_others_are_text():
    report = copy.deepcopy(REPORT)
    report["client"] = "<script>alert(1)</script>"
    report["events"][0]["text"] = 'a & b <img src="x">'
    page = made(report)
    assert "<script" not in page
    assert "<img" not in page
    assert "a &amp; b &lt;img" in page


def test_a_drill_without_any_loss_is_a_page_too():
    report = copy.deepcopy(REPORT)
    report["probe"].update(gaps=[], lost=0)
    for step in report["steps"]:
        step.update(gaps=[], outage_ms=0)
    page = made(report)
    assert bars(pictures(page)[0], "bad") == []
    # How long the other node took to have the group is worth a look all the same.
    assert "+529 ms" in page
    report["events"] = []
    page = made(report)
    assert "The nodes say nothing of this time." in page


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0.0 ms"), (9.96, "10.0 ms"), (530.4, "530 ms"), (9_999, "9999 ms"), (12_340, "12.3 s")],
)
def test_durations_as_people_say_them(milliseconds, text):
    assert drill_page.duration(milliseconds) == text
