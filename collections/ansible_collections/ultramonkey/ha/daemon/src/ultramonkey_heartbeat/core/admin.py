"""Administrators' requests to move groups: checked at once, followed until answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from ..config.model import AutoFailback
from .effects import AdminReply, Effect
from .events import MoveRequested
from .membership import Membership
from .report import GroupState, Phase, Wish
from .requests import GroupRequest, RefusalError, Request, answer, expire, follow, forget, interrupt, refusal
from .steward import Steward
from .takeover import Conversation

# More open requests than this are somebody's loop gone wild.
REQUESTS_MAX = 64
WORDS = ("all", "local", "foreign")


class Desk:
    """Where requests come in and answers go out."""

    def __init__(self, steward: Steward, membership: Membership, emit: Callable[[Effect], None]) -> None:
        self._steward = steward
        self._membership = membership
        self._emit = emit
        self._open: list[Request] = []
        # Set for two nodes; it has the word when the other one runs 3.0.6.
        self.conversation: Conversation | None = None

    def move(self, event: MoveRequested, phase: Phase, now_ms: int) -> None:
        """Begin a request, or refuse it as a whole: nothing is half begun."""
        try:
            request = self._begin(event, phase, now_ms)
        except RefusalError as error:
            self._emit(refusal(event.request_id, error.code, str(error), error.remedy))
            return
        if request.open:
            self._emit(AdminReply(event.request_id, "accepted", {"result": _plan(request)}))
            self._open.append(request)
        else:
            self._emit(answer(request, {}))

    def wishes(self) -> list[Wish]:
        """What to put into our status messages."""
        owners = {key: local.assignment.owner for key, local in self._steward.groups.items()}
        return [
            Wish(group.epoch, group.target, group.key)
            for request in self._open
            for group in request.groups
            if group.open and owners.get(group.key, group.target) != group.target
        ]

    def follow(self, phase: Phase, now_ms: int) -> bool:
        """Answer what is done, failed or too late. True when that changed what we wish for."""
        before = self.wishes()
        for request in list(self._open):
            for group in request.groups:
                local = self._steward.groups.get(group.key)
                if local is None or local.retired:
                    forget(group)
                    continue
                states = self._steward.states(group.key, phase)
                follow(group, local.assignment, states, now_ms)
                if self._steward.maintained(group.key):
                    interrupt(group)
            if now_ms >= request.deadline_ms:
                expire(request)
            if not request.open:
                self._open.remove(request)
                self._emit(answer(request, self._gaps(request)))
        return self.wishes() != before

    def abandon(self) -> None:
        """The daemon leaves: whatever is open is refused."""
        for request in self._open:
            self._emit(
                refusal(
                    request.request_id, "not-active", "the daemon was stopped meanwhile", "ask another node"
                )
            )
        self._open.clear()

    def next_deadline(self) -> int | None:
        """When the next request's time is up."""
        return min((request.deadline_ms for request in self._open), default=None)

    # -- checks ----------------------------------------------------------------------------------

    def _begin(self, event: MoveRequested, phase: Phase, now_ms: int) -> Request:
        if phase is not Phase.ACTIVE:
            raise RefusalError("not-active", f"this node is {phase.value}", "wait, or ask another node")
        if self._steward.policy is AutoFailback.LEGACY:
            raise RefusalError(
                "legacy",
                "auto_failback legacy keeps every group on its preferred node",
                "set auto_failback to on or off in ha.cf",
            )
        if len(self._open) >= REQUESTS_MAX:
            raise RefusalError("bad-request", f"{REQUESTS_MAX} requests are open already", "wait for them")
        request = Request(event.request_id, now_ms + event.timeout_ms)
        if self.conversation is not None and any(peer.old for peer in self._membership.alive()):
            self._begin_with_old_peer(request, event, self.conversation, phase, now_ms)
            return request
        for key in self._select(event.groups):
            self._add(request, key, event.target, phase, now_ms)
        return request

    def _begin_with_old_peer(
        self, request: Request, event: MoveRequested, conversation: Conversation, phase: Phase, now_ms: int
    ) -> None:
        """A 3.0.6 moves all, local or foreign, and nothing else."""
        me, peer = self._steward.me, self._membership.alive()[0].name
        target = (event.target or peer).lower()
        for key in self._select(event.groups):
            holder = self._steward.holder(key)
            if (event.target is None and holder != me) or holder == target:
                request.unchanged.append(key)
            else:
                if target != peer:
                    self._check_target(key, target, phase)
                now = self._steward.groups[key].assignment
                request.groups.append(GroupRequest(key, holder, target, now.epoch, now.owner, now_ms))
        keys = [group.key for group in request.groups]
        if not keys:
            return
        part = conversation.shares.part_of(keys)
        if part is None:
            raise RefusalError(
                "old-peer",
                f"{peer} runs heartbeat 3.0.6, which moves only all groups of a node at once",
                "move all, local or foreign",
            )
        begun = (
            conversation.take(part, now_ms, event.timeout_ms)
            if target == me
            else conversation.give(part, now_ms)
        )
        if not begun:
            raise RefusalError(
                "not-settled", f"{peer} is still busy with another move", "wait until `hbctl status` is calm"
            )

    def _select(self, words: Sequence[str]) -> tuple[str, ...]:
        """The groups that the words name: keys, all, local (preferred here) or foreign (the others)."""
        groups, me = self._steward.groups, self._steward.me
        chosen: dict[str, None] = {}
        for word in words:
            if word in groups:
                chosen[word] = None
            elif word in WORDS:
                chosen.update(
                    (key, None)
                    for key, local in groups.items()
                    if word == "all" or (word == "local") == (local.group.preferred == me)
                )
            else:
                known = ", ".join(groups) or "none"
                raise RefusalError("unknown-group", f"there is no group {word!r}", f"groups are: {known}")
        return tuple(chosen)

    def _add(self, request: Request, key: str, target: str | None, phase: Phase, now_ms: int) -> None:
        steward = self._steward
        local = steward.groups[key]
        holder = steward.holder(key)
        owner = local.assignment.owner
        if target is None:
            if steward.me not in (holder, owner):
                request.unchanged.append(key)
                return
            heir = steward.heir(key, phase)
            if heir is None:
                raise RefusalError(
                    "no-other-node",
                    f"no other node can take {key}",
                    "see `hbctl status` for why the others cannot",
                )
            target = heir.name
        target = target.lower()
        if owner == target and holder == target:
            request.unchanged.append(key)
            return
        self._check_maintenance(key)
        self._check_target(key, target, phase)
        request.groups.append(GroupRequest(key, holder, target, local.assignment.epoch, owner, now_ms))

    def _check_maintenance(self, key: str) -> None:
        if self._steward.maintained(key):
            raise RefusalError(
                "maintenance",
                f"{key} is under maintenance, where nothing moves",
                "see `hbctl status`; when the work is done, `hbctl maintenance off`",
            )

    def _check_target(self, key: str, target: str, phase: Phase) -> None:
        steward = self._steward
        seat = steward.seat(key, target, phase)
        if seat is None:
            known = ", ".join([steward.me, *self._membership.peers])
            raise RefusalError("unknown-node", f"there is no node {target!r}", f"nodes are: {known}")
        states = steward.states(key, phase)
        stuck = [node for node, state in states.items() if state is GroupState.STUCK]
        if stuck:
            raise RefusalError(
                "group-failed",
                f"{key} could not be stopped on {stuck[0]}; parts of it may still run there",
                f"stop it by hand on {stuck[0]}, then `hbctl cleanup {key}` there",
            )
        gone = [peer.name for peer in steward.leftovers.of(key)]
        if gone:
            raise RefusalError(
                "group-failed",
                f"parts of {key} may still run on {gone[0]}, which is gone; no other node may start it",
                f"make sure that nothing of it runs on {gone[0]}, then start the daemon there, "
                f"or `hbctl cleanup {key}` on each node that lives",
            )
        if states.get(target) is GroupState.FAILED:
            raise RefusalError(
                "target-failed",
                f"{target} could not start {key} before",
                f"mend it on {target}, then `hbctl cleanup {key}` there",
            )
        if not seat.eligible:
            peer = self._membership.peers.get(target)
            if steward.on_standby(target):
                raise RefusalError(
                    "target-not-ready",
                    f"{target} is on standby",
                    f"`hbctl node active {target}`, or name another node",
                )
            state = peer.state.value if peer is not None else phase.value
            raise RefusalError(
                "target-not-ready",
                f"{target} is {state}",
                f"start the daemon on {target}, or name another node",
            )

    def _gaps(self, request: Request) -> dict[str, int | None]:
        last = self._steward.history.last
        return {
            group.key: last[group.key].without_holder_ms if group.key in last else None
            for group in request.groups
        }


def _plan(request: Request) -> dict[str, object]:
    return {
        "moved": [{"group": g.key, "from": g.source, "to": g.target} for g in request.groups],
        "unchanged": list(request.unchanged),
        "failed": [],
    }
