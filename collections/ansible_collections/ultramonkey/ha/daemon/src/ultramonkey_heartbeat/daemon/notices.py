"""The core's notices in words: one line each that says who, what and why."""

from __future__ import annotations

import logging
from typing import Any, Callable

from ..core import notices as n
from ..core.assignment import Assignment
from ..core.switches import label

Worded = tuple[int, str]


def word(notice: n.Notice) -> Worded:
    """The log level and the text of a notice."""
    return _WORDS[type(notice)](notice)


def _owner(assignment: Assignment) -> str:
    return f"{assignment.owner or 'nobody'} (epoch {assignment.epoch}, {assignment.cause.value})"


def _node_state(s: n.NodeStateChanged) -> Worded:
    level = logging.WARNING if s.new == "dead" else logging.INFO
    return level, f"node {s.node}: {s.old} -> {s.new} ({s.reason})"


def _peer_link(s: n.PeerLinkChanged) -> Worded:
    if s.up:
        after = f" after {s.silent_ms} ms" if s.silent_ms else ""
        return logging.INFO, f"link {s.link}: {s.node} is heard{after}"
    return logging.WARNING, f"link {s.link}: {s.node} is no longer heard (silent for {s.silent_ms} ms)"


def _own_link(s: n.OwnLinkChanged) -> Worded:
    if s.up:
        return logging.INFO, f"link {s.link}: up"
    return logging.WARNING, f"link {s.link}: down ({s.reason})"


def _ping(s: n.PingNodeChanged) -> Worded:
    if s.seen:
        after = f" after {s.silent_ms} ms" if s.silent_ms else ""
        return logging.INFO, f"ping node {s.ping}: answers{after}"
    return logging.WARNING, f"ping node {s.ping}: no answer for {s.silent_ms} ms"


def _failed(s: n.GroupFailed) -> Worded:
    return logging.ERROR, f"group {s.group}: {s.operation} failed: {s.reason}"


def _conflict(s: n.ConflictSeen) -> Worded:
    end = "we keep it" if s.keep else f"{s.node} keeps it"
    return logging.WARNING, f"group {s.group}: {s.node} holds it, too; {end}"


def _rejected(s: n.FrameRejected) -> Worded:
    return logging.WARNING, f"link {s.link}: rejected a frame: {s.reason} (said once, then counted)"


def _turned(s: n.SwitchTurned) -> Worded:
    position = "on" if s.on else "off"
    return logging.INFO, f"{s.kind} of {label(s.kind, s.name)}: {position} (says {s.by})"


def _moved(s: n.Moved) -> Worded:
    source = f" from {s.source}" if s.source else ""
    gap = "" if s.without_holder_ms is None else f", {s.without_holder_ms} ms without holder"
    return logging.INFO, f"group {s.group}: moved{source} to {s.target} ({s.reason}{gap})"


_WORDS: dict[type[n.Notice], Callable[[Any], Worded]] = {
    n.NodeStateChanged: _node_state,
    n.PeerLinkChanged: _peer_link,
    n.OwnLinkChanged: _own_link,
    n.PingNodeChanged: _ping,
    n.PingNodeImpossible: lambda s: (logging.ERROR, f"ping node {s.ping}: cannot be asked: {s.reason}"),
    n.LateHeartbeat: lambda s: (
        logging.WARNING,
        f"node {s.node}: late heartbeat, silent for {s.silent_ms} ms (its deadtime is {s.deadtime_ms} ms)",
    ),
    n.Slept: lambda s: (
        logging.WARNING,
        f"this daemon did not run for {s.slept_ms} ms; asking who holds what (generation {s.generation})",
    ),
    n.BecameActive: lambda s: (logging.INFO, f"active: {s.reason}"),
    n.Assigned: lambda s: (logging.INFO, f"group {s.group}: {_owner(s.old)} -> {_owner(s.new)}"),
    n.Superseded: lambda s: (logging.INFO, f"group {s.group}: is now given to {_owner(s.by)}"),
    n.ConflictSeen: _conflict,
    n.GroupStarted: lambda s: (logging.INFO, f"group {s.group}: started in {s.took_ms} ms"),
    n.GroupStopped: lambda s: (logging.INFO, f"group {s.group}: stopped in {s.took_ms} ms"),
    n.GroupFailed: _failed,
    n.FrameRejected: _rejected,
    n.UnknownNode: lambda s: (
        logging.WARNING,
        f"link {s.link}: {s.node!r} speaks with our key and is not a node of ha.cf; ignored",
    ),
    n.DuplicateName: lambda s: (
        logging.ERROR,
        f"link {s.link}: another machine uses our node name; give each machine a name of its own",
    ),
    n.ConfigDiffers: lambda s: (
        logging.WARNING,
        f"node {s.node}: has another configuration (digest {s.digest}, ours {s.ours})",
    ),
    n.OldPeer: lambda s: (
        logging.WARNING,
        f"node {s.node}: runs heartbeat 3.0.6; "
        + (
            "speaking its protocol"
            if s.shared
            else "with more than two nodes no group is moved as long as it lives"
        ),
    ),
    n.AddressReturned: lambda s: (
        logging.WARNING,
        f"group {s.group}: somebody removed {s.address}; putting it back",
    ),
    n.SwitchTurned: _turned,
    n.LeftAlone: lambda s: (
        logging.WARNING,
        f"group {s.group}: somebody removed {s.address}; left so, as the group is under maintenance",
    ),
    n.CleanedUp: lambda s: (logging.INFO, f"group {s.group}: cleaned up ({s.what})"),
    n.Moved: _moved,
    n.ShutdownBegun: lambda s: (logging.INFO, f"leaving: handing over {s.groups} group(s)"),
}
