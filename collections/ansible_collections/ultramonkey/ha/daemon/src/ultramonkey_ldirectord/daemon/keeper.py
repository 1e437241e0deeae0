"""Makes the kernel's table say what the director wants, and keeps it so.

Goals: a verdict is in the table at once; what somebody else did to it is found and repaired within an
interval; a refusal of the kernel is said once and tried again. So a change wakes the keeper, which compares
with what it knows of the table; and at every interval it reads the table anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Callable

from ..config.model import ServiceKey
from ..core.changes import Change, applied, changes
from ..core.director import Director
from ..core.phrases import change as phrase
from ..core.table import Table
from ..ipvs.base import Failure, IpvsError, VirtualServers
from .journal import Log

# Verdicts that come this close together are one batch. Where a turn takes longer, so close as it takes, up to
# a limit: the thousand verdicts of a start must not spend more time on turns than on checks.
_GATHER_MIN_S, _GATHER_MAX_S = 0.005, 0.1


class Keeper:
    """Owns the table between `begin` and `clean`."""

    def __init__(
        self,
        table: VirtualServers,
        director: Director,
        log: Log,
        remember: Callable[[Collection[ServiceKey]], None],
    ) -> None:
        self.director = director
        self.active = False
        # What the kernel refused, or why it cannot be asked.
        self.problems: list[str] = []
        self.repairs = 0
        # How long it took to take the table over.
        self.programmed_in_ms: int | None = None
        self.found: Table = {}
        self._table = table
        self._log = log
        self._remember = remember
        self._owned: set[ServiceKey] = set()
        self._changed = asyncio.Event()
        # It is time to read the table anew.
        self._due = False
        self._turn_s = 0.0
        self._busy = asyncio.Lock()
        self._refused: list[Change] = []

    async def begin(self, leftovers: Collection[ServiceKey] = ()) -> None:
        """Take the table over: learn what is in it, and put the services in. Raises IpvsError.

        `leftovers` are services of a daemon before this one; those not wanted any more go.
        """
        begun_at = time.monotonic()
        await self._table.open()
        async with self._busy:
            self.found = await self._table.read()
            self.director.adopt(self.found)
            self._owned = {*leftovers, *self.director.keys}
            self._remember(self._owned)
            self.active = True
            try:
                await self._keep_timeouts()
                await self._apply("")
            except IpvsError:
                self.active = False
                raise
            self.programmed_in_ms = round((time.monotonic() - begun_at) * 1000)
            if any(change.server_key is None for change in self._refused):
                # A service that cannot be is no start; and half of one is not left behind.
                self.active = False
                await self._carry_out(changes(self.found, {}, self._owned), "")
                self._remember(())
                raise IpvsError("; ".join(self.problems))

    def replace(self, director: Director) -> None:
        """Another configuration; the difference is applied by the next turn."""
        self.director = director
        if self.active:
            self._owned |= set(director.keys)
            self._remember(self._owned)
        self.wake()

    def wake(self) -> None:
        """Something is wanted otherwise."""
        self._changed.set()

    async def run(self, interval_s: Callable[[], float]) -> None:
        """Keep the table right until cancelled."""
        # No wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
        while True:
            timer = asyncio.get_running_loop().call_later(interval_s(), self._look)
            try:
                await self._changed.wait()
            finally:
                timer.cancel()
            if not self._due:
                await asyncio.sleep(min(_GATHER_MAX_S, max(_GATHER_MIN_S, self._turn_s)))
            anew = self._due or bool(self.problems)
            self._due = False
            self._changed.clear()
            if self.active:
                begun_at = time.monotonic()
                await self.turn(anew=anew)
                self._turn_s = time.monotonic() - begun_at

    def _look(self) -> None:
        self._due = True
        self._changed.set()

    async def turn(self, *, anew: bool) -> None:
        """Compare and change; `anew` reads the table first. Never raises IpvsError."""
        async with self._busy:
            if not self.active:
                return
            try:
                why = ""
                if anew:
                    await self._keep_timeouts()
                    before, self.found = self.found, await self._table.read()
                    if _ours(before, self._owned) != _ours(self.found, self._owned):
                        self.repairs += 1
                        why = " (the table was changed by somebody else)"
                await self._apply(why)
            except IpvsError as error:
                self._complain([str(error)])

    async def clean(self) -> None:
        """Take our services out of the table, and let go of it. Raises IpvsError."""
        async with self._busy:
            self.active = False
            going = {
                key
                for key in self._owned
                if key not in self.director.keys or self.director.virtual(key).cleanstop
            }
            self.found = await self._table.read()
            failures = await self._carry_out(changes(self.found, {}, going), "")
            self._owned -= going
            self._remember(set())
            if failures:
                raise IpvsError("; ".join(_text(failure) for failure in failures))

    async def _keep_timeouts(self) -> None:
        wanted_s = self.director.configuration.ipvs_timeouts_s
        if any(wanted_s) and await self._table.keep_timeouts(wanted_s):
            self._log.change(f"Set timeouts of connections (tcp tcpfin udp): {' '.join(map(str, wanted_s))}")

    async def _apply(self, why: str) -> None:
        wanted = self.director.wanted()
        steps = changes(self.found, wanted, self._owned)
        failures = await self._carry_out(steps, why) if steps else []
        self._refused = [failure.change for failure in failures]
        self._complain([_text(failure) for failure in failures])
        gone = self._owned - set(wanted)
        if gone and not failures:
            self._owned -= gone
            self._remember(self._owned)

    async def _carry_out(self, steps: list[Change], why: str) -> list[Failure]:
        failures = await self._table.apply(steps)
        refused = {id(failure.change) for failure in failures}
        for step in steps:
            if id(step) in refused:
                continue
            virtual = self.director.virtual(step.key) if step.key in self.director.keys else None
            self._log.change(phrase(step, virtual) + why)
        try:
            self.found = applied(self.found, [step for step in steps if id(step) not in refused])
        except KeyError:
            # Not as we believed: the next turn looks.
            self._changed.set()
        return failures

    def _complain(self, problems: list[str]) -> None:
        for problem in problems:
            if problem not in self.problems:
                self._log.logger.error("%s", problem)
        if self.problems and not problems:
            self._log.logger.info("the table is as it should be again")
        self.problems = problems


def _ours(table: Table, owned: Collection[ServiceKey]) -> object:
    """Our part of a table for comparison; how the kernel calls its own addresses is no difference."""
    return {
        key: (
            entry.service,
            {place: (server.weight, server.lower, server.upper) for place, server in entry.servers.items()},
        )
        for key, entry in table.items()
        if key in owned
    }


def _text(failure: Failure) -> str:
    return f"{phrase(failure.change, None)}: refused: {failure.reason}"
