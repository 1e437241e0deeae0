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


@dataclass
class GroupRequest:
    """One group of a request."""

    key: str
    source: str | None
    target: str
    # The assignment that the wish was made against; a newer one means that somebody acted.
    epoch: int
    done: bool = False
    failure: dict[str, str] | None = None

    @property
    def open(self) -> bool:
        """Neither done nor failed yet."""
        return not self.done and self.failure is None


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


def follow(request: GroupRequest, assignment: Assignment, target_state: GroupState) -> None:
    """Bring one group of a request up to date with what is known now."""
    if not request.open:
        return
    if assignment.owner == request.target:
        if target_state is GroupState.HELD:
            request.done = True
        return
    if assignment.epoch == request.epoch:
        return
    if assignment.cause is Cause.FAILED:
        request.failure = {
            "code": "start-failed",
            "message": f"{request.target} could not start {request.key}; it is now given to "
            f"{assignment.owner or 'nobody'}",
        }
    elif assignment.cause is Cause.REQUEST:
        request.failure = {
            "code": "superseded",
            "message": f"another request moved {request.key} to {assignment.owner}",
        }
    else:
        # Something else moved it meanwhile (a death, a failback): wish again, against what is now.
        request.epoch = assignment.epoch


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


def refusal(request_id: str, code: str, message: str, remedy: str) -> AdminReply:
    """A request that is not even begun."""
    return AdminReply(
        request_id,
        "refused",
        {
            "error": {"code": code, "message": message, "remedy": remedy},
            "result": {"moved": [], "unchanged": [], "failed": []},
        },
    )
