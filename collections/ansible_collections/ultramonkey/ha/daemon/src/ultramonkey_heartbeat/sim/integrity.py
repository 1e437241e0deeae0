"""What is older than what was read, or is not a message of ours, changes nothing but counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.node import Node
from .checker import Checker

if TYPE_CHECKING:
    from .machine import Machine

# The parts of `state_of`, in its order.
PARTS = ("phase", "generation", "configuration", "peers", "ping nodes", "groups", "maintenance", "standby")


def state_of(node: Node, now_ms: int) -> tuple[Any, ...]:
    """All that a daemon's status is made of, but for counters, links, and the problems found in both.

    Not the status itself: to write that twice for each older message took a quarter of a simulation's time.
    These are the values that it is made of, which never change themselves, so that they need not be copied.
    That nothing is forgotten here, a test shows: no status changes without this.
    """
    last_moves = node.steward.history.last
    return (
        node.phase,
        node.transmitter.generation,
        node.configuration,
        tuple(
            [
                (
                    *(peer.name, peer.state, peer.deaf, peer.old, peer.departed, peer.generation),
                    *(peer.last_heard_ms, peer.deadtime_ms, peer.alive_since_ms),
                    *(peer.report, peer.report_raw),
                )
                for peer in node.membership.peers.values()
            ]
        ),
        node.pings.describe(now_ms),
        tuple(
            [
                (
                    *(key, local.group, local.order, local.assignment, local.state, local.since_ms),
                    *(local.start_failed, local.adopted, local.retired, last_moves.get(key)),
                )
                for key, local in node.steward.groups.items()
            ]
        ),
        tuple(node.switches.maintenance.items()),
        tuple(node.switches.standby.items()),
    )


class OlderChangesNothing(Checker):
    """A status that is older than the newest one read changes nothing but counters and links.

    Exactly: the same before and after are the daemon's own status of nodes and groups, what the daemon
    tells others of itself (phase, groups, switches), and what it holds of each other node (state, when it was
    heard, what it said), unless something was due at that instant anyway. Not beside a 3.0.6, which repeats
    what was lost.
    """

    def reads_older(self, machine: Machine) -> tuple[Any, ...] | None:
        """What may not change while an older message is read; None when it is not to be judged."""
        node, now_ms = machine.node, machine.local(self.world.now_ms)
        deadline_ms = None if node is None else node.next_deadline()
        if node is None or self.plan.old or deadline_ms is None or deadline_ms <= now_ms:
            return None
        return state_of(node, now_ms)

    def has_read_older(self, machine: Machine, before: tuple[Any, ...]) -> None:
        """The same after it was read."""
        after = self.reads_older(machine)
        if after is not None and before != after:
            differ = [name for name, was, now in zip(PARTS, before, after) if was != now]
            self.violated(f"an older status changes on {machine.name}: {', '.join(differ)}")
