"""The one interface through which the daemon knows the table, whoever keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.changes import Change
from ..core.table import Table


class IpvsError(Exception):
    """The table cannot be read or changed at all. The text says why, and what would help."""


@dataclass(frozen=True)
class Failure:
    """A change that the kernel refused."""

    change: Change
    reason: str


class VirtualServers(Protocol):
    """A table of virtual services. All methods may raise IpvsError."""

    async def open(self) -> None:
        """Make sure that there is a table."""

    async def read(self) -> Table:
        """The table as it is now, services of others included."""

    async def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out the changes in this order; returns those that were refused. One refusal stops nothing."""

    async def keep_timeouts(self, wanted_s: Sequence[int]) -> bool:
        """Let the timeouts of connections be these, where they are not 0. True when that was a change."""

    async def close(self) -> None:
        """Let go of it. The table stays."""
