"""A node of ours beside a heartbeat 3.0.6 that a test plays: what the test makes it say, and the answers."""

from __future__ import annotations

import random

from ultramonkey_heartbeat.config.model import (
    AuthKey,
    AuthKeys,
    AutoFailback,
    BroadcastLink,
    Configuration,
    Group,
    HaCf,
    PingNode,
    Resource,
)
from ultramonkey_heartbeat.core import effects as fx
from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.core.node import Node
from ultramonkey_heartbeat.core.transmit import Identity
from ultramonkey_heartbeat.wire.message import Message, decimal, hexadecimal, string

LINK = "bcast eth0"
KEEPALIVE_MS = 1000
DEADTIME_MS = 5000


class OldPeer:
    """`real` is played by the test; `ours` is the node under test, which prefers the group "mine"."""

    def __init__(self, failback="off", pings=()):
        self.now_ms = 0
        self.said = []
        self.notices = []
        self.runs = set()
        self.seq = 0
        self.generation = 900
        self.alive = False
        self.answering = set(pings)
        ha = HaCf(
            ("real", "ours"),
            (BroadcastLink("eth0", 694),),
            KEEPALIVE_MS,
            DEADTIME_MS,
            initdead_ms=10_000,
            auto_failback=AutoFailback(failback),
            pings=tuple(PingNode("ping", name, (name,)) for name in pings),
        )
        groups = tuple(
            Group(key, node, (Resource("x", (), key),))
            for key, node in (("theirs", "real"), ("mine", "ours"))
        )
        configuration = Configuration("ours", ha, groups, AuthKeys(1, (AuthKey(1, "crc", b""),)), "d")
        identity = Identity("ours", b"o" * 16, 100, 7)
        self.node = Node(configuration, identity, random.Random(1), lambda _data: None)
        self.give(ev.Started(1_700_000_000_000))
        self.give(ev.LinkChanged(LINK, up=True, reason=""))

    def give(self, event):
        for effect in self.node.handle(event, self.now_ms):
            if isinstance(effect, fx.SendMessage):
                self.said.append(effect.message)
            elif isinstance(effect, fx.StartGroup):
                self.runs.add(effect.group)
                self.give(ev.ResourceFinished(effect.group, "start", ok=True))
            elif isinstance(effect, fx.StopGroup):
                self.runs.discard(effect.group)
                self.give(ev.ResourceFinished(effect.group, "stop", ok=True))
            else:
                self.notices.append(effect)

    def say(self, kind, *fields, seq=None):
        """A numbered message of the real one. Fields are (name, value)."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        own = [string("t", kind), *(string(name, value) for name, value in fields), string("src", "real")]
        numbers = [hexadecimal("seq", seq), hexadecimal("hg", self.generation), hexadecimal("ts", 1)]
        self.give(ev.MessageReceived(LINK, Message((*own, *numbers, decimal("ttl", 3)))))

    def status(self, word="active", **more):
        """A heartbeat."""
        fields = {"st": word, "dt": f"{DEADTIME_MS:x}", "protocol": "1", **more}
        self.say("status", *fields.items())

    def resource(self, held, *, stable="1", **more):
        """A report of what it holds."""
        self.say("resource", ("rsc_hold", held), ("rtype", "full"), ("isstable", stable), *more.items())

    def advance(self, duration_ms):
        """Time passes; the real one and the ping nodes live as they should."""
        end_ms = self.now_ms + duration_ms
        beat_ms = self.now_ms
        while True:
            instants = [at for at in (self.node.next_deadline(), beat_ms) if at is not None]
            at_ms = min(instants)
            if at_ms > end_ms:
                break
            self.now_ms = max(self.now_ms, at_ms)
            if at_ms == beat_ms:
                beat_ms += KEEPALIVE_MS
                if self.alive:
                    self.status()
                for name in sorted(self.answering):
                    self.give(ev.PingAnswered(name))
            else:
                self.give(ev.DeadlineReached())
        self.now_ms = end_ms

    def join(self, held="local"):
        """The real one is there and holds its part; both become stable."""
        self.alive = True
        self.advance(100)
        self.resource(held)
        self.advance(2000)
        self.said.clear()

    def heard(self, *kinds):
        """What was said since this was last asked, without heartbeats and acknowledgements."""
        own = ("src", "srcuuid", "seq", "hg", "ts", "ttl")
        told = [
            {field.name: message.text(field.name) for field in message.fields if field.name not in own}
            for message in self.said
            if message.text("t") not in ("status", "NS_ackmsg")
        ]
        self.said.clear()
        return [each for each in told if not kinds or each["t"] in kinds]
