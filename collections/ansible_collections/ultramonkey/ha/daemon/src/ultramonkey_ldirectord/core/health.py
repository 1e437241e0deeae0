"""What is known of one server of one service: verdicts counted, and what somebody wishes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .table import Server


class Health(Enum):
    """What the checks say. Unknown until the first verdict."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


class Wish(Enum):
    """What an administrator says."""

    NORMAL = "normal"
    # No new connections; those there are go on.
    DRAIN = "drain"
    # As if it were down.
    MAINTENANCE = "maintenance"


@dataclass
class State:
    """One server of one service."""

    health: Health = Health.UNKNOWN
    failures: int = 0
    successes: int = 0
    reason: str = "not checked yet"
    since_ms: int = 0
    wish: Wish = Wish.NORMAL
    # A file in the maintenance directory names it.
    filed: bool = False
    # Instead of the configured weight.
    weight: int | None = None
    # As the kernel had it when we began; counts until the first verdict.
    adopted: Server | None = None

    @property
    def in_maintenance(self) -> bool:
        """Whether it is out whatever the checks say."""
        return self.filed or self.wish is Wish.MAINTENANCE

    def judge(self, now_ms: int, reason: str, *, ok: bool, failurecount: int, risecount: int) -> bool:
        """Count a verdict. True when the health changed by it.

        The first verdict of a server that is not in service counts at once; one that is in service, be it
        from before we began, has the failures that the configuration allows it.
        """
        self.successes = self.successes + 1 if ok else 0
        self.failures = 0 if ok else self.failures + 1
        in_service = self.health is Health.UP or (
            self.health is Health.UNKNOWN and self.adopted is not None and self.adopted.weight > 0
        )
        health = self.health
        if ok and (self.health is Health.UNKNOWN or self.successes >= risecount):
            health = Health.UP
        elif not ok and (not in_service or self.failures >= failurecount):
            health = Health.DOWN
        self.reason = reason
        changed = health is not self.health
        if changed:
            self.health = health
            self.since_ms = now_ms
            self.adopted = None
        return changed
