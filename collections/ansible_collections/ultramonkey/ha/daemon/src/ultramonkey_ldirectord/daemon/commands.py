"""Commands of the administrator that the daemon runs: callback and fallbackcommand, through the shell."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Sequence

from ultramonkey_heartbeat.resources.process import ProgramError, run

from ..config.model import ServiceKey, host_text

# The original waits for them without limit, in its only process.
TIMEOUT_MS = 30_000


async def run_command(command: str, arguments: Sequence[str], log: logging.Logger) -> None:
    """Run a command with arguments to its end; failures go to the log."""
    text = " ".join([command, *map(shlex.quote, arguments)])
    try:
        result = await run(("/bin/sh", "-c", text), timeout_ms=TIMEOUT_MS, environment=os.environ)
    except ProgramError as error:
        log.error("%s", error)  # noqa: TRY400 - the text says it all
        return
    if result.timed_out:
        log.error("system(%s) failed: took longer than %d s", text, TIMEOUT_MS // 1000)
    elif result.exit_code != 0:
        log.error("system(%s) failed: exit code %s", text, result.exit_code)


def fallback_arguments(verb: str, key: ServiceKey) -> tuple[str, ...]:
    """What fallbackcommand is told."""
    if not key.protocol:
        return (verb, f"{key.mark}:0", "fwm")
    return (verb, f"{host_text(key.address)}:{key.port}", key.protocol)


class FallbackCommands:
    """Runs fallbackcommand whenever a fallback begins or ends to be used, one after the other."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._in_use: dict[ServiceKey, str] = {}
        self._queue: list[tuple[str, Sequence[str]]] = []
        self._worker: asyncio.Task[None] | None = None

    def note(self, in_use: dict[ServiceKey, str]) -> None:
        """The fallbacks in use now, with their commands."""
        for key in self._in_use.keys() - in_use.keys():
            self._queue.append((self._in_use[key], fallback_arguments("stop", key)))
        for key in in_use.keys() - self._in_use.keys():
            self._queue.append((in_use[key], fallback_arguments("start", key)))
        self._in_use = dict(in_use)
        if self._queue and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._run())

    async def finish(self, timeout_s: float) -> None:
        """Wait for those under way."""
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=timeout_s)

    async def _run(self) -> None:
        while self._queue:
            command, arguments = self._queue.pop(0)
            await run_command(command, arguments, self._log)
