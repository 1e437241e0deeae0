"""How this node's messages are made: identity, numbering, stamps, and the history to repeat from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..config.model import HaCf, PppLink, SerialLink
from ..wire.brief import brief
from ..wire.message import Field, Message, binary, decimal, hexadecimal, string
from .effects import SendMessage
from .sequence import SendHistory

PROTOCOL_VERSION = 1
# Over slow lines, too, the whole status is said so often, for whoever hears us and is not heard.
FULL_EVERY_MS = 10_000


@dataclass(frozen=True)
class Identity:
    """Who this node is: its name, its uuid (16 bytes), and the generation it starts with.

    `nonce` (16 bits) is drawn for each run. Two machines that were given one name may also have one
    generation (it begins near the time of day), and a cloned machine has the uuid as well.
    """

    name: str
    uuid: bytes
    generation: int
    nonce: int = 0

    @property
    def incarnation(self) -> int:
        """Names this run of the daemon among all runs on all machines.

        It stays when the generation must rise while the daemon runs (see `Node`, waking).
        """
        return self.generation << 16 | self.nonce if self.nonce else self.generation


class Transmitter:
    """Makes and numbers the messages of one node."""

    def __init__(self, identity: Identity, ha: HaCf) -> None:
        self._name = string("src", identity.name)
        self._uuid = binary("srcuuid", identity.uuid)
        self.configure(ha)
        self._full_sent_ms = 0
        # Only slow links carry the brief form; to make it for nothing costs a tenth of a heartbeat.
        self._has_lines = any(isinstance(link, (SerialLink, PppLink)) for link in ha.links)
        # Two nodes have nobody to forward to.
        self._forwarded = len(ha.nodes) > 2  # noqa: PLR2004
        self._protocol = decimal("protocol", PROTOCOL_VERSION)
        self._kind = string("t", "status")
        self._words = {word: string("st", word) for word in ("init", "up", "active")}
        self.generation = identity.generation
        self._generation = hexadecimal("hg", identity.generation)
        self.wall_offset_ms = 0
        self.history = SendHistory()
        self.sent = 0

    def configure(self, ha: HaCf) -> None:
        """Say what this configuration says, from now on."""
        self._ttl = decimal("ttl", ha.hopfudge + len(ha.nodes) + len(ha.pings))
        self._deadtime = hexadecimal("dt", ha.deadtime_ms)

    def restart(self, generation: int) -> None:
        """Begin to number from 1 under a higher generation."""
        self.generation = generation
        self._generation = hexadecimal("hg", generation)
        self.history = SendHistory()

    def status(
        self, word: str, report: Sequence[Field], now_ms: int, *, may_be_brief: bool = False
    ) -> SendMessage:
        """A status message: `word` is init, up or active.

        `may_be_brief`: everybody was told this report, and understands the brief form.
        """
        own = (self._kind, self._words[word], self._deadtime, self._protocol, *report)
        sent = self._numbered(own, now_ms)
        if not (may_be_brief and self._has_lines) or now_ms - self._full_sent_ms >= FULL_EVERY_MS:
            self._full_sent_ms = now_ms
            return sent
        ttl = self._ttl if self._forwarded else None
        short = brief(self._name, self.history.last_seq, self.generation, report, ttl)
        return SendMessage(sent.message, brief=short)

    def say(self, own: list[Field], now_ms: int) -> SendMessage:
        """Any other numbered message."""
        return self._numbered(own, now_ms)

    def shutdone(self, now_ms: int) -> SendMessage:
        """All our resources are released, and we leave."""
        return self._numbered([string("t", "shutdone"), string("st", "dead")], now_ms)

    def ask_again(self, peer: str, seq: int, now_ms: int) -> SendMessage:
        """Ask a peer for one message. The numbers are decimal, as 3.0.6 has it."""
        own = [
            string("t", "NS_rexmit"),
            string("dest", peer),
            decimal("firstseq", seq),
            decimal("lastseq", seq),
        ]
        return self._unnumbered(own, now_ms)

    def ask_in_full(self, peer: str, now_ms: int) -> SendMessage:
        """Ask a peer for a full status: we do not have what its brief ones refresh."""
        return self._unnumbered([string("t", "NS_full"), string("dest", peer)], now_ms)

    def cannot_repeat(self, peer: str, seq: int, now_ms: int) -> SendMessage:
        """Tell a peer that a message it asked for is gone. The number is hex, as 3.0.6 has it."""
        own = [
            string("t", "NS_nak_rexmit"),
            hexadecimal("firstseq", seq),
            string("dest", peer),
            string("info", "no longer kept"),
        ]
        return self._unnumbered(own, now_ms)

    def acknowledge(self, peer: str, seq: int, now_ms: int) -> SendMessage:
        """Tell a 3.0.6 that all is received up to `seq`; it stops serving its own clients without."""
        own = [string("t", "NS_ackmsg"), string("dest", peer), hexadecimal("ackseq", seq)]
        return self._unnumbered(own, now_ms)

    def again(self, message: Message) -> SendMessage:
        """Send a remembered message once more, byte for byte."""
        self.sent += 1
        return SendMessage(message)

    def instead(self, seq: int, own: Sequence[Field], now_ms: int) -> SendMessage:
        """Answer a question for a message with what is true now, under the old number."""
        return self._unnumbered(own, now_ms, seq)

    def _numbered(self, own: Sequence[Field], now_ms: int) -> SendMessage:
        seq = self.history.next_seq()
        sent = self._unnumbered(own, now_ms, seq)
        self.history.remember(seq, sent.message)
        return sent

    def _unnumbered(self, own: Sequence[Field], now_ms: int, seq: int | None = None) -> SendMessage:
        self.sent += 1
        numbers = () if seq is None else (hexadecimal("seq", seq),)
        stamp = max(1, (self.wall_offset_ms + now_ms) // 1000)
        when = (self._generation, hexadecimal("ts", stamp), self._ttl)
        return SendMessage(Message((*own, self._name, self._uuid, *numbers, *when)))
