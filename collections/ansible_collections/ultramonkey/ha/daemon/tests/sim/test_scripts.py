"""The scripts of a simulated machine go no further than its daemon does."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.sim.machine import Host, Machine


class Surroundings(Host):
    """A world with nothing in it but time."""

    def __init__(self):
        self.due = []

    def later(self, delay_ms, act):
        del delay_ms
        self.due.append(act)

    def ran(self, machine, key, what):
        del machine, key, what

    def changed(self, machine, what):
        del machine, what

    def passes(self):
        while self.due:
            self.due.pop(0)()


@pytest.fixture
def world():
    return Surroundings()


@pytest.mark.parametrize("ends", ["end", "crash"])
def test_what_was_being_stopped_when_the_daemon_ended_is_left_behind(world, ends):
    """A daemon may end while it tries again to stop what it could not (hbsim, seed 4107863)."""
    machine = Machine("alice", 0, world, 0)
    machine.scripts.start("web")
    world.passes()
    assert machine.scripts.running == {"web": "held"}
    machine.scripts.stop("web")
    getattr(machine, ends)()
    world.passes()
    assert machine.scripts.running == {"web": "debris"}
