"""The promises of docs/ARCHITECTURE.md as code. They stand outside: they see scripts, messages and answers.

A checker is never loosened to make a run green: a bound that turns out wrong is stated anew, exactly, in the
document and here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from ..config.model import AutoFailback, Group
from ..core import effects as fx
from .checker import Checker
from .plan import STORM_MS, Fault, Plan

if TYPE_CHECKING:
    from .machine import Machine
    from .world import World


class StaysPut(Checker):
    """Nothing is started or stopped without a reason.

    Exactly: once no fault, request or failing script was seen for as long as it may take to settle
    (`Plan.settling_ms`), no script begins. In a benign run that is from its beginning plus that time: late
    beats and short stalls below deadtime, one dead link of two, lost addresses, replayed and foreign frames
    are no reasons. Losses and delays without mercy are, while they last.

    And in the calm at the end of every run none begins, but one stop and one start of the group that an
    administrator asks for then (of every group beside a 3.0.6, which moves all at once).
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        noisy = any((medium.loss or medium.tail) and not medium.mercy_ms for medium in plan.media)
        self._reason_ms = STORM_MS if noisy else 0
        self._calm = False
        # What may begin in the calm.
        self._allowed: list[tuple[str, str]] = []

    def calm_begins(self, wished: Iterable[str]) -> None:
        """Every fault is over, and the bound has passed. Somebody asks now for these groups to be moved."""
        self._calm = True
        self._allowed = [(key, what) for key in wished for what in ("stop begins", "start begins")]

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
        if self._calm:
            if (key, what) in self._allowed:
                self._allowed.remove((key, what))
            elif what in ("start begins", "stop begins"):
                self.violated(f"{what} for {key} on {machine.name}, in the calm")
        elif what.endswith("fails"):
            self.excuse()
        elif what in ("start begins", "stop begins") and quiet_ms > self.plan.settling_ms:
            self.violated(f"{what} for {key} on {machine.name}, and nothing had happened for {quiet_ms} ms")


class OffMeansOff(Checker):
    """With `auto_failback off` no group moves because a node returns.

    Exactly: in a run in which nodes lose power, crash, leave and return, and nothing else happens before its
    calm, no group that a node has held for two heartbeats is stopped there unless it was told to leave.
    (Nodes may begin to start a group that nobody has at one instant; `OneHolder` says for how long.)
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._held_since_ms: dict[tuple[str, str], int] = {}

    def ran(self, machine: Machine, key: str, what: str) -> None:
        now_ms, where = self.world.now_ms, (machine.name, key)
        settled = now_ms >= STORM_MS + self.plan.settling_ms
        held_ms = now_ms - self._held_since_ms.get(where, now_ms)
        moves = what == "stop begins" and held_ms > 2 * self.plan.keepalive_ms
        if self.plan.returns and moves and not settled and not machine.leaving:
            self.violated(f"{what} for {key} on {machine.name}, which was not told to leave")
        if machine.scripts.running.get(key) == "held":
            self._held_since_ms.setdefault(where, now_ms)
        else:
            self._held_since_ms.pop(where, None)


class LeftAlone(Checker):
    """Under maintenance nothing is started or stopped, whatever happens to daemons.

    Exactly: from five seconds after the cluster was put under maintenance until that is ended, no script
    begins, while daemons are stopped, started, stalled and paused, and crash. (It may be refused: a node is
    just being given something.)
    """

    SETTLED_MS: ClassVar[int] = 5000

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._maintained = False

    def replied(self, machine: Machine, reply: fx.AdminReply) -> None:
        if self.plan.upkeep_ms is not None and self.world.now_ms < self.plan.upkeep_ms[1]:
            self._maintained |= reply.phase == "completed"

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if self.plan.upkeep_ms is None or what not in ("start begins", "stop begins") or not self._maintained:
            return
        on_ms, off_ms = self.plan.upkeep_ms
        if on_ms + self.SETTLED_MS <= self.world.now_ms < off_ms:
            self.violated(f"{what} for {key} on {machine.name}, under maintenance")


class HeldOnce(Checker):
    """When the faults have ended, every group is held exactly once, within `Plan.settling_ms`.

    Exactly: among the nodes of the core. On the preferred node, if that is one of the core, `auto_failback`
    is legacy, or on and no administrator ever asked for a move, and its last start there has not failed in
    this run of its daemon. Nobody need hold a group that could not be stopped on a node that is gone, or was
    left running there under maintenance (`LeftBehind`): that needs somebody who looks.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._asked = False
        # (machine, group) whose start failed in the present run of the daemon.
        self.failed: set[tuple[str, str]] = set()

    def asked(self, machine: Machine, request_id: str, timeout_ms: int) -> None:
        # Only a move is given time. Who turns a switch, or cleans up, does not say where a group is to be.
        self._asked |= timeout_ms > 0

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if what == "start fails":
            self.failed.add((machine.name, key))
        elif what == "start succeeds":
            self.failed.discard((machine.name, key))

    def changed(self, machine: Machine, what: str) -> None:
        if what == "daemon begins":
            self.failed = {entry for entry in self.failed if entry[0] != machine.name}

    def _can_be_at_home(self, group: Group) -> bool:
        return group.preferred in self.plan.core and (group.preferred, group.key) not in self.failed

    def at_end(self, lost: frozenset[str]) -> None:
        """The bound has passed. `lost` are the groups that nobody may start, and so nobody need hold."""
        policy = self.plan.policy
        # With `on` a 3.0.6 that gives away decides for itself when.
        failback = policy is AutoFailback.ON and not self._asked and not self.plan.old
        returns = failback or policy is AutoFailback.LEGACY
        for group in self.world.groups:
            states = {
                name: self.world.machines[name].scripts.running.get(group.key) for name in self.plan.core
            }
            holders = [name for name, state in states.items() if state]
            held = [name for name, state in states.items() if state == "held"]
            if group.key in lost and not holders:
                continue
            if len(held) != 1 or len(holders) != 1:
                self.violated(f"{group.key} is {states}")
            elif returns and self._can_be_at_home(group) and held != [group.preferred]:
                self.violated(f"{group.key} is on {held[0]}, and prefers {group.preferred}")


