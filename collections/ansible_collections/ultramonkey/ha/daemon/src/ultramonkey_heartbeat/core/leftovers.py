"""What may still run on nodes that are gone, by their last word.

A node could not stop a group, or left it running because it was under maintenance, and then fell silent: its
daemon was stopped, and whatever it had started may serve on. Nobody may start such a group until the node is
back, or an administrator has made sure that nothing of it runs there.
"""

from __future__ import annotations

from .membership import Membership, Peer
from .report import GroupState, Phase, Report
from .switches import maintained_by


class Leftovers:
    """Asks the last words of the nodes that are gone."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        # Node, run of its daemon and group that an administrator has vouched for.
        self._vouched: set[tuple[str, int, str]] = set()

    def of(self, key: str) -> list[Peer]:
        """The nodes that are gone and on which some of the group may run."""
        return [
            peer
            for peer in self._membership.peers.values()
            if peer.report is not None
            and (_left_running(peer.report, key) or _stuck(peer, peer.report, key))
            and (peer.name, peer.incarnation, key) not in self._vouched
        ]

    def vouch(self, key: str) -> list[str]:
        """An administrator has made sure that nothing of the group runs there; the nodes concerned."""
        gone = self.of(key)
        self._vouched.update((peer.name, peer.incarnation, key) for peer in gone)
        return [peer.name for peer in gone]

    def heard(self, peer: Peer) -> None:
        """A node that lives is heard: what was vouched for says nothing of what it does from now on."""
        if peer.alive:
            self._vouched = {vouched for vouched in self._vouched if vouched[0] != peer.name}


def _stuck(peer: Peer, report: Report, key: str) -> bool:
    """It could not stop the group, and is gone; as long as it lives, its state says so."""
    return not peer.alive and report.state(key) is GroupState.STUCK


def _left_running(report: Report, key: str) -> bool:
    """It has gone, or is just going, without stopping the group: that happens under maintenance only."""
    going = report.phase is Phase.LEAVING
    return going and report.state(key) is GroupState.HELD and maintained_by(report.switches, key)
