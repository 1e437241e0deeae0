"""What was said and settled between us and heartbeat 3.0.6: the table "R1" of docs/PROTOCOL.md."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..core.takeover import Stage
from .observer import Observer
from .plan import Plan

if TYPE_CHECKING:
    from .machine import Machine
    from .network import Parcel

KINDS = (
    *("starting", "resource", "ask_resources me", "ask_resources other", "ask_resources done"),
    *("hb_takeover", "shutdone", "ip-request", "ip-request-resp"),
)
# We never ask for the list of nodes, and a 3.0.6 never says that it declared nobody dead.
SAID = tuple(f"3.0.6: we say {kind}" for kind in (*KINDS, "repnodes"))
HEARD = tuple(f"3.0.6: we hear {kind}" for kind in (*KINDS, "reqnodes", "stonith"))
# The stages of `core.takeover`, and how one becomes another.
STAGES = tuple(
    f"3.0.6: {before.value} -> {after.value}"
    for before, after in (
        (Stage.ABSENT, Stage.ASKING),
        (Stage.ABSENT, Stage.STABLE),
        (Stage.ASKING, Stage.STABLE),
        (Stage.ASKING, Stage.ABSENT),
        (Stage.STABLE, Stage.ASKING),
        (Stage.STABLE, Stage.ABSENT),
    )
)
# The states of the 3.0.6 itself, as `old_resources` and `old_host` count them. What it ignores while it is
# not active, we do not say then.
STATES = (
    "links up: sends starting",
    "starting in STARTING: both start",
    "starting in RSCRCVD: reports",
    "starting in STABLE: reports",
    "first resource in STARTING: waits 10 s",
    "first resource in BOTHSTARTING: waits 10 s",
    "10 s have passed: takes its own",
    "stable because the other is",
    "resource, not stable",
    "resource, stable now: reports",
    "peer dead: takes over",
    "shutdone: takes over",
    "alone: takes over",
    "hb_standby: asks",
    "hb_standby: ignored",
    "hb_takeover: runs hb_standby",
    "standby: consents",
    "standby: gives",
    "standby: takes",
    "standby: has given",
    "standby: nobody answers",
    "failback",
    "shutdown: gives everything up",
    "returning after partition: gives everything up",
    "own heartbeat missing: gives up and restarts",
    "an earlier generation is dropped",
    "legacy: takes its own",
    "legacy: gives back",
    "legacy: takes over",
)
ROWS = (*SAID, *HEARD, *STAGES, *STATES)


class OldCoverage(Observer):
    """Listens to both. What time alone changes is seen with the next message."""

    def __init__(self, plan: Plan, rules: Counter[str]) -> None:
        self.rules = rules
        self._plan = plan
        self._stages: dict[str, Stage] = {}

    def heard(self, parcel: Parcel, machine: Machine) -> None:
        kind = parcel.message.text("t") or ""
        if kind != "status" and not kind.startswith("NS_"):
            what = f"{kind} {parcel.message.text('info')}" if kind == "ask_resources" else kind
            verb = "say" if machine.name in self._plan.old else "hear"
            self.rules[f"3.0.6: we {verb} {what}"] += 1
        node = machine.node
        if node is not None and node.conversation is not None:
            stage = node.conversation.stage
            before = self._stages.get(machine.name, Stage.ABSENT)
            if stage is not before:
                self.rules[f"3.0.6: {before.value} -> {stage.value}"] += 1
            self._stages[machine.name] = stage

    def changed(self, machine: Machine, what: str) -> None:
        if what == "daemon begins":
            self._stages.pop(machine.name, None)
