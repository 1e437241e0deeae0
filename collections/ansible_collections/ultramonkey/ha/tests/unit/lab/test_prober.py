"""What counts as an outage, and as an answer."""

from __future__ import annotations

import socket
import struct

import pytest
from lab.prober import Answers, checksum, echo_request, is_answer

GAP_CASES = [
    # answers at, since, now, (gap, last good before it, first good after it)
    ([], 10.0, 12.0, (2.0, None, None)),
    ([1.0, 1.5, 5.0, 5.5], 0.0, 5.6, (3.5, 1.5, 5.0)),
    # the answer before `since` belongs to the gap that `since` falls into
    ([1.0, 1.5, 5.0, 5.5], 2.0, 5.6, (3.5, 1.5, 5.0)),
    # a gap that was over by then does not count
    ([1.0, 1.5, 5.0, 5.5], 5.2, 5.6, (0.5, 5.0, 5.5)),
    # a gap that lasts counts up to now
    ([1.0, 1.5], 1.2, 9.0, (7.5, 1.5, None)),
]


@pytest.mark.parametrize(("at", "since", "now", "expected"), GAP_CASES)
def test_the_longest_gap(at, since, now, expected):
    answers = Answers()
    answers.at = at
    assert answers.longest_gap(since, now) == expected


def test_every_gap_that_has_ended_is_told_with_its_beginning():
    answers = Answers()
    answers.at = [1.0, 2.0, 2.01, 2.5]
    assert answers.gaps(0.0, 0.05) == [(1.0, 1.0), (2.01, pytest.approx(0.49))]
    assert answers.gaps(1.5, 0.05) == [(2.01, pytest.approx(0.49))]


def test_an_echo_request_has_a_checksum_that_sums_up_to_nothing():
    assert checksum(echo_request(0x1234, 0xFFFE)) == 0


def packet(kind=0, identifier=7, source="192.0.2.10"):
    header = bytes([0x45]) + bytes(11) + socket.inet_aton(source) + bytes(4)
    return header + struct.pack("!BBHHH", kind, 0, 0, identifier, 1)


def test_only_an_echo_reply_of_the_address_to_us_is_an_answer():
    assert is_answer(packet(), "192.0.2.10", 7)
    assert not is_answer(packet(kind=8), "192.0.2.10", 7)
    assert not is_answer(packet(identifier=8), "192.0.2.10", 7)
    assert not is_answer(packet(source="192.0.2.11"), "192.0.2.10", 7)
    assert not is_answer(packet()[:24], "192.0.2.10", 7)
