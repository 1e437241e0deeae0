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
from ultramonkey_heartbeat.core.snapshot import snapshot
from ultramonkey_heartbeat.core.transmit import Identity
from ultramonkey_heartbeat.wire.message import Message, decimal, hexadecimal, string

LINK = "bcast eth0"
SCRIPT_MS = 10
KEEPALIVE_MS = 1000
DEADTIME_MS = 5000


class OldPeer:
    """`real` is played by the test; `ours` is the node under test, which prefers the group "mine"."""

    def __init__(self, failback="off", pings=()):
        self.now_ms = 0
        self.said = []
        self.notices = []
        self.runs = set()
        self.jobs = []  # (when it ends, what then happens)
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
                self.notices.append(effect)
                self._later(ev.ResourceFinished(effect.group, "start", ok=True))
            elif isinstance(effect, fx.StopGroup):
                self.runs.discard(effect.group)
                self._later(ev.ResourceFinished(effect.group, "stop", ok=True))
            else:
                self.notices.append(effect)

    def _later(self, event):
        self.jobs.append((self.now_ms + SCRIPT_MS, event))

    def say(self, kind, *fields, seq=None):
        """A numbered message of the real one, `seq` for one that is repeated. Fields are (name, value)."""
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

    def take_over(self):
        """What the takeover of a dead node says at its end."""
        self.say("resource", ("rsc_hold", "foreign"), ("info", "mach_down"))

    def standby(self, held, step, *, seq=None):
        """A step of a move."""
        self.say("ask_resources", ("rsc_hold", held), ("info", step), seq=seq)

    def declare_dead(self, *, seq=None):
        """It has declared us dead."""
        self.say("stonith", ("node", "ours"), ("result", "good"), seq=seq)

    def ask_again(self, number):
        """What we answer when it asks for a message that it did not get, under the number which that had."""
        self.said.clear()
        span = [decimal("firstseq", number), decimal("lastseq", number)]
        fields = [string("t", "NS_rexmit"), string("dest", "ours"), *span, string("src", "real")]
        self.give(ev.MessageReceived(LINK, Message((*fields, hexadecimal("ts", 1)))))
        [answer] = [message for message in self.said if message.hexadecimal("seq") == number]
        self.said.clear()
        return answer

    def move(self, target, timeout_ms=10_000):
        """An administrator wants "mine" there. Returns the name of the request."""
        request_id = f"r{self.now_ms}"
        self.give(ev.MoveRequested(request_id, ("mine",), target, timeout_ms))
        return request_id

    def replies(self, request_id):
        """What was answered to a request so far."""
        answers = [effect for effect in self.notices if isinstance(effect, fx.AdminReply)]
        return [answer for answer in answers if answer.request_id == request_id]

    def problems(self):
        """The codes that `hbctl status` would tell."""
        return [problem["code"] for problem in snapshot(self.node, self.now_ms)["problems"]]

    def advance(self, duration_ms):
        """Time passes; the real one and the ping nodes live as they should."""
        end_ms = self.now_ms + duration_ms
        beat_ms = self.now_ms
        while True:
            job_ms = min((at_ms for at_ms, _ in self.jobs), default=None)
            instants = [at for at in (self.node.next_deadline(), beat_ms, job_ms) if at is not None]
            at_ms = min(instants)
            if at_ms > end_ms:
                break
            self.now_ms = max(self.now_ms, at_ms)
            if at_ms == job_ms:
                self.give(self.jobs.pop(0)[1])
            elif at_ms == beat_ms:
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

    def lines(self):
        """What was said since this was last asked, as `heard`, each a short line."""
        names = ("t", "rsc_hold", "info")
        return [" ".join(each[name] for name in names if name in each) for each in self.heard()]

    def numbers(self, kind, **fields):
        """The numbers under which that was said since the last question."""
        return [
            message.hexadecimal("seq")
            for message in self.said
            if all(message.text(name) == value for name, value in {"t": kind, **fields}.items())
        ]

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
