"""What arrives and is not acted upon: counted always, said once for each kind.

Whoever can send us datagrams could otherwise fill our log; and whoever can send us ever new kinds of
nonsense must not fill our memory, so that only so many kinds are remembered, and beyond them only counted.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Callable

from ..wire.errors import AuthenticationError, WireError
from .effects import Effect
from .notices import DuplicateName, FrameRejected, UnknownNode

KINDS_MAX = 64


class Complaints:
    """The complaints of one node, from its start."""

    def __init__(self, emit: Callable[[Effect], None]) -> None:
        # Frames that changed nothing.
        self.rejected = 0
        # Of these, by link, the frames that could not be read or verified: damage, or a wrong key.
        self.damaged: dict[str, int] = {}
        # Another machine speaks under our own name.
        self.duplicate_name = False
        self._emit = emit
        self._kinds: set[tuple[str, str]] = set()
        self._strangers: set[str] = set()

    def frame(self, link: str, error: WireError, names: Container[str]) -> None:
        """A frame could not be read, or is not signed by us. `names` are those of the peers.

        Each kind of fault is said once, and again for each peer that the frame claims to come from: the
        bytes at fault are new in every frame of somebody who tries.
        """
        self.damaged[link] = self.damaged.get(link, 0) + 1
        claimed = error.claimed_source if isinstance(error, AuthenticationError) else None
        source = (claimed or "").lower()
        if source in names:
            self._say(
                link, f"{error}; it says that it comes from {source}", f"{type(error).__name__} {source}"
            )
        else:
            self._say(link, str(error), type(error).__name__)

    def reject(self, link: str, reason: str) -> None:
        """A message of a peer is not to be acted upon."""
        self._say(link, reason, reason)

    def _say(self, link: str, reason: str, kind: str) -> None:
        self.rejected += 1
        if (link, kind) not in self._kinds and len(self._kinds) < KINDS_MAX:
            self._kinds.add((link, kind))
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
