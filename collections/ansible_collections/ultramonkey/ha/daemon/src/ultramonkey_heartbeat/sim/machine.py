"""One machine: its clock, its daemon when it runs, its scripts, and its disk."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, Union

from ..config.model import Configuration
from ..core import effects as fx
from ..core import events as ev
from ..core.farewell import FAREWELL_INTERVAL_MS, farewell
from ..core.node import Node
from ..core.switches import NOTHING_TURNED
from ..core.transmit import Identity
from ..wire.message import Message
from .network import Medium, Parcel
from .scripts import Behaviour, Scripts

# What a socket keeps for a daemon that does not read, and a network card for a machine that does not run.
SOCKET_FRAMES = 200
CARD_FRAMES = 16
MILLION = 1_000_000
_DEADLINE = ev.DeadlineReached()


class Member(Protocol):
    """What runs on a machine: our `Node`, or an imitation of heartbeat 3.0.6."""

    def handle(self, event: ev.Event, now_ms: int) -> list[fx.Effect]:
        """Take in an event."""

    def next_deadline(self) -> int | None:
        """When it wants to be called again."""


class Host:
    """What a machine needs of the world. A class to inherit from: compiled, it is called without look-ups."""

    now_ms: int = 0

    def later(self, delay_ms: int, act: Callable[[], object]) -> None:
        """Call that after a time."""
        raise NotImplementedError

    def at(self, at_ms: int, rank: int, act: Callable[[Any], None], argument: object) -> None:
        """Call that at an instant; among those of one instant the lower rank first."""
        raise NotImplementedError

    def carry_out(self, machine: Machine, effect: fx.Effect) -> None:
        """Do what the daemon wants."""
        raise NotImplementedError

    def send(self, machine: Machine, message: Message, links: tuple[str, ...] | None) -> None:
        """Put a message on the network."""
        raise NotImplementedError

    def ran(self, machine: Machine, key: str, what: str) -> None:
        """A script has begun or ended."""
        raise NotImplementedError

    def changed(self, machine: Machine, what: str) -> None:
        """The daemon has begun, ended, slept or woken."""
        raise NotImplementedError

    def tell(self, machine: str, text: str) -> None:
        """Write a line of the story."""
        raise NotImplementedError


class Machine:
    """One node of the cluster as seen from outside."""

    def __init__(self, name: str, index: int, world: Host, wall_ms: int) -> None:
        self.name = name
        self.index = index
        self.media: list[Medium] = []
        self.member: Member | None = None
        self.node: Node | None = None
        self.scripts = Scripts(world, self._behaviour, self._finished, self._ran, self._asleep_ms)
        self.behaviours: dict[tuple[str, str], Behaviour] = {}
        self.usual = Behaviour(10)
        # What is on the disk; None when the file was lost.
        self.generation: int | None = wall_ms // 1000
        self.switches = NOTHING_TURNED
        # The ping nodes that do not answer it.
        self.blind: set[str] = set()
        self.ppm = 0
        # What its monotonic clock shows beyond the world's, and its wall clock beyond the true time.
        self.offset_ms = 0
        self.wall_ms = self.latest_wall_ms = wall_ms
        self.frozen_until_ms = 0
        # The whole machine sleeps, not only the daemon.
        self.suspended = False
        self.sent = 0
        self.runs = 0
        self.begun_ms = 0
        # When the newest message of each other machine was sent, and when it was first read.
        self.heard: dict[str, tuple[int, int]] = {}
        # It was told to stop, and is on its way.
        self.leaving = False
        self.powered = False
        self._inbox: deque[Union[ev.Event, Parcel]] = deque()
        # The present sleep, or the last one: its number, its beginning, and what comes of it.
        self._sleeps = 0
        self._asleep_since_ms = 0
        self._clock_stands = False
        self._keep = SOCKET_FRAMES
        self._frames_first = True
        self._world = world
        self._armed_ms: int | None = None
        self._rank = index + 1

    # -- time ----------------------------------------------------------------------------------------

    def local(self, now_ms: int) -> int:
        """What the machine's monotonic clock shows."""
        return now_ms + self.offset_ms + (now_ms * self.ppm // MILLION if self.ppm else 0)

    def _world_at(self, local_ms: int) -> int:
        """When the machine's clock will show that, or a little later."""
        at_ms = local_ms - self.offset_ms
        if not self.ppm:
            return at_ms
        at_ms = at_ms * MILLION // (MILLION + self.ppm)
        while self.local(at_ms) < local_ms:
            at_ms += 1
        return at_ms

    @property
    def now_ms(self) -> int:
        """The world's time."""
        return self._world.now_ms

    @property
    def awake(self) -> bool:
        """The daemon runs, and is not held up."""
        return self.member is not None and self.frozen_until_ms <= self._world.now_ms

    # -- life ----------------------------------------------------------------------------------------

    def begin(self, member: Member, stuck: tuple[str, ...] = (), adopted: tuple[str, ...] = ()) -> None:
        """The daemon runs."""
        self.member = member
        self.node = member if isinstance(member, Node) else None
        self.leaving, self.powered = False, True
        self.runs += 1
        self.begun_ms = self._world.now_ms
        self.frozen_until_ms = 0
        self.suspended = False
        self._inbox.clear()
        self._armed_ms = None
        now_ms = self._world.now_ms
        wall_offset_ms = self.wall_ms + now_ms - self.local(now_ms)
        self._world.changed(self, "daemon begins")
        self.give(ev.Started(wall_offset_ms, stuck, adopted, self.switches))
        for medium in self.media:
            self.give(ev.LinkChanged(medium.name, up=True, reason=""))

    def next_identity(self, nonce: int) -> Identity:
        """Who the next run of the daemon will be; its generation is on the disk before it begins."""
        wall_s = (self.wall_ms + self._world.now_ms) // 1000
        self.generation = wall_s if self.generation is None else self.generation + 1
        return Identity(self.name, self.name.encode().ljust(16, b"."), self.generation, nonce)

    def power_off(self) -> None:
        """Everything is gone at once."""
        self._end("power off")
        self.powered = False
        self.scripts.power_off()

    def crash(self) -> None:
        """The daemon dies; what it started goes on running."""
        self._end("daemon crashes")
        self.scripts.abandon()

    def end(self) -> None:
        """The daemon has ended by itself. What it could not stop it may just be trying to stop again."""
        self._end("daemon ends")
        self.scripts.abandon()

    def _end(self, what: str) -> None:
        self.member = self.node = None
        self.leaving = False
        self.frozen_until_ms = 0
        self.suspended = False
        self._inbox.clear()
        self._armed_ms = None
        self._world.changed(self, what)

    def say_goodbye(self, configuration: Configuration, identity: Identity, left: list[str]) -> None:
        """What `heartbeatd --release` sends when nothing runs any more."""
        now_ms = self._world.now_ms
        for number, message in enumerate(
            farewell(configuration, identity, self.wall_ms + now_ms, left, self.switches)
        ):
            self._world.later(number * FAREWELL_INTERVAL_MS, partial(self._send_if_idle, message))

    def _send_if_idle(self, message: Message) -> None:
        if self.member is None:
            self._world.send(self, message, None)

    # -- sleep ---------------------------------------------------------------------------------------

    def freeze(
        self, duration_ms: int, *, whole: bool, keep: bool, clock_stands: bool, frames_first: bool
    ) -> None:
        """The daemon, or the whole machine, does not run for a while."""
        if self.frozen_until_ms > self._world.now_ms:
            return
        self.frozen_until_ms = self._world.now_ms + duration_ms
        self.suspended = whole
        self._keep = (SOCKET_FRAMES if not whole else CARD_FRAMES) if keep else 0
        self._frames_first = frames_first
        self._world.changed(self, "sleeps")
        self._sleeps += 1
        self._asleep_since_ms = self._world.now_ms
        self._clock_stands = clock_stands
        self._world.later(duration_ms, partial(self._wake, self._sleeps))

    def wake_now(self) -> None:
        """Whatever holds it up ends."""
        if self.frozen_until_ms > self._world.now_ms:
            self.frozen_until_ms = self._world.now_ms
            self._wake(self._sleeps)

    def _wake(self, sleep: int) -> None:
        if self.member is None or not self.frozen_until_ms or self._sleeps != sleep:
            return
        self.frozen_until_ms = 0
        self.suspended = False
        if self._clock_stands:
            self.offset_ms -= self._world.now_ms - self._asleep_since_ms
        self._armed_ms = None
        self._world.changed(self, "wakes")
        waiting, self._inbox = self._inbox, deque()
        if not self._frames_first:
            self.give(_DEADLINE)
        for item in waiting:
            if isinstance(item, Parcel):
                self.note(item)
                self.give(item.event)
            else:
                self.give(item)
        self._arm()

    # -- events --------------------------------------------------------------------------------------

    def note(self, parcel: Parcel) -> bool:
        """A status is being read: whether it is the newest of its sender, or as new. Others are."""
        if not parcel.status:
            return True
        before = self.heard.get(parcel.sender)
        if before is None or parcel.sent_at_ms > before[0]:
            self.heard[parcel.sender] = (parcel.sent_at_ms, self._world.now_ms)
            return True
        return parcel.sent_at_ms == before[0]

    def deliver(self, parcel: Parcel) -> bool:
        """A frame arrives. True when the daemon could read it at once."""
        if self.member is None:
            return False
        if self.frozen_until_ms > self._world.now_ms:
            if len(self._inbox) < self._keep:
                self._inbox.append(parcel)
            return False
        self.give(parcel.event)
        return True

    def give(self, event: ev.Event) -> None:
        """Let the daemon handle an event, now or when it wakes."""
        member = self.member
        if member is None:
            return
        now_ms = self._world.now_ms
        if self.frozen_until_ms > now_ms:
            self._inbox.append(event)
            return
        if self.offset_ms or self.ppm:
            now_ms = self.local(now_ms)
        # Our own is of one class, which a compiler can make use of.
        node = self.node
        effects = node.handle(event, now_ms) if node is not None else member.handle(event, now_ms)
        if effects:
            for effect in effects:
                if type(effect) is fx.SendMessage:
                    self._world.send(self, effect.message, effect.links)
                else:
                    self._world.carry_out(self, effect)
        if self.member is member:
            self._arm()

    def _arm(self) -> None:
        """One timer for the member's next deadline; one that is armed too early does no harm."""
        member = self.member
        if member is None:
            return
        node = self.node
        deadline_ms = node.next_deadline() if node is not None else member.next_deadline()
        if deadline_ms is None:
            return
        if self.offset_ms or self.ppm:
            deadline_ms = self._world_at(deadline_ms)
        if self._armed_ms is None or deadline_ms < self._armed_ms:
            self._armed_ms = deadline_ms
            self._world.at(deadline_ms, self._rank, self._due, deadline_ms)

    def _due(self, armed_ms: int) -> None:
        member = self.member
        if self._armed_ms != armed_ms or member is None:
            return
        self._armed_ms = None
        now_ms = self._world.now_ms
        if self.frozen_until_ms > now_ms:
            return
        deadline_ms = member.next_deadline()
        if deadline_ms is None:
            return
        if (self.local(now_ms) if self.offset_ms or self.ppm else now_ms) >= deadline_ms:
            self.give(_DEADLINE)
        else:
            self._arm()

    # -- scripts -------------------------------------------------------------------------------------

    def _behaviour(self, key: str, operation: str) -> Behaviour:
        return self.behaviours.get((key, operation), self.usual)

    def _asleep_ms(self) -> int:
        return max(0, self.frozen_until_ms - self._world.now_ms) if self.suspended else 0

    def _finished(self, event: ev.ResourceFinished) -> None:
        self.give(event)

    def _ran(self, key: str, what: str) -> None:
        self._world.ran(self, key, what)


def jitter(name: str, seed: int) -> random.Random:
    """The generator that a node gets: its own, and the same in every repetition."""
    return random.Random(f"{seed} {name}")  # noqa: S311 - jitter only
