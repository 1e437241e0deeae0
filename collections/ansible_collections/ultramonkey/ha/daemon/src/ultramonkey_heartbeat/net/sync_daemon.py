"""The kernel's daemon that copies the connections of a load balancer (IPVS) to the one that stands by.

A *master* sends, a *backup* receives. A node that runs both does not direct while net.ipv4.vs.backup_only is
set, so whoever swaps them stops the one before starting the other.
"""

from __future__ import annotations

import asyncio
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Protocol, TypeVar

from ..config.sync_daemon import SyncDaemon
from . import generic
from .generic_socket import GenericSocket
from .types import NetError

_T = TypeVar("_T")

FAMILY, MODULE = "IPVS", "ip_vs"
STATES = {"master": 1, "backup": 2}

_NEW, _DELETE, _GET = 9, 10, 11
_DAEMON = 3
_STATE, _INTERFACE, _ID = 1, 2, 3
_REASONS = {
    errno.EPERM: "not permitted: it takes root, or CAP_NET_ADMIN",
    errno.EAFNOSUPPORT: "the kernel's IPVS knows no IPv6",
    errno.ENODEV: "no such interface",
}


class SyncKernel(Protocol):
    """What is needed of `SyncSocket`. All methods may raise NetError."""

    def open(self) -> None:
        """Find IPVS."""

    def close(self) -> None:
        """Let go of it."""

    def daemons(self) -> list[SyncDaemon]:
        """Those that run."""

    def daemon(self, daemon: SyncDaemon, *, start: bool) -> None:
        """Start or stop one."""


def describe(number: int) -> str:
    """An errno of IPVS in words."""
    return _REASONS.get(number, os.strerror(number))


# --- messages -----------------------------------------------------------------------------------------------


def daemons_request(family: int, sequence: int) -> bytes:
    """Ask which synchronization daemons run."""
    return generic.message(family, generic.REQUEST | generic.DUMP, sequence, _GET, b"")


def daemon_request(family: int, sequence: int, daemon: SyncDaemon, *, start: bool) -> bytes:
    """Ask for a synchronization daemon to start, or to stop."""
    body = generic.attribute(_STATE, generic.u32(STATES[daemon.state]))
    if start:
        body += generic.attribute(_INTERFACE, daemon.interface.encode() + b"\0")
        body += generic.attribute(_ID, generic.u32(daemon.sync_id))
    flags = generic.REQUEST | generic.ACKNOWLEDGE
    return generic.message(family, flags, sequence, _NEW if start else _DELETE, generic.nested(_DAEMON, body))


def read_daemon(message: generic.Message) -> SyncDaemon | None:
    """A synchronization daemon of a dump."""
    found = generic.attributes(message.attributes.get(_DAEMON, b""))
    names = {number: name for name, number in STATES.items()}
    state = names.get(generic.number(found.get(_STATE)))
    if state is None:
        return None
    interface = found.get(_INTERFACE, b"").rstrip(b"\0").decode("utf-8", "replace")
    return SyncDaemon(state, interface, generic.number(found.get(_ID)))


# --- the kernel ---------------------------------------------------------------------------------------------


class SyncSocket:
    """The kernel's synchronization daemons in this network namespace. Blocking; raises NetError."""

    def __init__(self) -> None:
        self._netlink = GenericSocket(FAMILY, MODULE, describe)

    def open(self) -> None:
        """Find IPVS, loading its module if need be."""
        self._netlink.open()

    def close(self) -> None:
        """Close the socket; it can be opened again."""
        self._netlink.close()

    def daemons(self) -> list[SyncDaemon]:
        """Those that run."""
        answers = self._netlink.ask(daemons_request(self._netlink.family, self._netlink.next()))
        return [daemon for daemon in map(read_daemon, answers) if daemon is not None]

    def daemon(self, daemon: SyncDaemon, *, start: bool) -> None:
        """Start or stop one."""
        self._netlink.ask(daemon_request(self._netlink.family, self._netlink.next(), daemon, start=start))


def swap(kernel: SyncKernel, wanted: SyncDaemon) -> None:
    """Let exactly this daemon run: whatever else does is stopped first. Raises NetError."""
    running = kernel.daemons()
    for daemon in running:
        if daemon != wanted:
            kernel.daemon(daemon, start=False)
    if wanted not in running:
        try:
            kernel.daemon(wanted, start=True)
        except NetError as error:
            raise NetError(
                f"{wanted.state} on {wanted.interface}: {error.message}",
                error.remedy or "name the interface between the directors: LVSSyncDaemonSwap::master::eth1",
            ) from None


class SyncDaemons:
    """The same from an event loop: a thread works through one call after the other."""

    def __init__(self, make: Callable[[], SyncKernel] = SyncSocket) -> None:
        self._make = make
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ipvs-sync")

    async def swap(self, wanted: SyncDaemon) -> None:
        """Let exactly this daemon run. Raises NetError."""
        await self._call(lambda kernel: swap(kernel, wanted))

    async def running(self) -> list[SyncDaemon]:
        """Those that run. Raises NetError."""
        return await self._call(lambda kernel: kernel.daemons())

    async def _call(self, function: Callable[[SyncKernel], _T]) -> _T:
        def work() -> _T:
            kernel = self._make()
            try:
                kernel.open()
                return function(kernel)
            finally:
                kernel.close()

        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
