"""Passing messages on from one line to the next, so that more than two nodes can share serial lines.

A serial line joins two nodes. In a chain or a ring of them each node sends what it hears over one line on
over its others. heartbeat's documents draw such a ring; 3.0.6 forwards nothing. Media that reach everybody by
themselves are left out.

A message travels as far as its `ttl` says, which every node lowers, and is passed on by a node only once:
numbered ones by their number, whichever line brings the first copy; the few that have none end at the node
they are addressed to, or at their sender. The signature covers `ttl`, so who passes a message on signs it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..config.model import LinkConfig, PppLink, SerialLink
from ..wire.message import Message, decimal
from .effects import SendMessage


class Ring:
    """What one node passes on. `links` are all of its links, `nodes` all nodes."""

    def __init__(self, me: str, links: Sequence[LinkConfig], nodes: Sequence[str]) -> None:
        self._me = me
        lines = [link.name for link in links if isinstance(link, (SerialLink, PppLink))]
        # Two nodes with two lines have nobody else to tell.
        self._lines = tuple(lines) if len(nodes) > 2 else ()  # noqa: PLR2004
        # By sender: generation and number of the newest message that came over a line.
        self._newest: dict[str, tuple[int, int]] = {}
        self.forwarded = 0

    def pass_on(self, source: str, link: str, message: Message) -> SendMessage | None:
        """What to send because this verified message of `source` came over `link`."""
        if link not in self._lines:
            return None
        others = tuple(name for name in self._lines if name != link)
        if not others:
            return None
        ttl = message.decimal("ttl")
        if ttl is None or ttl <= 1 or self._is_mine(message) or not self._is_new(source, message):
            return None
        self.forwarded += 1
        return SendMessage(_with_ttl(message, ttl - 1), others)

    def _is_mine(self, message: Message) -> bool:
        return (message.text("dest") or "").lower() == self._me

    def _is_new(self, source: str, message: Message) -> bool:
        generation, seq = message.hexadecimal("hg"), message.hexadecimal("seq")
        if generation is None:
            return False
        if seq is None:
            # Addressed to one node; bounded by that, by its way back to the sender, and by ttl.
            return message.find("dest") is not None
        newest = self._newest.get(source, (0, 0))
        if (generation, seq) <= newest:
            return False
        self._newest[source] = (generation, seq)
        return True


def _with_ttl(message: Message, ttl: int) -> Message:
    """The same message, to be signed anew."""
    return Message(
        tuple(
            decimal("ttl", ttl) if field.name == "ttl" else field
            for field in message.fields
            if field.name != "auth"
        )
    )
