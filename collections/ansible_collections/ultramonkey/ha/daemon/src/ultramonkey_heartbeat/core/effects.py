"""What a node wants done. Imperatives; frozen; carried out by `daemon/executor` or the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from ..wire.message import Message
from .notices import Notice
from .switches import Kept


@dataclass(frozen=True)
class SendMessage:
    """Send over the links named, or over all of them (None). Best effort."""

    message: Message
    links: tuple[str, ...] | None = None


@dataclass(frozen=True)
class StartGroup:
    """Start the group's resources left to right, then report `ResourceFinished`."""

    group: str


@dataclass(frozen=True)
class StopGroup:
    """Stop the group's resources right to left, then report `ResourceFinished`.

    Asked while the group is starting, it cancels the start: only the stop is reported.
    """

    group: str


@dataclass(frozen=True)
class Announce:
    """Tell the neighbours again where the group's addresses are."""

    group: str


@dataclass(frozen=True)
class AdminReply:
    """Answer a request: `phase` is "accepted", "completed" or "refused"; the last two end it."""

    request_id: str
    phase: str
    result: Mapping[str, Any]


@dataclass(frozen=True)
class PersistGeneration:
    """Write the generation to disk before anything else is sent."""

    generation: int


@dataclass(frozen=True)
class PersistSwitches:
    """Write the switches to disk before anything else is sent."""

    switches: Kept


@dataclass(frozen=True)
class Exit:
    """The shutdown is complete; nothing of ours runs any more unless `clean` is False.

    What is under maintenance was left running all the same.
    """

    clean: bool = True


Effect = Union[
    SendMessage, StartGroup, StopGroup, Announce, AdminReply, PersistGeneration, PersistSwitches, Exit, Notice
]
