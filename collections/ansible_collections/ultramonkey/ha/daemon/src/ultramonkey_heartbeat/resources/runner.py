"""Starting and stopping groups: the one owner of everything that runs because of a group.

Groups are independent of each other and handled at the same time; inside a group one thing happens
after the other. A group is in one of three conditions:

    nothing under way ── start() ──> starting ──> reported; nothing under way
                      ── stop() ───> stopping ──> reported; nothing under way
    starting          ── stop() ───> the start is broken off (not reported), then stopping
    stopping          ── start() ──> noted, begins when the stop has been reported
    stopping          ── stop() ───> forgets a noted start; the stop under way is the one reported

so that whatever is asked last is what happens, and every operation that is not replaced by a later one
is reported exactly once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Callable, Union

from ..config.model import Group, Resource
from ..core.events import AddressLost, ResourceFinished
from .agent import Agent, MissingResourceError, ResourceError
from .release import release_groups

_LOG = logging.getLogger(__name__)

Report = Callable[[Union[ResourceFinished, AddressLost]], None]


@dataclass(frozen=True)
class StopRetries:
    """How often a stop that fails is tried, and how long after the one before."""

    attempts: int = 3
    pause_ms: int = 1_000


@dataclass
class _Entry:
    """A group, its agents, and what is going on with it."""

    group: Group
    agents: tuple[Agent, ...]
    # Positions of the resources of which something may run, because we tried to start them.
    touched: set[int] = field(default_factory=set)
    held: bool = False
    # An address of it went, or may have, while it was being started.
    doubted: bool = False
    operation: str | None = None
    next: str | None = None
    task: asyncio.Task[ResourceFinished] | None = None
    # A start that has failed and cleans up is not broken off: it does what a stop would do.
    may_break_off: bool = False


class Runner:
    """Runs groups on this host. Call from the event loop's thread only.

    `agent_for` makes the agent of a resource; `report` gets one event for each operation that ended,
    and one for each address that somebody else removed from a held group.
    """

    def __init__(
        self,
        agent_for: Callable[[Resource], Agent],
        report: Report,
        retries: StopRetries | None = None,
    ) -> None:
        self._agent_for = agent_for
        self._report = report
        self._retries = retries or StopRetries()
        self._entries: dict[str, _Entry] = {}
        self._checks: set[asyncio.Task[None]] = set()

    def start(self, group: Group) -> None:
        """Start the group's resources left to right; those that run already are left alone."""
        entry = self._entry(group)
        if entry.operation is None:
            self._begin(entry, "start")
        elif entry.operation == "stop":
            entry.next = "start"
        elif entry.next == "stop":
            # The stop that breaks off the start has not begun yet; after it we start again.
            entry.next = "stop, start"

    def stop(self, group: Group) -> None:
        """Stop the group's resources right to left, breaking off a start."""
        entry = self._entry(group)
        if entry.operation is None:
            self._begin(entry, "stop")
        elif entry.operation == "start":
            # Broken off once: a second time would interrupt the ending of the script.
            if entry.next is None and entry.may_break_off and entry.task is not None:
                entry.task.cancel()
            entry.next = "stop"
        else:
            entry.next = None

    def announce(self, group: Group) -> None:
        """Tell the neighbours again where the group's addresses are, if it is held."""
        entry = self._entries.get(group.key)
        if entry is not None and entry.held:
            for agent in entry.agents:
                agent.announce()

    def address_removed(self, ip: str) -> None:
        """The monitor says that an address has gone from some interface; report it if it is one of ours."""
        for entry in self._entries.values():
            for agent in entry.agents:
                if ip in agent.addresses:
                    self._doubt(entry, agent, ip)

    def check_addresses(self) -> None:
        """Changes may have been missed: look whether all addresses of held groups are there."""
        for entry in self._entries.values():
            for agent in entry.agents:
                for ip in agent.addresses:
                    self._doubt(entry, agent, ip)

    async def stop_all(self) -> tuple[ResourceFinished, ...]:
        """Stop every group of which something may run, and wait. Returns (and reports) how it went."""
        stopping = [entry for entry in self._entries.values() if entry.touched or entry.operation]
        for entry in stopping:
            self.stop(entry.group)
        return tuple([await self._stopped(entry) for entry in stopping])

    async def release_now(self, groups: Iterable[Group]) -> tuple[ResourceFinished, ...]:
        """Take down what an earlier run of the daemon left behind: all addresses at once, then the rest.

        For use before anything was started. Resources whose status says that they do not run are left
        alone. Nothing is reported; the result has one entry for each group.
        """
        entries = [self._entry(group) for group in groups]
        return await release_groups([(entry.group, entry.agents) for entry in entries], self._stop_agent)

    async def idle(self, groups: Iterable[Group]) -> tuple[str, ...]:
        """Bring what is not held to what it is on a node that stands by. Returns what did not work.

        For use before anything was started.
        """
        agents = [agent for group in groups for agent in self._entry(group).agents]
        outcomes = await asyncio.gather(*(agent.idle() for agent in agents), return_exceptions=True)
        return tuple(str(outcome) for outcome in outcomes if isinstance(outcome, Exception))

    async def adopt(self, groups: Iterable[Group], stuck: Collection[str] = ()) -> tuple[str, ...]:
        """Take over what an earlier run of the daemon left running on purpose, without touching it.

        What is `stuck` is not held: only parts of it may run. For use before anything was started. Returns
        the groups of which something runs, or may run.
        """
        adopted = []
        for group in groups:
            entry = self._entry(group)
            if any(await asyncio.gather(*(_may_run(agent) for agent in entry.agents))):
                entry.touched.update(range(len(entry.agents)))
                entry.held = group.key not in stuck
                adopted.append(group.key)
        return tuple(adopted)

    def _entry(self, group: Group) -> _Entry:
        """The group's entry, with new agents when its configuration has changed while it was idle."""
        entry = self._entries.get(group.key)
        if entry is None or (entry.group != group and not entry.touched and entry.operation is None):
            agents = tuple(self._agent_for(resource) for resource in group.resources)
            entry = self._entries[group.key] = _Entry(group, agents)
        return entry

    # Operations.

    def _begin(self, entry: _Entry, operation: str) -> None:
        entry.operation = operation
        entry.held = entry.doubted = False
        entry.may_break_off = operation == "start"
        work = self._start(entry) if operation == "start" else self._stop(entry)
        entry.task = asyncio.get_running_loop().create_task(work)
        entry.task.add_done_callback(partial(self._ended, entry))

    def _ended(self, entry: _Entry, task: asyncio.Task[ResourceFinished]) -> None:
        operation, following = entry.operation or "", entry.next
        entry.operation = entry.next = entry.task = None
        replaced = operation == "start" and following is not None
        if not replaced:
            outcome = self._outcome(entry, operation, task)
            entry.held = operation == "start" and outcome.ok
            self._report(outcome)
            if entry.held and entry.doubted:
                self.check_addresses()
        elif not task.cancelled():
            # Looked at, or asyncio complains; a start that failed anyway is of no interest any more.
            task.exception()
        # The report may have led to a new operation; that one is newer than what was noted.
        if following is not None and entry.operation is None:
            first, _, then = following.partition(", ")
            self._begin(entry, first)
            entry.next = then or None

    def _outcome(
        self, entry: _Entry, operation: str, task: asyncio.Task[ResourceFinished]
    ) -> ResourceFinished:
        key = entry.group.key
        if task.cancelled():
            return ResourceFinished(key, operation, ok=False, reason="broken off", clean=False)
        error = task.exception()
        if error is None:
            return task.result()
        _LOG.error("%s: %s failed unexpectedly", key, operation, exc_info=error)
        return ResourceFinished(key, operation, ok=False, reason=repr(error), clean=False)

    async def _start(self, entry: _Entry) -> ResourceFinished:
        for position, agent in enumerate(entry.agents):
            # A cancellation can get lost when what it interrupts ends at the same moment.
            if entry.next is not None:
                raise asyncio.CancelledError
            fresh = position not in entry.touched
            entry.touched.add(position)
            try:
                await agent.start()
            except ResourceError as error:
                if isinstance(error, MissingResourceError) and fresh:
                    entry.touched.discard(position)
                entry.may_break_off = False
                return await self._roll_back(entry, str(error))
        return ResourceFinished(entry.group.key, "start", ok=True)

    async def _roll_back(self, entry: _Entry, reason: str) -> ResourceFinished:
        _LOG.warning("%s: %s; stopping what was started", entry.group.key, reason)
        undone = await self._stop_positions(entry, sorted(entry.touched, reverse=True))
        if undone is not None:
            reason = f"{reason}; then {undone}"
        return ResourceFinished(entry.group.key, "start", ok=False, reason=reason, clean=undone is None)

    async def _stop(self, entry: _Entry) -> ResourceFinished:
        problem = await self._stop_positions(entry, list(reversed(range(len(entry.agents)))))
        return ResourceFinished(
            entry.group.key, "stop", ok=problem is None, reason=problem or "", clean=problem is None
        )

    async def _stop_positions(self, entry: _Entry, positions: list[int]) -> str | None:
        """Stop resources in this order, up to the first that will not stop; why it will not, or None."""
        for position in positions:
            try:
                await self._stop_agent(entry.agents[position], started=position in entry.touched)
            except ResourceError as error:
                return str(error)
            entry.touched.discard(position)
        return None

    async def _stop_agent(self, agent: Agent, *, started: bool) -> None:
        """Stop one resource, if need be several times. Raises ResourceError when it still runs."""
        attempt = 1
        while True:
            try:
                await agent.stop()
            except ResourceError as error:
                # What cannot be called and was not started by us is no reason to be stuck.
                if isinstance(error, MissingResourceError) and not started:
                    return
                if not await _may_run(agent):
                    _LOG.warning("%s; but it does not run", error)
                    return
                if attempt >= self._retries.attempts:
                    raise
                _LOG.warning("%s; trying again", error)
            else:
                return
            attempt += 1
            await asyncio.sleep(self._retries.pause_ms / 1000)

    async def _stopped(self, entry: _Entry) -> ResourceFinished:
        """Wait until nothing is under way any more; how the last operation went."""
        finished = ResourceFinished(entry.group.key, "stop", ok=True)
        while entry.task is not None:
            task = entry.task
            await asyncio.wait([task])
            # The loop runs the task's callbacks, which may begin the next operation, before us.
            if not task.cancelled() and task.exception() is None:
                finished = task.result()
        return finished

    # Addresses that somebody else removes.

    def _doubt(self, entry: _Entry, agent: Agent, ip: str) -> None:
        """Look now, or when the start is over: it may be the address that it has just brought up."""
        if entry.held:
            self._check(entry, agent, ip)
        else:
            entry.doubted = entry.operation == "start"

    def _check(self, entry: _Entry, agent: Agent, ip: str) -> None:
        task = asyncio.get_running_loop().create_task(self._verify(entry, agent, ip))
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _verify(self, entry: _Entry, agent: Agent, ip: str) -> None:
        try:
            there = await agent.status()
        except ResourceError as error:
            _LOG.warning("%s", error)
            return
        if entry.held and not there:
            self._report(AddressLost(entry.group.key, ip))


async def _may_run(agent: Agent) -> bool:
    """Whether something of the resource may run: when in doubt, yes."""
    try:
        return await agent.status()
    except ResourceError:
        return True
