"""How a node looks to one group: made from what it says of itself (`ownership` reads it)."""

from __future__ import annotations

from .assignment import Cause
from .groups import LocalGroup
from .membership import Peer, PeerState
from .ownership import Seat
from .pings import Comparison
from .report import GroupState, Phase

_UNABLE = (GroupState.FAILED, GroupState.STUCK)


def own_seat(name: str, incarnation: int, state: GroupState, phase: Phase, *, on_standby: bool) -> Seat:
    """This node's seat."""
    return Seat(
        name,
        incarnation,
        eligible=phase is Phase.ACTIVE and state not in _UNABLE and not on_standby,
        joining=phase is Phase.JOINING,
        leaving=phase is Phase.LEAVING,
        state=state,
        heard=True,
        hears_us=True,
        deaf=False,
    )


def peer_seat(peer: Peer, key: str, me: str, *, on_standby: bool) -> Seat:
    """Another node's seat."""
    state = peer.report.state(key) if peer.alive and peer.report is not None else GroupState.IDLE
    able = state not in _UNABLE and not on_standby
    return Seat(
        peer.name,
        peer.incarnation,
        eligible=peer.state is PeerState.ACTIVE and not peer.old and able,
        joining=peer.state is PeerState.JOINING,
        leaving=peer.state in (PeerState.LEAVING, PeerState.LEFT),
        state=state,
        heard=peer.alive,
        hears_us=peer.report is not None and me in peer.report.hears,
        deaf=peer.alive and peer.deaf,
    )


def with_reach(seat: Seat, local: LocalGroup, comparison: Comparison, me: str) -> Seat:
    """The seat with what is known of its ping nodes."""
    if seat.name == me:
        return seat._replace(reach=comparison.ours)
    since_ms = comparison.more_since(seat.name)
    # What an administrator moved here although we saw fewer stays until that is over.
    # That it need not stay when the preferred node is back (unpinned) makes no difference to that.
    asked = local.assignment.cause in (Cause.REQUEST, Cause.UNPINNED)
    meant = asked and since_ms is not None and local.assigned_at_ms >= since_ms
    return seat._replace(
        reach=comparison.reach(seat.name),
        sees_more=since_ms is not None and not meant,
        sees_fewer=comparison.fewer(seat.name),
    )
