"""How a node looks to one group: made from what it says of itself (`ownership` reads it)."""

from __future__ import annotations

from .membership import Peer, PeerState
from .ownership import Seat
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
