"""One run: from a plan to a verdict."""

from __future__ import annotations

import traceback
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from ..config.model import HaCf, PingNode
from ..core import events as ev
from ..core.membership import Peer
from ..core.report import Report
from ..core.switches import maintained_by
from .answers import EveryRequestAnswered, LastWishDone
from .checker import Checker, Violation
from .checkers import HeldOnce, LeftAlone, NoStorm, OffMeansOff, StaysPut
from .coverage import Coverage
from .faults import Faults
from .holding import OneHolder, StuckStays, WaitsForStop
from .integrity import OlderChangesNothing
from .left_behind import LeftBehind
from .machine import Machine
from .memory import MemoryBounded
from .observer import Observer
from .old_coverage import OldCoverage
from .old_host import OldHost
from .plan import STORM_MS, Plan
from .versions import LaterVersion
from .world import Words, World


@dataclass
class Verdict:
    """What came of one run."""

    seed: int
    simulated_ms: int
    violations: list[Violation] = field(default_factory=list)
    # How often each rule was applied, and each kind of fault carried out.
    rules: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lines: list[tuple[int, str, str]] = field(default_factory=list)
    # What kind of cluster it was.
    size: str = ""
    # Of what happened: the same for the same plan, also where the modules are compiled.
    digest: int = 0

    @property
    def failed(self) -> bool:
        """A promise was broken."""
        return bool(self.violations)

    @property
    def signature(self) -> str:
        """What kind of failure it is; a run with fewer faults that fails the same way has the same."""
        return self.violations[0].checker if self.violations else ""


