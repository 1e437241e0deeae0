"""When checks are made: a task for each, none of which waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from random import Random
from typing import Callable

from ..checks.checker import Checker
from ..checks.outcome import Outcome
from ..core.probe import Probe

# The first checks begin within this time, so that a thousand do not begin at once.
START_SPREAD_S = 0.1
# On a node that only stands by, checks are made this much more rarely.
STANDBY_FACTOR = 2
# After a check that took longer than the interval, the next one begins after this part of it.
_PAUSE = 0.1

Verdict = Callable[[Probe, Outcome], None]


class Schedule:
    """Makes checks again and again, and tells each verdict."""

    def __init__(self, checker: Checker, verdict: Verdict, random: Random) -> None:
        self._checker = checker
        self._verdict = verdict
        self._random = random
        self._tasks: dict[Probe, asyncio.Task[None]] = {}
        self.standby = False
        self.performed = 0

    def set(self, probes: Collection[Probe]) -> None:
        """These are the checks from now on. What was checked before and still is goes on undisturbed."""
        for probe in [probe for probe in self._tasks if probe not in probes]:
            self._tasks.pop(probe).cancel()
        for probe in probes:
            if probe not in self._tasks:
                self._tasks[probe] = asyncio.create_task(self._repeat(probe))

    async def stop(self) -> None:
        """End all checks."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, probe: Probe) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._random.uniform(0, min(START_SPREAD_S, probe.interval_ms / 1000)))
        # The second checks are spread over the whole interval; the later ones keep their distance, counted
        # from when the one before was due: what delayed that one must not delay all others.
        phase = self._random.uniform(0.1, 1)
        due_at = loop.time()
        connects = 0
        # Asked for anew each time: before Python 3.12 a check that ends just then can lose the cancellation.
        while self._tasks.get(probe) is asyncio.current_task():
            only_connect = connects > 0
            outcome = await self._checker.perform(probe, only_connect=only_connect)
            self.performed += 1
            # A combined check negotiates first, then connects some times; after a failure it negotiates.
            connects = (connects - 1 if outcome.ok else 0) if only_connect else probe.connects
            self._verdict(probe, outcome)
            interval_s = probe.interval_ms / 1000 * (STANDBY_FACTOR if self.standby else 1)
            due_at = max(due_at + phase * interval_s, loop.time() + _PAUSE * interval_s)
            phase = 1.0
            await asyncio.sleep(due_at - loop.time())
