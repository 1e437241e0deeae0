"""The resource conversation of heartbeat 3.0.6 under `auto_failback legacy`.

Each node always holds its own groups. Whoever begins to live asks the other for each of its own
(`ip-request`); the other stops the group if it runs there, and answers in any case (`ip-request-resp`);
the asker then starts it. Nobody says what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..wire.message import Field, Message, string
from .assignment import NOBODY, Cause
from .membership import Peer, PeerState
from .report import GroupReport, GroupState
from .steward import Steward

# A request is repeated until answered: it may have been lost. Each time later than before: the peer starts a
# script for every one, one after the other; if it is busy or our groups are many, it would do nothing else.
REQUEST_INTERVAL_MS = 1000
REQUEST_INTERVAL_MAX_MS = 16_000
# A peer that has become active asks for its own groups at once. One that has not done so by then holds them
# already (it started them while it was giving up, and asks only for what does not run), or its question was
# lost.
UNASKED_MS = 5000


class Legacy:
    """Our side of it, with one peer."""

    def __init__(self, steward: Steward, send: Callable[[list[Field]], None]) -> None:
        self._steward = steward
        self._send = send
        # Groups of ours that the peer has not yet said it does not hold.
        self._unconfirmed: list[str] = []
        self._requested_at_ms: int | None = None
        self._interval_ms = 0
        # Generation and number of the newest that the peer had said when we met.
        self._met_after = (0, 0)
        # Groups of the peer's, to be answered for as soon as they have stopped here.
        self._answers_due: list[str] = []
        # What it was told, and may have missed: it asks once.
        self._answered: list[str] = []
        # Groups of the peer's of which it was told nothing since we met: it asks once, perhaps before that.
        self._untold: list[str] = []
        # Since when the peer has been active while we hold groups of its own, or it was told nothing of them.
        self._unasked_since_ms: int | None = None

    def meet(self, peer: Peer, *, unnoticed: bool) -> None:
        """The peer is heard, for the first time or again.

        `unnoticed`: it has lived on while we believed it dead, so it may hold all that we hold.
        """
        # A new generation of ours has no memory of what an answer under the old one became. (What is said
        # before the peer knows the generation is lost for good: it is said once more, as what is untold.)
        self._answers_due += [key for key in self._answered if key not in self._answers_due]
        self._unconfirmed = list(self._keys(mine=True))
        self._requested_at_ms, self._interval_ms = None, 0
        self._met_after = (peer.generation, peer.window.newest if peer.window is not None else 0)
        self._untold = list(self._keys(mine=False))
        foreign = [key for key in self._untold if unnoticed or not self._steward.owns(key)]
        self._steward.dictate(foreign, peer.name, peer.generation, Cause.FAILBACK)

    def forget(self) -> None:
        """The peer is gone, and nobody waits for an answer."""
        self._unconfirmed.clear()
        self._answers_due.clear()
        self._answered.clear()
        self._untold.clear()
        self._unasked_since_ms = None

    def tick(self, peer: Peer, now_ms: int) -> None:
        """Ask for what is ours, and answer for what has stopped."""
        due = self._requested_at_ms is None or now_ms - self._requested_at_ms >= self._interval_ms
        if self._unconfirmed and due and peer.state is PeerState.ACTIVE:
            self._requested_at_ms = now_ms
            self._interval_ms = min(max(2 * self._interval_ms, REQUEST_INTERVAL_MS), REQUEST_INTERVAL_MAX_MS)
            for key in self._unconfirmed:
                self._send([string("t", "ip-request"), string("ipaddr", key)])
        self.answer_stopped(peer)
        self._give_unasked(peer, now_ms)

    def answer_stopped(self, peer: Peer) -> None:
        """Answer for what the peer has asked for and has stopped here."""
        for key in list(self._answers_due):
            if not self._steward.groups[key].state.runs:
                self._answers_due.remove(key)
                self._answer(key, peer.name, held=True)

    def _give_unasked(self, peer: Peer, now_ms: int) -> None:
        """Give the peer its own groups when it has not asked for them: each node holds its own, always."""
        kept = [key for key in self._keys(mine=False) if self._steward.owns(key) or key in self._untold]
        if not kept or peer.state is not PeerState.ACTIVE:
            self._unasked_since_ms = None
        elif self._unasked_since_ms is None:
            self._unasked_since_ms = now_ms
        elif now_ms - self._unasked_since_ms >= UNASKED_MS:
            self._unasked_since_ms = None
            for key in kept:
                self._give(key, peer)

    def _give(self, key: str, peer: Peer) -> None:
        """The group is the peer's from now on; it is told as soon as it has stopped here."""
        if key in self._untold:
            self._untold.remove(key)
        self._steward.dictate((key,), peer.name, peer.generation, Cause.FAILBACK)
        if self._steward.groups[key].state.runs:
            self._answers_due.append(key)
        else:
            self._answer(key, peer.name, held=False)

    def next_deadline(self) -> int | None:
        """When a request is next to be repeated, or what was not asked for is to be given."""
        instants = []
        if self._unconfirmed and self._requested_at_ms is not None:
            instants.append(self._requested_at_ms + self._interval_ms)
        if self._unasked_since_ms is not None:
            instants.append(self._unasked_since_ms + UNASKED_MS)
        return min(instants, default=None)

    def hear(self, message: Message, peer: Peer) -> None:
        """Take in a request or an answer."""
        key = message.text("ipaddr") or ""
        local = self._steward.groups.get(key)
        if local is None:
            return
        if message.text("t") == "ip-request-resp":
            # What 3.0.6 answers to itself comes by here, too, and is about its own groups. An answer that had
            # been lost, and comes late, is older than what the peer may have taken since.
            number = (peer.generation, message.hexadecimal("seq") or 0)
            if key in self._unconfirmed and message.text("ok") == "OK" and number > self._met_after:
                self._unconfirmed.remove(key)
                self._steward.dictate((key,), self._steward.me, None, Cause.FAILBACK)
        elif local.group.preferred != self._steward.me:
            self._give(key, peer)

    def held_by(self, peer: Peer) -> dict[str, GroupReport]:
        """What the peer would report, were it one of ours."""
        return {
            key: GroupReport(NOBODY, GroupState.HELD)
            for key, local in self._steward.groups.items()
            if local.assignment.owner == peer.name
        }

    def _answer(self, key: str, peer: str, *, held: bool) -> None:
        if key not in self._answered:
            self._answered.append(key)
        self._send(
            [
                string("t", "ip-request-resp"),
                string("dest", peer),
                string("ipaddr", key),
                string("weown", "yes" if held else "no"),
                string("ok", "OK"),
            ]
        )

    def _keys(self, *, mine: bool) -> Sequence[str]:
        me = self._steward.me
        return [key for key, local in self._steward.groups.items() if (local.group.preferred == me) is mine]
