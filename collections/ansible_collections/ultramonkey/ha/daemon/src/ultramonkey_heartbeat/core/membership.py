"""Who is there: per peer and per link, from nothing but what was heard and when.

A peer is alive while its status messages keep coming; it is dead when none came for the dead time that
the peer itself announced (`dt`), or for initdead when it was never heard. Only a *fresh* status counts:
a repeated or replayed one says nothing about now.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from ..wire.message import Field
from .notices import LateHeartbeat, NodeStateChanged, Notice, PeerLinkChanged
from .report import Phase, Report, Wish
from .sequence import ReceiveWindow

# A peer may announce any dead time; beyond a day it is a mistake, and we would wait for ever.
DEADTIME_MS_MAX = 86_400_000


class PeerState(Enum):
    """How a peer looks from here."""

    UNKNOWN = "unknown"
    JOINING = "joining"
    ACTIVE = "active"
    LEAVING = "leaving"
    LEFT = "left"
    DEAD = "dead"


_ALIVE = (PeerState.JOINING, PeerState.ACTIVE, PeerState.LEAVING)


@dataclass
class PeerLink:
    """How a peer is heard over one link of ours."""

    last_heard_ms: int
    up: bool = True


@dataclass
class Peer:
    """What is known of one other node."""

    name: str
    state: PeerState = PeerState.UNKNOWN
    uuid: bytes | None = None
    generation: int = 0
    window: ReceiveWindow | None = None
    # The sequence number of the newest status applied; an older one that arrives late changes nothing.
    status_seq: int = 0
    last_heard_ms: int | None = None
    deadtime_ms: int = 0
    report: Report | None = None
    # The um_ fields of that report as bytes: equal bytes need no second reading.
    report_raw: tuple[Field, ...] = ()
    alive_since_ms: int = 0
    # When it was last asked for a full status.
    asked_in_full_ms: int | None = None
    # It is alive, and has not heard us for a while: a cut in one direction.
    deaf: bool = False
    # True when its status carries no report of ours: heartbeat 3.0.6.
    old: bool = False
    # The generation in which a 3.0.6 said `shutdone`: its later status messages do not bring it back.
    departed: int = 0
    links: dict[str, PeerLink] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Heard within its dead time, and not gone by its own word."""
        return self.state in _ALIVE

    @property
    def incarnation(self) -> int:
        """Which run of its daemon this is; 0 when not known."""
        return self.report.incarnation if self.report else 0


