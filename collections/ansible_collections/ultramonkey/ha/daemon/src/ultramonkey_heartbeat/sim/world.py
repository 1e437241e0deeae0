"""The cluster, its network and its time: jumps from event to event, and lets observers watch.

Drives the very `Node` that production runs; only the edges are imitated. Deterministic: the same plan
gives the same run.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..config.model import (
    AuthKey,
    AuthKeys,
    BroadcastLink,
    Configuration,
    Group,
    HaCf,
    LinkConfig,
    SerialLink,
)
from ..core import effects as fx
from ..core import events as ev
from ..core.node import Node
from ..core.notices import Notice
from ..core.switches import maintained_by
from ..wire.auth import Key, KeyRing
from ..wire.codec import NETSTRING, TEXT, Codec
from ..wire.errors import WireError
from ..wire.message import Message
from .machine import Host, Machine, Member, jitter
from .network import Medium, Parcel
from .observer import Observer
from .plan import MediumPlan

# The time of day at which every run begins, in milliseconds.
WALL_MS = 1_700_000_000_000
# So many messages read from bytes are kept: the same bytes go to other machines and over other media, too.
DECODED_MAX = 16
# Two nodes have nobody to pass anything on to.
PAIR = 2
# More statuses than can be under way.
SAID_MAX = 2000
# More events than this at one instant: somebody answers himself.
EVENTS_AT_ONCE_MAX = 20_000
SECRET = b"6b1f0c6de2a94f7c8d5537b0a1e94c22"

Words = Callable[[Notice], str]


class RunawayError(Exception):
    """Too much happened at one instant."""


class World(Host):
    """All machines, all media, one queue."""

    def __init__(
        self, ha: HaCf, groups: Sequence[Group], seed: int, *, codec: str = "", words: Words | None = None
    ) -> None:
        self.now_ms = 0
        self.ha = ha
        self.groups = list(groups)
        self.seed = seed
        self.machines: dict[str, Machine] = {}
        self.media: dict[str, Medium] = {}
        self.observers: list[Observer] = []
        # Those that want to know of every status message that was delivered; empty most of the time.
        self.listeners: list[Observer] = []
        # Judges what a daemon makes of messages that are older than what it has read.
        self.integrity: Observer | None = None
        # Changes a message between its sender and the network (a later version of ours), or None.
        self.rewrite: Callable[[str, Message], Message] | None = None
        self.rng = random.Random(f"{seed} world")  # noqa: S311 - repeatable
        self.lines: list[tuple[int, str, str]] = []
        self.telling = words is not None
        self._words = words
        self._queue: list[tuple[int, int, int, Callable[[Any], None], Any]] = []
        # How many events there were, and how many before the parcel that was read last.
        self.order = self.reading = 0
        # Whose next message somebody records, and what was recorded, to be replayed.
        self.to_record: set[str] = set()
        self.recorded: list[Parcel] = []
        self._codec = _codec(codec) if codec else None
        self._decoded: dict[bytes, Message] = {}
        # When each status was first said (and in which order), by source, generation and number.
        self._said: dict[tuple[str, int | None, int | None], tuple[int, int]] = {}
        self.method = codec or "sha1"

    # -- building ------------------------------------------------------------------------------------

    def add_medium(self, plan: MediumPlan) -> None:
        """One more medium."""
        self.media[plan.name] = Medium(plan, random.Random(f"{self.seed} {plan.name}"))  # noqa: S311

    def add_machine(self, name: str) -> Machine:
        """One more machine, switched off; the media must be there."""
        machine = self.machines[name] = Machine(name, len(self.machines), self, WALL_MS)
        machine.media = [medium for medium in self.media.values() if name in medium.plan.members]
        return machine

    def configuration(self, name: str) -> Configuration:
        """What the three files of a node say."""
        links = tuple(_link(medium.plan) for medium in self.machines[name].media)
        ha = replace(self.ha, nodes=tuple(self.machines), links=links)
        keys = AuthKeys(1, (AuthKey(1, self.method, SECRET),))
        return Configuration(name, ha, tuple(self.groups), keys, "d1")

    def new_node(self, machine: Machine) -> Node:
        """The next run of our daemon on a machine, not begun yet."""
        identity = machine.next_identity(self.rng.getrandbits(16))
        return Node(self.configuration(machine.name), identity, jitter(machine.name, self.seed), self.decode)

    def start(self, name: str, member: Member | None = None) -> None:
        """A machine's daemon begins; what an earlier one left is released first."""
        machine = self.machines[name]
        if machine.member is not None:
            return
        left = [group.key for group in self.groups if group.key in machine.scripts.running]
        alone = [key for key in left if maintained_by(machine.switches, key)]
        # That something could not be stopped is noted, and counts on.
        stuck = [key for key in alone if machine.scripts.running[key] == "debris"]
        adopted = tuple(key for key in alone if key not in stuck)
        stuck += [key for key in left if key not in alone and not machine.scripts.release(key)]
        for key in adopted:
            machine.scripts.adopt(key)
        machine.begin(member or self.new_node(machine), tuple(stuck), adopted)

    # -- running -------------------------------------------------------------------------------------

    def at(self, at_ms: int, rank: int, act: Callable[[Any], None], argument: object) -> None:
        """Call `act(argument)` at an instant; among those of one instant the lower rank first."""
        self.order += 1
        heapq.heappush(self._queue, (at_ms, rank, self.order, act, argument))

    def later(self, delay_ms: int, act: Callable[[], object]) -> None:
        """Call that after a time."""
        self.at(self.now_ms + delay_ms, 0, _call, act)

    def advance_to(self, end_ms: int) -> None:
        """Run until that instant."""
        queue, pop = self._queue, heapq.heappop
        count = 0
        while queue and queue[0][0] <= end_ms:
            at_ms, _, _, act, argument = pop(queue)
            if at_ms > self.now_ms:
                self.now_ms = at_ms
                count = 0
            else:
                count += 1
                if count > EVENTS_AT_ONCE_MAX:
                    raise RunawayError(f"more than {EVENTS_AT_ONCE_MAX} events at {self.now_ms} ms")
            act(argument)
        self.now_ms = end_ms

    # -- the network ---------------------------------------------------------------------------------

    def send(self, machine: Machine, message: Message, links: tuple[str, ...] | None) -> None:
        """Put a message on all media of a machine, or on those named."""
        machine.sent += 1
        if self.rewrite is not None:
            message = self.rewrite(machine.name, message)
        now_ms, sender = self.now_ms, machine.name
        encoded: dict[str, bytes] = {}
        status = message.text("t") == "status"
        # What a node passes on for another is what that one said, when it said it.
        source, said_ms, order = message.text("src") or sender, now_ms, self.order
        if status and len(self.machines) > PAIR:
            number = (source, message.hexadecimal("hg"), message.hexadecimal("seq"))
            said_ms, order = self._said.setdefault(number, (now_ms, order))
            if len(self._said) > SAID_MAX:
                del self._said[next(iter(self._said))]
        for medium in machine.media:
            reach = medium.reach(sender)
            if not reach or (links is not None and medium.name not in links):
                continue
            event, size = self._event(medium, message, encoded)
            parcel = Parcel(source, said_ms, message, event, status=status, order=order)
            if sender in self.to_record:
                self.to_record.discard(sender)
                self.recorded.append(parcel)
            if medium.plain and not medium.plan.baud:
                # One delay for all: one entry of the queue is enough.
                self.order += 1
                entry = (now_ms + medium.plan.delay_ms, 0, self.order, self._deliver_all, (reach, parcel))
                heapq.heappush(self._queue, entry)
                continue
            for receiver in reach:
                sent = parcel
                if self._codec is not None and not medium.spares(sender, receiver, size, now_ms):
                    sent = self._through(medium, parcel)
                for at_ms in medium.arrivals(sender, receiver, size, now_ms, spoilt=sent is not parcel):
                    self.at(at_ms, 0, self._deliver_all, ((receiver,), sent))

    def _event(self, medium: Medium, message: Message, encoded: dict[str, bytes]) -> tuple[ev.Event, int]:
        """What a receiver gets, and how long it is on a serial line. `encoded` keeps the bytes by form."""
        if self._codec is not None:
            form = TEXT if medium.plan.baud else NETSTRING
            data = encoded.get(form)
            if data is None:
                data = encoded[form] = self._codec.encode(message, form)
            return ev.FrameReceived(medium.name, data), len(data)
        size = sum([len(f[0]) + len(f[1]) + 2 for f in message.fields]) + 50 if medium.plan.baud else 0
        return ev.MessageReceived(medium.name, message), size

    def _through(self, medium: Medium, parcel: Parcel) -> Parcel:
        event = parcel.event
        garbled = medium.garbled(event.data) if isinstance(event, ev.FrameReceived) else None
        if garbled is None:
            return parcel
        return Parcel(parcel.sender, parcel.sent_at_ms, Message(()), ev.FrameReceived(medium.name, garbled))

    def replay(self) -> None:
        """Somebody sends everything again that was recorded, to everybody."""
        for parcel in self.recorded:
            names = tuple(name for name in self.machines if name != parcel.sender)
            self.at(self.now_ms, 0, self._deliver_all, (names, parcel))

    def _deliver_all(self, under_way: tuple[tuple[str, ...], Parcel]) -> None:
        receivers, parcel = under_way
        for name in receivers:
            machine = self.machines[name]
            self.reading = self.order
            if parcel.sender == name:
                # Its own, which another has passed on.
                machine.deliver(parcel)
                continue
            older = machine.awake and not machine.note(parcel)
            status = self.integrity.reads_older(machine) if older and self.integrity is not None else None
            if machine.deliver(parcel) and self.listeners:
                for listener in list(self.listeners):
                    listener.heard(parcel, machine)
            if status is not None and self.integrity is not None:
                self.integrity.has_read_older(machine, status)

    def decode(self, data: bytes) -> Message:
        """What a frame says; raises WireError.

        The same bytes say the same to everybody who has the key, so that they are read once.
        """
        if self._codec is None:
            raise WireError("this network carries no bytes")
        message = self._decoded.get(data)
        if message is None:
            message = self._codec.decode(data)
            if len(self._decoded) >= DECODED_MAX:
                self._decoded.clear()
            self._decoded[data] = message
        return message

    # -- effects -------------------------------------------------------------------------------------

    def carry_out(self, machine: Machine, effect: fx.Effect) -> None:
        """Do what a daemon wants."""
        if isinstance(effect, Notice):
            if self.telling and self._words is not None:
                self.tell(machine.name, self._words(effect))
            for observer in self.observers:
                observer.noticed(machine, effect)
        elif isinstance(effect, fx.StartGroup):
            self.tell(machine.name, f"start {effect.group}")
            machine.scripts.start(effect.group)
        elif isinstance(effect, fx.StopGroup):
            self.tell(machine.name, f"stop {effect.group}")
            machine.scripts.stop(effect.group)
        elif isinstance(effect, fx.Announce):
            self.tell(machine.name, f"announce {effect.group}")
            for observer in self.observers:
                observer.announced(machine, effect.group)
        elif isinstance(effect, fx.AdminReply):
            self.tell(machine.name, f"reply {effect.request_id} {effect.phase}{summary(effect)}")
            for observer in self.observers:
                observer.replied(machine, effect)
        elif isinstance(effect, fx.PersistGeneration):
            machine.generation = effect.generation
        elif isinstance(effect, fx.PersistSwitches):
            machine.switches = effect.switches
        elif isinstance(effect, fx.Exit):
            self.tell(machine.name, "exit" if effect.clean else "exit, something still runs")
            machine.end()

    def ran(self, machine: Machine, key: str, what: str) -> None:
        """A script has begun or ended."""
        if self.telling and what not in ("start begins", "stop begins"):
            self.tell(machine.name, f"script of {key}: {what}")
        for observer in self.observers:
            observer.ran(machine, key, what)

    def changed(self, machine: Machine, what: str) -> None:
        """A daemon has begun, ended, slept or woken."""
        self.tell(machine.name, what)
        for observer in self.observers:
            observer.changed(machine, what)

    def tell(self, machine: str, text: str) -> None:
        """Write a line of the story, when somebody reads it."""
        if self.telling:
            self.lines.append((self.now_ms, machine, text))


def _call(act: Callable[[], object]) -> None:
    act()


def _codec(method: str) -> Codec:
    return Codec(KeyRing([Key(1, method, b"" if method == "crc" else SECRET)], 1))


def _link(plan: MediumPlan) -> LinkConfig:
    kind, _, where = plan.name.partition(" ")
    return SerialLink(where, plan.baud) if kind == "serial" else BroadcastLink(where, 694)


def summary(reply: fx.AdminReply) -> str:
    """What a reply says, in a few words."""
    error = reply.result.get("error")
    if error:
        return f": {error['code']}: {error['message']}"
    moved = reply.result["result"].get("moved", ())
    return "".join(
        f", {m['group']} {m['from']} -> {m['to']}"
        + (f" ({m['without_holder_ms']} ms without holder)" if m.get("without_holder_ms") is not None else "")
        for m in moved
    )
