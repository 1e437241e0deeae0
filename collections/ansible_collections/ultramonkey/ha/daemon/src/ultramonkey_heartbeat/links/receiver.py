"""Receiving sockets, shared by the links that would otherwise compete for the same datagrams.

Two `ucast` lines on one interface need the same local port. With a socket each the kernel would give
every datagram to only one of them, whichever was bound last, and the other link would look dead. So
there is one socket for each interface, port and multicast group, and each datagram is handed to the
link that it belongs to: by the address it was sent to and the address it came from.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

from . import echo

# The largest UDP datagram fits.
_BUFFER_BYTES = 65_536
_ANCILLARY_BYTES = 64
# linux/in.h; Python's socket module has it from 3.14 on only.
_IP_PKTINFO = 8
# As a plain number: the enumeration's own `&` costs more than the rest of the delivery.
_TRUNCATED = int(socket.MSG_TRUNC)


@dataclass(frozen=True)
class ReceiverKey:
    """What makes two receiving sockets the same. `group` is the multicast group or empty."""

    family: int
    interface: str
    index: int
    port: int
    group: str = ""


class Subscriber(Protocol):
    """A link, as far as receiving goes."""

    def rank(self, source: str, destination: str) -> int:
        """How well a datagram between these addresses fits this link; the highest gets it."""

    def datagram_received(self, data: bytes) -> None:
        """A whole datagram of this link."""

    def datagram_damaged(self) -> None:
        """A datagram arrived that was not whole."""

    def receive_failed(self) -> None:
        """The socket reported an error: something about the interface changed."""


class Receivers:
    """The receiving sockets of one daemon, each open for as long as it has a subscriber."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._receivers: dict[ReceiverKey, _Receiver] = {}
        # Addresses and ports that we send from. What comes from there are our own messages, looped
        # back by the kernel. (A message with our *name* from elsewhere must be seen.)
        self._own_sources: set[tuple[str, int]] = set()

    def add_own_source(self, source: tuple[str, int]) -> None:
        """From this address and port we send ourselves."""
        self._own_sources.add(source)
        self._refresh_filters()

    def remove_own_source(self, source: tuple[str, int]) -> None:
        """From there we send no more."""
        self._own_sources.discard(source)
        self._refresh_filters()

    def _refresh_filters(self) -> None:
        for receiver in self._receivers.values():
            receiver.drop_own()

    def subscribe(self, key: ReceiverKey, subscriber: Subscriber) -> None:
        """Open the socket if need be and deliver to `subscriber` too. Raises OSError."""
        receiver = self._receivers.get(key)
        if receiver is None:
            receiver = _Receiver(self._loop, key, self._own_sources)
            self._receivers[key] = receiver
        receiver.subscribers.append(subscriber)

    def unsubscribe(self, key: ReceiverKey, subscriber: Subscriber) -> None:
        """Stop delivering to `subscriber`; the last one closes the socket."""
        receiver = self._receivers[key]
        receiver.subscribers.remove(subscriber)
        if not receiver.subscribers:
            del self._receivers[key]
            receiver.close()


class _Receiver:
    """One bound socket."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, key: ReceiverKey, own_sources: set[tuple[str, int]]
    ) -> None:
        self.subscribers: list[Subscriber] = []
        self._loop = loop
        self._own_sources = own_sources
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._socket = _bound_socket(key)
        self.drop_own()
        loop.add_reader(self._socket.fileno(), self._readable)

    def drop_own(self) -> None:
        """Let the kernel drop our own messages; where it cannot, `_deliver` does."""
        if self._socket.family == socket.AF_INET:
            with contextlib.suppress(OSError):
                echo.drop_own(self._socket, sorted(self._own_sources))

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        # One datagram a wake-up: the loop comes back for the next (epoll is level-triggered), and to find
        # out that there is none would cost an exception each time. So a flood cannot starve the loop.
        try:
            size, ancillary, flags, source = self._socket.recvmsg_into([self._buffer], _ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError:
            for subscriber in list(self.subscribers):
                subscriber.receive_failed()
            return
        self._deliver(size, ancillary, flags, _plain(source[0]), source[1])

    def _deliver(
        self, size: int, ancillary: list[tuple[int, int, bytes]], flags: int, source: str, port: int
    ) -> None:
        if (source, port) in self._own_sources:
            return
        subscriber = self.subscribers[0]
        if len(self.subscribers) > 1:
            destination = _destination(ancillary)
            # `max` takes the first of equals, which is the order of the configuration.
            subscriber = max(self.subscribers, key=lambda link: link.rank(source, destination))
        if flags & _TRUNCATED:
            subscriber.datagram_damaged()
        else:
            subscriber.datagram_received(bytes(self._view[:size]))


def _plain(address: str) -> str:
    """An address without the zone that IPv6 link-local ones are reported with."""
    return address.split("%", 1)[0]


def _destination(ancillary: list[tuple[int, int, bytes]]) -> str:
    """The address a datagram was sent to, empty when the kernel did not say."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            return socket.inet_ntoa(data[8:12])
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return socket.inet_ntop(socket.AF_INET6, data[:16])
    return ""


def _bound_socket(key: ReceiverKey) -> socket.socket:
    sock = socket.socket(key.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, key.interface.encode() + b"\0")
        if key.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            sock.bind((key.group or "::", key.port, 0, key.index if key.group else 0))
            if key.group:
                group = socket.inet_pton(socket.AF_INET6, key.group)
                membership = group + struct.pack("@I", key.index)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            sock.bind((key.group, key.port))
            if key.group:
                # struct ip_mreqn: group, our address (any), interface.
                membership = socket.inet_aton(key.group) + struct.pack("@4xi", key.index)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError:
        sock.close()
        raise
    return sock
