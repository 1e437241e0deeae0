"""The resource groups as this node knows them: the assignment, and what runs here.

`LocalGroup` is a small state machine. Rule 1: a state changes only in `_TRANSITIONS`. Rule 2: whoever
asks for a transition that is not there has a bug, and hears of it at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..config.model import Group
from .assignment import NOBODY, Assignment
from .report import GroupState

# A start that failed everywhere is tried again after this time, and so is a stop that failed: what was
# wrong may have been put right, and nobody should have to restart a daemon for that.
RETRY_MS = 30_000

_S = GroupState
_TRANSITIONS: Mapping[GroupState, frozenset[GroupState]] = {
    _S.IDLE: frozenset((_S.STARTING,)),
    _S.STARTING: frozenset((_S.HELD, _S.STOPPING, _S.FAILED, _S.STUCK)),
    _S.HELD: frozenset((_S.STOPPING, _S.FAILED, _S.STUCK)),
    _S.STOPPING: frozenset((_S.IDLE, _S.STUCK, _S.FAILED)),
    _S.FAILED: frozenset((_S.IDLE,)),
    _S.STUCK: frozenset((_S.IDLE, _S.FAILED, _S.STUCK)),
}


@dataclass
class LocalGroup:
    """One group on this node."""

    group: Group
    # Who may hold it, best first.
    order: tuple[str, ...]
    assignment: Assignment = NOBODY
    state: GroupState = GroupState.IDLE
    since_ms: int = 0
    # When the assignment was written or heard of.
    assigned_at_ms: int = 0
    # The last start failed; remembered while what it left is being stopped.
    start_failed: bool = False
    # The daemon before this one left it running.
    adopted: bool = False
    # It is no longer configured: stopped, and then forgotten.
    retired: bool = False

    def become(self, state: GroupState, now_ms: int) -> None:
        """Take the transition, or raise when there is none."""
        if state not in _TRANSITIONS[self.state]:
            raise ValueError(f"{self.group.key}: no transition from {self.state.value} to {state.value}")
        self.state = state
        self.since_ms = now_ms
        self.adopted = False

    @property
    def retry_at_ms(self) -> int | None:
        """When a failure is to be tried again, or None."""
        return self.since_ms + RETRY_MS if self.state in (_S.FAILED, _S.STUCK) else None


@dataclass(frozen=True)
class Move:
    """The last time that a group changed its holder, as this node saw it."""

    source: str | None
    target: str
    reason: str
    # From the last sign of the old holder to the first of the new one; None when no gap was seen.
    without_holder_ms: int | None
    at_ms: int


class HolderHistory:
    """Watches who holds each group, and measures the time in which nobody does."""

    def __init__(self) -> None:
        self._holder: dict[str, str | None] = {}
        self._lost_at_ms: dict[str, int] = {}
        self._lost_from: dict[str, str] = {}
        self.last: dict[str, Move] = {}

    def observe(self, key: str, holder: str | None, reason: str, now_ms: int, lost_at_ms: int) -> Move | None:
        """Say who holds the group now; the move, when it is another than before.

        `lost_at_ms` is when a holder that is no more was last known to be.
        """
        before = self._holder.get(key)
        if holder == before:
            return None
        self._holder[key] = holder
        if holder is None:
            self._lost_at_ms[key] = lost_at_ms
            if before is not None:
                self._lost_from[key] = before
            return None
        source = before or self._lost_from.pop(key, None)
        lost = self._lost_at_ms.pop(key, None)
        gap_ms = None if lost is None or source is None else now_ms - lost
        self.last[key] = move = Move(source, holder, reason, gap_ms, now_ms)
        return move

    def holder(self, key: str) -> str | None:
        """Who held the group when it was last looked at."""
        return self._holder.get(key)

    def describe(self, key: str, now_ms: int) -> dict[str, Any] | None:
        """The last move as docs/CONTROL.md shows it, or None."""
        move = self.last.get(key)
        if move is None:
            return None
        return {
            "from": move.source,
            "to": move.target,
            "reason": move.reason,
            "without_holder_ms": move.without_holder_ms,
            "age_ms": now_ms - move.at_ms,
        }
