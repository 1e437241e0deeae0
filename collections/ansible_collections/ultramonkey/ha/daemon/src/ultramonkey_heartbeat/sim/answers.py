"""Promises to administrators: every request is answered, and in a healthy cluster what they want is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config.model import AutoFailback
from ..core import effects as fx
from .checker import Checker
from .plan import Plan

if TYPE_CHECKING:
    from .machine import Machine
    from .world import World


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
        # Since when a machine sleeps.
        self._asleep_ms: dict[str, int] = {}

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
            if self.world.now_ms > until_ms:
                self.violated(f"{machine.name} answers {reply.request_id} too late")

    def changed(self, machine: Machine, what: str) -> None:
        if what == "sleeps":
            self._asleep_ms[machine.name] = self.world.now_ms
        elif what == "wakes":
            slept_ms = self.world.now_ms - self._asleep_ms[machine.name]
            for request_id, (asked, run, until_ms) in list(self._open.items()):
                if asked is machine:
                    self._open[request_id] = (asked, run, until_ms + slept_ms)
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


class LastWishDone(Checker):
    """When all is well, a move that an administrator asks for is made.

    Exactly: of a group that nodes of the core may start, to a node of the core whose last start of it has not
    failed in this run of its daemon, without `auto_failback legacy` and without a 3.0.6: the answer is
    `completed`, and in the end the group is held there.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        super().__init__(world, plan)
        self._request = ""
        self._answers: dict[str, fx.AdminReply] = {}

    def replied(self, machine: Machine, reply: fx.AdminReply) -> None:
        if reply.phase != "accepted":
            self._answers[reply.request_id] = reply

    def asked_last(self, request_id: str) -> None:
        """The calm has begun, and the last wish of the plan was asked for."""
        self._request = request_id

    def at_end(self, lost: frozenset[str], failed: set[tuple[str, str]]) -> None:
        """The run is over. `lost`: groups that nobody may start; `failed`: where the last start failed."""
        plan = self.plan
        if plan.last_wish is None or plan.old or plan.policy is AutoFailback.LEGACY:
            return
        key, target = plan.last_wish
        if key in lost or (target, key) in failed:
            return
        reply = self._answers.get(self._request)
        if reply is None or reply.phase != "completed":
            said = reply.result.get("error") if reply is not None else "missing"
            self.violated(f"{key} was to go to {target}, and the answer is {said}")
        elif self.world.machines[target].scripts.running.get(key) != "held":
            self.violated(f"{key} was to go to {target}, and is not held there")
