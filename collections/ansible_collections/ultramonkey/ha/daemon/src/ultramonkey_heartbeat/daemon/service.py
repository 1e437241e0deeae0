"""How the daemon talks to systemd, and what it asks of the kernel: sd_notify(3), priority, memory.

All of it is optional: without systemd, or without the privileges, the daemon says so and works on.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import socket

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def notify(state: str) -> None:
    """Tell the service manager (`READY=1`, `WATCHDOG=1`, `STATUS=…`). Never blocks, never fails."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        channel.sendto(state.encode(), target)


def watchdog_interval_s() -> float | None:
    """How often the watchdog must be told that we live: half of what systemd allows; None without one."""
    allowed_us = os.environ.get("WATCHDOG_USEC", "")
    if not allowed_us.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(allowed_us) / 2_000_000 or None


def settle_memory() -> None:
    """What is loaded now stays for good: the collector need not look at it again."""
    gc.collect()
    gc.freeze()


def allow_core_dumps(*, wanted: bool) -> str | None:
    """Let a crash leave a core file of any size, as far as the hard limit goes, or none. Returns what lacks.

    Children inherit it.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard if wanted else 0, hard))
    return "the hard limit is 0; set LimitCORE in the service" if wanted and hard == 0 else None


def become_realtime(priority: int) -> str | None:
    """Run before ordinary processes, in locked memory (`realtime on`). Returns why not, or None.

    Children get ordinary scheduling back. Pages are locked as they are touched: a thread's untouched
    stack costs nothing.
    """
    try:
        lowest = os.sched_get_priority_min(os.SCHED_RR)
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(max(lowest, priority)))
    except OSError as error:
        return f"no real-time priority: {error.strerror}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        return f"memory is not locked: {os.strerror(ctypes.get_errno())}"
    return None
