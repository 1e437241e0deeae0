# ruff: noqa: E501 - whole messages are compared
"""A keepalive that a serial line cannot carry is refused, with what would work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.line_budget import PPP_BYTES, keepalive_ms_min
from ultramonkey_heartbeat.config.link_lines import BAUDS

REST = "auto_failback on\ninitdead 120\n"
PPP = "ppp-udp 10.0.0.1 /dev/ttyS0 10.0.0.2"
PAIR = "node a b\ndeadtime 60\n"


def said(text, rest=PAIR):
    return [str(problem) for problem in parse_ha_cf(REST + rest + text)[1]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "serial /dev/ttyS0\nbaud 9600\nkeepalive 100ms",
            "ha.cf:7: serial /dev/ttyS0: at 9600 baud a heartbeat takes 125ms, more than two thirds of the keepalive of 100ms: write keepalive 190ms or more, or baud 19200",
        ),
        (
            "keepalive 1ms\nserial /dev/ttyS0",
            "ha.cf:5: serial /dev/ttyS0: at 19200 baud a heartbeat takes 63ms, more than two thirds of the keepalive of 1ms: write keepalive 100ms or more",
        ),
        (
            "ppp-udp 10.0.0.1 /dev/ttyS0 10.0.0.2\nbaud 9600\nkeepalive 300ms",
            "ha.cf:7: ppp-udp /dev/ttyS0: at 9600 baud a heartbeat takes 209ms, more than two thirds of the keepalive of 300ms: write keepalive 320ms or more, or baud 19200",
        ),
        (
            "serial /dev/ttyS0\nbaud 9600\nkeepalive 200ms",
            "ha.cf:7: warning: serial /dev/ttyS0: at 9600 baud this keepalive of 200ms works between nodes of this daemon only: heartbeat 3.0.6 would need 454ms for each status: nothing needs to be done unless a node runs 3.0.6; then write keepalive 460ms or more, or baud 38400",
        ),
    ],
)
def test_what_a_line_cannot_carry_is_said_with_what_would_work(text, problem):
    assert said(text) == [problem]


def test_a_deadtime_in_which_a_damaged_full_status_cannot_be_made_good_is_refused():
    assert said("serial /dev/ttyS0\nbaud 9600\nkeepalive 200ms", "node a b\ndeadtime 800ms\n") == [
        "ha.cf:4: serial /dev/ttyS0: at 9600 baud a full status takes 454ms, and two of them, should one be damaged, longer than the deadtime of 800ms: write deadtime 910ms or more, or baud 19200"
    ]


def test_a_ring_carries_the_heartbeats_of_all_the_others():
    ring = "serial /dev/ttyS0 /dev/ttyS1\nbaud 9600\nkeepalive {}ms"
    nodes = "node a b c d\ndeadtime 60\n"
    assert said(ring.format(500), nodes) == [
        "ha.cf:7: serial /dev/ttyS0: at 9600 baud the heartbeats of 4 nodes take 375ms, more than two thirds of the keepalive of 500ms: write keepalive 570ms or more, or baud 19200"
    ]
    assert said(ring.format(1370), nodes) == []
    # Two lines between two nodes are no ring.
    assert said(ring.format(460)) == []


@pytest.mark.parametrize(
    "text",
    [
        "serial /dev/ttyS0\nbaud 9600",
        "serial /dev/ttyS0\nbaud 9600\nkeepalive 460ms",
        "serial /dev/ttyS0\nbaud 57600\nkeepalive 100ms",
        # Without a serial line, the speed of serial lines is nothing.
        "bcast eth0\nbaud 9600\nkeepalive 100ms",
    ],
)
def test_what_a_line_can_carry_is_accepted(text):
    assert said(text) == []


def test_five_beats_a_second_and_a_deadtime_of_one_work_at_9600_baud():
    loaded, _ = parse_ha_cf(REST + "node a b\nserial /dev/ttyS0\nbaud 9600\nkeepalive 200ms\ndeadtime 1")
    assert loaded is not None


def test_a_value_that_could_not_be_read_is_no_reason_for_a_second_error():
    assert len(said("serial /dev/ttyS0\nbaud 9601\nkeepalive 100ms")) == 1
    assert len(said("serial /dev/ttyS0\nbaud 9600\nkeepalive x")) == 1


@given(st.sampled_from(BAUDS), st.integers(1, 1000), st.sampled_from(("serial /dev/ttyS0", PPP)))
def test_what_the_remedy_says_is_accepted(baud, keepalive_ms, line):
    def errors(text):
        return [text for text in said(text) if "warning" not in text]

    problems = errors(f"{line}\nbaud {baud}\nkeepalive {keepalive_ms}ms")
    extra = PPP_BYTES if line == PPP else 0
    assert bool(problems) == (keepalive_ms_min(baud, extra) > keepalive_ms)
    if problems:
        remedy = problems[0].partition("write ")[2]
        shortest, _, faster = remedy.partition(" or more")
        assert errors(f"{line}\nbaud {baud}\n{shortest}") == []
        if faster:
            assert errors(f"{line}\n{faster[5:]}\nkeepalive {keepalive_ms}ms") == []
