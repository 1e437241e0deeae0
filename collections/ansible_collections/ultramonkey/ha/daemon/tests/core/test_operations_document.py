"""docs/OPERATIONS.md explains every problem and every line of the log that the core can cause."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

import pytest
from ultramonkey_heartbeat.core import notices, snapshot
from ultramonkey_heartbeat.core.assignment import Assignment, Cause
from ultramonkey_heartbeat.core.membership import PeerState
from ultramonkey_heartbeat.daemon.notices import word

DOCUMENT = (Path(__file__).parents[3] / "docs" / "OPERATIONS.md").read_text("utf-8")
SOME_NUMBER = 9999
SOMEBODY = Assignment(SOME_NUMBER, "OWNER", 1, Cause.TAKEOVER)
KINDS = [
    kind for kind in vars(notices).values() if inspect.isclass(kind) and kind.__bases__ == (notices.Notice,)
]


def examples(kind):
    """A notice of the kind for both values of its flag, with its fields' names in capitals for texts."""
    values = {
        "int": SOME_NUMBER,
        "Assignment": SOMEBODY,
    }
    for flag in (True, False):
        yield kind(
            **{
                field.name: flag
                if field.type == "bool"
                else values.get(field.type.partition(" |")[0], field.name.upper())
                for field in dataclasses.fields(kind)
            }
        )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_line_of_the_log_is_explained(kind):
    for notice in examples(kind):
        _, line = word(notice)
        line = line.replace(str(SOME_NUMBER), "N").replace(SOMEBODY.cause.value, "CAUSE")
        assert f"`{line}`" in DOCUMENT


def test_every_problem_has_a_row():
    source = inspect.getsource(snapshot)
    codes = set(re.findall(r'_problem\(\s*"([a-z-]+)"', source))
    assert 'f"node-{peer.state.value}"' in source
    codes |= {f"node-{state.value}" for state in (PeerState.DEAD, PeerState.UNKNOWN, PeerState.LEFT)}
    table = DOCUMENT.partition("## Problems")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == codes
