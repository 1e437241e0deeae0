"""`LVSSyncDaemonSwap`: the resource that swaps the kernel's connection synchronization daemon, as a command.

    LVSSyncDaemonSwap master|backup [INTERFACE] [SYNC_ID] start|stop|status

For a heartbeat 3.0.6, and for people; our own heartbeat daemon has it built in. `start` of master stops the
backup daemon *before* it starts the master: a node that runs both does not direct while
net.ipv4.vs.backup_only is set. `stop` of master leads back to backup.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

from ultramonkey_heartbeat.config.sync_daemon import SETTINGS, SyncResource, parse_sync_daemon
from ultramonkey_heartbeat.config.values import BadValueError
from ultramonkey_heartbeat.net.sync_daemon import SyncKernel, SyncSocket, swap
from ultramonkey_heartbeat.net.types import NetError

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NOT_RUNNING = 0, 1, 2, 3


def main(
    arguments: Sequence[str] | None = None, kernel: SyncKernel | None = None, settings: Path = Path(SETTINGS)
) -> int:
    """Carry out one command; returns the LSB exit code."""
    *words, last = ["", *(sys.argv[1:] if arguments is None else arguments)]
    try:
        resource = parse_sync_daemon(words[1:])
        command = _command(last)
    except BadValueError as error:
        usage = f"usage: LVSSyncDaemonSwap master|backup [INTERFACE] [SYNC_ID] {'|'.join(_COMMANDS)}"
        print(f"{usage}\n{error.message}", file=sys.stderr)
        return EXIT_USAGE
    ipvs = kernel or SyncSocket()
    try:
        text = settings.read_text("utf-8", "replace") if settings.exists() else ""
        ipvs.open()
        return command(ipvs, resource, text)
    except BadValueError as error:
        print(f"LVSSyncDaemonSwap: {settings}: {error.message}; {error.remedy}", file=sys.stderr)
    except (NetError, OSError) as error:
        print(f"LVSSyncDaemonSwap: {error}", file=sys.stderr)
    finally:
        ipvs.close()
    return EXIT_FAILED


def _command(word: str) -> Callable[[SyncKernel, SyncResource, str], int]:
    try:
        return _COMMANDS[word]
    except KeyError:
        raise BadValueError(word, "the last word must be start, stop or status") from None


def _start(kernel: SyncKernel, resource: SyncResource, settings: str) -> int:
    swap(kernel, resource.daemon(settings))
    return EXIT_OK


def _stop(kernel: SyncKernel, resource: SyncResource, settings: str) -> int:
    """The other state takes its place."""
    swap(kernel, resource.daemon(settings, swapped=True))
    return EXIT_OK


def _status(kernel: SyncKernel, resource: SyncResource, _settings: str) -> int:
    running = [daemon.state for daemon in kernel.daemons()]
    if resource.state in running:
        print(f"{resource.state} running")
        return EXIT_OK
    print(f"{resource.state} stopped")
    return EXIT_NOT_RUNNING


_COMMANDS: dict[str, Callable[[SyncKernel, SyncResource, str], int]] = {
    "start": _start,
    "stop": _stop,
    "status": _status,
}

if __name__ == "__main__":
    sys.exit(main())
