"""Every notice of the core has words: one line that names everything the notice knows."""

from __future__ import annotations

import dataclasses
import logging

import pytest
from ultramonkey_heartbeat.core import notices
from ultramonkey_heartbeat.core.assignment import Assignment, Cause
from ultramonkey_heartbeat.daemon.notices import _WORDS, word

KINDS = [
    kind
    for kind in vars(notices).values()
    if isinstance(kind, type) and issubclass(kind, notices.Notice) and kind is not notices.Notice
]
# Values by type that can be found again in a text.
VALUES = {
    "str": iter(f"word{number}" for number in range(1000)),
    "int": iter(range(70_001, 80_000)),
    "Assignment": iter(Assignment(n, f"owner{n}", 7, Cause.TAKEOVER) for n in range(501, 600)),
}


def made(kind, *, flag):
    fields = dataclasses.fields(kind)
    values = {f.name: flag if f.type == "bool" else next(VALUES[f.type.partition(" |")[0]]) for f in fields}
    return kind(**values), values


def test_there_are_notices():
    assert len(KINDS) > 15


def test_the_table_has_a_row_for_each_and_no_other():
    assert set(_WORDS) == set(KINDS)


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_notice_is_one_line_that_says_all_it_knows(kind, flag):
    notice, values = made(kind, flag=flag)
    level, text = word(notice)
    assert level in (logging.INFO, logging.WARNING, logging.ERROR)
    assert text.isprintable()
    assert 10 < len(text) < 200
    for name, value in values.items():
        # What went well needs no reason.
        if isinstance(value, bool) or (name == "reason" and flag and kind is notices.OwnLinkChanged):
            continue
        shown = value.owner if isinstance(value, Assignment) else str(value)
        assert shown in text, f"{name} is not said"


@pytest.mark.parametrize(
    ("new", "level"), [("dead", logging.WARNING), ("active", logging.INFO), ("left", logging.INFO)]
)
def test_a_death_is_a_warning(new, level):
    assert word(notices.NodeStateChanged("lb2", "active", new, "why")) == (
        level,
        f"node lb2: active -> {new} (why)",
    )


def test_nobody_is_called_nobody():
    notice = notices.Assigned("web", Assignment(), Assignment(1, "lb1", 7, Cause.START))
    assert word(notice)[1] == "group web: nobody (epoch 0, start) -> lb1 (epoch 1, start)"
