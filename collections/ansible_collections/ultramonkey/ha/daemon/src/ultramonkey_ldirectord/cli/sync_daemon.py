"""`LVSSyncDaemonSwap`: the resource that swaps the kernel's connection synchronization daemon.

    LVSSyncDaemonSwap master|backup start|stop|status

`start` of master stops the backup daemon *before* it starts the master: a node that runs both does not
direct while net.ipv4.vs.backup_only is set. `stop` of master leads back to backup. Interface and id come from
/etc/default/lvssyncdaemonswap (`INTERFACE=eth1`, `SYNC_ID=0`), as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..ipvs.base import IpvsError
from ..ipvs.netlink import IpvsSocket
from ..ipvs.wire import SYNC_STATES, SyncDaemon

SETTINGS = Path("/etc/default/lvssyncdaemonswap")
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NOT_RUNNING = 0, 1, 2, 3
_ID_MAX = 255


class SettingsError(Exception):
    """The settings cannot be used."""


def main(arguments: Sequence[str] | None = None, ipvs: IpvsSocket | None = None) -> int:
    """Carry out one command; returns the LSB exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) != 2 or words[0] not in SYNC_STATES or words[1] not in _COMMANDS:  # noqa: PLR2004 - state, command
        print(f"usage: LVSSyncDaemonSwap {'|'.join(SYNC_STATES)} {'|'.join(_COMMANDS)}", file=sys.stderr)
        return EXIT_USAGE
    state, command = words
    kernel = ipvs or IpvsSocket()
    try:
        kernel.open()
        return _COMMANDS[command](kernel, state)
    except (IpvsError, SettingsError) as error:
        print(f"LVSSyncDaemonSwap: {error}", file=sys.stderr)
        return EXIT_FAILED
    finally:
        kernel.close()


def _start(kernel: IpvsSocket, state: str) -> int:
    wanted = settings(state)
    running = kernel.daemons()
    for daemon in running:
        if daemon != wanted:
            kernel.daemon(daemon, start=False)
    if wanted not in running:
        kernel.daemon(wanted, start=True)
    return EXIT_OK


def _stop(kernel: IpvsSocket, state: str) -> int:
    """The other state takes its place."""
    return _start(kernel, next(other for other in SYNC_STATES if other != state))


def _status(kernel: IpvsSocket, state: str) -> int:
    running = [daemon.state for daemon in kernel.daemons()]
    if state in running:
        print(f"{state} running")
        return EXIT_OK
    print(f"{state} stopped")
    return EXIT_NOT_RUNNING


def settings(state: str, path: Path = SETTINGS) -> SyncDaemon:
    """The daemon that the settings ask for. Raises SettingsError."""
    values: dict[str, str] = {}
    try:
        for line in path.read_text().splitlines():
            name, equals, value = line.partition("#")[0].partition("=")
            if equals:
                values[name.strip()] = value.strip().strip("\"'")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; write INTERFACE=eth1 into it") from None
    interface = values.get("INTERFACE", "")
    sync_id = values.get("SYNC_ID", "0")
    if not interface:
        raise SettingsError(f"{path}: INTERFACE is missing; write INTERFACE=eth1")
    if not sync_id.isascii() or not sync_id.isdigit() or int(sync_id) > _ID_MAX:
        raise SettingsError(f"{path}: SYNC_ID {sync_id} is not a number from 0 to {_ID_MAX}")
    return SyncDaemon(state, interface, int(sync_id))


_COMMANDS = {"start": _start, "stop": _stop, "status": _status}

if __name__ == "__main__":
    sys.exit(main())
