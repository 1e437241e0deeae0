"""What ipfail, a client of heartbeat 3.0.6, says to its like on the other node (docs/PROTOCOL.md, "R1").

Each tells the other how many ping nodes it sees (`num_ping_nodes`). Who sees more answers `you_are_dead`, and
who sees as many `abort_giveup`; who sees fewer, or is told that it does, gives everything away after two
keepalives, unless it hears otherwise. Among our own nodes the status says all that (`reach`).
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
        self._wait_ms = settle_ms(keepalive_ms)
        self._send = send
        # What the peer was told, and in which of its runs.
        self._told: tuple[int, int] | None = None
        # What is to be given away, and when.
        self._giving: tuple[Part, int] | None = None

    def tick(self, peer: Peer, held: Part, give: Callable[[Part, int], bool], now_ms: int) -> None:
        """Tell the peer what has changed, and give away what is due. `held` is what we hold."""
        reach = self._pings.reach()
        told = (len(reach.seen), peer.generation)
        # What is not known yet would count as not seen.
        if not reach.unknown and told != self._told and peer.state is PeerState.ACTIVE:
            self._told = told
            self._say("num_ping_nodes", peer.name, decimal("num_ping", told[0]))
        if self._giving is None or now_ms < self._giving[1]:
            return
        part = Part(self._giving[0] & held)
        self._giving = None
        if part and not give(part, now_ms):
            # Something else is being moved; afterwards.
            self._giving = (part, now_ms + self._keepalive_ms)

    def hear(self, message: Message, peer: Peer, now_ms: int) -> None:
        """Take in one of `WORDS`."""
        kind = message.text("t")
        if kind == "query-cstatus":
            self._answer_client(message, peer)
        elif kind == "you_are_dead":
            self._giving = (Part.ALL, now_ms + self._wait_ms)
        elif kind == "abort_giveup":
            self._giving = None
        elif kind == "num_ping_nodes":
            self._compare(message.decimal("num_ping") or 0, peer, now_ms)

    def _compare(self, theirs: int, peer: Peer, now_ms: int) -> None:
        ours = len(self._pings.reach().seen)
        if ours > theirs:
            self._giving = None
            self._say("you_are_dead", peer.name)
        elif ours < theirs:
            self._giving = (Part.ALL, now_ms + self._wait_ms)
        else:
            self._say("abort_giveup", peer.name)
            back = self._policy is AutoFailback.ON
            self._giving = (Part.FOREIGN, now_ms + self._wait_ms) if back else None

    def next_deadline(self) -> int | None:
        """When something is to be given away."""
        return None if self._giving is None else self._giving[1]

    def forget(self) -> None:
        """The peer is gone."""
        self._told = self._giving = None

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
