"""What is older than what was read, or is not a message of ours, changes nothing but counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.snapshot import snapshot
from .checker import Checker

if TYPE_CHECKING:
    from .machine import Machine

# What may change in the daemon's status: that something came in, and over which link.
_COUNTED = ("counters", "links", "problems", "uptime_ms", "healthy")


class OlderChangesNothing(Checker):
    """A status that is older than the newest one read changes nothing but counters and links.

    Exactly: the same before and after are the daemon's own status of nodes and groups, what the daemon
    tells others of itself (phase, groups, switches), and what it holds of each other node (state, when it was
    heard, what it said), unless something was due at that instant anyway. Not beside a 3.0.6, which repeats
    what was lost.
    """

    def look(self, machine: Machine) -> Any:
        """What may not change while an older message is read; None when it is not to be judged."""
        node, now_ms = machine.node, machine.local(self.world.now_ms)
        deadline_ms = None if node is None else node.next_deadline()
        if node is None or self.plan.old or deadline_ms is None or deadline_ms <= now_ms:
            return None
        status = {name: value for name, value in snapshot(node, now_ms).items() if name not in _COUNTED}
        nodes = [
            {name: value for name, value in item.items() if name not in _COUNTED} for item in status["nodes"]
        ]
        said: dict[str, Any] = {
            **status,
            "nodes": nodes,
            "its phase": node.phase,
            "its groups": node.steward.reports(),
            "its switches": node.switches.kept(),
        }
        for name, peer in node.membership.peers.items():
            heard = (peer.generation, peer.last_heard_ms, peer.deadtime_ms, peer.report_raw)
            said[f"what it holds of {name}"] = (peer.state, peer.deaf, *heard)
        return said

    def judge(self, machine: Machine, before: Any) -> None:
        """The same after it was read."""
        after = self.look(machine) if before is not None else None
        if before is not None and after is not None and before != after:
            differ = [name for name in before if before[name] != after[name]]
            self.violated(f"an older status changes on {machine.name}: {', '.join(differ)}")
