"""Promises about who may run a group beside whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from .checker import Checker
from .plan import Fault, Plan

if TYPE_CHECKING:
    from .machine import Machine
    from .network import Parcel
    from .world import World


@dataclass
class _Double:
    """Two daemons serve one group. `words[n]` is since when the next status counts, in two chains."""

    key: str
    pair: tuple[str, str]
    since_ms: int
    # For the chain that begins with the first, and with the second of the pair: statuses read in turn,
    # and when the last of them was (`Parcel.order`).
    turns: list[int] = field(default_factory=lambda: [0, 0])
    turned: list[int] = field(default_factory=lambda: [0, 0])
    # Since when what the first, and the second, of the pair says is read by the other; None: it is not.
    read_ms: list[int | None] = field(default_factory=lambda: [None, None])
    last_ms: list[int] = field(default_factory=lambda: [0, 0])
    # When the newest of what was read was sent: what is replayed is no sign of life.
    newest_ms: list[int] = field(default_factory=lambda: [-1, -1])
    # Since when both have ended their starts.
    held_ms: int | None = None


class OneHolder(Checker):
    """Two nodes that hear each other do not both serve a group.

    Exactly: when a daemon begins to serve a group that another daemon serves, then as soon as three of
    their status messages were read in turn, each sent after the one before was read (there, back, and
    there, whoever begins), one of the two has begun to stop. Without loss that is at most two heartbeats
    and the time the messages take.

    The count begins anew when one of the two reads something of a third after a dead time of silence: where
    more than two parts of a cluster meet, what the third knows may undo what the two had just agreed upon.

    And when only one hears the other, that one has begun to stop at the first status that it reads after a
    dead time and three heartbeats in which both held the group, it was heard without a silence of a dead
    time, and nothing of it was read by the other.
    """

    TURNS: ClassVar[int] = 3

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._doubles: list[_Double] = []
        # (who, of whom) -> when the newest status was first read.
        self._read_ms: dict[tuple[str, str], int] = {}

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if what == "start begins":
            self._begins(machine, key)
        elif self._doubles:
            self._sort_out()

    def _begins(self, machine: Machine, key: str) -> None:
        for other in self.world.machines.values():
            if other is not machine and self._serves(other, key):
                now_ms, order = self.world.now_ms, self.world.order
                self._doubles.append(_Double(key, (other.name, machine.name), now_ms, turned=[order, order]))
                for reader in (other, machine):
                    for name, (_, read_ms) in reader.heard.items():
                        self._read_ms[reader.name, name] = read_ms
                self._listen()

    def changed(self, machine: Machine, what: str) -> None:
        if what not in ("sleeps", "wakes"):
            self._sort_out()
        for double in self._doubles:
            if machine.name in double.pair:
                double.read_ms = [None, None]
        if what == "daemon begins":
            self._read_ms = {way: at_ms for way, at_ms in self._read_ms.items() if way[0] != machine.name}
            # What the one before it left running, under maintenance, it serves from now on.
            for key in machine.scripts.running:
                if self._serves(machine, key):
                    self._begins(machine, key)

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
        for double in self._doubles:
            states = [machines[name].scripts.running[double.key] for name in double.pair]
            if double.held_ms is None and states == ["held", "held"]:
                double.held_ms = self.world.now_ms
        self._listen()

    def heard(self, parcel: Parcel, machine: Machine) -> None:
        self._sort_out()
        if not parcel.status:
            return
        returns = self._returns(parcel, machine)
        for double in self._doubles:
            if machine.name not in double.pair:
                continue
            if parcel.sender not in double.pair:
                if returns:
                    double.turns, double.turned = [0, 0], [self.world.reading] * 2
                continue
            for chain in (0, 1):
                whose_turn = double.pair[(chain + double.turns[chain]) % 2]
                if parcel.sender == whose_turn and parcel.order >= double.turned[chain]:
                    double.turns[chain] += 1
                    double.turned[chain] = self.world.reading
            self._judge_deaf(double, double.pair.index(parcel.sender), parcel)
            if max(double.turns) >= self.TURNS:
                self.violated(
                    f"{' and '.join(double.pair)} both serve {double.key} since {double.since_ms} ms "
                    f"and have heard each other say so {max(double.turns)} times in turn"
                )
                double.turns = [-1_000_000, -1_000_000]

    def _returns(self, parcel: Parcel, machine: Machine) -> bool:
        """This is the first that the machine reads of the sender after a dead time; a replay is not."""
        now_ms, way = self.world.now_ms, (machine.name, parcel.sender)
        if machine.heard.get(parcel.sender) != (parcel.sent_at_ms, now_ms):
            return False
        before_ms, self._read_ms[way] = self._read_ms.get(way), now_ms
        return before_ms is None or now_ms - before_ms >= self.plan.deadtime_ms * 97 // 100

    def _judge_deaf(self, double: _Double, sender: int, parcel: Parcel) -> None:
        now_ms, plan = self.world.now_ms, self.plan
        if parcel.sent_at_ms < double.since_ms or parcel.sent_at_ms <= double.newest_ms[sender]:
            return
        double.newest_ms[sender] = parcel.sent_at_ms
        since_ms, silent_ms = double.read_ms[sender], now_ms - double.last_ms[sender]
        double.last_ms[sender] = now_ms
        # After a silence that long it was dead in the meantime, and is heard anew.
        if since_ms is None or silent_ms >= plan.deadtime_ms * 97 // 100:
            double.read_ms[sender] = now_ms
        elif double.read_ms[1 - sender] is None and double.held_ms is not None:
            one_way_ms = now_ms - max(since_ms, double.held_ms)
            # Clocks may run too slow by 2 %.
            if one_way_ms > (plan.deadtime_ms + 3 * plan.keepalive_ms) * 103 // 100:
                hears, deaf = double.pair[1 - sender], double.pair[sender]
                self.violated(f"{hears} serves {double.key} beside {deaf}, which it hears and which is deaf")
                double.read_ms = [None, None]


class WaitsForStop(Checker):
    """A group is begun nowhere while a node that is heard still runs it, or is stopping it.

    Exactly: a daemon does not begin to start a group when, within the dead time before that, a message of
    another daemon came in that had been sent after the group had begun to run there, and it still runs. And
    one that has heard nobody in its run begins nothing before `initdead` has passed.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        # (machine, group) -> since when it runs there.
        self._since_ms: dict[tuple[str, str], int] = {}

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if key not in machine.scripts.running:
            self._since_ms.pop((machine.name, key), None)
        elif what == "adopted":
            self._since_ms[machine.name, key] = self.world.now_ms
        else:
            self._since_ms.setdefault((machine.name, key), self.world.now_ms)
        if what == "start begins":
            age_ms = self.world.now_ms - machine.begun_ms
            if not machine.heard and age_ms < self.plan.initdead_ms * 97 // 100:
                self.violated(
                    f"{machine.name} starts {key} {age_ms} ms after its own start, and has heard nobody"
                )
            for other in self.world.machines.values():
                if other is not machine and key in other.scripts.running and other.member is not None:
                    self._judge(machine, other, key)

    def changed(self, machine: Machine, what: str) -> None:
        if what == "daemon begins":
            machine.heard.clear()

    def _judge(self, machine: Machine, other: Machine, key: str) -> None:
        sent_ms, received_ms = machine.heard.get(other.name, (-1, -1))
        silent_ms = self.world.now_ms - received_ms
        known = sent_ms > self._since_ms[other.name, key]
        # A clock that is fast by 2 % makes the dead time so much shorter.
        if known and silent_ms < self.plan.deadtime_ms * 97 // 100:
            state = other.scripts.running[key]
            self.violated(f"{machine.name} starts {key}, which is {state} on {other.name} as it has heard")


