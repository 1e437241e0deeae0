"""What somebody who watches a cluster from outside can see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core import effects as fx
from ..core.notices import Notice
from .plan import Fault

if TYPE_CHECKING:
    from .machine import Machine
    from .network import Parcel


class Observer:
    """Sees everything and changes nothing. Each kind of observer looks at what it needs."""

    def ran(self, machine: Machine, key: str, what: str) -> None:
        """A script of a group has begun or ended; `machine.scripts.running` is up to date."""

    def changed(self, machine: Machine, what: str) -> None:
        """A daemon has begun, ended, slept or woken."""

    def heard(self, parcel: Parcel, machine: Machine) -> None:
        """A message has been read by a daemon. Only for those who listen (`World.listeners`)."""

    def reads_older(self, machine: Machine) -> tuple[Any, ...] | None:
        """A daemon is about to read a status older than the newest one. Only for `World.integrity`.

        Returns what `has_read_older` wants to know afterwards.
        """

    def has_read_older(self, machine: Machine, before: tuple[Any, ...]) -> None:
        """It has read it. `before` is what `reads_older` found."""

    def asked(self, machine: Machine, request_id: str, timeout_ms: int) -> None:
        """An administrator asks for something."""

    def replied(self, machine: Machine, reply: fx.AdminReply) -> None:
        """A request is answered, in part or at last."""

    def announced(self, machine: Machine, key: str) -> None:
        """A group's addresses are announced again."""

    def noticed(self, machine: Machine, notice: Notice) -> None:
        """A line of a log."""

    def broke(self, fault: Fault) -> None:
        """A fault begins, or somebody asks for something, at this instant."""
