"""What a link must know of its interface, asked from the kernel with a few ioctls.

Each question takes microseconds, so nothing is remembered between questions and nothing is ever stale.
Request numbers are those of linux/sockios.h.
"""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass

_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_SIOCGIFBRDADDR = 0x8919
_SIOCGIFNETMASK = 0x891B
_IFF_UP = 0x1
_IFF_RUNNING = 0x40
_NAME_SIZE = 16
_UNSET = "0.0.0.0"  # noqa: S104 - compared with, never bound
# Networks of /31 and /32 have no broadcast address.
_LONGEST_WITH_BROADCAST = 30


class LinkProblemError(Exception):
    """Why a link cannot carry messages now, for humans. `dead` when its sockets are of no more use."""

    def __init__(self, reason: str, *, dead: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.dead = dead


@dataclass(frozen=True)
class InterfaceFacts:
    """An interface that is up and has a carrier. The addresses are the first IPv4 address's."""

    name: str
    index: int
    ipv4: str | None
    ipv4_broadcast: str | None


def read_interface(name: str) -> InterfaceFacts:
    """Ask the kernel about an interface. Raises LinkProblemError when it cannot carry anything."""
    try:
        index = socket.if_nametoindex(name)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            (flags,) = struct.unpack("H", _ask(sock, _SIOCGIFFLAGS, name)[:2])
            ipv4 = _ask_address(sock, _SIOCGIFADDR, name)
            broadcast = _broadcast(sock, name, ipv4) if ipv4 is not None else None
    except OSError as error:
        # if_nametoindex reports a missing interface as ENXIO or, in older C libraries, as ENODEV.
        if error.errno in (None, errno.ENODEV, errno.ENXIO):
            raise LinkProblemError(f"{name}: no such interface") from None
        raise LinkProblemError(f"{name}: {error.strerror}") from error
    if not flags & _IFF_UP:
        raise LinkProblemError(f"{name}: interface is down")
    if not flags & _IFF_RUNNING:
        raise LinkProblemError(f"{name}: no carrier", dead=False)
    return InterfaceFacts(name, index, ipv4, broadcast)


def _broadcast(sock: socket.socket, name: str, ipv4: str) -> str | None:
    broadcast = _ask_address(sock, _SIOCGIFBRDADDR, name)
    if broadcast not in (None, _UNSET):
        return broadcast
    # An address that was added without a broadcast address still has the one of its network.
    netmask = _ask_address(sock, _SIOCGIFNETMASK, name)
    network = ipaddress.IPv4Network(f"{ipv4}/{netmask or '255.255.255.255'}", strict=False)
    if network.prefixlen > _LONGEST_WITH_BROADCAST:
        return None
    return str(network.broadcast_address)


def _ask_address(sock: socket.socket, request: int, name: str) -> str | None:
    try:
        reply = _ask(sock, request, name)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    # A struct sockaddr_in: family, port, address.
    return socket.inet_ntoa(reply[4:8])


def _ask(sock: socket.socket, request: int, name: str) -> bytes:
    """What the kernel wrote behind the name in a struct ifreq."""
    reply = fcntl.ioctl(sock, request, struct.pack("16s24x", os.fsencode(name)[: _NAME_SIZE - 1]))
    return bytes(reply[_NAME_SIZE:])
