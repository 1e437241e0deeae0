"""What we want a heartbeat 3.0.6 to give us: asked for until it begins to (docs/PROTOCOL.md, "R1")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..wire.message import Field
from . import phrases
from .parts import Part
from .shares import Shares
from .standby import PlannedMoves

# A 3.0.6 gives at once what prefers a node that returned, and what it is asked for; if it has not begun by
# then it has not noticed, and will not.
ASK_AGAIN_MS = 5000


@dataclass
class _Wish:
    """When to ask for it next, and when to ask no more (None: never)."""

    part: Part
    ask_at_ms: int
    until_ms: int | None
    anyway: bool


class Wanted:
    """One wish at a time: the newest.

    A 3.0.6 that is busy when we return forgets to give back what prefers us; and of what its programs
    write into its pipe at the same time it loses something now and then, a move asked for as well.
    """

    def __init__(self, shares: Shares, moves: PlannedMoves, send: Callable[[list[Field]], None]) -> None:
        self._shares = shares
        self._moves = moves
        self._send = send
        self._wish: _Wish | None = None

    def want(self, part: Part, ask_at_ms: int, until_ms: int | None = None, *, anyway: bool = False) -> None:
        """Ask for a part from that instant on; `anyway`: also if the peer does not say that it holds it."""
        self._wish = _Wish(part, ask_at_ms, until_ms, anyway)

    def forget(self) -> None:
        """There is nobody to ask."""
        self._wish = None

    @property
    def ask_at_ms(self) -> int | None:
        """When to ask next."""
        return None if self._wish is None else self._wish.ask_at_ms

    def step(self, now_ms: int, *, settled: bool) -> None:
        """Ask if it is time, until the peer begins to give."""
        wish = self._wish
        if wish is None:
            return
        part = self._missing(wish)
        over = wish.until_ms is not None and now_ms >= wish.until_ms
        if self._moves.under_way or not part or over:
            self._wish = None
        elif now_ms >= wish.ask_at_ms and settled:
            wish.ask_at_ms = now_ms + ASK_AGAIN_MS
            # It maps the word back: local of the asker is foreign of the giver.
            self._send(phrases.hb_takeover(part))

    def stands(self, word: str) -> bool:
        """Whether we would still ask for this."""
        return self._wish is not None and word == self._missing(self._wish).word

    def _missing(self, wish: _Wish) -> Part:
        return wish.part if wish.anyway else Part(wish.part & self._shares.theirs)
