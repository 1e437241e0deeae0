"""The kernel's IPVS, blocking: services and servers over a netlink socket. Used in a thread of its own."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence

from ultramonkey_heartbeat.net import generic
from ultramonkey_heartbeat.net.generic_socket import GenericSocket
from ultramonkey_heartbeat.net.sync_daemon import FAMILY, MODULE, describe
from ultramonkey_heartbeat.net.types import NetError

from ..config.model import ServiceKey
from ..core.changes import Change, Verb
from ..core.table import Connections, Entry, Server, ServerKey, Table
from . import wire
from .base import Failure, IpvsError

# Each acknowledgement takes room in the socket's buffer until it is read.
_BATCH = 64


class IpvsSocket:
    """The table of this network namespace. Raises IpvsError."""

    def __init__(self) -> None:
        self.netlink = GenericSocket(FAMILY, MODULE, describe)

    def open(self) -> None:
        """Open the socket and find IPVS, loading its module if need be."""
        with _as_ipvs_error():
            self.netlink.open()

    def close(self) -> None:
        """Close the socket; it can be opened again."""
        self.netlink.close()

    def read(self) -> Table:
        """The whole table."""
        with _as_ipvs_error():
            request = wire.services_request(self.netlink.family, self.netlink.next())
            services = [
                found
                for answer in self.netlink.ask(request)
                for found in [wire.read_service(answer)]
                if found is not None
            ]
            return {key: Entry(service, *self._servers(key)) for key, service in services}

    def apply(self, changes: Sequence[Change]) -> list[Failure]:
        """Carry out the changes, many in one system call; returns those that were refused."""
        failures: list[Failure] = []
        with _as_ipvs_error():
            for start in range(0, len(changes), _BATCH):
                failures += self._batch(changes[start : start + _BATCH])
        return failures

    def keep_timeouts(self, wanted_s: Sequence[int]) -> bool:
        """Let the timeouts of connections be these, where they are not 0. True when they were not."""
        with _as_ipvs_error():
            (answer, *_) = self.netlink.ask(wire.timeouts_request(self.netlink.family, self.netlink.next()))
            if all(want in (0, have) for want, have in zip(wanted_s, wire.read_timeouts(answer))):
                return False
            self.netlink.ask(wire.timeouts_request(self.netlink.family, self.netlink.next(), wanted_s))
        return True

    def _batch(self, changes: Sequence[Change]) -> Iterator[Failure]:
        family = self.netlink.family
        batch = {self.netlink.next(): change for change in changes}
        self.netlink.send(b"".join(wire.change_request(family, *each) for each in batch.items()))
        waiting = set(batch)
        while waiting:
            for answer in self.netlink.receive():
                if answer.kind == generic.ERROR and answer.sequence in waiting:
                    waiting.discard(answer.sequence)
                    if answer.error:
                        change = batch[answer.sequence]
                        yield Failure(change, _reason(answer.error, change))

    def _servers(self, key: ServiceKey) -> tuple[dict[ServerKey, Server], dict[ServerKey, Connections]]:
        servers: dict[ServerKey, Server] = {}
        connections: dict[ServerKey, Connections] = {}
        request = wire.servers_request(self.netlink.family, self.netlink.next(), key)
        for answer in self.netlink.ask(request, gone=errno.ESRCH):
            found = wire.read_server(answer, key.version)
            if found is not None:
                servers[found[0]], connections[found[0]] = found[1], found[2]
        return servers, connections


@contextlib.contextmanager
def _as_ipvs_error() -> Iterator[None]:
    try:
        yield
    except NetError as error:
        text = f"{error.message}: {error.remedy}" if error.remedy else error.message
        raise IpvsError(text) from error


def _reason(number: int, change: Change) -> str:
    if number == errno.ENOENT and change.service is not None and change.verb is not Verb.REMOVE_SERVICE:
        name = change.service.scheduler
        return f"the kernel has no scheduler {name}: load the module ip_vs_{name}"
    return describe(number)
