"""What a running daemon can take over of a changed configuration without moving a group, and what not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

from ..config.model import AutoFailback, Configuration, Group, HaCf

# By field of `HaCf`: what `Node` takes over while it runs, and what matters at a start only.
_LIVE = {
    "keepalive_ms": "keepalive",
    "deadtime_ms": "deadtime",
    "warntime_ms": "warntime",
    "initdead_ms": "initdead",
    "auto_failback": "auto_failback",
    "max_rexmit_delay_ms": "max_rexmit_delay",
    "hopfudge": "hopfudge",
}
_NEXT_START = ("generation_from_time", "uuid_from_name")
_OTHERS = {
    "nodes": "the nodes have changed",
    "links": "the links have changed",
    "pings": "the ping nodes have changed",
    "ping_deadtime_ms": "deadping has changed",
    "logging": "where to log has changed",
}


@dataclass(frozen=True)
class Changes:
    """`live`: the words of what can be taken over. `obstacles`: sentences, why it takes a restart instead."""

    live: tuple[str, ...]
    obstacles: tuple[str, ...]


def compare(old: Configuration, new: Configuration, running: Collection[str], *, old_peer: bool) -> Changes:
    """Compare what runs with what is wanted. `running` are the groups of which something runs here.

    `old_peer`: a heartbeat 3.0.6 lives, with which the groups are shared.
    """
    live: list[str] = []
    obstacles: list[str] = []
    for name in (field.name for field in fields(HaCf) if field.compare):
        if getattr(old.ha, name) == getattr(new.ha, name) or name in _NEXT_START:
            continue
        if name in _LIVE:
            live.append(_LIVE[name])
        else:
            obstacles.append(_OTHERS.get(name, f"{name} has changed"))
    if "deadtime" in live and old.ha.watchdog is not None:
        obstacles.append("deadtime has changed, and the watchdog is armed with the old one")
    if "auto_failback" in live and AutoFailback.LEGACY in (old.ha.auto_failback, new.ha.auto_failback):
        obstacles.append("auto_failback has changed from or to legacy")
    if [_essence(group) for group in old.groups] != [_essence(group) for group in new.groups]:
        live.append("groups")
        resources = {group.key: group.resources for group in new.groups}
        obstacles += [
            f"{group.key} runs here and has other resources now; move it away first"
            for group in old.groups
            if group.key in running and resources.get(group.key, group.resources) != group.resources
        ]
    if live and old_peer:
        obstacles.append("a heartbeat 3.0.6 lives")
    return Changes(tuple(live), tuple(obstacles))


def _essence(group: Group) -> Group:
    """All but the number of its line."""
    return replace(group, line=0)
