"""The promises of docs/ARCHITECTURE.md as code. They stand outside: they see scripts, messages and answers.

A checker is never loosened to make a run green: a bound that turns out wrong is stated anew, exactly, in the
document and here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..config.model import AutoFailback, Group
from ..core import effects as fx
from .observer import Observer
from .plan import Fault, Plan

if TYPE_CHECKING:
    from .machine import Machine
    from .network import Parcel
    from .world import World


# A checker that is violated once is often violated ever after.
NOTED_MAX = 3


@dataclass(frozen=True)
class Violation:
    """A promise that was broken."""

    at_ms: int
    checker: str
    text: str

    def __str__(self) -> str:
        return f"{self.at_ms / 1000:.3f} s: {self.checker}: {self.text}"


class Checker(Observer):
    """An observer with an opinion."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self.plan = plan
        self.violations: list[Violation] = []

    def violated(self, text: str) -> None:
        """Note it; one of a kind is enough."""
        if len(self.violations) < NOTED_MAX:
            self.violations.append(Violation(self.world.now_ms, type(self).__name__, text))


@dataclass
class _Double:
    """Two daemons serve one group. `words[n]` is since when the next status counts, in two chains."""

    key: str
    pair: tuple[str, str]
    since_ms: int
    # For the chain that begins with the first, and with the second of the pair: statuses heard in turn,
    # and when the last of them was.
    turns: list[int] = field(default_factory=lambda: [0, 0])
    turned_ms: list[int] = field(default_factory=lambda: [0, 0])


class OneHolder(Checker):
    """Two nodes that hear each other do not both serve a group.

    Exactly: when a daemon begins to serve a group that another daemon serves, then as soon as three of
    their status messages were heard in turn, each sent after the one before was heard (there, back, and
    there; and the same beginning with the other one), one of the two has begun to stop. Without loss
    that is at most two heartbeats and the time the messages take.
    """

    TURNS = 3

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._doubles: list[_Double] = []

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if what == "start begins":
            for other in self.world.machines.values():
                if other is not machine and self._serves(other, key):
                    now_ms = self.world.now_ms
                    self._doubles.append(
                        _Double(key, (other.name, machine.name), now_ms, turned_ms=[now_ms, now_ms])
                    )
                    self._listen()
        elif self._doubles:
            self._sort_out()

    def changed(self, machine: Machine, what: str) -> None:
        if self._doubles and what not in ("sleeps", "wakes"):
            self._sort_out()

    def _serves(self, machine: Machine, key: str) -> bool:
        return machine.member is not None and machine.scripts.running.get(key) in ("starting", "held")

    def _listen(self) -> None:
        listening = self in self.world.listeners
        if self._doubles and not listening:
            self.world.listeners.append(self)
        elif not self._doubles and listening:
            self.world.listeners.remove(self)

    def _sort_out(self) -> None:
        machines = self.world.machines
        self._doubles = [d for d in self._doubles if all(self._serves(machines[n], d.key) for n in d.pair)]
        self._listen()

    def heard(self, parcel: Parcel, machine: Machine) -> None:
        self._sort_out()
        if parcel.message.text("t") != "status":
            return
        for double in self._doubles:
            if parcel.sender not in double.pair or machine.name not in double.pair:
                continue
            for chain in (0, 1):
                whose_turn = double.pair[(chain + double.turns[chain]) % 2]
                if parcel.sender == whose_turn and parcel.sent_at_ms >= double.turned_ms[chain]:
                    double.turns[chain] += 1
                    double.turned_ms[chain] = self.world.now_ms
            if min(double.turns) >= self.TURNS:
                self.violated(
                    f"{' and '.join(double.pair)} both serve {double.key} since {double.since_ms} ms "
                    f"and have heard each other say so {double.turns} times in turn"
                )
                double.turns = [-1_000_000, -1_000_000]


