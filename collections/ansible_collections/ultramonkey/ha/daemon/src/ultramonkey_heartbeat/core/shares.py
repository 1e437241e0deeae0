"""Who of two nodes holds which part of the resources, as the conversation with a heartbeat 3.0.6 has it."""

from __future__ import annotations

from collections.abc import Sequence

from .assignment import Cause
from .parts import Part
from .steward import Steward


class Shares:
    """What we hold and what the peer holds, both seen from here, and the assignments that follow."""

    def __init__(self, steward: Steward, nodes: Sequence[str]) -> None:
        self._steward = steward
        self._peer = next((name for name in nodes if name != steward.me), "")
        self.peer_generation = 0
        self.mine = Part.NONE
        self.theirs = Part.NONE

    @property
    def overlap(self) -> Part:
        """What both claim."""
        return Part(self.mine & self.theirs)

    @property
    def free(self) -> Part:
        """What nobody holds."""
        return Part(Part.ALL & ~(self.mine | self.theirs))

    def take(self, part: Part, cause: Cause) -> None:
        """From now on we hold the part, too."""
        self.mine = Part(self.mine | part)
        self._steward.dictate(self.keys(part), self._steward.me, None, cause)

    def give_up(self, part: Part, cause: Cause) -> None:
        """From now on the part is the peer's."""
        self.mine = Part(self.mine & ~part)
        self._steward.dictate(self.keys(part), self._peer, self.peer_generation, cause)

    def keys(self, part: Part) -> tuple[str, ...]:
        """The groups of a part."""
        me = self._steward.me
        return tuple(
            key
            for key, local in self._steward.groups.items()
            if part & (Part.LOCAL if local.group.preferred == me else Part.FOREIGN)
        )

    def part_of(self, keys: Sequence[str]) -> Part | None:
        """The part that is exactly these groups, or None."""
        for part in (Part.LOCAL, Part.FOREIGN, Part.ALL):
            if set(self.keys(part)) == set(keys):
                return part
        return None
