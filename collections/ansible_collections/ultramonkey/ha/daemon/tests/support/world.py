"""A whole cluster in one process: simulated time, a network with faults, scripts with faults.

Drives the very `Node` that production runs; only the edges are imitated. Deterministic: the same
commands give the same lines.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field

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
from ultramonkey_heartbeat.core.notices import Moved, Notice
from ultramonkey_heartbeat.core.snapshot import snapshot
from ultramonkey_heartbeat.core.switches import NOTHING_TURNED, Kept, maintained_by
from ultramonkey_heartbeat.core.transmit import Identity
from ultramonkey_heartbeat.daemon.notices import word
from ultramonkey_heartbeat.sim.old_host import OldHost

LINK = "bcast eth0"
NETWORK_DELAY_MS = 1
SCRIPT_MS = 10
# No scenario is longer than this many events: a test that hangs says so.
EVENTS_MAX = 200_000


@dataclass
class Host:
    """One machine: its daemon, if it runs, and what is on it."""

    name: str
    generation: int = 100
    old: bool = False  # it runs heartbeat 3.0.6
    node: Node | None = None
    runs: dict = field(default_factory=dict)  # group -> True while its address is up
    fails: dict = field(default_factory=dict)  # (group, operation) -> reason
    takes_ms: dict = field(default_factory=dict)  # (group, operation) -> ms
    frozen_until_ms: int = 0
    stuck: set = field(default_factory=set)  # groups whose last stop failed
    jobs: dict = field(default_factory=dict)  # group -> number of the job that counts
    inbox: list = field(default_factory=list)
    switches: Kept = NOTHING_TURNED  # on its disk


class World:
    """The cluster, its network and its time."""

    def __init__(self, *, keepalive_ms=1000, deadtime_ms=5000, initdead_ms=10_000, failback="off", seed=1):
        self.now_ms = 0
        self.log: list[str] = []
        self.hosts: dict[str, Host] = {}
        self.groups: list[Group] = []
        self.cuts: set[tuple[str, str]] = set()
        self.pings: tuple = ()
        self.digests: dict[str, str] = {}
        # (host, ping node) that do not reach each other
        self.ping_cuts: set[tuple[str, str]] = set()
        self.loss = 0.0
        self.ha = {
            "keepalive_ms": keepalive_ms,
            "deadtime_ms": deadtime_ms,
            "warntime_ms": deadtime_ms // 2 + keepalive_ms,
            "initdead_ms": initdead_ms,
            "auto_failback": AutoFailback(failback),
        }
        self.rng = random.Random(seed)
        self.messages = 0
        self.rows = Counter()  # of the state table of 3.0.6, as they were taken
        # Two nodes that hear each other may both hold a group for one heartbeat and one release.
        self.double_ms_max = keepalive_ms + SCRIPT_MS + 4 * NETWORK_DELAY_MS
        self.doubles: dict[str, int] = {}
        self.violations: list[str] = []
        self.replies: dict[str, list] = {}
        self._queue: list = []
        self._order = itertools.count()
        self._requests = itertools.count(1)

    # -- building --------------------------------------------------------------------------------

    def add_node(self, name):
        self.hosts[name] = Host(name)

    def add_group(self, key, preferred):
        self.groups.append(Group(key, preferred, (Resource("IPaddr", (key,), key),)))

    def remove_group(self, key):
        self.groups = [group for group in self.groups if group.key != key]

    def configuration(self, name):
        return Configuration(
            name,
            HaCf(tuple(self.hosts), (BroadcastLink("eth0", 694),), pings=self.pings, **self.ha),
            tuple(self.groups),
            AuthKeys(1, (AuthKey(1, "sha1", b"secret"),)),
            self.digests.get(name, "d1"),
        )

    def start(self, name):
        host = self.hosts[name]
        host.generation += 1
        # What an earlier daemon left is released, but for what is under maintenance.
        host.runs = {key: True for key in host.runs if maintained_by(host.switches, key)}
        identity = Identity(name, name.encode().ljust(16, b"."), host.generation)
        host.node = self._member(host, identity)
        self.give(host, ev.Started(1_700_000_000_000, adopted=tuple(host.runs), switches=host.switches))
        self.give(host, ev.LinkChanged(LINK, up=True, reason=""))
        for ping in self.pings:
            self._ping(host, host.node, ping.name)

    def add_ping(self, name):
        self.pings += (PingNode("ping", name, (name,)),)

    def cut_ping(self, host, name):
        self.ping_cuts.add((host, name))

    def heal_ping(self, host, name):
        self.ping_cuts.discard((host, name))

    def _ping(self, host, node, name):
        """One echo request of this run of the daemon, and the next one after a keepalive."""
        if host.node is not node:
            return
        if (host.name, name) not in self.ping_cuts:
            self.later(2 * NETWORK_DELAY_MS, lambda: self.give(host, ev.PingAnswered(name)))
        self.later(self.ha["keepalive_ms"], lambda: self._ping(host, node, name))

    def _member(self, host, identity):
        configuration, rng = self.configuration(host.name), random.Random(host.name)
        if not host.old:
            return Node(configuration, identity, rng, _no_frames)
        ha, groups = configuration.ha, configuration.groups
        return OldHost(identity, ha, groups, _no_frames, rng=rng, rows=self.rows)

    def kill(self, name):
        host = self.hosts[name]
        host.node = None
        host.runs.clear()
        host.stuck.clear()
        host.jobs.clear()

    def crash(self, name):
        """The daemon alone; its groups run on until somebody releases them."""
        self.hosts[name].node = None
        self.hosts[name].jobs.clear()

    def freeze(self, name, duration_ms):
        host = self.hosts[name]
        host.frozen_until_ms = max(host.frozen_until_ms, self.now_ms + duration_ms)

    # -- running ---------------------------------------------------------------------------------

    def advance(self, duration_ms):
        end = self.now_ms + duration_ms
        for _ in range(EVENTS_MAX):
            at = self._next_at()
            if at is None or at > end:
                self.now_ms = end
                return
            self.now_ms = max(self.now_ms, at)
            self._step()
            self._watch()
        raise AssertionError("too many events: does somebody answer himself?")

    def _next_at(self):
        instants = [entry[0] for entry in self._queue[:1]]
        for host in self.hosts.values():
            if host.node is not None:
                deadline = host.node.next_deadline()
                if deadline is not None:
                    instants.append(max(deadline, host.frozen_until_ms))
        return min(instants, default=None)

    def _step(self):
        if self._queue and self._queue[0][0] <= self.now_ms:
            _, _, action = heapq.heappop(self._queue)
            action()
            return
        for host in self.hosts.values():
            if host.node is None or host.frozen_until_ms > self.now_ms:
                continue
            deadline = host.node.next_deadline()
            if deadline is not None and deadline <= self.now_ms:
                self.give(host, ev.DeadlineReached())
                return

    # -- an outside observer ---------------------------------------------------------------------

    def _watch(self):
        """Note since when two nodes that hear each other both hold a group."""
        for group in self.groups:
            double = len(self._hearing_holders(group.key)) > 1
            since = self.doubles.setdefault(group.key, self.now_ms) if double else None
            if not double:
                self.doubles.pop(group.key, None)
            elif self.now_ms - since > self.double_ms_max:
                self.violations.append(f"{group.key} is held twice since {since} ms, now {self.now_ms} ms")
                self.doubles[group.key] = self.now_ms

    def _hearing_holders(self, key):
        holders = [
            host
            for host in self.hosts.values()
            if host.runs.get(key)
            and host.node is not None
            and host.frozen_until_ms <= self.now_ms
            and (key, "stop") not in host.fails
            and key not in host.stuck
        ]
        return [
            host
            for host in holders
            if any(
                (host.name, other.name) not in self.cuts and (other.name, host.name) not in self.cuts
                for other in holders
                if other is not host
            )
        ]

    def later(self, delay_ms, action):
        heapq.heappush(self._queue, (self.now_ms + delay_ms, next(self._order), action))

    def give(self, host, event):
        if host.node is None:
            return
        if host.frozen_until_ms > self.now_ms:
            self.later(host.frozen_until_ms - self.now_ms, lambda: self.give(host, event))
            return
        for effect in host.node.handle(event, self.now_ms):
            self._carry_out(host, effect)

    # -- effects ---------------------------------------------------------------------------------

    def _carry_out(self, host, effect):
        if isinstance(effect, fx.SendMessage):
            self._send(host, effect.message)
        elif isinstance(effect, fx.StartGroup):
            self.say(host, f"start {effect.group}")
            self._run(host, effect.group, "start")
        elif isinstance(effect, fx.StopGroup):
            self.say(host, f"stop {effect.group}")
            self._run(host, effect.group, "stop")
        elif isinstance(effect, fx.Announce):
            self.say(host, f"announce {effect.group}")
        elif isinstance(effect, fx.AdminReply):
            self.replies.setdefault(effect.request_id, []).append(effect)
            self.say(host, f"reply {effect.request_id} {effect.phase}{_summary(effect)}")
        elif isinstance(effect, fx.PersistGeneration):
            host.generation = effect.generation
        elif isinstance(effect, fx.PersistSwitches):
            host.switches = effect.switches
        elif isinstance(effect, fx.Exit):
            self.say(host, "exit" if effect.clean else "exit, something still runs")
            host.node = None
        elif isinstance(effect, Notice) and not isinstance(effect, Moved):
            self.say(host, word(effect)[1])

    def _send(self, host, message):
        self.messages += 1
        if any(other.old for other in self.hosts.values()):
            self._tell_conversation(host, message)
        for other in self.hosts.values():
            if other is host or (host.name, other.name) in self.cuts or self.rng.random() < self.loss:
                continue
            self.later(
                NETWORK_DELAY_MS, lambda other=other: self.give(other, ev.MessageReceived(LINK, message))
            )

    def _tell_conversation(self, host, message):
        kind = message.text("t")
        if kind != "status" and not kind.startswith("NS_"):
            words = [
                message.text(name) for name in ("rsc_hold", "ipaddr", "weown", "isstable", "info", "node")
            ]
            self.say(host, "says " + " ".join([kind, *(word for word in words if word)]))

    def _run(self, host, key, operation):
        job = next(self._order)
        host.jobs[key] = job
        reason = host.fails.get((key, operation))
        if operation == "stop":
            (host.stuck.add if reason else host.stuck.discard)(key)
        if operation == "stop" and reason is None:
            host.runs.pop(key, None)
        delay = host.takes_ms.get((key, operation), SCRIPT_MS)
        self.later(delay, lambda: self._finish(host, key, operation, job, reason))

    def _finish(self, host, key, operation, job, reason):
        if host.node is None or host.jobs.get(key) != job:
            return
        if operation == "start" and reason is None:
            host.runs[key] = True
        clean = reason is None or "left behind" not in reason
        if operation == "start" and reason is not None and clean:
            # Rolled back, also when it ran before and was only to be looked after.
            host.runs.pop(key, None)
        self.give(host, ev.ResourceFinished(key, operation, reason is None, reason or "", clean))

    # -- administrators and observers -------------------------------------------------------------

    def move(self, name, groups, target=None, timeout_ms=10_000):
        request_id = f"r{next(self._requests)}"
        self.give(self.hosts[name], ev.MoveRequested(request_id, tuple(groups), target, timeout_ms))
        return request_id

    def ask(self, name, event, *arguments):
        """Any other request, by the class of its event."""
        request_id = f"r{next(self._requests)}"
        self.give(self.hosts[name], event(request_id, *arguments))
        return request_id

    def reload(self, name):
        """The files as they are now, taken over while the daemon runs."""
        self.give(self.hosts[name], ev.Reconfigured(self.configuration(name)))

    def shut_down(self, name):
        self.give(self.hosts[name], ev.ShutdownRequested())

    def holders(self, key):
        """Where the group's address is up: what an outside observer sees."""
        return [host.name for host in self.hosts.values() if host.runs.get(key)]

    def status(self, name):
        return snapshot(self.hosts[name].node, self.now_ms)

    def say(self, host, text):
        minutes, ms = divmod(self.now_ms, 60_000)
        self.log.append(f"{minutes:02}:{ms // 1000:02}.{ms % 1000:03} {host.name:6} {text}")

    def drain(self):
        lines, self.log = self.log, []
        return lines


def _no_frames(_data):
    raise AssertionError("the simulated network carries messages, not bytes")


def _summary(effect):
    error = effect.result.get("error")
    if error:
        return f": {error['code']}: {error['message']}"
    if "moved" not in effect.result["result"]:
        return f" {effect.result['result']}"
    moved = effect.result["result"]["moved"]
    return "".join(
        f", {m['group']} {m['from']} -> {m['to']}"
        + (f" ({m['without_holder_ms']} ms without holder)" if m.get("without_holder_ms") is not None else "")
        for m in moved
    )
