"""What arrives and is not acted upon: counted always, said once for each kind.

Whoever can send us datagrams could otherwise fill our log; and whoever can send us ever new kinds of
nonsense must not fill our memory, so that only so many kinds are remembered, and beyond them only counted.
"""

from __future__ import annotations

from typing import Callable

from .effects import Effect
from .notices import DuplicateName, FrameRejected, UnknownNode

KINDS_MAX = 64


class Complaints:
    """The complaints of one node, from its start."""

    def __init__(self, emit: Callable[[Effect], None]) -> None:
        # Frames that changed nothing.
        self.rejected = 0
        # Another machine speaks under our own name.
        self.duplicate_name = False
        self._emit = emit
        self._reasons: set[tuple[str, str]] = set()
        self._strangers: set[str] = set()

    def reject(self, link: str, reason: str) -> None:
        """A frame is malformed, not signed by us, or too old."""
        self.rejected += 1
        kind = (link, reason)
        if kind not in self._reasons and len(self._reasons) < KINDS_MAX:
            self._reasons.add(kind)
            self._emit(FrameRejected(link, reason))

    def stranger(self, name: str, link: str) -> None:
        """Somebody who is not a node of ours has our key."""
        self.rejected += 1
        if name not in self._strangers and len(self._strangers) < KINDS_MAX:
            self._strangers.add(name)
            self._emit(UnknownNode(name, link))

    def same_name(self, link: str) -> None:
        """Another machine has our name."""
        self.rejected += 1
        if not self.duplicate_name:
            self.duplicate_name = True
            self._emit(DuplicateName(link))
