"""Resources that are systemd units: `systemd::UNIT`, or a word that ends like a unit's name."""

from __future__ import annotations

from collections.abc import Mapping

from . import process
from .agent import Agent, MissingResourceError, ResourceError, Timeouts, failure
from .search import SYSTEMCTL

# systemctl's exit code for a unit that does not exist or, when stopping, is not loaded.
_NO_SUCH_UNIT = 5
# In all other states something of the unit runs, will run soon, or has not ended yet.
_STOPPED = frozenset(("inactive", "failed", "unknown", "maintenance"))


class SystemdAgent(Agent):
    """A unit, through systemctl, which waits until the unit has started or stopped."""

    def __init__(
        self,
        name: str,
        unit: str,
        *,
        environment: Mapping[str, str],
        timeouts: Timeouts,
        systemctl: str = SYSTEMCTL,
    ) -> None:
        super().__init__(name)
        self._unit = unit
        self._environment = environment
        self._timeouts = timeouts
        self._systemctl = systemctl

    async def start(self) -> None:
        """Start the unit; systemd does nothing when it is active."""
        result = await self._call("start", self._timeouts.start_ms)
        if result.exit_code == _NO_SUCH_UNIT:
            raise MissingResourceError(f"{self.name}: systemd has no unit {self._unit!r}")
        if not result.ok:
            raise failure(self.name, "start", result, self._timeouts.start_ms)

    async def stop(self) -> None:
        """Stop the unit, which also ends a start that is still under way."""
        result = await self._call("stop", self._timeouts.stop_ms)
        if not result.ok and result.exit_code != _NO_SUCH_UNIT:
            raise failure(self.name, "stop", result, self._timeouts.stop_ms)

    async def status(self) -> bool:
        """Whether the unit is active, or on its way to or from there."""
        result = await self._call("is-active", self._timeouts.status_ms)
        state = result.stdout.strip()
        if result.timed_out or not state:
            raise failure(self.name, "status", result, self._timeouts.status_ms)
        return state not in _STOPPED

    async def _call(self, operation: str, timeout_ms: int) -> process.ProcessResult:
        try:
            return await process.run(
                [self._systemctl, operation, "--", self._unit],
                timeout_ms=timeout_ms,
                environment=self._environment,
                grace_ms=self._timeouts.grace_ms,
            )
        except process.ProgramError as error:
            raise ResourceError(f"{self.name}: {error}") from error
