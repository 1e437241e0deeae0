"""Fewer faults, same failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .plan import Plan
from .run import simulate


def shrink(plan: Plan, progress: Callable[[int, int], None]) -> Plan | None:
    """The plan with as few of its faults as still break the same promise; None when it breaks none.

    Leaves out halves, quarters, and so on down to single faults, again and again until nothing can go.
    """
    wanted = simulate(plan).signature
    if not wanted:
        return None
    runs, size = 1, max(1, len(plan.faults) // 2)
    while True:
        before, start = len(plan.faults), 0
        while start < len(plan.faults):
            faults = plan.faults[:start] + plan.faults[start + size :]
            tried = replace(plan, faults=faults)
            runs += 1
            if simulate(tried).signature == wanted:
                plan = tried
                progress(runs, len(plan.faults))
            else:
                start += size
        if size == 1 and len(plan.faults) == before:
            return plan
        size = max(1, size // 2)
