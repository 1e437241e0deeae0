"""Resources that are scripts in heartbeat's manner: `NAME ARG1 ARG2 ... start|stop|status`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import process
from .agent import Agent, MissingResourceError, ResourceError, Timeouts, failure
from .search import DIRECTORIES, NotFoundError, find_script

_NOT_RUNNING = re.compile(r"[Nn][Oo][Tt] .*[Rr]unning", re.DOTALL)
_RUNNING = re.compile(r"[Rr]unning|OK")


def says_running(output: str) -> bool:
    """Read what `status` printed as heartbeat does, which ignores the exit code.

    "not", a blank and anywhere later "running" mean that it does not run; otherwise "running",
    "Running" or "OK" means that it does. Anything else, or nothing, means that it does not.
    """
    if _NOT_RUNNING.search(output):
        return False
    return _RUNNING.search(output) is not None


class ScriptAgent(Agent):
    """A script in resource.d or init.d. It is looked up anew for every call, as it may be updated."""

    def __init__(
        self,
        name: str,
        script: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        timeouts: Timeouts,
        directories: Sequence[Path] = DIRECTORIES,
    ) -> None:
        super().__init__(name)
        self._script = script
        self._arguments: tuple[str, ...] = tuple(arguments)
        self._environment = environment
        self._timeouts = timeouts
        self._directories = tuple(directories)

    async def start(self) -> None:
        """Call `start`, unless `status` says that it runs already."""
        if not await self.status():
            await self._must("start", self._timeouts.start_ms)

    async def stop(self) -> None:
        """Call `stop`; scripts answer with success when nothing ran."""
        await self._must("stop", self._timeouts.stop_ms)

    async def status(self) -> bool:
        """Call `status` and read its output."""
        result = await self._call("status", self._timeouts.status_ms)
        if result.timed_out:
            raise failure(self.name, "status", result, self._timeouts.status_ms)
        return says_running(result.stdout)

    async def _must(self, operation: str, timeout_ms: int) -> None:
        result = await self._call(operation, timeout_ms)
        if not result.ok:
            raise failure(self.name, operation, result, timeout_ms)

    async def _call(self, operation: str, timeout_ms: int) -> process.ProcessResult:
        argv = [self._find(), *self._arguments, operation]
        try:
            return await process.run(
                argv,
                timeout_ms=timeout_ms,
                environment=self._environment,
                grace_ms=self._timeouts.grace_ms,
            )
        except process.ProgramError as error:
            raise ResourceError(f"{self.name}: {error}") from error

    def _find(self) -> str:
        """The script's path. Raises MissingResourceError."""
        try:
            return str(find_script(self._script, self._directories))
        except NotFoundError as error:
            raise MissingResourceError(f"{self.name}: {error}") from error
