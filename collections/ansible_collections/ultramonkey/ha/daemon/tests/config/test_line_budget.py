# ruff: noqa: E501 - whole messages are compared
"""A keepalive that a serial line cannot carry is refused, with what would work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.line_budget import carrying_ms
from ultramonkey_heartbeat.config.link_lines import BAUDS

REST = "node a b\nauto_failback on\ndeadtime 60\ninitdead 120\n"


def said(text):
    return [str(problem) for problem in parse_ha_cf(REST + text)[1]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "serial /dev/ttyS0\nbaud 9600\nkeepalive 100ms",
            (
                "ha.cf:7: serial /dev/ttyS0: at 9600 baud a status message of 420 bytes takes 438ms, longer than the "
                "keepalive of 100ms: write keepalive 440ms or more, or baud 57600"
            ),
        ),
        (
            "keepalive 1ms\nserial /dev/ttyS0",
            (
                "ha.cf:5: serial /dev/ttyS0: at 19200 baud a status message of 420 bytes takes 219ms, longer than the "
                "keepalive of 1ms: write keepalive 220ms or more"
            ),
        ),
    ],
)
def test_an_impossible_combination_is_refused(text, problem):
    assert said(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "serial /dev/ttyS0\nbaud 9600",
        "serial /dev/ttyS0\nbaud 9600\nkeepalive 440ms",
        "serial /dev/ttyS0\nbaud 57600\nkeepalive 100ms",
        # Without a serial line, the speed of serial lines is nothing.
        "bcast eth0\nbaud 9600\nkeepalive 100ms",
    ],
)
def test_what_a_line_can_carry_is_accepted(text):
    assert said(text) == []


def test_a_value_that_could_not_be_read_is_no_reason_for_a_second_error():
    assert len(said("serial /dev/ttyS0\nbaud 9601\nkeepalive 100ms")) == 1
    assert len(said("serial /dev/ttyS0\nbaud 9600\nkeepalive x")) == 1


@given(st.sampled_from(BAUDS), st.integers(1, 1000))
def test_what_the_remedy_says_is_accepted(baud, keepalive_ms):
    text = f"serial /dev/ttyS0\nbaud {baud}\nkeepalive {keepalive_ms}ms"
    problems = said(text)
    assert bool(problems) == (carrying_ms(baud) > keepalive_ms)
    if problems:
        remedy = problems[0].partition("write ")[2]
        shortest, _, faster = remedy.partition(" or more")
        assert said(f"serial /dev/ttyS0\nbaud {baud}\n{shortest}") == []
        if faster:
            assert said(f"serial /dev/ttyS0\n{faster[5:]}\nkeepalive {keepalive_ms}ms") == []
