"""The daemon put together: what it opens, in which order, and how it goes down again."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable, Union

from .. import __version__
from ..config.address import address_of
from ..config.model import Configuration, Group, Resource
from ..config.parameters import parameters
from ..control import schema
from ..control.server import ControlServer, InUseError
from ..core import events as ev
from ..core.effects import Effect
from ..core.node import Node
from ..core.report import Phase
from ..core.snapshot import snapshot
from ..core.switches import Kept
from ..core.transmit import Identity
from ..links.base import Link
from ..links.factory import make_links
from ..links.ping import Pinger
from ..net.announce import Announcer
from ..net.monitor import Monitor
from ..net.netlink import Network
from ..net.packet import PacketSender
from ..net.types import NetError
from ..resources.agent import Agent
from ..resources.factory import Surroundings, make_agent
from ..resources.runner import Runner
from ..wire.message import Message
from . import service
from .driver import Driver
from .executor import Executor
from .journal import Journal
from .kept_switches import read_switches, split_by_maintenance
from .keys import make_codec
from .link_status import with_counters
from .logs import Verbosity
from .paths import Paths
from .persistence import HeldGroups
from .reload import Reader, Reloaded
from .respawn import Respawner
from .watchdog import Watchdog

Reply = Callable[[str, Mapping[str, Any]], None]


class CannotBeginError(Exception):
    """The daemon needs something that it did not get. The text says what."""


class Heartbeatd:
    """One run of the daemon. `run` returns the exit code when everything is down again."""

    def __init__(
        self, configuration: Configuration, identity: Identity, paths: Paths, log: logging.Logger
    ) -> None:
        self._configuration = configuration
        self._paths = paths
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[bool] = self._loop.create_future()
        self._held = HeldGroups(paths.held)
        self._journal = Journal(paths.journal)
        self._packets = PacketSender()
        self._announcer = Announcer(self._loop, self._packets)
        self._network = Network()
        self._runner = Runner(self._agent_for, self._group_event)
        self._links: list[Link] = make_links(configuration.ha.links, self, self._loop)
        ha = configuration.ha
        self._pinger = Pinger(ha.pings, ha.keepalive_ms, self, self._loop)
        self._monitor = Monitor(self._loop, self)
        self._executor = Executor(
            codec=make_codec(configuration.authkeys),
            links=self._links,
            runner=self._runner,
            groups=configuration.groups,
            held=self._held,
            paths=paths,
            log=log,
            note=self._journal.note,
            on_exit=self._exit,
        )
        self._node = Node(configuration, identity, random.Random(), self._decode)  # noqa: S311 - jitter only
        self._driver = Driver(self._node, self._carry_out, self._loop, self._give_up)
        self._respawner = Respawner(configuration.ha.respawn, configuration.node, log)
        device = configuration.ha.watchdog
        self._watchdog = Watchdog(device, configuration.ha.deadtime_ms, log) if device is not None else None
        self._reader = Reader(paths.configuration)
        self._requests = 0
        # Until then there is nothing to ask about, and nothing to hand over.
        self._begun = False
        self._told_to_stop_early = False
        self._control = ControlServer(
            str(paths.control),
            readers={"status": self._status, "version": self._version, "journal": self._tell_journal},
            writers={
                "move": self._move,
                "reload": self._answer_reload,
                "maintenance": self._maintenance,
                "standby": self._standby,
                "cleanup": self._cleanup,
            },
        )

    async def run(self) -> int:
        """Begin, serve until told to stop, hand over, end. Raises CannotBeginError."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._told_to_stop)
        self._loop.add_signal_handler(signal.SIGHUP, lambda: self._reload() and None)
        verbosity = Verbosity(self._log, self._configuration.ha.logging.debug)
        self._loop.add_signal_handler(signal.SIGUSR1, verbosity.change, 1)
        self._loop.add_signal_handler(signal.SIGUSR2, verbosity.change, -1)
        try:
            await self._control.start()
            await self._network.open()
            self._monitor.open()
        except (InUseError, NetError, OSError) as error:
            raise CannotBeginError(str(error)) from error
        self._journal.open()
        switches = read_switches(self._paths)
        await self._take_over_what_was_left(switches)
        if self._watchdog is not None:
            self._watchdog.open()
        service.settle_memory()
        service.notify("READY=1\nSTATUS=running")
        self._feed_watchdog()
        clean = await self._finished
        await self._end(clean=clean)
        return 0 if clean else 1

    # -- begin and end -----------------------------------------------------------------------------

    async def _take_over_what_was_left(self, switches: Kept) -> None:
        """What our predecessor left is taken over if it is under maintenance, else released; then begin."""
        left = self._held.left_behind(self._configuration.groups)
        alone, others = split_by_maintenance(left or (), switches)
        configured = {group.key for group in self._configuration.groups}
        failed = self._held.stuck_behind()
        running = await self._runner.adopt((group for group in alone if group.key in configured), failed)
        for group in alone:
            what = "could not be stopped before, left as it is" if group.key in failed else "runs on"
            what = what if group.key in running else "is not configured, left alone"
            if group.key in running or group.key not in configured:
                self._log.warning("group %s: under maintenance; %s", group.key, what)
        stuck = () if left is None or (alone and not others) else await self._clean_up_after_crash(others)
        stuck += tuple(group for group in alone if group.key in failed and group.key in running)
        adopted = tuple(key for key in running if key not in failed)
        idle = [
            group for group in self._configuration.groups if group.key not in running and group not in stuck
        ]
        for problem in await self._runner.idle(idle):
            self._log.warning("%s", problem)
        noted = [group for group in alone if group.key in running or group.key not in configured]
        keys = tuple(group.key for group in stuck)
        self._held.write((*stuck, *noted), keys)
        self._begin(ev.Started(self._wall_offset_ms(), keys, adopted, switches))

    async def _clean_up_after_crash(self, left: Sequence[Group]) -> tuple[Group, ...]:
        """A predecessor that crashed may have left groups running; others may serve them by now.

        Returns those that could not be released.
        """
        names = ", ".join(group.key for group in left) or "nothing"
        self._log.warning("the last daemon did not end cleanly; releasing what it held: %s", names)
        failed = [outcome for outcome in await self._runner.release_now(left) if not outcome.ok]
        for outcome in failed:
            self._log.error("group %s: could not be released: %s", outcome.group, outcome.reason)
        keys = [outcome.group for outcome in failed]
        return tuple(group for group in left if group.key in keys)

    def _begin(self, started: ev.Started) -> None:
        self._begun = True
        self._driver.give(started)
        for link in self._links:
            link.open()
        self._pinger.open()
        if self._told_to_stop_early:
            self._told_to_stop()

    def _told_to_stop(self) -> None:
        if not self._begun:
            self._told_to_stop_early = True
            return
        service.notify("STOPPING=1")
        self._respawner.leave()
        self._driver.give(ev.ShutdownRequested())

    def _exit(self, clean: bool) -> None:  # noqa: FBT001 - called with the effect's own field
        if not self._finished.done():
            self._finished.set_result(clean)

    def _give_up(self, mistake: Exception) -> None:
        """End without handing over; whoever watches us releases what we hold (`heartbeatd --release`)."""
        self._log.critical("a mistake of ours; ending, so that another node takes over", exc_info=mistake)
        self._exit(clean=False)

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        self._executor.carry_out(effects)
        if self._node.phase is Phase.ACTIVE:
            self._respawner.begin()

    async def _end(self, *, clean: bool) -> None:
        self._driver.close()
        self._monitor.close()
        for link in self._links:
            link.close()
        self._pinger.close()
        self._announcer.close()
        self._packets.close()
        await self._network.close()
        await self._control.stop()
        if clean:
            self._held.clean()
        # Last, as 3.0.6 does: they may watch what we served, and nobody waits for them any more.
        await self._respawner.end()
        if self._watchdog is not None:
            self._watchdog.close(clean=clean)
        self._journal.close()
        self._log.info("stopped%s", "" if clean else "; some groups could not be stopped, see above")

    def _feed_watchdog(self) -> None:
        interval_s = service.watchdog_interval_s()
        if interval_s is not None:
            service.notify("WATCHDOG=1")
            self._loop.call_later(interval_s, self._feed_watchdog)

    def _reload(self) -> Reloaded:
        """SIGHUP, `hbctl reload`: take over new keys, and of the rest all or nothing."""
        reloaded = self._reader.read(self._configuration, self._node)
        if reloaded.configuration is not None:
            self._executor.codec = make_codec(reloaded.configuration.authkeys)
            self._configuration = replace(self._configuration, authkeys=reloaded.configuration.authkeys)
            if reloaded.complete:
                self._configuration = reloaded.configuration
                self._executor.configure(self._configuration.groups)
                self._driver.give(ev.Reconfigured(self._configuration))
        reloaded.tell(self._log)
        return reloaded

    # -- what happens --------------------------------------------------------------------------------

    def _decode(self, data: bytes) -> Message:
        return self._executor.codec.decode(data)

    def frame_received(self, link: str, data: bytes) -> None:
        """A link heard something."""
        self._driver.give(ev.FrameReceived(link, data))

    def link_changed(self, link: str, up: bool, reason: str) -> None:  # noqa: FBT001 - LinkListener
        """A link of ours went up or down."""
        self._driver.give(ev.LinkChanged(link, up, reason))

    def ping_answered(self, name: str) -> None:
        """A ping node has answered."""
        self._driver.give(ev.PingAnswered(name))

    def ping_impossible(self, name: str, reason: str) -> None:
        """A ping node cannot be asked, or can be again."""
        self._driver.give(ev.PingImpossible(name, reason))

    def interface_changed(self) -> None:
        """Some interface changed: the links look whether it was theirs."""
        for link in self._links:
            link.interface_changed()

    def address_removed(self, ip: str, index: int) -> None:
        """An address has gone, perhaps by our own doing; the runner knows."""
        del index
        self._runner.address_removed(ip)

    def resync(self) -> None:
        """The kernel dropped notifications."""
        self._runner.check_addresses()

    def _group_event(self, event: Union[ev.ResourceFinished, ev.AddressLost]) -> None:
        if isinstance(event, ev.ResourceFinished) and not (event.ok and event.operation == "start"):
            (self._held.remove if event.clean else self._held.add_stuck)(event.group)
        self._driver.give(event)

    # -- what is asked -------------------------------------------------------------------------------

    def _status(self, request: schema.Request, reply: Reply) -> None:
        del request
        if not self._begun:
            self._refuse_early(reply)
            return
        known = snapshot(self._node, self._driver.now_ms())
        reply("completed", {"result": with_counters(known, self._links)})

    def _version(self, request: schema.Request, reply: Reply) -> None:
        del request
        reply("completed", {"result": {"version": __version__, "schema": schema.SCHEMA}})

    def _answer_reload(self, request: schema.Request, reply: Reply) -> None:
        del request
        if not self._begun:
            self._refuse_early(reply)
            return
        reply(*self._reload().answer())

    def _tell_journal(self, request: schema.Request, reply: Reply) -> None:
        last, group = schema.parse_journal(request)
        reply("completed", {"result": {"entries": self._journal.entries(last, group)}})

    def _move(self, request: schema.Request, reply: Reply) -> None:
        a = schema.parse_move(request)
        self._ask(reply, lambda number: ev.MoveRequested(number, a.groups, a.target, a.timeout_ms))

    def _maintenance(self, request: schema.Request, reply: Reply) -> None:
        on, groups = schema.parse_on(request), schema.parse_groups(request)
        self._ask(reply, lambda number: ev.MaintenanceRequested(number, on, groups))

    def _standby(self, request: schema.Request, reply: Reply) -> None:
        on, node = schema.parse_on(request), schema.parse_node(request)
        self._ask(reply, lambda number: ev.StandbyRequested(number, on, node))

    def _cleanup(self, request: schema.Request, reply: Reply) -> None:
        groups = schema.parse_groups(request)
        self._ask(reply, lambda number: ev.CleanupRequested(number, groups))

    def _ask(self, reply: Reply, event_for: Callable[[str], ev.Event]) -> None:
        if not self._begun:
            self._refuse_early(reply)
            return
        # Two clients may choose the same id; ours is unique.
        self._requests += 1
        request_id = f"{self._requests}"
        self._executor.await_reply(request_id, reply)
        self._driver.give(event_for(request_id))

    def _refuse_early(self, reply: Reply) -> None:
        error = {
            "code": "not-active",
            "message": "the daemon is still releasing what the one before it left behind",
            "remedy": "wait",
        }
        reply("refused", {"error": error, "result": {}})

    # -- small things --------------------------------------------------------------------------------

    def _agent_for(self, resource: Resource) -> Agent:
        surroundings = Surroundings(
            self._configuration.node,
            self._network,
            self._announcer,
            directories=self._paths.script_directories,
            parameters=parameters(self._configuration.ha),
        )
        return make_agent(resource, address_of(resource), surroundings)

    def _wall_offset_ms(self) -> int:
        return int(time.time() * 1000) - self._driver.now_ms()
