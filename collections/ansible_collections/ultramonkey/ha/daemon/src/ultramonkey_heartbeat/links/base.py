"""The one interface of all media.

A link carries whole messages, best effort: they may be lost, doubled or reordered, and nobody is told.
Sending never blocks and never raises; what cannot be sent now is counted and dropped, because a
heartbeat that is late is worth less than the next one. A link opens itself, follows its interface or
device when that goes away and returns, and reports only the changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass
class LinkCounters:
    """What passed over a link since the daemon started; frames and bytes."""

    sent: int = 0
    received: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    send_errors: int = 0
    # Arrived, but not whole; never handed on.
    receive_errors: int = 0


class LinkListener(Protocol):
    """Who is told what happens on a link. Called from the event loop."""

    def frame_received(self, link: str, data: bytes) -> None:
        """Bytes of one whole message arrived over the link named."""

    def link_changed(self, link: str, up: bool, reason: str) -> None:  # noqa: FBT001 - mirrors the event
        """The link can (`up`) or can no longer carry messages, and why."""


class Link(Protocol):
    """One medium, as `ha.cf` names it."""

    name: str
    # "netstring" (datagrams) or "text" (serial lines): in which form the frame must be encoded.
    form: str
    up: bool
    counters: LinkCounters

    def open(self) -> None:
        """Begin to carry messages as soon as the interface or device allows it. Never raises."""

    def send(self, frame: bytes) -> None:
        """Send one encoded message."""

    def interface_changed(self) -> None:
        """Something about an interface changed (netlink said so): look again, reopen if needed."""

    def load(self) -> tuple[float, float] | None:
        """The part of the capacity that was used lately, out and in; None where nobody knows the capacity."""

    def close(self) -> None:
        """Release every descriptor. Idempotent."""
