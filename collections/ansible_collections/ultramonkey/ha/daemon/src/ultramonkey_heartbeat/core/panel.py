"""Administrators' requests that change how groups are looked after: maintenance, standby, cleanup.

Each is answered at once. What follows from it (a group that moves away from a node on standby) happens by
the ordinary rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable, Union

from .effects import AdminReply, Effect, PersistSwitches
from .events import CleanupRequested, MaintenanceRequested, StandbyRequested
from .membership import Membership
from .notices import SwitchTurned
from .report import GroupState, Phase
from .requests import RefusalError, refusal
from .steward import Steward
from .switches import CLUSTER, Kept, Switchboard, Turned

PanelRequest = Union[MaintenanceRequested, StandbyRequested, CleanupRequested]

_MOVING = (GroupState.STARTING, GroupState.STOPPING)
_FAILED = (GroupState.FAILED, GroupState.STUCK)


class Panel:
    """Where switches are turned, here and by what others say."""

    def __init__(
        self,
        switches: Switchboard,
        steward: Steward,
        membership: Membership,
        emit: Callable[[Effect], None],
        wall_offset_ms: int,
    ) -> None:
        self._switches = switches
        self._steward = steward
        self._membership = membership
        self._emit = emit
        self._wall_offset_ms = wall_offset_ms

    def handle(self, event: PanelRequest, phase: Phase, now_ms: int) -> None:
        """Do it and answer, or refuse it as a whole."""
        try:
            if isinstance(event, MaintenanceRequested):
                result = self._maintenance(event, phase, now_ms)
            elif isinstance(event, StandbyRequested):
                result = self._standby(event, phase, now_ms)
            else:
                result = self._clean_up(event, now_ms)
        except RefusalError as error:
            self._emit(refusal(event.request_id, error.code, str(error), error.remedy, {}))
        else:
            self._emit(AdminReply(event.request_id, "completed", {"result": result}))

    def adopt(self, by: str, kept: Kept) -> bool:
        """Take over what a peer knows better. True when that changed what we say ourselves."""
        before = self._switches.kept()
        turned = self._switches.adopt(kept)
        changed = self._switches.kept() != before
        if changed:
            self._tell(turned, by)
        return changed

    # -- what is asked ---------------------------------------------------------------------------

    def _maintenance(self, event: MaintenanceRequested, phase: Phase, now_ms: int) -> dict[str, Any]:
        names: Sequence[str] = event.groups or (CLUSTER,)
        self._check_groups(event.groups)
        if event.on:
            self._check_peers("maintenance")
            for key in event.groups or self._steward.groups:
                if not self._steward.maintained(key):
                    self._check_settled(key, phase)
        turned = self._turn("maintenance", names, now_ms, on=event.on)
        return {
            "maintenance": {
                "cluster": self._switches.cluster_maintained(),
                "groups": self._switches.groups_maintained(),
            },
            "changed": bool(turned),
        }

    def _standby(self, event: StandbyRequested, phase: Phase, now_ms: int) -> dict[str, Any]:
        name = (event.node or self._steward.me).lower()
        known = (self._steward.me, *self._membership.peers)
        if name not in known:
            raise RefusalError("unknown-node", f"there is no node {name!r}", f"nodes are: {', '.join(known)}")
        held = [key for key in self._steward.groups if self._steward.holder(key) == name]
        if event.on and not self._switches.on_standby(name):
            self._check_peers("standby")
            self._check_somebody_takes(name, held, phase)
        turned = self._turn("standby", (name,), now_ms, on=event.on)
        return {"node": name, "standby": event.on, "changed": bool(turned), "holds": held}

    def _clean_up(self, event: CleanupRequested, now_ms: int) -> dict[str, Any]:
        self._check_groups(event.groups)
        cleaned = []
        for key in event.groups or tuple(self._steward.groups):
            if self._steward.maintained(key) and self._steward.groups[key].state in _FAILED:
                end = "" if self._switches.cluster_maintained() else f" {key}"
                raise RefusalError(
                    "maintenance", f"{key} is under maintenance", f"`hbctl maintenance off{end}` first"
                )
            forgotten = self._steward.clean_up(key, now_ms)
            if forgotten:
                cleaned.append({"group": key, "forgotten": forgotten})
        return {"cleaned": cleaned, "changed": bool(cleaned)}

    # -- checks ----------------------------------------------------------------------------------

    def _check_groups(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key not in self._steward.groups:
                known = ", ".join(self._steward.groups) or "none"
                raise RefusalError("unknown-group", f"there is no group {key!r}", f"groups are: {known}")

    def _check_peers(self, what: str) -> None:
        for peer in self._membership.alive():
            if peer.old:
                raise RefusalError(
                    "old-peer",
                    f"{peer.name} runs heartbeat 3.0.6, which knows no {what}",
                    f"install this daemon on {peer.name} first",
                )

    def _check_settled(self, key: str, phase: Phase) -> None:
        """A group that is just moving would be left half moved, or move on in spite of the answer."""
        for node, state in self._steward.states(key, phase).items():
            if state in _MOVING:
                raise RefusalError(
                    "not-settled", f"{key} is {state.value} on {node}", "wait until it is done, and ask again"
                )

    def _check_somebody_takes(self, name: str, held: Sequence[str], phase: Phase) -> None:
        for key in held:
            others = [node for node in (self._steward.me, *self._membership.peers) if node != name]
            seats = [self._steward.seat(key, node, phase) for node in others]
            if not any(seat is not None and seat.eligible for seat in seats):
                raise RefusalError(
                    "no-other-node",
                    f"no other node can take {key} from {name}",
                    "see `hbctl status` for why the others cannot",
                )

    # -- doing it --------------------------------------------------------------------------------

    def _turn(self, kind: str, names: Iterable[str], now_ms: int, *, on: bool) -> list[Turned]:
        turned = self._switches.turn(kind, names, self._wall_offset_ms + now_ms, on=on)
        if turned:
            self._tell(turned, self._steward.me)
        return turned

    def _tell(self, turned: Iterable[Turned], by: str) -> None:
        self._emit(PersistSwitches(self._switches.kept()))
        for one in turned:
            self._emit(SwitchTurned(one.kind, one.name, one.on, by))