class StuckStays(Checker):
    """A group whose stop failed is started nowhere by a daemon that has heard of it.

    Exactly: once a status that was sent after the failure was read by a daemon, that daemon does not begin
    to start the group, until the scripts there have stopped it, or the machine was switched off and its
    daemon has begun anew.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        # (machine, group) -> since when its stop has failed, and in which run of its daemon.
        self._stuck: dict[tuple[str, str], tuple[int, int]] = {}
        # (who knows, in which run of his, machine, group)
        self._knows: set[tuple[str, int, str, str]] = set()

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if what in ("stop fails", "start fails") and machine.scripts.running.get(key) == "debris":
            if machine.member is not None:
                self._stuck.setdefault((machine.name, key), (self.world.now_ms, machine.runs))
                if self not in self.world.listeners:
                    self.world.listeners.append(self)
        elif key not in machine.scripts.running and what != "power off":
            self._forget(machine.name, key)
        elif what == "start begins":
            for name, run, where, group in self._knows:
                if (name, run, group) == (machine.name, machine.runs, key) and where != machine.name:
                    self.violated(f"{name} starts {key}, and knows that it could not be stopped on {where}")

    def changed(self, machine: Machine, what: str) -> None:
        if what == "daemon begins":
            for name, key in list(self._stuck):
                if name == machine.name and key not in machine.scripts.running:
                    self._forget(name, key)

    def _forget(self, name: str, key: str) -> None:
        self._stuck.pop((name, key), None)
        self._knows = {known for known in self._knows if known[2:] != (name, key)}
        if not self._stuck and self in self.world.listeners:
            self.world.listeners.remove(self)

    def heard(self, parcel: Parcel, machine: Machine) -> None:
        if parcel.message.text("t") != "status":
            return
        sender = self.world.machines[parcel.sender]
        for (name, key), (since_ms, run) in self._stuck.items():
            if name == parcel.sender and parcel.sent_at_ms > since_ms and sender.runs == run:
                self._knows.add((machine.name, machine.runs, name, key))


class StaysPut(Checker):
    """Nothing is started or stopped without a reason.

    Exactly: once no fault, request or failing script was seen for as long as it may take to settle
    (`Plan.settling_ms`), no script begins. In a benign run that is from its beginning plus that time: late
    beats and short stalls below deadtime, one dead link of two, lost addresses, replayed and foreign frames
    are no reasons.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._reason_ms = 0
        self.quiet_ms = 0

    def broke(self, fault: Fault) -> None:
        if not self.plan.benign:
            self.excuse(fault.lasts_ms)

    def excuse(self, lasts_ms: int = 0) -> None:
        """Something happens that lasts for a while and may move groups."""
        self._reason_ms = max(self._reason_ms, self.world.now_ms + lasts_ms)

    def asked(self, machine: Machine, request_id: str, timeout_ms: int) -> None:
        self.excuse(timeout_ms)

    def changed(self, machine: Machine, what: str) -> None:
        if not (self.plan.benign and what in ("sleeps", "wakes")):
            self.excuse()

    def ran(self, machine: Machine, key: str, what: str) -> None:
        quiet_ms = self.world.now_ms - self._reason_ms
        if what.endswith("fails"):
            self.excuse()
        elif what in ("start begins", "stop begins") and quiet_ms > self.plan.settling_ms:
            self.violated(f"{what} for {key} on {machine.name}, and nothing had happened for {quiet_ms} ms")


