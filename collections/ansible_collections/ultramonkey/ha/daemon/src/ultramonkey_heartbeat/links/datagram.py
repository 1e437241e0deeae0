"""What all links over UDP have in common.

A link opens when its interface can carry it and looks again at every `interface_changed`; as nobody
promises that all changes are reported, it also looks every few seconds while it is down, and when
sending fails in a way that means that the interface has changed. Looking is cheap and changes nothing
when nothing has changed.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union

from ..config.model import BroadcastLink, MulticastLink, UnicastLink
from .base import LinkCounters, LinkListener
from .interface import InterfaceFacts, LinkProblemError, read_interface
from .receiver import ReceiverKey, Receivers

_RETRY_SECONDS = 2.0
# Errors of sending that say "the interface is not what it was", as opposed to "not now".
_CHANGED = frozenset(
    (
        errno.ENODEV,
        errno.ENXIO,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.EADDRNOTAVAIL,
        errno.EINVAL,
    )
)
# Linux's TC_PRIO_INTERACTIVE: the first band of the default queue, so that heartbeats overtake bulk data.
_PRIORITY = 6
_EXPLANATIONS = {
    errno.EADDRINUSE: "port {port} is in use by another program",
    errno.EACCES: "not permitted to use port {port}",
    errno.EPERM: "not permitted to use port {port}",
    errno.ENETUNREACH: "no route to {destination}",
    errno.EHOSTUNREACH: "no route to {destination}",
    errno.ENODEV: "no such interface",
}

C = TypeVar("C", BroadcastLink, MulticastLink, UnicastLink)
IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


@dataclass(frozen=True)
class Path:
    """The way a link sends now. When it differs from the one in use, the sockets are opened anew."""

    index: int
    source: str
    destination: str


class UdpLink(Generic[C]):
    """A link whose kind says where it sends, which options it needs, and what is meant for it."""

    form = "netstring"

    def __init__(
        self,
        config: C,
        listener: LinkListener,
        loop: asyncio.AbstractEventLoop,
        receivers: Receivers,
    ) -> None:
        self.name = config.name
        self.up = False
        self.counters = LinkCounters()
        self._config: C = config
        self._interface = config.interface
        self._port = config.port
        self._listener = listener
        self._loop = loop
        self._receivers = receivers
        self._wanted = False
        self._reported: tuple[bool, str] | None = None
        self._sender: socket.socket | None = None
        self._own: tuple[str, int] | None = None
        self._path: Path | None = None
        self._key: ReceiverKey | None = None
        self._look_again: asyncio.Handle | None = None

    def open(self) -> None:
        """Begin to carry messages as soon as the interface allows it. Never raises."""
        self._wanted = True
        self._look()

    def interface_changed(self) -> None:
        """Look whether anything changed for this link; reopen if needed."""
        self._look()

    def send(self, frame: bytes) -> None:
        """Send one message, best effort."""
        if not self.up or self._sender is None or self._path is None:
            self.counters.send_errors += 1
            return
        try:
            self._sender.sendto(frame, self._sockaddr(self._path))
        except OSError as error:
            self.counters.send_errors += 1
            if error.errno in _CHANGED:
                self._look_after(0)
            return
        self.counters.sent += 1
        self.counters.sent_bytes += len(frame)

    def load(self) -> None:
        """A network has no speed that would be ours."""

    def close(self) -> None:
        """Release the sockets. Idempotent; nothing is reported."""
        self._wanted = False
        self.up = False
        self._reported = None
        self._cancel_look()
        self._release()

    # What the shared receiver calls.

    def rank(self, source: str, destination: str) -> int:
        """How well a datagram between these addresses fits this link."""
        raise NotImplementedError

    def datagram_received(self, data: bytes) -> None:
        """A whole datagram of this link."""
        self.counters.received += 1
        self.counters.received_bytes += len(data)
        self._listener.frame_received(self.name, data)

    def datagram_damaged(self) -> None:
        """A datagram arrived that was not whole."""
        self.counters.receive_errors += 1

    def receive_failed(self) -> None:
        """The receiving socket reported an error."""
        self._look_after(0)

    # What each kind says.

    def _target(self, facts: InterfaceFacts) -> IPAddress:
        """The address that this link sends to. Raises LinkProblemError when there is none now."""
        raise NotImplementedError

    def _configure(self, sock: socket.socket, index: int) -> None:
        """Set the options of a sending socket."""
        raise NotImplementedError

    def _group(self) -> str:
        """The multicast group to join, or empty."""
        return ""

    # Opening, following, closing.

    def _look(self) -> None:
        """Make the sockets fit the interface as it is now, and report if that changed anything."""
        self._cancel_look()
        if not self._wanted:
            return
        destination = ""
        try:
            facts = read_interface(self._interface)
            target = self._target(facts)
            destination = str(target)
            self._require_address(facts, target)
            self._use(self._find_path(facts, target))
        except LinkProblemError as problem:
            # Without carrier the sockets stay good for when it returns.
            if problem.dead:
                self._release()
            self._report(up=False, reason=problem.reason)
        except OSError as error:
            self._release()
            self._report(up=False, reason=self._explain(error, destination))
        else:
            self._report(up=True, reason=f"{self._interface}: sending to {destination} port {self._port}")

    def _require_address(self, facts: InterfaceFacts, target: IPAddress) -> None:
        # Without an own address the kernel would borrow one of another interface.
        if target.version == 4 and facts.ipv4 is None:  # noqa: PLR2004 - the protocol's version
            raise LinkProblemError(f"{self._interface}: no IPv4 address")

    def _find_path(self, facts: InterfaceFacts, target: IPAddress) -> Path:
        """Ask the kernel from which address it would send, by connecting a socket that sends nothing."""
        path = Path(facts.index, "", str(target))
        with self._sending_socket(path) as probe:
            try:
                probe.connect(self._sockaddr(path))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    # A new IPv6 address cannot be used until duplicate detection is through.
                    raise LinkProblemError(
                        f"{self._interface}: no usable IPv{target.version} address"
                    ) from None
                raise
            return Path(path.index, probe.getsockname()[0].split("%", 1)[0], path.destination)

    def _use(self, path: Path) -> None:
        key = ReceiverKey(
            family=family_of(path.destination),
            interface=self._interface,
            index=path.index,
            port=self._port,
            group=self._group(),
        )
        if key != self._key:
            self._release_receiver()
            self._receivers.subscribe(key, self)
            self._key = key
        if path != self._path:
            self._release_sender()
            sender = self._sending_socket(path)
            try:
                sender.bind(self._source_sockaddr(path))
            except OSError:
                sender.close()
                raise
            self._sender = sender
            self._path = path
            self._own = (path.source, sender.getsockname()[1])
            self._receivers.add_own_source(self._own)

    def _sending_socket(self, path: Path) -> socket.socket:
        sock = socket.socket(family_of(path.destination), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode() + b"\0")
            self._configure(sock, path.index)
            # After the type of service, which sets a priority of its own.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY)
        except OSError:
            sock.close()
            raise
        return sock

    def _sockaddr(self, path: Path) -> tuple[Any, ...]:
        if family_of(path.destination) == socket.AF_INET6:
            return (path.destination, self._port, 0, _zone(path.destination, path.index))
        return (path.destination, self._port)

    def _source_sockaddr(self, path: Path) -> tuple[Any, ...]:
        if family_of(path.source) == socket.AF_INET6:
            return (path.source, 0, 0, _zone(path.source, path.index))
        return (path.source, 0)

    def _release(self) -> None:
        self._release_sender()
        self._release_receiver()

    def _release_sender(self) -> None:
        if self._sender is not None:
            self._sender.close()
        if self._own is not None:
            self._receivers.remove_own_source(self._own)
        self._sender = self._path = self._own = None

    def _release_receiver(self) -> None:
        if self._key is not None:
            self._receivers.unsubscribe(self._key, self)
        self._key = None

    def _report(self, *, up: bool, reason: str) -> None:
        self.up = up
        if not up:
            self._look_after(_RETRY_SECONDS)
        # While the link is down a new reason is news; while it is up nothing is.
        if self._reported is not None and (self._reported == (up, reason) or (up and self._reported[0])):
            return
        self._reported = (up, reason)
        self._listener.link_changed(self.name, up, reason)

    def _look_after(self, seconds: float) -> None:
        self._cancel_look()
        self._look_again = self._loop.call_later(seconds, self._look)

    def _cancel_look(self) -> None:
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None

    def _explain(self, error: OSError, destination: str) -> str:
        code = error.errno or 0
        text = _EXPLANATIONS.get(code, os.strerror(code))
        return f"{self._interface}: " + text.format(port=self._port, destination=destination)


def family_of(address: str) -> int:
    """The socket family of an IP address in text form."""
    return int(socket.AF_INET6 if ":" in address else socket.AF_INET)


def _zone(address: str, index: int) -> int:
    """The interface that an IPv6 address of link scope needs to be meant, else 0."""
    ip = ipaddress.IPv6Address(address)
    return index if ip.is_link_local or ip.is_multicast else 0
