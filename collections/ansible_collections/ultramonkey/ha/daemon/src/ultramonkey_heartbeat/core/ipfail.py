"""What ipfail, a client of heartbeat 3.0.6, says to its like on the other node (docs/PROTOCOL.md, "R1").

Each tells the other how many ping nodes it sees (`num_ping_nodes`). Who sees more answers `you_are_dead`, and
who sees as many `abort_giveup`; who sees fewer, or is told that it does, gives everything away after two
keepalives, unless it hears otherwise. Among our own nodes the status says all that (`reach`).

When the ping node itself dies, both lose it, one a little earlier. So we say `you_are_dead` only when our own
ping nodes have answered since, and wait longer than ipfail before we give anything away.
"""

from __future__ import annotations

from collections.abc import Callable

from ..config.model import AutoFailback
from ..wire.message import Field, Message, decimal, string
from .membership import Peer, PeerState
from .parts import Part
from .pings import PingNodes, settle_ms

WORDS = ("num_ping_nodes", "you_are_dead", "abort_giveup", "query-cstatus")
_NAME = "ipfail"
# 3.0.6 notices a loss up to so much late; what it hears and says waits up to a keepalive, at most half a
# second.
_NOTICES_LATE_MS = 250
_REACTS_LATE_MS = 500
# Ping nodes answer once in a keepalive.
_LOOKS_IN_A_KEEPALIVE = 4


class Ipfail:
    """Our side of it, with one peer."""

    def __init__(
        self,
        pings: PingNodes,
        policy: AutoFailback,
        keepalive_ms: int,
        send: Callable[[list[Field]], None],
    ) -> None:
        self._pings = pings
        self._policy = policy
        self._keepalive_ms = keepalive_ms
        self._wait_ms = settle_ms(keepalive_ms) + _NOTICES_LATE_MS + 2 * min(keepalive_ms, _REACTS_LATE_MS)
        self._send = send
        # What the peer was told, and in which of its runs.
        self._told: tuple[int, int] | None = None
        # What is to be given away, and when.
        self._giving: tuple[Part, int] | None = None
        # The peer sees so many, fewer than we, since then; and when to look whether ours still answer.
        self._behind: tuple[int, int] | None = None
        self._look_at_ms = 0
        # Generation and number of the newest that the peer has said.
        self._newest = (0, 0)

    def tick(self, peer: Peer, held: Part, give: Callable[[Part, int], bool], now_ms: int) -> None:
        """Tell the peer what has changed, and give away what is due. `held` is what we hold."""
        reach = self._pings.reach()
        told = (len(reach.seen), peer.generation)
        # What is not known yet would count as not seen.
        if not reach.unknown and told != self._told and peer.state is PeerState.ACTIVE:
            self._told = told
            self._say("num_ping_nodes", peer.name, decimal("num_ping", told[0]))
        self._tell_who_is_behind(peer, now_ms)
        if self._giving is None or now_ms < self._giving[1]:
            return
        part = Part(self._giving[0] & held)
        self._giving = None
        if part and not give(part, now_ms):
            # Something else is being moved; afterwards.
            self._giving = (part, now_ms + self._keepalive_ms)

    def hear(self, message: Message, peer: Peer, now_ms: int) -> None:
        """Take in one of `WORDS`."""
        kind, number = message.text("t"), (peer.generation, message.hexadecimal("seq") or 0)
        if kind == "query-cstatus":
            self._answer_client(message, peer)
            return
        if number < self._newest:
            # It was lost, and comes late: what was said after it counts.
            return
        self._newest = number
        if kind == "you_are_dead":
            self._giving = (Part.ALL, now_ms + self._wait_ms)
        elif kind == "abort_giveup":
            self._giving = None
        elif kind == "num_ping_nodes":
            self._compare(message.decimal("num_ping") or 0, peer, now_ms)

    def _compare(self, theirs: int, peer: Peer, now_ms: int) -> None:
        ours = len(self._pings.reach().seen)
        self._behind = None
        if ours > theirs:
            self._giving = None
            self._behind, self._look_at_ms = (theirs, now_ms), now_ms
        elif ours < theirs:
            self._giving = (Part.ALL, now_ms + self._wait_ms)
        else:
            self._say("abort_giveup", peer.name)
            back = self._policy is AutoFailback.ON
            self._giving = (Part.FOREIGN, now_ms + self._wait_ms) if back else None

    def _tell_who_is_behind(self, peer: Peer, now_ms: int) -> None:
        if self._behind is None or now_ms < self._look_at_ms:
            return
        theirs, since_ms = self._behind
        self._look_at_ms = now_ms + self._keepalive_ms // _LOOKS_IN_A_KEEPALIVE
        if self._pings.answered_since(since_ms) > theirs:
            self._say("you_are_dead", peer.name)
            self._behind = None
        elif len(self._pings.reach().seen) <= theirs:
            # We have told so.
            self._behind = None

    def next_deadline(self) -> int | None:
        """When something is to be given away, or said."""
        instants = [] if self._giving is None else [self._giving[1]]
        if self._behind is not None:
            instants.append(self._look_at_ms)
        return min(instants, default=None)

    def forget(self) -> None:
        """The peer is gone."""
        self._told = self._giving = self._behind = None

    def _say(self, kind: str, peer: str, *more: Field) -> None:
        self._send(
            [
                string("t", kind),
                *more,
                string("dest", peer),
                string("from_id", _NAME),
                string("to_id", _NAME),
                decimal("client_gen", 0),
            ]
        )

    def _answer_client(self, message: Message, peer: Peer) -> None:
        """`cl_status clientstatus` on the other node: of our programs only ipfail is there, built in."""
        client, asker = message.text("cn") or "", message.text("from_id") or ""
        self._send(
            [
                string("t", "respond-cstatus"),
                string("dest", peer.name),
                string("result", "OK"),
                string("cn", client),
                string("to_id", asker),
                string("cs", "online" if client == _NAME else "offline"),
            ]
        )
