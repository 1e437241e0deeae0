"""ping: echo requests over one raw socket a family, whose answers find the check that waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct

_ICMP = struct.Struct("!BBHHH")
_REQUEST: dict[int, int] = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY: dict[int, int] = {socket.AF_INET: 0, socket.AF_INET6: 129}
_PAYLOAD = b"ldirectord"
# Read at once before others get their turn.
_READS_MAX = 64


class Pinger:
    """Sends echo requests and waits for their answers."""

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}
        self._waiting: dict[tuple[int, str, int], asyncio.Future[None]] = {}
        self._identifier = os.getpid() & 0xFFFF
        self._sequence = 0

    async def ping(self, address: str, attempts: int, timeout_s: float) -> str:
        """Answered within `attempts` tries of `timeout_s` each? Raises OSError (TimeoutError is one)."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = self._socket(family)
        for _ in range(attempts):
            self._sequence = (self._sequence + 1) & 0xFFFF
            key = (family, address, self._sequence)
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            try:
                opened.sendto(_message(family, self._identifier, self._sequence), (address, 0))
                done, _ = await asyncio.wait([future], timeout=timeout_s)
            finally:
                self._waiting.pop(key, None)
            if done:
                return "answers ping"
        raise TimeoutError

    def close(self) -> None:
        """Close the sockets."""
        for opened in self._sockets.values():
            asyncio.get_running_loop().remove_reader(opened.fileno())
            opened.close()
        self._sockets.clear()

    def _socket(self, family: int) -> socket.socket:
        if family not in self._sockets:
            protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
            opened = socket.socket(
                family, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol
            )
            asyncio.get_running_loop().add_reader(opened.fileno(), self._readable, family)
            self._sockets[family] = opened
        return self._sockets[family]

    def _readable(self, family: int) -> None:
        for _ in range(_READS_MAX):
            try:
                data, sender = self._sockets[family].recvfrom(2048)
            except BlockingIOError:
                return
            except OSError:
                continue
            self._received(family, data, sender[0].partition("%")[0])

    def _received(self, family: int, data: bytes, sender: str) -> None:
        if family == socket.AF_INET:
            # A raw socket of IPv4 gets the IP header, too.
            data = data[(data[0] & 0xF) * 4 :] if data else data
        with contextlib.suppress(struct.error):
            kind, code, _, identifier, sequence = _ICMP.unpack_from(data)
            future = self._waiting.get((family, sender, sequence))
            ours = (kind, code, identifier) == (_REPLY[family], 0, self._identifier)
            if ours and future is not None and not future.done():
                future.set_result(None)


def _message(family: int, identifier: int, sequence: int) -> bytes:
    kind = _REQUEST[family]
    # The kernel computes the checksum of ICMPv6.
    check = (
        0 if family == socket.AF_INET6 else _checksum(_ICMP.pack(kind, 0, 0, identifier, sequence) + _PAYLOAD)
    )
    return _ICMP.pack(kind, 0, check, identifier, sequence) + _PAYLOAD


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
