"""The built-in resource `LVSSyncDaemonSwap`: which of the kernel's two synchronization daemons runs here.

The node that holds the group runs one, usually the master; every other node runs the opposite. So `stop`
leads to the opposite, and a daemon that begins without the group begins there, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..config.sync_daemon import SETTINGS, SyncDaemon, SyncResource
from ..config.values import BadValueError
from .agent import Agent, ResourceError, Timeouts
from .bounded import within


class Swapper(Protocol):
    """What is needed of `net.sync_daemon.SyncDaemons`. Every method may raise NetError."""

    async def swap(self, wanted: SyncDaemon) -> None:
        """Let exactly this daemon run."""

    async def running(self) -> list[SyncDaemon]:
        """Those that run."""


class SyncDaemonAgent(Agent):
    """One synchronization daemon, or its opposite."""

    def __init__(
        self,
        name: str,
        wanted: SyncResource,
        *,
        daemons: Swapper,
        timeouts: Timeouts,
        settings: Path = Path(SETTINGS),
    ) -> None:
        super().__init__(name)
        self._wanted = wanted
        self._daemons = daemons
        self._timeouts = timeouts
        self._settings = settings

    async def start(self) -> None:
        """Stop the opposite, then start."""
        await within(self.name, self._timeouts.start_ms, "start", self._daemons.swap(self._daemon()))

    async def stop(self) -> None:
        """The opposite takes its place."""
        await within(
            self.name, self._timeouts.stop_ms, "stop", self._daemons.swap(self._daemon(swapped=True))
        )

    async def status(self) -> bool:
        """Whether this one runs, and the opposite does not."""
        running = await within(self.name, self._timeouts.status_ms, "status", self._daemons.running())
        return [daemon.state for daemon in running] == [self._wanted.state]

    async def idle(self) -> None:
        """On a node that does not hold the group the opposite runs."""
        await self.stop()

    def _daemon(self, *, swapped: bool = False) -> SyncDaemon:
        try:
            text = self._settings.read_text("utf-8", "replace")
        except OSError:
            # There need not be any.
            text = ""
        try:
            return self._wanted.daemon(text, swapped=swapped)
        except BadValueError as error:
            raise ResourceError(f"{self.name}: {self._settings}: {error.message}; {error.remedy}") from error