class _Nudge(Observer):
    """Tells the faults that wait for it that something changes."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def ran(self, machine: Machine, key: str, what: str) -> None:
        self._faults.something_changed()


class Simulation:
    """The world of one plan, with its observers."""

    def __init__(self, plan: Plan, words: Words | None = None) -> None:
        self.plan = plan
        ha = HaCf(
            (),
            (),
            keepalive_ms=plan.keepalive_ms,
            deadtime_ms=plan.deadtime_ms,
            warntime_ms=plan.deadtime_ms // 2,
            initdead_ms=plan.initdead_ms,
            auto_failback=plan.policy,
            pings=tuple(PingNode("ping", name, (name,)) for name in plan.pings),
            deadping_ms=plan.deadtime_ms,
        )
        self.world = World(ha, plan.groups, plan.seed, codec=plan.codec, words=words)
        for medium in plan.media:
            self.world.add_medium(medium)
        for name in plan.nodes:
            machine = self.world.add_machine(name)
            machine.usual.takes_ms = plan.script_ms
        for name, ppm in plan.drift_ppm:
            self.world.machines[name].ppm = ppm
        if plan.newer:
            self.world.rewrite = LaterVersion(plan.newer)
        self.faults = Faults(self.world, plan, self._start)
        self.answered = EveryRequestAnswered(self.world, plan)
        self.held_once = HeldOnce(self.world, plan)
        self.storm = NoStorm(self.world, plan)
        self.stays_put = StaysPut(self.world, plan)
        self.done = LastWishDone(self.world, plan)
        self.left_behind = LeftBehind()
        integrity = self.world.integrity = OlderChangesNothing(self.world, plan)
        self.memory = MemoryBounded(self.world, plan)
        self.checkers: list[Checker] = [
            self.memory,
            integrity,
            *(() if plan.old else (OneHolder(self.world, plan), WaitsForStop(self.world, plan))),
            StuckStays(self.world, plan),
            LeftAlone(self.world, plan),
            OffMeansOff(self.world, plan),
            self.stays_put,
            self.answered,
            self.done,
            self.held_once,
            self.storm,
        ]
        self.coverage = Coverage(plan)
        self.world.observers = [*self.checkers, self.left_behind, self.coverage, _Nudge(self.faults)]
        if plan.old:
            old = OldCoverage(plan, self.coverage.rules)
            self.world.observers.append(old)
            self.world.listeners.append(old)

    def run(self, until_ms: int | None = None) -> Verdict:
        """Storm, healing, calm."""
        verdict = Verdict(self.plan.seed, 0)
        try:
            self._phases(until_ms)
        except Exception as mistake:  # noqa: BLE001 - whatever a node raises is what we look for
            frames = traceback.extract_tb(mistake.__traceback__)[-3:]
            where = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
            verdict.violations.append(
                Violation(self.world.now_ms, "NoMistake", f"{type(mistake).__name__}: {mistake} ({where})")
            )
        for checker in self.checkers:
            verdict.violations += checker.violations
        verdict.violations.sort(key=lambda violation: violation.at_ms)
        verdict.simulated_ms = self.world.now_ms
        verdict.rules, verdict.faults = self.coverage.rules, Counter(self.faults.counts)
        verdict.lines = self.world.lines
        verdict.size = "beside a 3.0.6" if self.plan.old else f"{len(self.plan.nodes)} nodes"
        verdict.digest = self._digest(verdict)
        return verdict

    def _digest(self, verdict: Verdict) -> int:
        """Whoever did something else once has sent other messages, or applied other rules."""
        machines = [
            (machine.name, machine.sent, machine.runs, sorted(machine.scripts.running.items()))
            for machine in self.world.machines.values()
        ]
        counted = (sorted(verdict.rules.items()), sorted(verdict.faults.items()))
        text = repr((verdict.seed, verdict.simulated_ms, self.world.order, machines, counted))
        return zlib.crc32(text.encode())

    def _start(self, name: str) -> None:
        world = self.world
        member = None
        if name in self.plan.old and world.machines[name].member is None:
            identity = world.machines[name].next_identity(0)
            ha = world.configuration(name).ha
            member = OldHost(
                identity, ha, world.groups, world.decode, rng=world.rng, rows=self.coverage.rules
            )
        world.start(name, member)

    def _phases(self, until_ms: int | None) -> None:
        plan, world = self.plan, self.world
        self.faults.schedule()
        for number, name in enumerate(plan.nodes):
            # Together, or one after the other.
            world.later(number * (plan.seed % 3) * 700, partial(self._start, name))
        world.later(NoStorm.WINDOW_MS, self._look)
        if plan.pings:
            world.later(plan.keepalive_ms, self._answer_pings)
        end_ms = plan.end_ms
        calm_ms = STORM_MS + plan.settling_ms
        for at_ms, act in ((STORM_MS, self.faults.put_right), (calm_ms, self._settled), (end_ms, self._end)):
            if until_ms is not None and until_ms < at_ms:
                world.advance_to(until_ms)
                return
            world.advance_to(at_ms)
            act()

    def _answer_pings(self) -> None:
        """Once in each heartbeat every ping node answers those that reach it."""
        for machine in self.world.machines.values():
            for ping in self.plan.pings:
                if machine.awake and ping not in machine.blind:
                    machine.give(ev.PingAnswered(ping))
        self.world.later(self.plan.keepalive_ms, self._answer_pings)

    def _look(self) -> None:
        self.storm.look()
        self.world.later(NoStorm.WINDOW_MS, self._look)

    def _lost_groups(self) -> frozenset[str]:
        """Groups that may run on nodes that are gone (failed stop, maintenance): nobody may start them.

        Those of which a node of the core believes that, and of which it was true when the newest status that
        it read was sent, or later (then another node has passed it on).
        """
        return frozenset(
            key
            for name in self.plan.core
            for machine in [self.world.machines[name]]
            if machine.node is not None
            for peer in machine.node.membership.peers.values()
            if peer.name not in self.plan.core and not peer.alive and peer.report is not None
            for key in peer.report.groups
            if self._is_left(peer, peer.report, key, machine.heard.get(peer.name, (0, 0))[0])
        )

    def _is_left(self, peer: Peer, report: Report, key: str, since_ms: int) -> bool:
        state = report.state(key).value
        if state == "stuck":
            return self.left_behind.stuck(peer.name, key, since_ms)
        going = report.phase.value == "leaving" and state == "held" and maintained_by(report.switches, key)
        return going and self.left_behind.left_running(peer.name, key, since_ms)

    def _settled(self) -> None:
        self.held_once.at_end(self._lost_groups())
        self.storm.calm = True
        wish = self.plan.last_wish
        all_keys = [group.key for group in self.plan.groups]
        self.stays_put.calm_begins(() if wish is None else all_keys if self.plan.old else (wish[0],))
        if wish is not None:
            key, target = wish
            machine = self.world.machines[self.plan.core[0]]
            self.done.asked_last(self.faults.administrators.move(machine, (key,), target))

    def _end(self) -> None:
        self.answered.at_end()
        self.done.at_end(self._lost_groups(), self.held_once.failed)
        self.memory.at_end()
        self.held_once.at_end(self._lost_groups())


def simulate(plan: Plan, *, until_ms: int | None = None, words: Words | None = None) -> Verdict:
    """Run a plan to its end, or to an instant; with `words` the verdict tells the story."""
    return Simulation(plan, words).run(until_ms)
