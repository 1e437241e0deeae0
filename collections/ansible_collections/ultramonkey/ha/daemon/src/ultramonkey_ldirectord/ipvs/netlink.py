"""A blocking generic-netlink socket that speaks with IPVS. Used in a thread of its own."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence

from ..config.model import ServiceKey
from ..core.changes import Change, Verb
from ..core.table import Connections, Entry, Server, ServerKey, Table
from . import wire
from .base import Failure, IpvsError

_NETLINK_GENERIC = 16
_SOL_NETLINK, _CAP_ACK = 270, 10
_RECEIVE_BYTES = 1 << 16
# Each acknowledgement takes room in the socket's buffer until it is read.
_BATCH = 64
# The kernel answers at once; longer than this means that it never will.
_TIMEOUT_S = 10.0
_MODPROBE_S = 20.0
_NO_IPVS = "the kernel has no IPVS: load the module ip_vs, or use a kernel that has it"

_REASONS = {
    errno.EPERM: "not permitted: it takes root, or CAP_NET_ADMIN",
    errno.EAFNOSUPPORT: "the kernel's IPVS knows no IPv6",
}


class IpvsSocket:
    """One netlink socket. Raises IpvsError."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._family = 0

    def open(self) -> None:
        """Open the socket and find IPVS, loading its module if need be."""
        if self._socket is not None:
            return
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_GENERIC)
        with contextlib.suppress(OSError):
            # A refusal then comes without the whole request.
            opened.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        opened.settimeout(_TIMEOUT_S)
        opened.bind((0, 0))
        opened.connect((0, 0))
        self._socket = opened
        try:
            self._family = self._find_family()
        except IpvsError:
            self.close()
            raise

    def close(self) -> None:
        """Close the socket; it can be opened again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def read(self) -> Table:
        """The whole table."""
        services = [
            found
            for message in self._ask(wire.services_request(self._family, self._next()))
            for found in [wire.read_service(message)]
            if found is not None
        ]
        return {key: Entry(service, *self._servers(key)) for key, service in services}

    def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out the changes, many in one system call; returns those that were refused."""
        failures: list[Failure] = []
        for start in range(0, len(changes), _BATCH):
            batch = {self._next(): change for change in changes[start : start + _BATCH]}
            self._send(
                b"".join(
                    wire.change_request(self._family, sequence, change) for sequence, change in batch.items()
                )
            )
            waiting = set(batch)
            while waiting:
                for message in self._receive():
                    if message.kind == wire.ERROR and message.sequence in waiting:
                        waiting.discard(message.sequence)
                        if message.error:
                            change = batch[message.sequence]
                            failures.append(Failure(change, _reason(message.error, change)))
        return failures

    def daemons(self) -> list[wire.SyncDaemon]:
        """The synchronization daemons that run."""
        found = [wire.read_daemon(m) for m in self._ask(wire.daemons_request(self._family, self._next()))]
        return [daemon for daemon in found if daemon is not None]

    def daemon(self, daemon: wire.SyncDaemon, *, start: bool) -> None:
        """Start or stop a synchronization daemon. Raises IpvsError also when it is refused."""
        for _ in self._ask(wire.daemon_request(self._family, self._next(), daemon, start=start)):
            pass

    def _servers(self, key: ServiceKey) -> tuple[dict[ServerKey, Server], dict[ServerKey, Connections]]:
        servers: dict[ServerKey, Server] = {}
        connections: dict[ServerKey, Connections] = {}
        for message in self._ask(wire.servers_request(self._family, self._next(), key), gone=errno.ESRCH):
            found = wire.read_server(message, key.version)
            if found is not None:
                servers[found[0]], connections[found[0]] = found[1], found[2]
        return servers, connections

    def _find_family(self) -> int:
        for attempt in (1, 2):
            for message in self._ask(wire.family_request(self._next()), gone=errno.ENOENT):
                number = wire.family_number(message)
                if number is not None:
                    return number
            if attempt == 1:
                _load_module()
        raise IpvsError(_NO_IPVS)

    def _ask(self, request: bytes, gone: int = 0) -> list[wire.Message]:
        """Send a request and collect its answers up to the last. An error `gone` is an empty answer."""
        sequence = self._sequence
        self._send(request)
        answers: list[wire.Message] = []
        while True:
            for message in self._receive():
                if message.sequence != sequence:
                    continue
                if message.kind in (wire.ERROR, wire.DONE):
                    if message.error not in (0, gone):
                        raise IpvsError(f"IPVS: {_strerror(message.error)}")
                    return answers
                answers.append(message)

    def _next(self) -> int:
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        return self._sequence

    def _send(self, data: bytes) -> None:
        if self._socket is None:
            raise IpvsError("the netlink socket is closed")
        try:
            self._socket.send(data)
        except OSError as error:
            self._broken(error)

    def _receive(self) -> list[wire.Message]:
        if self._socket is None:
            raise IpvsError("the netlink socket is closed")
        try:
            return list(wire.messages(self._socket.recv(_RECEIVE_BYTES)))
        except OSError as error:
            return self._broken(error)

    def _broken(self, error: OSError) -> list[wire.Message]:
        # What was under way is unknown now: a new socket has no old answers in it.
        self.close()
        raise IpvsError(f"netlink: {error.strerror or error}") from error


def _reason(number: int, change: Change) -> str:
    if number == errno.ENOENT and change.service is not None and change.verb is not Verb.REMOVE_SERVICE:
        name = change.service.scheduler
        return f"the kernel has no scheduler {name}: load the module ip_vs_{name}"
    return _strerror(number)


def _strerror(number: int) -> str:
    return _REASONS.get(number, os.strerror(number))


def _load_module() -> None:
    modprobe = shutil.which("modprobe") or shutil.which("modprobe", path="/sbin:/usr/sbin")
    if modprobe is not None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(  # noqa: S603 - a fixed command
                [modprobe, "-q", "ip_vs"], check=False, capture_output=True, timeout=_MODPROBE_S
            )
