"""What is compared instead of the whole status leaves nothing of it out."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.core.snapshot import snapshot
from ultramonkey_heartbeat.sim.draw import draw
from ultramonkey_heartbeat.sim.integrity import state_of
from ultramonkey_heartbeat.sim.machine import Machine
from ultramonkey_heartbeat.sim.run import simulate
from world import World

# What an older message may change: that something came in, and over which link.
COUNTED = ("counters", "links", "problems", "healthy", "uptime_ms")


def told(node, now_ms):
    """What the node says of itself and of others, but for what is counted."""
    status = {name: value for name, value in snapshot(node, now_ms).items() if name not in COUNTED}
    nodes = [{name: value for name, value in item.items() if name not in COUNTED} for item in status["nodes"]]
    said = (node.phase, node.steward.reports(), node.switches.kept())
    peers = [
        (p.name, p.state, p.deaf, p.generation, p.last_heard_ms, p.deadtime_ms, p.report_raw)
        for p in node.membership.peers.values()
    ]
    return {**status, "nodes": nodes}, said, peers


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_no_status_changes_without_what_is_compared(seed, monkeypatch):
    give, changes = Machine.give, []

    def watched(machine, event):
        node, now_ms = machine.node, machine.local(machine._world.now_ms)
        begun = node is not None and node.next_deadline() is not None
        before = (told(node, now_ms), state_of(node, now_ms)) if begun else None
        give(machine, event)
        if before is None or machine.node is not node or node.next_deadline() is None:
            return
        if told(node, now_ms) != before[0]:
            assert state_of(node, now_ms) != before[1]
            changes.append(event)

    monkeypatch.setattr(Machine, "give", watched)
    assert not simulate(draw(seed, 3, 1000), until_ms=60_000).failed
    assert len(changes) > 100


def test_the_last_move_of_a_group_is_part_of_it():
    """It changes together with other parts, so that no run would tell if it were left out."""
    world = World()
    world.add_group("web", "alice")
    world.add_node("alice")
    world.add_node("bob")
    world.start("alice")
    node = world.hosts["alice"].node
    before = state_of(node, world.now_ms)
    node.steward.history.last["web"] = "another"
    assert state_of(node, world.now_ms) != before
