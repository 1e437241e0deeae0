"""Who is to hold a group: a register that all nodes share by gossip.

For each group every node keeps one `Assignment` and puts it into each of its status messages. Whoever
may decide writes a new one with the next epoch; everybody adopts the greatest it hears. So a lost
message costs one heartbeat, a healed split is settled the same way on both sides, and nobody needs an
election. Rules of who may write are in `ownership`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """Why an assignment was made. The value travels on the wire and appears in status."""

    START = "start"
    TAKEOVER = "takeover"
    LEFT = "left"
    FAILBACK = "failback"
    REQUEST = "request"
    FAILED = "failed"
    CONFLICT = "conflict"
    # The owner saw fewer ping nodes than the one that it was given to.
    PING = "ping"
    # The owner stays; only the administrator's wish that it stay is void (the preferred node was away).
    UNPINNED = "unpinned"


@dataclass(frozen=True)
class Assignment:
    """`owner` shall hold the group; "" means nobody can.

    `incarnation` is the owner's run of the daemon: a daemon that was restarted holds nothing of what
    its predecessor was given.
    """

    epoch: int = 0
    owner: str = ""
    incarnation: int = 0
    cause: Cause = Cause.START

    @property
    def pinned(self) -> bool:
        """An administrator put the group here; auto_failback leaves it alone."""
        return self.cause is Cause.REQUEST


NOBODY = Assignment()


def candidates(preferred: str, nodes: Sequence[str]) -> tuple[str, ...]:
    """The nodes that may hold a group, best first: the preferred one, then in ha.cf order."""
    return (preferred, *(node for node in nodes if node != preferred))


def newest(ours: Assignment, theirs: Assignment, order: Sequence[str]) -> Assignment:
    """The one that counts: the higher epoch; at the same epoch the better candidate.

    Total and independent of the order of arguments, so that all nodes agree whatever they hear first.
    """
    return max(ours, theirs, key=lambda a: _rank(a, order))


def _rank(assignment: Assignment, order: Sequence[str]) -> tuple[int, int, int, str]:
    position = order.index(assignment.owner) if assignment.owner in order else len(order)
    return (assignment.epoch, -position, assignment.incarnation, assignment.cause.value)
