"""A cluster whose nodes are joined by serial lines: real frames, the real queue, simulated bytes and time."""

from __future__ import annotations

import dataclasses
import random

from ultramonkey_heartbeat.config.model import SerialLink
from ultramonkey_heartbeat.core import effects as fx
from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.core.node import Node
from ultramonkey_heartbeat.core.transmit import Identity
from ultramonkey_heartbeat.links.outbox import Outbox
from ultramonkey_heartbeat.wire.auth import Key, KeyRing
from ultramonkey_heartbeat.wire.codec import TEXT, Codec
from ultramonkey_heartbeat.wire.stream import StreamDecoder
from world import World

CODEC = Codec(KeyRing([Key(1, "sha256", b"a secret")], 1))


class Direction:
    """One direction of a cable: frames wait, take their time, and may arrive damaged."""

    def __init__(self, world, host, device, baud):
        self.host, self.device = host, device
        self.bytes = self.frames = 0
        self.cut = False
        # Called with each frame; what it returns arrives.
        self.disturb = lambda frame: frame
        self._world = world
        self._outbox = Outbox(baud)
        self._decoder = StreamDecoder()
        self._busy = False

    def send(self, frame):
        self._outbox.put(frame)
        if not self._busy:
            self._next()

    def _next(self):
        self._busy = bool(self._outbox.bytes_waiting)
        if not self._busy:
            return
        frame = self._outbox.take(self._world.now_ms / 1000)
        self.bytes += len(frame)
        self.frames += 1
        # Whole milliseconds, never less than it takes.
        self._world.later(-int(-1000 * self._outbox.seconds(len(frame)) // 1), lambda: self._arrive(frame))

    def _arrive(self, frame):
        self._next()
        if self.cut:
            return
        for found in self._decoder.feed(self.disturb(frame)):
            self._world.give(self.host, ev.FrameReceived(f"serial {self.device}", found))


class LineWorld(World):
    """`cables` are pairs of ends, an end is (node, device)."""

    def __init__(self, cables, *, baud=9600, corrupted=0.0, **timers):
        super().__init__(**timers)
        self.corrupted = corrupted
        self.directions = {}
        self._baud = baud
        for end in dict.fromkeys(end[0] for cable in cables for end in cable):
            self.add_node(end)
        for one, other in cables:
            for source, target in ((one, other), (other, one)):
                direction = Direction(self, self.hosts[target[0]], target[1], baud)
                direction.disturb = self._damage
                self.directions[source] = direction

    def _damage(self, frame):
        if self.rng.random() >= self.corrupted:
            return frame
        at = self.rng.randrange(len(frame))
        return frame[:at] + bytes([frame[at] ^ (1 << self.rng.randrange(8))]) + frame[at + 1 :]

    def devices(self, name):
        return [device for node, device in self.directions if node == name]

    def cut(self, *end, on=True):
        """Cut or mend the cable that has this end, in both directions."""
        away = self.directions[end]
        away.cut = on
        self.directions[away.host.name, away.device].cut = on

    def configuration(self, name):
        plain = super().configuration(name)
        links = tuple(SerialLink(device, self._baud) for device in self.devices(name))
        return dataclasses.replace(plain, ha=dataclasses.replace(plain.ha, links=links))

    def start(self, name):
        host = self.hosts[name]
        host.generation += 1
        host.runs.clear()
        identity = Identity(name, name.encode().ljust(16, b"."), host.generation)
        host.node = Node(self.configuration(name), identity, random.Random(name), CODEC.decode)
        self.give(host, ev.Started(1_700_000_000_000))
        for device in self.devices(name):
            self.give(host, ev.LinkChanged(f"serial {device}", up=True, reason=""))

    def _carry_out(self, host, effect):
        if not isinstance(effect, fx.SendMessage):
            super()._carry_out(host, effect)
            return
        frame = CODEC.encode(effect.brief or effect.message, TEXT)
        for device in self.devices(host.name):
            if effect.links is None or f"serial {device}" in effect.links:
                self.directions[host.name, device].send(frame)

    def seconds(self, count):
        """Let time pass, in steps that the limit of events allows."""
        for _ in range(count // 60):
            self.advance(60_000)
        self.advance(count % 60 * 1000)

    def deaths(self):
        return [line for line in self.log if "-> dead" in line]


def pair(*, running=True, **options):
    """Two nodes and a null-modem cable."""
    world = LineWorld([(("alice", "/dev/ttyS0"), ("bob", "/dev/ttyS0"))], **options)
    world.add_group("web", "alice")
    for name in world.hosts if running else ():
        world.start(name)
    return world


def ring(*names, closed=True, **options):
    """Each node joined to the next, and the last to the first."""
    cables = [((name, "/dev/ttyS0"), (after, "/dev/ttyS1")) for name, after in zip(names, names[1:])]
    if closed:
        cables.append(((names[-1], "/dev/ttyS0"), (names[0], "/dev/ttyS1")))
    world = LineWorld(cables, **options)
    world.add_group("web", names[0])
    for name in names:
        world.start(name)
    return world
