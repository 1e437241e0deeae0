"""Who is alive by what others say, though we do not hear it.

Another node that we hear may say that it hears it. Or we hear, after it fell silent here, that it was given a
group: then somebody was heard by somebody, further away than that, and it counts as alive for its dead time.
Else two nodes at the ends of a chain, that never hear each other, would take a group from each other as fast
as the news of it travels.
"""

from __future__ import annotations

from .groups import LocalGroup
from .membership import Membership


class Hearsay:
    """What is said of nodes that are not heard here; asked whenever the groups are looked at."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._heard_by_others: tuple[str, ...] = ()
        # When the first owner that lives by news will not do so any more.
        self.next_deadline: int | None = None

    def listen(self) -> None:
        """The groups are about to be looked at."""
        self._heard_by_others = self._membership.heard_by_others()
        self.next_deadline = None

    def owner_is_news(self, local: LocalGroup) -> bool:
        """What the owner last said, perhaps that it cannot hold the group, or goodbye, is older."""
        peer = self._membership.peers.get(local.assignment.owner)
        heard_ms = None if peer is None else peer.last_heard_ms
        return heard_ms is not None and heard_ms < local.assigned_at_ms

    def alive(self, local: LocalGroup, now_ms: int) -> tuple[str, ...]:
        """The nodes that count as alive where it is about this group."""
        peer = self._membership.peers.get(local.assignment.owner)
        # Beside a 3.0.6 nobody tells of assignments: we wrote it ourselves.
        if peer is None or peer.old:
            return self._heard_by_others
        if peer.last_heard_ms is not None and peer.last_heard_ms >= local.assigned_at_ms:
            return self._heard_by_others
        until_ms = local.assigned_at_ms + peer.deadtime_ms
        if now_ms >= until_ms:
            return self._heard_by_others
        self.next_deadline = until_ms if self.next_deadline is None else min(self.next_deadline, until_ms)
        return self._heard_by_others if peer.alive else (*self._heard_by_others, peer.name)
