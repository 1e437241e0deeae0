"""Being told by the kernel when interfaces, carriers and addresses change.

When changes come faster than they are read the kernel drops some and says ENOBUFS. What was missed is
unknown then, so the listener is asked to look at everything again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import Protocol

from .rtnetlink import (
    GROUP_IPV4_ADDRESS,
    GROUP_IPV6_ADDRESS,
    GROUP_LINK,
    AddressEvent,
    parse,
)

# The kernel's datagrams are at most 32 KiB.
_DATAGRAM_BYTES = 65_536
_RECEIVE_BUFFER_BYTES = 1 << 20
# Datagrams read in one go, so that a storm of changes cannot starve the event loop.
_DATAGRAMS_PER_WAKEUP = 64


class NetworkListener(Protocol):
    """Who is told. Called from the event loop; after own changes too."""

    def interface_changed(self) -> None:
        """Something about an interface or its addresses changed. Once for changes that come together."""

    def address_removed(self, ip: str, index: int) -> None:
        """The interface with that index no longer has the address."""

    def resync(self) -> None:
        """Changes were missed: check every address. `interface_changed` is called as well."""


class Monitor:
    """A socket on rtnetlink's multicast groups, read by the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: NetworkListener) -> None:
        self._loop = loop
        self._listener = listener
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Begin to listen. Raises OSError when the kernel has no netlink socket for us."""
        if self._socket is not None:
            return
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        try:
            # Best effort; a smaller buffer only means more resyncs.
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            sock.bind((0, GROUP_LINK | GROUP_IPV4_ADDRESS | GROUP_IPV6_ADDRESS))
        except OSError:
            sock.close()
            raise
        self._socket = sock
        self._loop.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        changed = False
        for _ in range(_DATAGRAMS_PER_WAKEUP):
            # A callback may have closed us.
            if self._socket is None:
                return
            try:
                data, (port, _groups) = self._socket.recvfrom(_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                changed = True
                if error.errno != errno.ENOBUFS:
                    break
                self._listener.resync()
                continue
            # Port 0 is the kernel; any process may send to us.
            if port != 0:
                continue
            for event in parse(data):
                changed = True
                if isinstance(event, AddressEvent) and event.deleted:
                    self._listener.address_removed(event.ip, event.index)
        if changed:
            self._listener.interface_changed()
