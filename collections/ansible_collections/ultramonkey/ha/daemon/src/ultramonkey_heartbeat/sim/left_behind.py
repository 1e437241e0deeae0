"""What was really left behind on machines: by stops that failed, and under maintenance by daemons that ended.

Who was told of it starts such a group nowhere, and so need not hold it. To believe only what nodes say of
that would excuse whatever they believe by mistake; this is what was to be seen from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.switches import maintained_by
from .observer import Observer

if TYPE_CHECKING:
    from .machine import Machine

_ENDS = ("daemon ends", "daemon crashes", "power off")
_FOR_EVER_MS = 10**12


class LeftBehind(Observer):
    """For each machine and group, until when something was there that a daemon could not or did not stop."""

    def __init__(self) -> None:
        self._stuck_until_ms: dict[tuple[str, str], int] = {}
        self._left_until_ms: dict[tuple[str, str], int] = {}

    def ran(self, machine: Machine, key: str, what: str) -> None:
        where, now_ms = (machine.name, key), machine.now_ms
        if machine.scripts.running.get(key) == "debris":
            self._stuck_until_ms[where] = _FOR_EVER_MS
        elif key not in machine.scripts.running and self._stuck_until_ms.get(where) == _FOR_EVER_MS:
            self._stuck_until_ms[where] = now_ms

    def changed(self, machine: Machine, what: str) -> None:
        if what in _ENDS:
            for key in machine.scripts.running:
                if maintained_by(machine.switches, key):
                    self._left_until_ms[machine.name, key] = _FOR_EVER_MS
        elif what == "daemon begins":
            for where, until_ms in self._left_until_ms.items():
                if where[0] == machine.name and until_ms == _FOR_EVER_MS:
                    self._left_until_ms[where] = machine.now_ms

    def stuck(self, name: str, key: str, since_ms: int) -> bool:
        """A stop had failed there at that time, or later."""
        return self._stuck_until_ms.get((name, key), -1) >= since_ms

    def left_running(self, name: str, key: str, since_ms: int) -> bool:
        """A daemon had ended there under maintenance and left the group running, at that time or later."""
        return self._left_until_ms.get((name, key), -1) >= since_ms
