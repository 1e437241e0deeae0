"""People who ask for things, alone or against each other: moves, maintenance, standby, cleanup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..core import events as ev
from ..core.parts import PARTS
from ..core.switches import CLUSTER
from .machine import Machine
from .plan import Fault

if TYPE_CHECKING:
    from .world import World

MOVE_TIMEOUT_MS = 20_000
# Somebody who puts everything back looks so often whether it is done.
TIDY_EACH_MS = 1000

Deed = Callable[[Fault, Machine], None]


class Administrators:
    """Everybody who may ask this cluster for something."""

    def __init__(self, world: World, afterwards: Callable[[int, Callable[[], object]], None]) -> None:
        self._world = world
        self._afterwards = afterwards
        self._requests = 0
        # Something was switched on that must be off in the end.
        self._switched = False
        self.deeds: dict[str, Deed] = {
            "move": self._move,
            "standby": self._away,
            "rivals": self._rivals,
            "maintenance": self._maintenance,
            "standby-node": self._standby_node,
            "cleanup": self._cleanup,
            "reload": self._reload,
        }

    # -- asking --------------------------------------------------------------------------------------

    def _give(
        self, machine: Machine, what: str, event: Callable[[str], ev.Event], timeout_ms: int = 0
    ) -> str:
        """Ask one of ours; returns the request's id, or "" when nobody is there."""
        if not machine.awake or machine.node is None:
            return ""
        self._requests += 1
        request_id = f"r{self._requests}"
        for observer in self._world.observers:
            observer.asked(machine, request_id, timeout_ms)
        self._world.tell(machine.name, f"asked: {what}")
        machine.give(event(request_id))
        return request_id

    def move(self, machine: Machine, groups: tuple[str, ...], target: str | None) -> str:
        """An administrator asks a node for a move."""
        if machine.awake and machine.node is None:
            # A 3.0.6 is asked by hb_standby or hb_takeover, and answers nothing.
            self._world.changed(machine, "is asked")
            machine.give(ev.MoveRequested("", ("all" if groups[0] not in PARTS else groups[0],), target, 0))
            return ""
        return self._give(
            machine,
            f"{' '.join(groups)} to {target or 'anybody else'}",
            lambda request_id: ev.MoveRequested(request_id, groups, target, MOVE_TIMEOUT_MS),
            MOVE_TIMEOUT_MS,
        )

    def _move(self, fault: Fault, machine: Machine) -> None:
        target = {"other": fault.other, "host": fault.host}.get(fault.detail)
        self.move(machine, (fault.group,), target)

    def _away(self, fault: Fault, machine: Machine) -> None:
        self.move(machine, (fault.detail,), None)

    def _rivals(self, fault: Fault, machine: Machine) -> None:
        """Two administrators want two things at once."""
        self.move(machine, (fault.group,), fault.host)
        self.move(self._world.machines[fault.other], (fault.group,), fault.other)

    # -- switches ------------------------------------------------------------------------------------

    def _maintenance(self, fault: Fault, machine: Machine) -> None:
        groups = (fault.group,) if fault.detail == "group" else ()
        self._turn_maintenance(machine, groups, on=True)
        other = self._world.machines[fault.other]
        self._afterwards(fault.lasts_ms, lambda: self._turn_maintenance(other, groups, on=False))

    def _turn_maintenance(self, machine: Machine, groups: tuple[str, ...], *, on: bool) -> str:
        self._switched |= on
        return self._give(
            machine,
            f"maintenance of {' '.join(groups) or 'the cluster'} {'on' if on else 'off'}",
            lambda request_id: ev.MaintenanceRequested(request_id, on, groups),
        )

    def _standby_node(self, fault: Fault, machine: Machine) -> None:
        self._turn_standby(machine, fault.other, on=True)
        self._afterwards(fault.lasts_ms, lambda: self._turn_standby(machine, fault.other, on=False))

    def _turn_standby(self, machine: Machine, node: str, *, on: bool) -> str:
        self._switched |= on
        return self._give(
            machine,
            f"standby of {node} {'on' if on else 'off'}",
            lambda request_id: ev.StandbyRequested(request_id, on, node),
        )

    def _cleanup(self, fault: Fault, machine: Machine) -> None:
        self._give(
            machine,
            f"cleanup of {fault.group}",
            lambda request_id: ev.CleanupRequested(request_id, (fault.group,)),
        )

    def _reload(self, fault: Fault, machine: Machine) -> None:
        """The files are read again; one timer that only warns has another value."""
        if machine.node is not None:
            old = machine.node.configuration
            ha = replace(old.ha, warntime_ms=max(1, fault.lasts_ms % old.ha.deadtime_ms))
            machine.give(ev.Reconfigured(replace(old, ha=ha)))

    def tidy_up(self, names: tuple[str, ...], until_ms: int) -> None:
        """Turn off whatever is on, on the disk of a node of `names`, as soon as that takes part."""
        if not self._switched or self._world.now_ms > until_ms:
            return
        for name in names:
            machine = self._world.machines[name]
            for key, switch in machine.switches.maintenance.items():
                if switch.on:
                    self._turn_maintenance(machine, () if key == CLUSTER else (key,), on=False)
            for node, switch in machine.switches.standby.items():
                if switch.on:
                    self._turn_standby(machine, node, on=False)
        self._world.later(TIDY_EACH_MS, lambda: self.tidy_up(names, until_ms))