class StuckStays(Checker):
    """A group whose stop failed is started nowhere by a daemon that has heard of it.

    Exactly: once a status that was sent after the failure was read by a daemon, that daemon does not begin
    to start the group, until the scripts there have stopped it, or the machine was switched off and its
    daemon has begun anew, or an administrator vouches for it to the one that starts it (`cleanup`).
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        # (machine, group) -> since when its stop has failed, and in which run of its daemon.
        self._stuck: dict[tuple[str, str], tuple[int, int]] = {}
        # (who knows, in which run of his, machine, group)
        self._knows: set[tuple[str, int, str, str]] = set()

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if what in ("stop fails", "start fails") and machine.scripts.running.get(key) == "debris":
            if machine.member is not None and (machine.name, key) not in self._stuck:
                self._sticks(machine, key)
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
            for key, state in machine.scripts.running.items():
                if state == "debris":
                    # It was stopped once more before the daemon began, and that failed, too.
                    self._sticks(machine, key)

    def broke(self, fault: Fault) -> None:
        if fault.kind == "cleanup" and self.world.machines[fault.host].awake:
            self._knows = {k for k in self._knows if (k[0], k[3]) != (fault.host, fault.group)}

    def _sticks(self, machine: Machine, key: str) -> None:
        self._stuck[machine.name, key] = (self.world.now_ms, machine.runs)
        if self not in self.world.listeners:
            self.world.listeners.append(self)

    def _forget(self, name: str, key: str) -> None:
        self._stuck.pop((name, key), None)
        self._knows = {known for known in self._knows if known[2:] != (name, key)}
        if not self._stuck and self in self.world.listeners:
            self.world.listeners.remove(self)

    def heard(self, parcel: Parcel, machine: Machine) -> None:
        if not parcel.status:
            return
        sender = self.world.machines[parcel.sender]
        for (name, key), (since_ms, run) in self._stuck.items():
            if name == parcel.sender and parcel.sent_at_ms > since_ms and sender.runs == run:
                self._knows.add((machine.name, machine.runs, name, key))
