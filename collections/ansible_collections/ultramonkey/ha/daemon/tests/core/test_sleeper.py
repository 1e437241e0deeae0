"""What a node makes of the messages that it finds when it wakes."""

from __future__ import annotations

import pytest
from world import World


def test_what_lay_in_the_socket_of_a_sleeper_does_not_answer_what_it_asks():
    """As the story "sleeper-asks-first", but a heartbeat of bob came in when alice slept already."""
    world = World()
    world.add_group("web", "bob")
    world.add_node("alice")
    world.add_node("bob")
    for host in world.hosts.values():
        host.fails["web", "start"] = "exit code 1"
        world.start(host.name)
    world.advance(10_000)
    for host in world.hosts.values():
        host.fails.clear()
    world.cuts.add(("bob", "alice"))
    world.freeze("alice", 26_000)
    world.advance(25_900)
    if world.holders("web") != ["bob"]:
        pytest.fail("the stage is not set")
    world.advance(600)
    assert world.holders("web") == ["bob"]
