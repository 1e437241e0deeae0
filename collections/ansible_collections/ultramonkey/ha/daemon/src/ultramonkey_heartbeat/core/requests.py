"""An administrator's wish to move groups, from asking to the answer.

A request is a level, not an edge: until its groups are where they should be, each status message of
ours carries the wish, and the owner of a group follows it when the epoch it names is still the current
one. So a request survives lost messages, and two requests for one group cannot both win.
Every request is answered: completed, or refused with a code of docs/CONTROL.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .assignment import Assignment, Cause
from .effects import AdminReply
from .report import GroupState


class RefusalError(Exception):
    """Why a request is not begun: code, message and remedy of docs/CONTROL.md."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


@dataclass
class GroupRequest:
    """One group of a request."""

    key: str
    source: str | None
    target: str
    # The assignment that the wish was made against; a newer one means that somebody acted.
    epoch: int
    # Whose the group was by then, or is since the wish was granted.
    owner: str
    begun_ms: int = 0
    # When we saw that the owner had granted it, and that the old holder ran nothing of it any more.
    granted_ms: int | None = None
    stopped_ms: int | None = None
    started_ms: int | None = None
    done: bool = False
    failure: dict[str, str] | None = None

    @property
    def open(self) -> bool:
        """Neither done nor failed yet."""
        return not self.done and self.failure is None

    @property
    def phases_ms(self) -> dict[str, int] | None:
        """How long each part of the move took as this node saw it, once it is done."""
        if self.granted_ms is None or self.stopped_ms is None or self.started_ms is None:
            return None
        return {
            "grant": self.granted_ms - self.begun_ms,
            "stop": self.stopped_ms - self.granted_ms,
            "start": self.started_ms - self.stopped_ms,
        }


@dataclass
class Request:
    """One request, possibly for many groups."""

    request_id: str
    deadline_ms: int
    groups: list[GroupRequest] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Something of it is still to happen."""
        return any(group.open for group in self.groups)


def follow(
    request: GroupRequest, assignment: Assignment, states: Mapping[str, GroupState], now_ms: int
) -> None:
    """Bring one group of a request up to date with what is known now."""
    if not request.open:
        return
    if assignment.owner == request.target:
        request.owner = request.target
        _watch(request, states, now_ms)
        return
    if assignment.epoch == request.epoch:
        return
    if assignment.cause is Cause.FAILED:
        request.failure = {
            "code": "start-failed",
            "message": f"{request.target} could not start {request.key}; it is now given to "
            f"{assignment.owner or 'nobody'}",
        }
    elif assignment.cause is Cause.REQUEST or (
        # Only what a request moved is unpinned, and its owner keeps it.
        assignment.cause is Cause.UNPINNED and assignment.owner != request.owner
    ):
        request.failure = {
            "code": "superseded",
            "message": f"another request moved {request.key} to {assignment.owner}",
        }
    else:
        # Something else moved it meanwhile (a death, a failback): wish again, against what is now.
        request.epoch, request.owner = assignment.epoch, assignment.owner


def _watch(request: GroupRequest, states: Mapping[str, GroupState], now_ms: int) -> None:
    """The move is granted: see how far it is."""
    target_state = states.get(request.target, GroupState.IDLE)
    if request.granted_ms is None:
        request.granted_ms = now_ms
    source_state = states.get(request.source or "", GroupState.IDLE)
    if request.stopped_ms is None and (request.source == request.target or not source_state.runs):
        request.stopped_ms = now_ms
    if target_state is GroupState.HELD:
        request.started_ms = now_ms
        request.stopped_ms = now_ms if request.stopped_ms is None else request.stopped_ms
        request.done = True


def interrupt(request: GroupRequest) -> None:
    """The group was put under maintenance before its owner had granted the move."""
    if request.open and request.granted_ms is None:
        request.failure = {
            "code": "maintenance",
            "message": f"{request.key} was put under maintenance meanwhile",
        }


def forget(request: GroupRequest) -> None:
    """The group is no longer configured."""
    if request.open:
        request.failure = {
            "code": "unknown-group",
            "message": f"{request.key} was removed from haresources meanwhile",
        }


def expire(request: Request) -> None:
    """The time is up: whatever is open has failed."""
    for group in request.groups:
        if group.open:
            group.failure = {
                "code": "timeout",
                "message": f"{group.key} was not held by {group.target} in time",
            }


def answer(request: Request, gaps_ms: Mapping[str, int | None]) -> AdminReply:
    """The last reply to a request that is no longer open."""
    failed = [group for group in request.groups if group.failure]
    result: dict[str, Any] = {
        "moved": [
            {
                "group": group.key,
                "from": group.source,
                "to": group.target,
                "without_holder_ms": gaps_ms.get(group.key),
                "phases_ms": group.phases_ms,
            }
            for group in request.groups
            if group.done
        ],
        "unchanged": list(request.unchanged),
        "failed": [{"group": group.key, **(group.failure or {})} for group in failed],
    }
    if not failed:
        return AdminReply(request.request_id, "completed", {"result": result})
    first = failed[0].failure or {}
    error = {**first, "remedy": "see `hbctl status` and the journal of the node named"}
    return AdminReply(request.request_id, "refused", {"error": error, "result": result})


NOTHING_MOVED: Mapping[str, Any] = {"moved": [], "unchanged": [], "failed": []}


def refusal(
    request_id: str, code: str, message: str, remedy: str, result: Mapping[str, Any] = NOTHING_MOVED
) -> AdminReply:
    """A request that is not even begun."""
    error = {"code": code, "message": message, "remedy": remedy}
    return AdminReply(request_id, "refused", {"error": error, "result": dict(result)})
