"""The arguments of the resource `LVSSyncDaemonSwap::master|backup[::INTERFACE][::SYNC_ID]`, and its settings.

What the resource leaves out comes from /etc/default/lvssyncdaemonswap (`INTERFACE=eth1`, `SYNC_ID=0`), and
what that leaves out is as it was in heartbeat 2: eth0, and 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .problems import shown
from .values import BadValueError, integer, read_interface

SCRIPT = "LVSSyncDaemonSwap"
SETTINGS = "/etc/default/lvssyncdaemonswap"
STATES = ("master", "backup")
_ID_MAX = 255
_DEFAULT_INTERFACE, _DEFAULT_ID = "eth0", 0
_FORM = "write LVSSyncDaemonSwap::master::eth1, or LVSSyncDaemonSwap::master::eth1::5 for the sync id 5"
_ARGUMENTS_MAX = 3


@dataclass(frozen=True)
class SyncDaemon:
    """A daemon of the kernel that copies connections of IPVS: a `state` of master sends, backup receives."""

    state: str
    interface: str
    sync_id: int = 0


@dataclass(frozen=True)
class SyncResource:
    """What the resource says; None is left to the settings."""

    state: str
    interface: str | None = None
    sync_id: int | None = None

    def daemon(self, settings: str, *, swapped: bool = False) -> SyncDaemon:
        """The daemon that is meant, with the text of the settings; `swapped`, its opposite.

        Raises BadValueError for settings that cannot be used.
        """
        interface, sync_id = _settings(settings)
        state = next(other for other in STATES if other != self.state) if swapped else self.state
        return SyncDaemon(
            state,
            interface if self.interface is None else self.interface,
            sync_id if self.sync_id is None else self.sync_id,
        )


def parse_sync_daemon(arguments: Sequence[str]) -> SyncResource:
    """What the arguments mean. Raises BadValueError, which names the word at fault."""
    if not arguments or len(arguments) > _ARGUMENTS_MAX:
        raise BadValueError("", f"{SCRIPT} takes one to three arguments", _FORM)
    state, *rest = arguments
    if state not in STATES:
        raise BadValueError(state, f"{shown(state)} is neither master nor backup", _FORM)
    interface: str | None = None
    sync_id: int | None = None
    for position, word in enumerate(rest):
        if word.isascii() and word.isdigit() and position == len(rest) - 1:
            sync_id = _sync_id(word)
        elif position == 0:
            interface = read_interface(word)
        else:
            raise BadValueError(word, f"{shown(word)} is not a sync id", _FORM)
    return SyncResource(state, interface, sync_id)


def _settings(text: str) -> tuple[str, int]:
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("#")[0].partition("=")
        if equals:
            values[name.strip()] = value.strip().strip("\"'")
    interface = values.get("INTERFACE") or _DEFAULT_INTERFACE
    sync_id = values.get("SYNC_ID") or values.get("SYNCID") or ""
    return read_interface(interface), _sync_id(sync_id) if sync_id else _DEFAULT_ID


def _sync_id(word: str) -> int:
    try:
        return integer(0, _ID_MAX)(word)
    except BadValueError:
        raise BadValueError(
            word, f"SYNC_ID {shown(word)} is not a number from 0 to {_ID_MAX}", _FORM
        ) from None
