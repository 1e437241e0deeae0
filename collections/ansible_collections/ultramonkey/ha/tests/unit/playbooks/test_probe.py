"""What the client of the drill counts as an outage, and that it really asks."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from array import array
from pathlib import Path

import pytest

PROBE = Path(__file__).resolve().parents[3] / "playbooks/files/probe.py"
_spec = importlib.util.spec_from_file_location("probe", PROBE)
probe = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(probe)

NO = probe.NEVER

CASES = {
    "all is answered": ([(0.00, 0.001), (0.01, 0.011), (0.02, 0.021)], []),
    "a host that asks late has no outage": ([(0.00, 0.001), (0.50, 0.501)], []),
    "one is lost": ([(0.00, 0.001), (0.01, NO), (0.02, 0.021)], [(0.001, 0.021, 20.0, 1)]),
    "two outages": (
        [(0.00, 0.001), (0.01, NO), (0.02, 0.021), (0.03, NO), (0.04, NO), (0.05, 0.051)],
        [(0.001, 0.021, 20.0, 1), (0.021, 0.051, 30.0, 2)],
    ),
    "nobody was there yet": ([(0.00, NO), (0.01, NO), (0.02, 0.021), (0.03, 0.031)], []),
    "an answer that arrives in the wrong order is one": ([(0.00, 0.015), (0.01, 0.011), (0.02, 0.021)], []),
    "questions that wait for an address are lost, and their answer is the end": (
        [(0.00, 0.001), (0.01, NO), (0.02, 0.9), (0.03, 0.9), (0.91, 0.911)],
        [(0.001, 0.9, 899.0, 3)],
    ),
    "it lasts": ([(0.00, 0.001), (0.01, NO), (0.02, NO)], [(0.001, 0.02, 19.0, 2)]),
}


@pytest.mark.parametrize("name", CASES)
def test_outages(name):
    questions, expected = CASES[name]
    sent = array("d", [asked for asked, _ in questions])
    answered = array("d", [came for _, came in questions])
    found = [(gap["from"], gap["to"], gap["ms"], gap["lost"]) for gap in probe.gaps(sent, answered)]
    assert found == expected


def test_a_request_is_answered_by_its_own_number_only():
    asked = probe.request(7, 100_000)
    assert probe.checksum(asked) == 0
    answer = bytes([0x45, *[0] * 19, 0, *asked[1:]])
    assert probe.answered_number(answer, 7) == 100_000
    assert probe.answered_number(answer, 8) is None
    assert probe.answered_number(bytes([0x45, *[0] * 19]) + asked, 7) is None
    assert probe.answered_number(answer[:24], 7) is None


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="a raw socket needs root")
def test_it_asks_and_writes_what_it_saw(tmp_path):
    told = tmp_path / "told.json"
    with subprocess.Popen([sys.executable, "-I", str(PROBE), "127.0.0.1", "5", str(told)]) as asking:
        time.sleep(0.4)
        (tmp_path / "told.json.stop").touch()
        assert asking.wait(10) == 0
    seen = json.loads(told.read_text())
    assert 10 <= seen["sent"] == seen["answered"]
    assert (seen["lost"], seen["gaps"]) == (0, [])
