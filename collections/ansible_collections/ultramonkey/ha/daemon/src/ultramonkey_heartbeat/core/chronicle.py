"""Which notices answer the question "why did it move?", as plain data of one form. Pure.

Every record has `event`, and of the others those that it has something to say in:

group, node      what or who it is about
from, to         holders, owners or states: before and after
cause            why: a word of `Cause`, or a sentence
duration_ms      how long it took, or how long nobody held the group (`moved`)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from . import notices as n
from .switches import CLUSTER

Record = dict[str, Any]


def record(notice: n.Notice) -> Record | None:
    """The notice as a record, or None when it answers nothing of interest later."""
    make = _RECORDS.get(type(notice))
    return None if make is None else make(notice)


def _record(event: str, **fields: Any) -> Record:
    told = {"event": event, **fields}
    if "source" in told:
        told["from"] = told.pop("source")
    return {key: told[key] for key in ("event", *_ORDER) if key in told}


_ORDER = ("group", "node", "link", "from", "to", "cause", "duration_ms")


def _turned(s: n.SwitchTurned) -> Record:
    where = {"node": s.name} if s.kind == "standby" else {} if s.name == CLUSTER else {"group": s.name}
    return _record(s.kind, **where, to="on" if s.on else "off", cause=f"says {s.by}")


def _failed(s: n.GroupFailed) -> Record:
    return _record(f"{s.operation}-failed", group=s.group, cause=s.reason)


def _up(up: bool) -> str:  # noqa: FBT001 - it is all there is
    return "up" if up else "down"


_RECORDS: Mapping[type[n.Notice], Callable[[Any], Record]] = {
    n.Moved: lambda s: _record(
        "moved",
        group=s.group,
        source=s.source,
        to=s.target,
        cause=s.reason,
        duration_ms=s.without_holder_ms,
    ),
    n.Assigned: lambda s: _record(
        "assigned", group=s.group, source=s.old.owner or None, to=s.new.owner or None, cause=s.new.cause.value
    ),
    n.Superseded: lambda s: _record(
        "superseded", group=s.group, to=s.by.owner or None, cause=s.by.cause.value
    ),
    n.ConflictSeen: lambda s: _record(
        "conflict", group=s.group, node=s.node, cause="we keep it" if s.keep else f"{s.node} keeps it"
    ),
    n.GroupStarted: lambda s: _record("started", group=s.group, duration_ms=s.took_ms),
    n.GroupStopped: lambda s: _record("stopped", group=s.group, duration_ms=s.took_ms),
    n.GroupFailed: _failed,
    n.CleanedUp: lambda s: _record("cleaned-up", group=s.group, cause=s.what),
    n.AddressReturned: lambda s: _record("address-returned", group=s.group, cause=s.address),
    n.LeftAlone: lambda s: _record("address-left-alone", group=s.group, cause=s.address),
    n.SwitchTurned: _turned,
    n.NodeStateChanged: lambda s: _record("node", node=s.node, source=s.old, to=s.new, cause=s.reason),
    n.LateHeartbeat: lambda s: _record("late", node=s.node, duration_ms=s.silent_ms),
    n.Slept: lambda s: _record("slept", duration_ms=s.slept_ms),
    n.DuplicateName: lambda s: _record("duplicate-name", link=s.link),
    n.OldPeer: lambda s: _record("old-peer", node=s.node),
    n.PeerLinkChanged: lambda s: _record(
        "peer-link", node=s.node, link=s.link, to=_up(s.up), duration_ms=s.silent_ms
    ),
    n.OwnLinkChanged: lambda s: _record("link", link=s.link, to=_up(s.up), cause=s.reason),
    n.BecameActive: lambda s: _record("active", cause=s.reason),
    n.ShutdownBegun: lambda s: _record("leaving", cause=f"handing over {s.groups} group(s)"),
}
