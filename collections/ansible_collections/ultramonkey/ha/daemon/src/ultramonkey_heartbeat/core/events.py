"""What can happen to a node. Nouns; frozen; nothing in here does anything.

Every event reaches `Node.handle(event, now_ms)`, where `now_ms` is monotonic time in whole
milliseconds. A run of the daemon is a list of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from ..config.model import Configuration
from ..wire.message import Message
from .switches import NOTHING_TURNED, Kept


@dataclass(frozen=True)
class Started:
    """The daemon runs. `wall_offset_ms` + now_ms is the time of day, used only for stamps.

    `stuck` are the keys of groups that an earlier run left behind and that could not be stopped, `adopted`
    those that it left running because they are under maintenance. `switches` are those that were kept.
    """

    wall_offset_ms: int
    stuck: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    switches: Kept = NOTHING_TURNED


@dataclass(frozen=True)
class FrameReceived:
    """Bytes arrived over a link, not yet decoded or verified."""

    link: str
    data: bytes


@dataclass(frozen=True)
class MessageReceived:
    """A message arrived, already decoded and verified (the simulator's short cut past the codec)."""

    link: str
    message: Message


@dataclass(frozen=True)
class DeadlineReached:
    """The instant that `Node.next_deadline()` named has come."""


@dataclass(frozen=True)
class LinkChanged:
    """A link of ours can or can no longer carry messages."""

    link: str
    up: bool
    reason: str


@dataclass(frozen=True)
class PingAnswered:
    """A member of a ping node has answered an echo request."""

    ping: str


@dataclass(frozen=True)
class PingImpossible:
    """A ping node cannot be asked, for a reason that is this machine's own; with no reason, it can again."""

    ping: str
    reason: str


@dataclass(frozen=True)
class ResourceFinished:
    """The runner has finished what `StartGroup` or `StopGroup` asked.

    `operation` is "start" or "stop". A start that failed has already been rolled back: nothing of the
    group runs unless `clean` is False.
    """

    group: str
    operation: str
    ok: bool
    reason: str = ""
    clean: bool = True


@dataclass(frozen=True)
class AddressLost:
    """Somebody else removed an address of a group that we hold."""

    group: str
    address: str


@dataclass(frozen=True)
class MoveRequested:
    """An administrator wants groups on `target`, or away from here when it is None.

    `groups` are keys; the words all, local and foreign are resolved by the control layer's caller
    in the core (`ownership.select`), so they may stand here too.
    """

    request_id: str
    groups: tuple[str, ...]
    target: str | None
    timeout_ms: int


@dataclass(frozen=True)
class MaintenanceRequested:
    """An administrator wants groups left alone, or no longer; no groups means the cluster as a whole."""

    request_id: str
    on: bool
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class StandbyRequested:
    """An administrator wants a node to hold nothing, or to take part again; no name means this node."""

    request_id: str
    on: bool
    node: str | None = None


@dataclass(frozen=True)
class CleanupRequested:
    """An administrator has mended something: what failed here with these groups is to be forgotten."""

    request_id: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Reconfigured:
    """The files have changed in what can be taken over while we run (`changes.compare`)."""

    configuration: Configuration


@dataclass(frozen=True)
class ShutdownRequested:
    """The daemon was told to stop: hand everything over, then leave."""


Event = Union[
    Started,
    FrameReceived,
    MessageReceived,
    DeadlineReached,
    LinkChanged,
    PingAnswered,
    PingImpossible,
    ResourceFinished,
    AddressLost,
    MoveRequested,
    MaintenanceRequested,
    StandbyRequested,
    CleanupRequested,
    Reconfigured,
    ShutdownRequested,
]
