"""A planned move between us and a heartbeat 3.0.6, step by step (docs/PROTOCOL.md, "R1")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .parts import Part

# 3.0.6 waits so long for `other`, then returns to normal.
OTHER_WITHIN_MS = 10_000
# ... and so long for `done`: scripts may be slow.
DONE_WITHIN_MS = 3_600_000


class Step(Enum):
    """What a standby waits for."""

    OTHER = "the taker's consent"
    STOPPED = "our stops"
    TAKEN = "the taker's starts"
    DONE = "the giver's stops"
    STARTED = "our starts"


@dataclass
class Standby:
    """A planned move under way. `part` is seen from here, whoever gives."""

    giving: bool
    part: Part
    step: Step
    deadline_ms: int

    @property
    def word(self) -> str:
        """As the messages of both sides have it: seen from the giver."""
        return (self.part if self.giving else self.part.mirrored).word
