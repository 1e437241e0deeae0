"""A report that nobody waits for any more."""

from __future__ import annotations

from ultramonkey_heartbeat.core import events as ev
from world import World


def test_the_second_of_two_stops_changes_nothing():
    """A failed stop was just being tried again when somebody cleaned up: found by simulation."""
    world = World()
    for name in ("alice", "bob"):
        world.add_node(name)
    world.add_group("web", "alice")
    world.start("alice")
    world.start("bob")
    world.advance(2000)
    world.move("alice", ["web"], "bob")
    world.advance(2000)
    assert world.holders("web") == ["bob"]
    world.give(world.hosts["alice"], ev.ResourceFinished("web", "stop", ok=True, reason="", clean=True))
    world.advance(2000)
    assert world.holders("web") == ["bob"]
