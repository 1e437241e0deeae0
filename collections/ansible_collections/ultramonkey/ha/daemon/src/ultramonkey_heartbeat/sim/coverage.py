"""Which rules of docs/PROTOCOL.md were applied in a run, seen from the lines of the log.

Names are those of the table "Ownership" there, of what a node does with a group, and of the conversation with
3.0.6. What no run ever did is listed by `hbsim`: a simulator that does not get there proves nothing about it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..core import notices as n
from ..core.assignment import Cause
from .observer import Observer
from .plan import Plan

if TYPE_CHECKING:
    from .machine import Machine

OWNERSHIP = (
    "conflict: the preferred node keeps it",
    "conflict: given to a rival that does not hear us",
    "left: the owner gives it to the next",
    "left: the owner finds nobody",
    "left: the next takes it from one that has left",
    "start: the first owner",
    "takeover: from one that is dead",
    "takeover: from one that was restarted",
    "takeover: by its own restarted daemon",
    "takeover: nobody had it",
    "failed: the next takes what could not be started",
    "request: a wish is granted",
    "unpinned: the preferred node is away",
    "failback: to the preferred node",
    "ping: to a node that sees more",
)
ACTING = (
    "started",
    "stopped",
    "start failed",
    "stop failed",
    "superseded while serving",
    "a rival is seen, and gives way",
    "a rival is seen, and keeps it",
    "announced after a conflict",
    "address put back",
    "slept, and asks",
    "became active",
    "late heartbeat",
    "left",
    "maintenance or standby switched",
    "left alone under maintenance",
    "cleaned up",
)
ROWS = (*OWNERSHIP, *ACTING)


class Coverage(Observer):
    """Counts rows."""

    def __init__(self, plan: Plan) -> None:
        self.rules: Counter[str] = Counter()
        self._plan = plan

    def noticed(self, machine: Machine, notice: n.Notice) -> None:
        if isinstance(notice, n.Assigned):
            if machine.node is not None and machine.name not in self._plan.old:
                self.rules[_row(machine, notice)] += 1
        elif isinstance(notice, n.ConflictSeen):
            self.rules["a rival is seen, and " + ("gives way" if notice.keep else "keeps it")] += 1
        elif isinstance(notice, n.GroupFailed):
            self.rules[f"{notice.operation} failed"] += 1
        else:
            row = _SIMPLE.get(type(notice))
            if row is not None:
                self.rules[row] += 1

    def announced(self, machine: Machine, key: str) -> None:
        self.rules["announced after a conflict"] += 1

    def changed(self, machine: Machine, what: str) -> None:
        if what == "daemon ends":
            self.rules["left"] += 1


_SIMPLE = {
    n.GroupStarted: "started",
    n.GroupStopped: "stopped",
    n.Superseded: "superseded while serving",
    n.AddressReturned: "address put back",
    n.Slept: "slept, and asks",
    n.BecameActive: "became active",
    n.LateHeartbeat: "late heartbeat",
    n.SwitchTurned: "maintenance or standby switched",
    n.LeftAlone: "left alone under maintenance",
    n.CleanedUp: "cleaned up",
}


def _row(machine: Machine, notice: n.Assigned) -> str:
    old, new, me = notice.old, notice.new, machine.name
    if new.cause is Cause.CONFLICT:
        return OWNERSHIP[0] if new.owner == me else OWNERSHIP[1]
    if new.cause is Cause.LEFT:
        if new.owner == me:
            return OWNERSHIP[4]
        return OWNERSHIP[2] if new.owner else OWNERSHIP[3]
    if new.cause is Cause.START:
        return OWNERSHIP[5]
    if new.cause is Cause.TAKEOVER:
        if not old.owner:
            return OWNERSHIP[9]
        if old.owner == me:
            return OWNERSHIP[8]
        node = machine.node
        peer = node.membership.peers.get(old.owner) if node is not None else None
        return OWNERSHIP[7] if peer is not None and peer.alive else OWNERSHIP[6]
    return {
        Cause.FAILED: OWNERSHIP[10],
        Cause.REQUEST: OWNERSHIP[11],
        Cause.UNPINNED: OWNERSHIP[12],
        Cause.FAILBACK: OWNERSHIP[13],
        Cause.PING: OWNERSHIP[14],
    }[new.cause]
