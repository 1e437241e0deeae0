"""When heartbeats go out."""

from __future__ import annotations

import pytest
from world import World


def beats(keepalive_ms, head_start_ms, duration_ms):
    """When each of two nodes sent, in a calm cluster in which bob began later than alice."""
    world, sent = World(keepalive_ms=keepalive_ms, deadtime_ms=5 * keepalive_ms), {"alice": [], "bob": []}
    for name in sent:
        world.add_node(name)
    world.start("alice")
    world.advance(head_start_ms)
    world.start("bob")
    world.advance(10 * keepalive_ms)
    send = world._send
    world._send = lambda host, message: (sent[host.name].append(world.now_ms), send(host, message))
    world.advance(duration_ms)
    return sent


@pytest.mark.parametrize("head_start_ms", range(3, 100, 8))
def test_at_short_keepalives_the_beats_go_out_together(head_start_ms):
    sent = beats(keepalive_ms=100, head_start_ms=head_start_ms, duration_ms=1000)
    # One millisecond is the way; 99 is that with alice as the second.
    assert {(b - a) % 100 for a, b in zip(sent["alice"], sent["bob"])} <= {0, 1, 99}


def test_nobody_beats_faster_for_it():
    for head_start_ms in range(0, 100, 7):
        for times in beats(keepalive_ms=100, head_start_ms=head_start_ms, duration_ms=2000).values():
            assert {after - before for before, after in zip(times, times[1:])} == {100}


def test_at_long_keepalives_each_keeps_its_own_beat():
    sent = beats(keepalive_ms=1000, head_start_ms=200, duration_ms=5000)
    assert [b - a for a, b in zip(sent["alice"], sent["bob"])] == [200] * 5
