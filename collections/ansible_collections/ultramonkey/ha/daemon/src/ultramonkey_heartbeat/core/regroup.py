"""Another haresources while the daemon runs: groups come and go, and none of the others moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..config.model import AutoFailback, Group
from .assignment import Cause, candidates
from .groups import LocalGroup
from .report import GroupState


def regroup(
    groups: Mapping[str, LocalGroup], wanted: Sequence[Group], nodes: Sequence[str]
) -> dict[str, LocalGroup]:
    """The groups from now on, in the order of the file; what is no longer in it comes last, retired."""
    after: dict[str, LocalGroup] = {}
    for group in wanted:
        local = groups.get(group.key)
        order = candidates(group.preferred, nodes)
        if local is None:
            local = LocalGroup(group, order)
        else:
            local.group, local.order, local.retired = group, order, False
        after[group.key] = local
    for key, local in groups.items():
        if key not in after:
            local.retired = True
            after[key] = local
    return after


def pin(local: LocalGroup, me: str, policy: AutoFailback) -> None:
    """Keep a group that we own where it is, as if an administrator had put it here.

    For a policy or a preferred node that is new: a reload moves nothing.
    """
    away = local.group.preferred != me and local.state is GroupState.HELD
    if away and policy is AutoFailback.ON and not local.assignment.pinned:
        now = local.assignment
        local.assignment = replace(now, epoch=now.epoch + 1, cause=Cause.REQUEST)
