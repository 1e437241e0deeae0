"""Echo requests to the ping nodes, and the answers.

One raw socket for each family sends and receives for all hosts; where raw sockets are not permitted, the
kernel's ping sockets do as well (net.ipv4.ping_group_range). An answer counts only when it comes from the
host asked and brings back bytes that only this run of the daemon knows, so nobody can forge it who does not
see the requests. Sending never blocks; what cannot be sent is not answered, and no more is concluded.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..config.model import PingNode

# A name that is not known is looked up again after so long.
_LOOK_UP_AGAIN_S = 10.0
_COOKIE_BYTES = 12
_HEADER = struct.Struct("!BBHHH")
_INDEX = struct.Struct("!I")
_BUFFER_BYTES = 2048
# linux/icmp.h and linux/icmpv6.h: an option of raw sockets, with a bit for each type that is not wanted.
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_IPV4_HEADER_BYTES_MIN = 20


class PingListener(Protocol):
    """Who is told. Called from the event loop."""

    def ping_answered(self, name: str) -> None:
        """A host of the ping node has answered."""

    def ping_impossible(self, name: str, reason: str) -> None:
        """The ping node cannot be asked, and why; with no reason, it can again."""


@dataclass(frozen=True)
class _Family:
    """What differs between ICMP and ICMPv6."""

    number: int
    protocol: int
    request: int
    reply: int


_V4 = _Family(socket.AF_INET, socket.IPPROTO_ICMP, 8, 0)
_V6 = _Family(socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129)


@dataclass
class _Target:
    """A host of a ping node; without an address until its name is known."""

    node: PingNode
    host: str
    address: str = ""

    @property
    def family(self) -> _Family:
        return _V6 if ":" in self.address else _V4


class Pinger:
    """All ping nodes of one daemon."""

    def __init__(
        self,
        nodes: Sequence[PingNode],
        interval_ms: int,
        listener: PingListener,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._targets = [_Target(node, host) for node in nodes for host in node.hosts]
        self._interval_s = interval_ms / 1000
        self._listener = listener
        self._loop = loop
        self._cookie = secrets.token_bytes(_COOKIE_BYTES)
        # Raw sockets see the answers to everybody's requests; this narrows it down before the cookie does.
        self._identifier = secrets.randbits(16)
        self._sequence = 0
        self._sockets: dict[_Family, socket.socket] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._look_ups: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin to ask. Never raises."""
        for target in self._targets:
            address = _literal(target.host)
            if address is not None:
                self._ask_at(target, address)
            else:
                self._look_ups.append(self._loop.create_task(self._look_up(target)))
        if self._targets:
            self._ask_all()

    def close(self) -> None:
        """Release everything. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self._look_ups:
            task.cancel()
        self._look_ups.clear()
        for sock in self._sockets.values():
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._sockets.clear()

    # -- names and sockets -------------------------------------------------------------------------

    async def _look_up(self, target: _Target) -> None:
        family = socket.AF_INET6 if target.node.directive == "ping6" else socket.AF_UNSPEC
        while True:
            try:
                found = await self._loop.getaddrinfo(target.host, None, family=family, type=socket.SOCK_RAW)
            except OSError as error:
                self._say_impossible(target, f"{target.host}: {error.strerror or error}")
                await asyncio.sleep(_LOOK_UP_AGAIN_S)
                continue
            # IPv4 first, as heartbeat's ping knew nothing else.
            addresses = sorted((str(entry[4][0]) for entry in found), key=lambda address: ":" in address)
            self._ask_at(target, addresses[0])
            return

    def _ask_at(self, target: _Target, address: str) -> None:
        target.address = address
        family = target.family
        if family not in self._sockets:
            try:
                self._sockets[family] = sock = _socket(family)
            except OSError as error:
                target.address = ""
                self._say_impossible(target, f"no ICMP socket: {os.strerror(error.errno or 0)}")
                return
            self._loop.add_reader(sock.fileno(), self._readable, sock, family)
        self._listener.ping_impossible(target.node.name, "")

    def _say_impossible(self, target: _Target, reason: str) -> None:
        """A group is impossible only when none of its hosts can be asked."""
        if not any(other.address for other in self._targets if other.node is target.node):
            self._listener.ping_impossible(target.node.name, reason)

    # -- asking ------------------------------------------------------------------------------------

    def _ask_all(self) -> None:
        self._timer = self._loop.call_later(self._interval_s, self._ask_all)
        self._sequence = (self._sequence + 1) & 0xFFFF
        for index, target in enumerate(self._targets):
            if target.address:
                self._ask(index, target)

    def _ask(self, index: int, target: _Target) -> None:
        family = target.family
        payload = self._cookie + _INDEX.pack(index)
        packet = _HEADER.pack(family.request, 0, 0, self._identifier, self._sequence) + payload
        if family is _V4:
            # The kernel makes the checksum of ICMPv6, not that of ICMP.
            packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
        try:
            self._sockets[family].sendto(packet, (target.address, 0))
        except OSError:
            # No route, no neighbour, a full queue: it is not answered.
            return

    # -- hearing -----------------------------------------------------------------------------------

    def _readable(self, sock: socket.socket, family: _Family) -> None:
        # One packet a wake-up, so that a flood cannot starve the loop.
        try:
            packet, source = sock.recvfrom(_BUFFER_BYTES)
        except OSError:
            return
        if family is _V4 and sock.type == socket.SOCK_RAW:
            if len(packet) < _IPV4_HEADER_BYTES_MIN:
                return
            packet = packet[(packet[0] & 0x0F) * 4 :]
        if len(packet) != _HEADER.size + _COOKIE_BYTES + _INDEX.size or packet[0] != family.reply:
            return
        cookie, index = packet[_HEADER.size : -_INDEX.size], _INDEX.unpack(packet[-_INDEX.size :])[0]
        if not secrets.compare_digest(cookie, self._cookie) or index >= len(self._targets):
            return
        target = self._targets[index]
        if _plain(str(source[0])) == target.address:
            self._listener.ping_answered(target.node.name)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _plain(address: str) -> str:
    return address.split("%", 1)[0]


def _socket(family: _Family) -> socket.socket:
    """A raw socket that sees echo replies only, or a ping socket. Raises OSError."""
    try:
        sock = socket.socket(family.number, socket.SOCK_RAW | socket.SOCK_NONBLOCK, family.protocol)
    except PermissionError:
        return socket.socket(family.number, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, family.protocol)
    if family is _V4:
        unwanted = 0xFFFFFFFF & ~(1 << family.reply)
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", unwanted))
    else:
        bits = bytearray(b"\xff" * 32)
        word, bit = divmod(family.reply, 32)
        struct.pack_into("=I", bits, word * 4, 0xFFFFFFFF & ~(1 << bit))
        sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(bits))
    return sock
