"""What an administrator vouches for by `cleanup`: what failed with a group has been mended."""

from __future__ import annotations

from collections.abc import Callable

from .effects import Effect, StopGroup
from .groups import LocalGroup
from .leftovers import Leftovers
from .notices import CleanedUp
from .report import GroupState


def clean_up(
    local: LocalGroup, leftovers: Leftovers, emit: Callable[[Effect], None], now_ms: int
) -> list[str]:
    """Forget what failed with a group here and on nodes that are gone. What was forgotten, in words."""
    key, forgotten = local.group.key, []
    if local.state is GroupState.FAILED:
        local.start_failed = False
        local.become(GroupState.IDLE, now_ms)
        forgotten.append("the failed start")
    elif local.state is GroupState.STUCK:
        local.become(GroupState.STUCK, now_ms)
        emit(StopGroup(key))
        forgotten.append("the failed stop, which is tried again now")
    forgotten += [f"what may run on {node}" for node in leftovers.vouch(key)]
    for what in forgotten:
        emit(CleanedUp(key, what))
    return forgotten
