"""The daemon: checks, keeps the table, listens to its administrator, and follows its configuration file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Coroutine, Mapping
from random import Random
from typing import Any, Callable

from ultramonkey_heartbeat.control import schema
from ultramonkey_heartbeat.control.server import ControlServer
from ultramonkey_heartbeat.resources.process import close_left_behind

from .. import reading
from ..checks.checker import Checker
from ..checks.outcome import Outcome
from ..config.model import Configuration
from ..core import phrases
from ..core.director import Director
from ..core.health import Wish
from ..core.probe import Probe
from ..ipvs.base import IpvsError, VirtualServers
from . import report
from .commands import FallbackCommands, run_command
from .instance import Instance
from .journal import Log
from .keeper import Keeper
from .maintenance import Maintenance
from .schedule import Schedule

# Once every service has a server or is judged, `start` waits this long for the verdicts still missing.
SETTLE_S = 1.0
# However long checks may take: a resource that starts holds up a takeover.
START_MAX_S = 10.0
STOP_MAX_S = 10.0
_GLANCE_S = 0.02
# The table is read anew, and the directory of maintenance looked at, at most and at least this often.
_LOOK_MIN_S, _LOOK_MAX_S = 1.0, 10.0

Ready = Callable[[], None]


class Ldirectord:
    """One daemon for one configuration file."""

    def __init__(self, file: reading.File, instance: Instance, table: VirtualServers, log: Log) -> None:
        if file.loaded.configuration is None:
            raise ValueError("a configuration without errors is needed")
        self.file = file
        # That of the configuration file as it was last looked at; another one than `file` may be refused.
        self.digest_on_disk = file.digest
        self.instance = instance
        self.log = log
        self.began_at = time.time()
        self.resident = False
        # The next daemon has the table as it is.
        self._leaves = False
        self.director = Director(file.loaded.configuration)
        self.keeper = Keeper(table, self.director, log, instance.remember)
        self._table = table
        self._checker = Checker()
        self.schedule = Schedule(self._checker, self._verdict, Random())  # noqa: S311 - only spreads checks
        self._fallbacks = FallbackCommands(log.logger)
        self._maintenance = Maintenance()
        self._ended = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def configuration(self) -> Configuration:
        """The configuration in force."""
        return self.director.configuration

    async def run(self, ready: Ready, *, standby: bool = False) -> None:
        """Serve until the end is asked for. `ready` is called when the table is programmed.

        With `standby` checks are made and the table is left alone until `start` is asked for, and `stop`
        leads back there; one whose predecessor was active, and died or left, is active in its place. Raises
        IpvsError when the table cannot be programmed.
        """
        self.resident = standby
        readers = {"status": self._on_status}
        writers = {
            name: getattr(self, f"_on_{name}")
            for name in ("start", "stop", "quit", "leave", "reload", "server")
        }
        server = ControlServer(str(self.instance.socket), readers, writers)
        self._signals()
        try:
            await server.start()
            await self._maintain()
            for work in (self.keeper.run(self._look_s), self._follow()):
                self._background(work)
            if standby and not self.instance.remembered():
                self.schedule.standby = True
                self.schedule.set(self.director.probes)
            else:
                await self._activate()
            ready()
            await self._ended.wait()
        finally:
            await self._end(server)

    async def _end(self, server: ControlServer) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.schedule.stop()
        if self.keeper.active and not self._leaves:
            with contextlib.suppress(IpvsError):
                await self._deactivate()
        await server.stop()
        await self._table.close()
        self._checker.close()
        close_left_behind(asyncio.get_running_loop())

    # --- becoming active, and not -----------------------------------------------------------------------

    async def _activate(self) -> None:
        """Program the table and wait until it is right. Raises IpvsError."""
        await self.keeper.begin(self.instance.remembered())
        self.log.logger.info("ldirectord is active: %d services", len(self.director.keys))
        # Not before the table was looked at: what is in it is judged more patiently.
        self.schedule.standby = False
        self.schedule.set(self.director.probes)
        begun_at = time.monotonic()
        while self.director.undecided:
            limit_s = SETTLE_S if self.director.has_answer() else START_MAX_S
            if time.monotonic() - begun_at >= limit_s:
                break
            await asyncio.sleep(_GLANCE_S)
        await self.keeper.turn(anew=False)
        self._note_fallbacks()

    async def _deactivate(self) -> None:
        """Clean the table. Raises IpvsError."""
        self._fallbacks.note({})
        await asyncio.wait_for(self.keeper.clean(), STOP_MAX_S)
        await self._fallbacks.finish(STOP_MAX_S)
        self.log.logger.info("ldirectord is not active any more")

    # --- events -----------------------------------------------------------------------------------------

    def _verdict(self, probe: Probe, outcome: Outcome) -> None:
        judged = self.director.verdict(probe, int(time.time() * 1000), outcome.reason, ok=outcome.ok)
        for news in judged:
            text = phrases.judged(news)
            if news.changed:
                self.log.change(text)
            else:
                self.log.logger.info("%s", text)
        if any(news.changed for news in judged):
            self.keeper.wake()
            self._note_fallbacks()

    def _note_fallbacks(self) -> None:
        if self.keeper.active:
            self._fallbacks.note(
                {
                    virtual.key: virtual.fallback_command
                    for virtual in self.configuration.virtuals
                    if virtual.fallback_command and self.director.on_fallback(virtual.key)
                }
            )

    def _look_s(self) -> float:
        shortest_ms = min([v.check.interval_ms for v in self.configuration.virtuals], default=10_000)
        return min(_LOOK_MAX_S, max(_LOOK_MIN_S, shortest_ms / 1000))

    async def _follow(self) -> None:
        """Look at the maintenance directory and at the configuration file, again and again."""
        seen = self.file.digest
        stamp = _stamp(self.file)
        while True:
            await asyncio.sleep(self._look_s())
            await self._maintain()
            now = _stamp(self.file)
            if now == stamp:
                continue
            stamp = now
            try:
                file = await asyncio.get_running_loop().run_in_executor(None, reading.read, self.file.path)
            except OSError:
                continue
            self.digest_on_disk = file.digest
            if file.digest == seen:
                continue
            seen = file.digest
            await self._changed_on_disk(file)

    async def _changed_on_disk(self, file: reading.File) -> None:
        path, configuration = file.path, self.configuration
        what = "reread" if configuration.autoreload else "ignore"
        self.log.logger.info("Configuration file '%s' has changed on disk - %s new configuration", path, what)
        if configuration.autoreload:
            self._take(file)
        if configuration.callback:
            await run_command(configuration.callback, (str(path),), self.log.logger)

    async def _maintain(self) -> None:
        targets = await self._maintenance.targets(self.configuration.maintenance_directory, self.director)
        news = self.director.file(targets)
        for key, server in news:
            state = "is in" if self.director.states[key, server].filed else "left"
            self.log.logger.info("%s (%s) %s maintenance", server, key, state)
        if news:
            self.keeper.wake()
            self._note_fallbacks()

    def _take(self, file: reading.File) -> bool:
        """Put another configuration into force, or say why not and go on with the present one."""
        for problem in file.loaded.problems:
            self.log.logger.warning("%s", problem)
        if file.loaded.configuration is None:
            self.log.logger.error("the new configuration has errors; the old one stays in force")
            return False
        self.file = file
        self.director = Director(file.loaded.configuration, self.director)
        self.schedule.set(self.director.probes)
        self.keeper.replace(self.director)
        self._note_fallbacks()
        return True

    # --- the administrator ------------------------------------------------------------------------------

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._terminate, number)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _terminate(self, number: signal.Signals) -> None:
        self.log.logger.info("Linux Director Daemon terminated on signal: %s", number.name[3:])
        self._ended.set()

    def _hang_up(self) -> None:
        self._background(self._reload_if_possible())

    async def _reload_if_possible(self) -> None:
        try:
            await self._reload()
        except OSError as error:
            self.log.logger.error("cannot reload: %s", error)  # noqa: TRY400 - the text says it all

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        if not task.cancelled() and task.exception() is not None:
            # A mistake of ours. A daemon that only seems to watch is worse than one that has ended.
            self.log.logger.critical("ldirectord ends: %r", task.exception(), exc_info=task.exception())
            self._ended.set()

    async def _reload(self) -> reading.File:
        async with self._reloading:
            file = await asyncio.get_running_loop().run_in_executor(None, reading.read, self.file.path)
            self.digest_on_disk = file.digest
            if self._take(file):
                await self.keeper.turn(anew=True)
            return file

    def _on_status(self, request: schema.Request, reply: Callable[[str, Mapping[str, Any]], None]) -> None:
        reply("completed", {"result": report.answer(self, request)})

    def _on_start(self, request: schema.Request, reply: Callable[[str, Mapping[str, Any]], None]) -> None:
        async def start() -> None:
            if not self.keeper.active:
                await self._activate()

        self._answer(start(), request, reply)

    def _on_stop(self, request: schema.Request, reply: Callable[[str, Mapping[str, Any]], None]) -> None:
        async def stop() -> None:
            if self.keeper.active:
                await self._deactivate()
            self.schedule.standby = True
            if not self.resident:
                self._ended.set()

        self._answer(stop(), request, reply)

    def _on_quit(self, request: schema.Request, reply: Callable[[str, Mapping[str, Any]], None]) -> None:
        self.resident = False
        self._on_stop(request, reply)

    def _on_leave(self, request: schema.Request, reply: Callable[[str, Mapping[str, Any]], None]) -> None:
        async def leave() -> None:
            self._leaves = True
            self._ended.set()

        self._answer(leave(), request, reply)

    def _on_reload(self, request: schema.Request, reply: Callable[[str, Mapping[str, Any]], None]) -> None:
        async def reload() -> None:
            try:
                file = await self._reload()
            except OSError as error:
                raise report.RefusedError("unreadable", str(error), "see the file's path and mode") from error
            report.must_be_good(file.loaded)

        self._answer(reload(), request, reply)

    def _on_server(self, request: schema.Request, reply: Callable[[str, Mapping[str, Any]], None]) -> None:
        wanted = report.server_request(request, self.director)

        async def change() -> None:
            for target in wanted.targets:
                self.director.wish(target, wanted.wish, wanted.weight)
                key, server = target
                what = wanted.wish.value if isinstance(wanted.wish, Wish) else f"weight {wanted.weight}"
                self.log.change(f"{server} ({key}): an administrator says {what}")
            self._note_fallbacks()
            await self.keeper.turn(anew=False)

        self._answer(change(), request, reply)

    def _answer(
        self,
        work: Coroutine[Any, Any, None],
        request: schema.Request,
        reply: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        """Do the work and answer; whatever goes wrong is a refusal."""

        async def working() -> None:
            try:
                await work
            except report.RefusedError as error:
                reply("refused", error.payload)
            except (IpvsError, asyncio.TimeoutError) as error:
                text = str(error) or "the table did not answer in time"
                reply("refused", report.RefusedError("ipvs", text, "see the log").payload)
            else:
                reply("completed", {"result": report.answer(self, request)})

        self._background(working())


def _stamp(file: reading.File) -> tuple[int, int, int]:
    try:
        found = os.stat(file.path)  # noqa: PTH116 - one call
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
