"""Carries out what a plan says goes wrong, and puts everything right when the storm is over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..core import events as ev
from ..core.switches import maintained_by
from ..wire.message import Message, hexadecimal, string
from .administrators import Administrators
from .machine import Machine
from .network import Parcel
from .plan import BOOT_MS, STORM_MS, Fault, Plan
from .scripts import Behaviour

if TYPE_CHECKING:
    from .world import World

# How far a wall clock jumps at most, either way.
JUMP_MS_MAX = 3_600_000
# A fault that waits for a change comes after this time even if nothing changes.
CHANGE_WITHIN_MS = 10_000


class Faults:
    """Everything that happens to a world because of its plan."""

    def __init__(self, world: World, plan: Plan, start: Callable[[str], None]) -> None:
        self._world = world
        self._plan = plan
        self._start = start
        self._waiting: list[Fault] = []
        self.over = False
        # How often each kind was carried out.
        self.counts: dict[str, int] = {}
        self._deeds: dict[str, Callable[[Fault, Machine], None]] = {
            "power": self._power,
            "crash": self._crash,
            "stop": self._stop,
            "lost-generation": self._lost_generation,
            "pause": self._sleep,
            "suspend": self._sleep,
            "blackout": self._sleep,
            "stall": self._stall,
            "clock": self._clock,
            "cut": self._cut,
            "one-way": self._cut,
            "partition": self._partition,
            "isolate": self._partition,
            "flap": self._flap,
            "medium": self._medium,
            "fail-start": self._script,
            "fail-stop": self._script,
            "unclean": self._script,
            "slow": self._script,
            "hang": self._script,
            "address": self._address,
            "blind": self._blind,
            "replay": self._replay,
            "stranger": self._stranger,
        }
        self.administrators = Administrators(world, self._afterwards)
        self._deeds.update(self.administrators.deeds)

    def schedule(self) -> None:
        """Put all of them into the world's queue."""
        for fault in self._plan.faults:
            self._world.at(fault.at_ms, 0, self._due, fault)

    def _due(self, fault: Fault) -> None:
        if self.over:
            return
        if not fault.at_change:
            self._break(fault)
            return
        self._waiting.append(fault)
        self._world.later(CHANGE_WITHIN_MS, lambda: self._give_up_waiting(fault))

    def _give_up_waiting(self, fault: Fault) -> None:
        if fault in self._waiting and not self.over:
            self._waiting.remove(fault)
            self._break(fault)

    def something_changed(self) -> None:
        """A script begins or ends: the worst time for what waits. It comes within the next milliseconds."""
        waiting, self._waiting = self._waiting, []
        for fault in waiting:
            self._world.later(self._world.rng.choice((0, 0, 1, 2, 7)), partial(self._break, fault))

    def _break(self, fault: Fault) -> None:
        if self.over:
            return
        self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
        self._world.tell("*", str(fault))
        for observer in self._world.observers:
            observer.broke(fault)
        self._deeds[fault.kind](fault, self._world.machines[fault.host])

    def _afterwards(self, delay_ms: int, act: Callable[[], object]) -> None:
        """The end of a fault; when the storm is over everything has been ended anyway."""
        self._world.later(delay_ms, lambda: None if self.over else act())

    # -- machines ------------------------------------------------------------------------------------

    def _power(self, fault: Fault, machine: Machine) -> None:
        if machine.powered or machine.member is not None:
            machine.power_off()
        self._afterwards(fault.lasts_ms, lambda: self._start(machine.name))

    def _crash(self, fault: Fault, machine: Machine) -> None:
        """The daemon dies; what it held is released, goodbye is said for it, and it is started again."""
        if machine.member is None:
            return
        machine.crash()
        runs = machine.runs
        release_ms = machine.usual.takes_ms
        self._afterwards(release_ms, lambda: self._release(machine, runs))
        again_ms = max(fault.lasts_ms % 5000, release_ms + 100)
        self._afterwards(again_ms, lambda: self._start(machine.name))

    def _release(self, machine: Machine, runs: int) -> None:
        if machine.member is not None or machine.runs != runs or not machine.powered:
            return
        left = [key for key in machine.scripts.running if maintained_by(machine.switches, key)]
        others = [key for key in list(machine.scripts.running) if key not in left]
        stuck = [key for key in others if not machine.scripts.release(key)]
        if not stuck and machine.name not in self._plan.old:
            identity = machine.next_identity(self._world.rng.getrandbits(16))
            machine.say_goodbye(self._world.configuration(machine.name), identity, left)

    def _stop(self, fault: Fault, machine: Machine) -> None:
        if machine.member is None:
            return
        machine.leaving = True
        machine.give(ev.ShutdownRequested())
        self._afterwards(fault.lasts_ms, lambda: self._start_when_ended(machine))

    def _start_when_ended(self, machine: Machine) -> None:
        if machine.member is None:
            self._start(machine.name)
        elif machine.leaving:
            self._afterwards(BOOT_MS, lambda: self._start_when_ended(machine))

    def _lost_generation(self, fault: Fault, machine: Machine) -> None:
        """The file is lost, and the machine restarts; its wall clock is not behind what it has ever shown."""
        machine.wall_ms = machine.latest_wall_ms + self._world.rng.randint(0, JUMP_MS_MAX)
        machine.latest_wall_ms = machine.wall_ms
        machine.generation = None
        self._power(fault, machine)

    def _clock(self, fault: Fault, machine: Machine) -> None:
        """The wall clock jumps, forwards or back. A daemon that runs does not read it again.

        Where the generation file is lost, too, it is not behind what it has shown: nothing is promised then.
        """
        del fault
        machine.wall_ms += self._world.rng.randint(-JUMP_MS_MAX, JUMP_MS_MAX)
        if machine.generation is None:
            machine.wall_ms = max(machine.wall_ms, machine.latest_wall_ms)
        machine.latest_wall_ms = max(machine.latest_wall_ms, machine.wall_ms)

    # -- sleep ---------------------------------------------------------------------------------------

    def _sleep(self, fault: Fault, machine: Machine) -> None:
        if machine.member is None:
            return
        machine.freeze(
            fault.lasts_ms,
            whole=fault.kind != "pause",
            keep=fault.detail != "frames lost",
            clock_stands=fault.kind == "blackout",
            frames_first=fault.detail != "timers first",
        )

    def _stall(self, fault: Fault, machine: Machine) -> None:
        if machine.member is not None:
            machine.freeze(fault.lasts_ms, whole=False, keep=True, clock_stands=False, frames_first=True)

    # -- network -------------------------------------------------------------------------------------

    def _media_of(self, fault: Fault) -> list[str]:
        return [fault.medium] if fault.medium else list(self._world.media)

    def _cut_for(self, media: list[str], directions: list[tuple[str, str]], lasts_ms: int) -> None:
        self._cut_now(media, directions, +1)
        self._afterwards(lasts_ms, partial(self._cut_now, media, directions, -1))

    def _cut_now(self, media: list[str], directions: list[tuple[str, str]], change: int) -> None:
        for name in media:
            self._world.media[name].cut(directions, change)

    def _cut(self, fault: Fault, machine: Machine) -> None:
        directions = [(machine.name, fault.other)]
        if fault.kind == "cut":
            directions.append((fault.other, machine.name))
        self._cut_for(self._media_of(fault), directions, fault.lasts_ms)

    def _partition(self, fault: Fault, machine: Machine) -> None:
        names = list(self._world.machines)
        side = [machine.name]
        if fault.kind == "partition":
            side += [name for name in names if name != machine.name and self._world.rng.random() < 0.5]
        rest = [name for name in names if name not in side]
        directions = [(a, b) for a in side for b in rest] + [(b, a) for a in side for b in rest]
        self._cut_for(list(self._world.media), directions, fault.lasts_ms)

    def _medium(self, fault: Fault, machine: Machine) -> None:
        del machine
        medium = self._world.media[fault.medium]
        medium.break_down(+1)
        self._afterwards(fault.lasts_ms, lambda: medium.break_down(-1))

    def _flap(self, fault: Fault, machine: Machine) -> None:
        del machine
        medium = self._world.media[fault.medium]
        step_ms = max(1, fault.lasts_ms // 10)
        for number in range(5):
            self._afterwards(2 * number * step_ms, lambda: medium.break_down(+1))
            self._afterwards((2 * number + 1) * step_ms, lambda: medium.break_down(-1))

    def _blind(self, fault: Fault, machine: Machine) -> None:
        """The way from one node to a ping node is broken."""
        machine.blind.add(fault.detail)
        self._afterwards(fault.lasts_ms, partial(machine.blind.discard, fault.detail))

    def _replay(self, fault: Fault, machine: Machine) -> None:
        self._world.to_record.add(machine.name)
        self._afterwards(fault.lasts_ms, self._world.replay)

    def _stranger(self, fault: Fault, machine: Machine) -> None:
        """A node that is not configured has our key, and nonsense comes in: nothing may come of it."""
        del fault
        if machine.node is None or not machine.awake:
            return
        foreign = Message(
            (
                string("t", "status"),
                string("st", "active"),
                string("src", "mallory"),
                hexadecimal("seq", 7),
                hexadecimal("hg", 1),
                hexadecimal("ts", 1),
            )
        )
        link = machine.media[0].name
        machine.deliver(Parcel("mallory", self._world.now_ms, foreign, ev.MessageReceived(link, foreign)))
        machine.deliver(Parcel("mallory", self._world.now_ms, foreign, ev.FrameReceived(link, b"###\n7:")))

    # -- scripts -------------------------------------------------------------------------------------

    def _script(self, fault: Fault, machine: Machine) -> None:
        slow_ms, usual_ms = self._plan.script_ms_max, self._plan.script_ms
        place, behaviour = {
            "fail-start": ("start", Behaviour(usual_ms, "exit code 1")),
            "fail-stop": ("stop", Behaviour(usual_ms, "exit code 1")),
            "unclean": ("start", Behaviour(usual_ms, "exit code 1; then stop: exit code 1", unclean=True)),
            "slow": (self._world.rng.choice(("start", "stop")), Behaviour(slow_ms)),
            "hang": (self._world.rng.choice(("start", "stop")), Behaviour(slow_ms, "timed out")),
        }[fault.kind]
        where = (fault.group, place)
        machine.behaviours[where] = behaviour
        self._afterwards(fault.lasts_ms, lambda: machine.behaviours.pop(where, None))

    def _address(self, fault: Fault, machine: Machine) -> None:
        if machine.member is not None and machine.scripts.remove(fault.group):
            machine.give(ev.AddressLost(fault.group, fault.group))

    # -- the end of the storm ------------------------------------------------------------------------

    def put_right(self) -> None:
        """Everything of the core works again; the others are switched off."""
        self.over = True
        self._waiting.clear()
        self._world.tell("*", "the storm is over")
        outside = [name for name in self._world.machines if name not in self._plan.core]
        for medium in self._world.media.values():
            medium.heal()
        for name in outside:
            machine = self._world.machines[name]
            if machine.member is not None or machine.scripts.running:
                machine.power_off()
        for name in self._plan.core:
            machine = self._world.machines[name]
            machine.behaviours.clear()
            machine.blind.clear()
            machine.wake_now()
            self.start_in_calm(machine)
        self.administrators.tidy_up(self._plan.core, STORM_MS + self._plan.settling_ms // 2)

    def start_in_calm(self, machine: Machine) -> None:
        """Start it when it is down, and again when it ends because it had been told to."""
        if machine.member is None:
            self._start(machine.name)
        elif machine.leaving:
            self._world.later(BOOT_MS, lambda: self.start_in_calm(machine))
