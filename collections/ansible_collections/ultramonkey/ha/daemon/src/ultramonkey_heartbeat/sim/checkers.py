"""The promises of docs/ARCHITECTURE.md as code. They stand outside: they see scripts, messages and answers.

A checker is never loosened to make a run green: a bound that turns out wrong is stated anew, exactly, in the
document and here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..config.model import AutoFailback, Group
from ..core import effects as fx
from ..core.beats import TOGETHER_BELOW_MS
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
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        noisy = any((medium.loss or medium.tail) and not medium.mercy_ms for medium in plan.media)
        self._reason_ms = STORM_MS if noisy else 0

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
    begins, while daemons are stopped, started, stalled and paused, and crash.
    """

    SETTLED_MS: ClassVar[int] = 5000

    def ran(self, machine: Machine, key: str, what: str) -> None:
        if self.plan.upkeep_ms is None or what not in ("start begins", "stop begins"):
            return
        on_ms, off_ms = self.plan.upkeep_ms
        if on_ms + self.SETTLED_MS <= self.world.now_ms < off_ms:
            self.violated(f"{what} for {key} on {machine.name}, under maintenance")


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
    this run of its daemon. A group that could not be stopped on a node that is gone, or was left running
    there under maintenance, is excused: that needs somebody who looks.
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
        # A 3.0.6 that gives away decides for itself when.
        returns = returns and not self.plan.old
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

    Exactly: in any ten seconds a node sends at most one message a heartbeat (two, where nodes with a
    keepalive below 200 ms beat together) and 100 for each node: two for each change of what
    it says. A node that joins serial lines of more than two passes on as much for each of the others.
    With a 3.0.6, eight questions more for each of 250 missing messages; how much the 3.0.6 says is
    not ours to judge. In a calm, one a heartbeat and ten.
    """

    WINDOW_MS: ClassVar[int] = 10_000
    FOR_EACH_NODE: ClassVar[int] = 100
    FOR_OLD_PEER: ClassVar[int] = 8 * 250
    IN_CALM: ClassVar[int] = 10

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._before: dict[str, int] = {}
        self.most = 0
        self.calm = False

    def look(self) -> None:
        """Called once in each window."""
        keepalive_ms = self.plan.keepalive_ms
        shortest_ms = keepalive_ms - keepalive_ms // 2 if keepalive_ms < TOGETHER_BELOW_MS else keepalive_ms
        beats = self.WINDOW_MS // shortest_ms * 103 // 100 + 2
        more = self.IN_CALM if self.calm else self.FOR_EACH_NODE * len(self.plan.nodes)
        more += self.FOR_OLD_PEER if self.plan.old else 0
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
