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
