"""Telling the neighbours where an address now is, often enough that losing a frame does not matter.

The first pair of frames leaves at once: every millisecond before it is a millisecond in which clients
still talk to the old holder. The rhythm afterwards is that of heartbeat's IPaddr2 (five pairs of an ARP
request and an ARP reply, 100 ms from frame to frame). While the address is held one more pair goes out
every `refresh_ms`, for equipment that missed or forgot them all.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Protocol

from . import arp, ndp
from .types import ResolvedAddress


class FrameSender(Protocol):
    """What the announcer needs of `packet.PacketSender`."""

    def send(self, interface: str, frame: bytes) -> bool:
        """Send one frame, best effort."""

    def mac(self, interface: str) -> bytes | None:
        """The interface's Ethernet address, or None."""


@dataclass(frozen=True)
class Rhythm:
    """How often an address is announced. `refresh_ms` 0 means: never again after the first pairs."""

    pairs: int = 5
    spacing_ms: int = 100
    refresh_ms: int = 60_000


Builder = Callable[[bytes, ResolvedAddress], bytes]


def _request(mac: bytes, address: ResolvedAddress) -> bytes:
    return arp.gratuitous_request(mac, address.ip)


def _reply(mac: bytes, address: ResolvedAddress) -> bytes:
    return arp.gratuitous_reply(mac, address.ip)


def _advertisement(mac: bytes, address: ResolvedAddress) -> bytes:
    return ndp.unsolicited_advertisement(mac, address.ip, router=_forwards(address.interface))


def _forwards(interface: str) -> bool:
    """Whether the host routes IPv6 packets that arrive on the interface."""
    try:
        return Path(f"/proc/sys/net/ipv6/conf/{interface}/forwarding").read_text().strip() != "0"
    except OSError:
        return False


class Announcer:
    """Announces addresses from the event loop's timers. Interfaces that are not Ethernet stay silent."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sender: FrameSender, rhythm: Rhythm | None = None
    ) -> None:
        self._loop = loop
        self._sender = sender
        self._rhythm = rhythm or Rhythm()
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}

    def start(self, address: ResolvedAddress) -> None:
        """Announce now and go on; an announcement of the same address that still runs begins anew."""
        self.stop(address)
        builders = self._pair(address)
        for build in builders:
            self._send(address, build)
        self._later(address, builders * (self._rhythm.pairs - 1))

    def stop(self, address: ResolvedAddress) -> None:
        """Say nothing more about the address. Fine for one that is not announced."""
        timer = self._timers.pop((address.interface, address.ip), None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """Stop all announcements."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _pair(self, address: ResolvedAddress) -> list[Builder]:
        return [_advertisement] if address.is_ipv6 else [_request, _reply]

    def _later(self, address: ResolvedAddress, rest: list[Builder]) -> None:
        """Arm the one timer of the address: for the next frame of `rest`, else for the refresh."""
        if rest:
            # One advertisement stands for a pair, so it comes half as often as ARP frames do.
            delay_ms = self._rhythm.spacing_ms * (2 if address.is_ipv6 else 1)
            action = partial(self._next, address, rest)
        elif self._rhythm.refresh_ms:
            delay_ms = self._rhythm.refresh_ms
            action = partial(self._refresh, address)
        else:
            self._timers.pop((address.interface, address.ip), None)
            return
        self._timers[address.interface, address.ip] = self._loop.call_later(delay_ms / 1000, action)

    def _next(self, address: ResolvedAddress, rest: list[Builder]) -> None:
        self._send(address, rest[0])
        self._later(address, rest[1:])

    def _refresh(self, address: ResolvedAddress) -> None:
        for build in self._pair(address):
            self._send(address, build)
        self._later(address, [])

    def _send(self, address: ResolvedAddress, build: Builder) -> None:
        # The hardware address is read for every frame: a bond or a recreated interface may change it.
        mac = self._sender.mac(address.interface)
        if mac is not None:
            self._sender.send(address.interface, build(mac, address))
