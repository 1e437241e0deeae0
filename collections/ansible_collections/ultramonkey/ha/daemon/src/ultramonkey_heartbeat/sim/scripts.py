"""The scripts of one machine: imitates `resources.runner`, with scripts that are slow, fail, or hang.

An outside observer is told what really runs: from the moment a start begins until a stop has succeeded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..core import events as ev

# The runner tries a stop so often, with such a pause after one that failed.
STOP_ATTEMPTS = 3
STOP_PAUSE_MS = 1000


@dataclass
class Behaviour:
    """How one operation of one group goes here: `fails` is the reason, or ""."""

    takes_ms: int
    fails: str = ""
    # A start that fails leaves something that cannot be stopped.
    unclean: bool = False


class Surroundings(Protocol):
    """What scripts need of the world."""

    now_ms: int

    def later(self, delay_ms: int, act: Callable[[], object]) -> None:
        """Call that after a time."""


@dataclass
class _Job:
    number: int
    operation: str
    following: str | None = None
    ends: Behaviour | None = None
    cancelled: bool = False


class Scripts:
    """Starts and stops groups, one operation of a group at a time; what is asked last is what happens."""

    def __init__(
        self,
        world: Surroundings,
        behaviour: Callable[[str, str], Behaviour],
        report: Callable[[ev.ResourceFinished], None],
        ran: Callable[[str, str], None],
        asleep_ms: Callable[[], int],
    ) -> None:
        # What may run here, by group: "starting", "held", "stopping" or "debris" (a stop that failed).
        self.running: dict[str, str] = {}
        self._world = world
        self._behaviour = behaviour
        self._report = report
        self._ran = ran
        # For how long the whole machine still does not run.
        self._asleep_ms = asleep_ms
        self._jobs: dict[str, _Job] = {}
        self._number = 0

    def power_off(self) -> None:
        """The machine is gone, and everything with it."""
        self._jobs.clear()
        for key in list(self.running):
            self._become(key, None, "power off")

    def abandon(self) -> None:
        """The daemon is gone: whatever ran goes on running, what was half started or stopped stays so."""
        self._jobs.clear()
        for key, state in list(self.running.items()):
            if state not in ("held", "debris"):
                self._become(key, "debris", "left behind")

    def start(self, key: str) -> None:
        """As `Runner.start`."""
        job = self._jobs.get(key)
        if job is None:
            self._begin(key, "start")
        elif job.operation == "stop":
            job.following = "start"
        elif job.following == "stop":
            job.following = "stop, start"

    def stop(self, key: str) -> None:
        """As `Runner.stop`."""
        job = self._jobs.get(key)
        if job is None:
            self._begin(key, "stop")
        elif job.operation == "start":
            if job.following is None:
                # The script that is broken off ends at once, or in its own time.
                job.cancelled = True
                self._again(key, job, min(10, job.ends.takes_ms if job.ends else 0))
            job.following = "stop"
            self._become(key, "stopping", "stop begins")
        else:
            job.following = None

    def _begin(self, key: str, operation: str) -> None:
        ends = self._behaviour(key, operation)
        self._number += 1
        job = self._jobs[key] = _Job(self._number, operation, ends=ends)
        takes_ms = ends.takes_ms
        if operation == "start":
            if self.running.get(key) != "held":
                self._become(key, "starting", "start begins")
        else:
            if ends.fails:
                takes_ms = STOP_ATTEMPTS * takes_ms + (STOP_ATTEMPTS - 1) * STOP_PAUSE_MS
            self._become(key, "stopping", "stop begins")
        self._again(key, job, takes_ms)

    def _again(self, key: str, job: _Job, delay_ms: int) -> None:
        self._number += 1
        number = job.number = self._number
        self._world.later(delay_ms, lambda: self._end(key, job, number))

    def _end(self, key: str, job: _Job, number: int) -> None:
        if self._jobs.get(key) is not job or job.number != number:
            return
        asleep_ms = self._asleep_ms()
        if asleep_ms:
            self._again(key, job, asleep_ms)
            return
        del self._jobs[key]
        following, ends = job.following, job.ends
        if job.operation == "start" and following is not None:
            # Broken off: not reported.
            pass
        elif ends is None or not ends.fails:
            self._become(key, "held" if job.operation == "start" else None, f"{job.operation} succeeds")
            self._report(ev.ResourceFinished(key, job.operation, ok=True))
        else:
            clean = job.operation == "start" and not ends.unclean
            self._become(key, None if clean else "debris", f"{job.operation} fails")
            self._report(ev.ResourceFinished(key, job.operation, ok=False, reason=ends.fails, clean=clean))
        if following is not None and key not in self._jobs:
            first, _, then = following.partition(", ")
            self._begin(key, first)
            self._jobs[key].following = then or None

    def release(self, key: str) -> bool:
        """What `heartbeatd --release` does with a group; False when it will not stop."""
        ends = self._behaviour(key, "stop")
        self._become(key, "debris" if ends.fails else None, "released" if not ends.fails else "stop fails")
        return not ends.fails

    def adopt(self, key: str) -> None:
        """A new daemon takes over what runs, as it is."""
        self._become(key, "held", "adopted")

    def remove(self, key: str) -> bool:
        """Somebody takes the group's address away. True when it was there."""
        return self.running.get(key) == "held"

    def _become(self, key: str, state: str | None, what: str) -> None:
        if state is None:
            self.running.pop(key, None)
        else:
            self.running[key] = state
        self._ran(key, what)
