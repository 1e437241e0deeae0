"""What the simulated media do to frames."""

from __future__ import annotations

import random

import pytest
from ultramonkey_heartbeat.sim.network import Medium
from ultramonkey_heartbeat.sim.plan import MediumPlan

FRAME = b">>>\nt=status\nst=active\n<<<\n"


@pytest.mark.parametrize(("baud", "lengths"), [(0, {0}), (19_200, {0, -1})])
def test_a_serial_line_garbles_bytes_and_loses_them(baud, lengths):
    medium = Medium(MediumPlan("x", ("alice", "bob"), baud=baud, garble=1.0), random.Random(1))
    garbled = [medium.garbled(FRAME) for _ in range(50)]
    assert {len(frame) - len(FRAME) for frame in garbled} == lengths
    assert FRAME not in garbled


def test_a_serial_line_is_as_slow_as_its_bits_and_drops_what_waits_for_too_long():
    medium = Medium(MediumPlan("x", ("alice", "bob"), baud=19_200), random.Random(1))
    # 480 bytes of ten bits take a quarter of a second, and one millisecond is added.
    assert [list(medium.arrivals("alice", "bob", 480, 0)) for _ in range(5)] == [
        [251],
        [502],
        [753],
        [1004],
        [],
    ]


def test_where_there_is_mercy_silence_has_an_end_though_frames_are_spoilt_as_well():
    """One that is spoilt on the way was not heard (hbsim, seed 5413407)."""
    plan = MediumPlan("x", ("alice", "bob"), delay_ms=1, loss=0.5, garble=0.5, mercy_ms=700)
    medium = Medium(plan, random.Random(1))
    heard_ms = [0]
    for now_ms in range(0, 200_000, 250):
        spoilt = not medium.spares("alice", "bob", 100, now_ms) and medium.garbled(FRAME) is not None
        times = medium.arrivals("alice", "bob", 100, now_ms, spoilt=spoilt)
        heard_ms += [] if spoilt else times
    silences_ms = [later - sooner for sooner, later in zip(heard_ms, heard_ms[1:])]
    assert 700 < max(silences_ms) <= 700 + 250
