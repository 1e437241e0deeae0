"""What a checker is: an observer with an opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .observer import Observer
from .plan import Plan

if TYPE_CHECKING:
    from .world import World

# A checker that is violated once is often violated ever after.
NOTED_MAX = 3


class Violation(NamedTuple):
    """A promise that was broken. A tuple, because it travels from one process to another."""

    at_ms: int
    checker: str
    text: str

    def __str__(self) -> str:
        return f"{self.at_ms / 1000:.3f} s: {self.checker}: {self.text}"


class Checker(Observer):
    """An observer with an opinion."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self.plan = plan
        self.violations: list[Violation] = []

    def violated(self, text: str) -> None:
        """Note it; one of a kind is enough."""
        if len(self.violations) < NOTED_MAX:
            self.violations.append(Violation(self.world.now_ms, type(self).__name__, text))