class Membership:
    """All peers of this node, in ha.cf order."""

    def __init__(
        self, names: Sequence[str], deadtime_ms: int, warntime_ms: int, initdead_ms: int, now_ms: int
    ) -> None:
        self.peers: dict[str, Peer] = {name: Peer(name, deadtime_ms=deadtime_ms) for name in names}
        self._deadtime_ms = deadtime_ms
        self._warntime_ms = warntime_ms
        self._unknown_until_ms = now_ms + initdead_ms
        # Who was alive when we fell asleep and has not been heard since.
        self.awaited: set[str] = set()
        # What is read before that may have waited in the socket while we slept.
        self._awaited_from_ms = now_ms

    def configure(self, deadtime_ms: int, warntime_ms: int) -> None:
        """Go by other times from now on."""
        self._deadtime_ms, self._warntime_ms = deadtime_ms, warntime_ms

    def alive(self) -> list[Peer]:
        """The peers that are alive, in ha.cf order."""
        return [peer for peer in self.peers.values() if peer.alive]

    def wishes(self) -> list[Wish]:
        """What the others wish for."""
        return [wish for peer in self.alive() if peer.report is not None for wish in peer.report.wishes]

    def heard_by_others(self) -> tuple[str, ...]:
        """Whom the peers that are alive say that they hear."""
        reports = [peer.report for peer in self.alive() if peer.report is not None]
        return tuple(name for report in reports for name in report.hears)

    def last_sign_ms(self, name: str | None, now_ms: int) -> int:
        """When a peer that is dead was last heard; now, when it is not dead."""
        peer = self.peers.get(name or "")
        dead = peer is not None and peer.state is PeerState.DEAD
        return peer.last_heard_ms if dead and peer and peer.last_heard_ms is not None else now_ms

    def describe(self) -> str:
        """Who is there, in words."""
        states = [f"{peer.name} is {peer.state.value}" for peer in self.peers.values()]
        return ", ".join(states) or "no other node is configured"

    def known(self) -> bool:
        """Enough is known to take part: who holds what, or that nobody can tell.

        One active peer of our kind knows all assignments, and whom it hears: once we have heard those, too,
        nobody else can hold anything. Without one, every peer must have been heard, or have been silent
        for initdead.
        """
        unknown = {peer.name for peer in self.peers.values() if peer.state is PeerState.UNKNOWN}
        return not unknown or any(
            unknown.isdisjoint(peer.report.hears)
            for peer in self.peers.values()
            if peer.state is PeerState.ACTIVE and peer.report is not None and not peer.old
        )

    def everybody_can(self, what: str) -> bool:
        """Each other node, dead or alive, said last that it understands this."""
        return all(peer.report is not None and what in peer.report.can for peer in self.peers.values())

    def owing(self) -> list[tuple[str, ReceiveWindow]]:
        """Who is asked for what is missing, and what that is.

        Not one of us: what it says next is worth more than what was lost.
        """
        peers = self.peers.values()
        return [(peer.name, peer.window) for peer in peers if peer.old and peer.alive and peer.window]

    # -- what arrives ----------------------------------------------------------------------------

    def link_heard(self, peer: Peer, link: str, now_ms: int) -> list[Notice]:
        """Something of the peer, new or not, came in over the link."""
        known = peer.links.get(link)
        if known is None:
            peer.links[link] = PeerLink(now_ms)
            return [PeerLinkChanged(peer.name, link, up=True, silent_ms=0)]
        silent_ms = now_ms - known.last_heard_ms
        known.last_heard_ms = now_ms
        if known.up:
            return []
        known.up = True
        return [PeerLinkChanged(peer.name, link, up=True, silent_ms=silent_ms)]

    def new_generation(self, peer: Peer, generation: int, rng: random.Random, repeat_ms: int) -> None:
        """The peer speaks with a higher generation: what we knew of its numbering is void."""
        peer.generation = generation
        peer.window = ReceiveWindow(rng, repeat_ms)
        peer.status_seq = 0

    def status_heard(
        self, peer: Peer, deadtime_ms: int | None, state: PeerState, now_ms: int
    ) -> list[Notice]:
        """A fresh status of the peer: it lives, and this is its state."""
        notices: list[Notice] = []
        if peer.alive and peer.last_heard_ms is not None:
            silent_ms = now_ms - peer.last_heard_ms
            if silent_ms > self._warntime_ms:
                notices.append(LateHeartbeat(peer.name, silent_ms, peer.deadtime_ms))
        if deadtime_ms:
            peer.deadtime_ms = min(deadtime_ms, DEADTIME_MS_MAX)
        if not peer.alive:
            peer.alive_since_ms = now_ms
        reason = "first heard" if peer.state is PeerState.UNKNOWN else "it says so"
        if peer.state is PeerState.DEAD and peer.last_heard_ms is not None:
            reason = f"heard again after {now_ms - peer.last_heard_ms} ms"
        peer.last_heard_ms = now_ms
        if now_ms >= self._awaited_from_ms:
            self.awaited.discard(peer.name)
        return notices + self._become(peer, state, reason)

    def departed(self, peer: Peer) -> list[Notice]:
        """A 3.0.6 has released everything and leaves."""
        peer.departed = peer.generation
        self.awaited.discard(peer.name)
        return self._become(peer, PeerState.LEFT, "it says so")

    # -- what time does --------------------------------------------------------------------------

    def expire(self, now_ms: int) -> list[Notice]:
        """Declare dead whoever has been silent too long, and note links that went quiet."""
        notices: list[Notice] = []
        for peer in self.peers.values():
            at_ms = self._dead_at(peer)
            if at_ms is not None and now_ms >= at_ms:
                if peer.last_heard_ms is None:
                    reason = "never heard within initdead"
                else:
                    reason = (
                        f"silent for {now_ms - peer.last_heard_ms} ms, its deadtime is {peer.deadtime_ms} ms"
                    )
                self.awaited.discard(peer.name)
                notices += self._become(peer, PeerState.DEAD, reason)
            for name, link in peer.links.items():
                silent_ms = now_ms - link.last_heard_ms
                if link.up and silent_ms >= self._deadtime_ms:
                    link.up = False
                    notices.append(PeerLinkChanged(peer.name, name, up=False, silent_ms=silent_ms))
        return notices

    def next_deadline(self) -> int | None:
        """The earliest instant at which somebody must be declared dead."""
        earliest_ms = None
        for peer in self.peers.values():
            at_ms = self._dead_at(peer)
            if at_ms is not None and (earliest_ms is None or at_ms < earliest_ms):
                earliest_ms = at_ms
        return earliest_ms

    def discount(self, pause_ms: int) -> None:
        """We did not listen for so long: that time is nobody's silence."""
        self._unknown_until_ms += pause_ms
        for peer in self.alive():
            if peer.last_heard_ms is not None:
                peer.last_heard_ms += pause_ms

    def forgive_silence(self, now_ms: int, backlog_ms: int) -> None:
        """We did not listen until now: nobody's silence before this instant counts.

        For so long, what is read may be from before.
        """
        self._awaited_from_ms = now_ms + backlog_ms
        self._unknown_until_ms = max(self._unknown_until_ms, now_ms + self._deadtime_ms)
        for peer in self.alive():
            peer.last_heard_ms = now_ms
        self.awaited = {peer.name for peer in self.alive()}

    def _dead_at(self, peer: Peer) -> int | None:
        if peer.state is PeerState.UNKNOWN:
            return self._unknown_until_ms
        if peer.alive and peer.last_heard_ms is not None:
            return peer.last_heard_ms + peer.deadtime_ms
        return None

    @staticmethod
    def _become(peer: Peer, state: PeerState, reason: str) -> list[Notice]:
        old, peer.state = peer.state, state
        return [] if old is state else [NodeStateChanged(peer.name, old.value, state.value, reason)]


def old_state_from(peer: Peer, word: str) -> PeerState:
    """What the status of a 3.0.6 says of it, by its `st` word."""
    if peer.departed == peer.generation:
        return PeerState.LEFT
    return PeerState.ACTIVE if word == "active" else PeerState.JOINING


def state_from(report: Report) -> PeerState:
    """What a status of ours says of its sender."""
    if report.phase is Phase.LEAVING:
        gone = not any(group.state.runs for group in report.groups.values())
        return PeerState.LEFT if gone else PeerState.LEAVING
    return PeerState.ACTIVE if report.phase is Phase.ACTIVE else PeerState.JOINING