class EveryRequestAnswered(Checker):
    """Every request gets exactly one last answer.

    Exactly: from the daemon that it was given to, unless that ends or crashes first; within the time that
    the request allows and one heartbeat, not counting time in which the daemon did not run.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        # request -> (machine, its run, until when)
        self._open: dict[str, tuple[Machine, int, int]] = {}
        self._closed: set[str] = set()
        self.outcomes: dict[str, str] = {}

    def asked(self, machine: Machine, request_id: str, timeout_ms: int) -> None:
        # A clock that is slow by 2 % makes it later by as much.
        until_ms = self.world.now_ms + timeout_ms * 103 // 100 + self.plan.keepalive_ms + 10
        self._open[request_id] = (machine, machine.runs, until_ms)

    def replied(self, machine: Machine, reply: fx.AdminReply) -> None:
        if reply.request_id in self._closed:
            self.violated(f"{machine.name} answers {reply.request_id} after its last answer")
        elif reply.request_id not in self._open:
            self.violated(f"{machine.name} answers {reply.request_id}, which nobody asked it")
        elif reply.phase != "accepted":
            until_ms = self._open.pop(reply.request_id)[2]
            self._closed.add(reply.request_id)
            self.outcomes[reply.request_id] = reply.phase
            if self.world.now_ms > until_ms:
                self.violated(f"{machine.name} answers {reply.request_id} too late")

    def changed(self, machine: Machine, what: str) -> None:
        if what == "wakes":
            for request_id, (asked, run, until_ms) in list(self._open.items()):
                if asked is machine:
                    later_ms = max(until_ms, self.world.now_ms + until_ms + self.plan.keepalive_ms)
                    self._open[request_id] = (asked, run, later_ms)
        elif what in ("daemon crashes", "power off"):
            self._drop(machine)
        elif what == "daemon ends" and any(asked is machine for asked, _, _ in self._open.values()):
            self.violated(f"{machine.name} ends and has not answered")
            self._drop(machine)

    def _drop(self, machine: Machine) -> None:
        self._open = {r: entry for r, entry in self._open.items() if entry[0] is not machine}

    def at_end(self) -> None:
        """Nobody waits any more."""
        for request_id, (machine, _, until_ms) in self._open.items():
            if self.world.now_ms > until_ms:
                self.violated(f"{machine.name} has never answered {request_id}")


class HeldOnce(Checker):
    """When the faults have ended, every group is held exactly once, within `Plan.settling_ms`.

    Exactly: among the nodes of the core. On the preferred node, if that is one of the core, `auto_failback`
    is legacy, or on and no administrator ever asked for anything, and its last start there has not failed in
    this run of its daemon. A group that could not be stopped on a node that is gone is excused: that needs
    somebody who looks.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._asked = False
        # (machine, group) whose start failed in the present run of the daemon.
        self._failed: set[tuple[str, str]] = set()

    def asked(self, machine: Machine, request_id: str, timeout_ms: int) -> None:
        self._asked = True

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if what == "start fails":
            self._failed.add((machine.name, key))

    def changed(self, machine: Machine, what: str) -> None:
        if what == "daemon begins":
            self._failed = {entry for entry in self._failed if entry[0] != machine.name}

    def _can_be_at_home(self, group: Group) -> bool:
        return group.preferred in self.plan.core and (group.preferred, group.key) not in self._failed

    def at_end(self, lost: frozenset[str]) -> None:
        """The bound has passed. `lost` are the groups that nobody may start."""
        policy = self.plan.policy
        returns = policy is AutoFailback.LEGACY or (policy is AutoFailback.ON and not self._asked)
        world = self.world
        for group in self.world.groups:
            states = {
                name: self.world.machines[name].scripts.running.get(group.key) for name in self.plan.core
            }
            holders = [name for name, state in states.items() if state]
            held = [name for name, state in states.items() if state == "held"]
            if group.key in lost and len(held) <= 1:
                continue
            if len(held) != 1 or len(holders) != 1:
                self.violated(f"{group.key} is {states}")
            elif returns and self._can_be_at_home(group) and held != [group.preferred]:
                self.violated(f"{group.key} is on {held[0]}, and prefers {group.preferred}")


class NoStorm(Checker):
    """No node floods the network.

    Exactly: in any ten seconds a node sends at most one message a heartbeat and 100 for each node: two for each
    change of what it says, and what it asks a 3.0.6 to repeat, and repeats to it. In a calm, one a heartbeat
    and ten.
    """

    WINDOW_MS = 10_000
    FOR_EACH_NODE = 100
    IN_CALM = 10

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._before: dict[str, int] = {}
        self.most = 0
        self.calm = False

    def look(self) -> None:
        """Called once in each window."""
        beats = self.WINDOW_MS // self.plan.keepalive_ms * 103 // 100 + 2
        more = self.IN_CALM if self.calm else self.FOR_EACH_NODE * len(self.plan.nodes)
        for name, machine in self.world.machines.items():
            sent = machine.sent - self._before.get(name, 0)
            self._before[name] = machine.sent
            self.most = max(self.most, sent - beats)
            if sent > beats + more:
                self.violated(f"{name} sent {sent} messages in {self.WINDOW_MS} ms")