class NoStorm(Checker):
    """No node floods the network.

    Exactly: in any ten seconds a node sends at most one message a heartbeat (two, where nodes with a
    keepalive below 200 ms beat together) and 100 for each node: two for each change of what
    it says. A node that joins serial lines of more than two passes on as much for each of the others.
    With a 3.0.6, eight questions more for each of 250 missing messages; how much the 3.0.6 says is
    not ours to judge. In a calm, one a heartbeat and ten, and 40 with a 3.0.6: what it says is acknowledged,
    and a move is a conversation.
    """

    WINDOW_MS: ClassVar[int] = 10_000
    FOR_EACH_NODE: ClassVar[int] = 100
    FOR_OLD_PEER: ClassVar[int] = 8 * 250
    OLD_PEER_IN_CALM: ClassVar[int] = 40
    IN_CALM: ClassVar[int] = 10
    TOGETHER_BELOW_MS: ClassVar[int] = 200

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._before: dict[str, int] = {}
        self.most = 0
        self.calm = False

    def look(self) -> None:
        """Called once in each window."""
        keepalive_ms = self.plan.keepalive_ms
        together = keepalive_ms < self.TOGETHER_BELOW_MS
        shortest_ms = keepalive_ms - keepalive_ms // 2 if together else keepalive_ms
        beats = self.WINDOW_MS // shortest_ms * 103 // 100 + 2
        more = self.IN_CALM if self.calm else self.FOR_EACH_NODE * len(self.plan.nodes)
        if self.plan.old:
            more += self.OLD_PEER_IN_CALM if self.calm else self.FOR_OLD_PEER
        for name, machine in self.world.machines.items():
            if name in self.plan.old:
                continue
            sent = machine.sent - self._before.get(name, 0)
            self._before[name] = machine.sent
            self.most = max(self.most, sent - beats)
            lines = sum(medium.plan.baud > 0 for medium in machine.media)
            voices = len(self.plan.nodes) if lines > 1 else 1
            if sent > (beats + more) * voices:
                self.violated(f"{name} sent {sent} messages in {self.WINDOW_MS} ms")
