"""The three kinds of links over UDP that `ha.cf` knows: broadcast, multicast and unicast."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct

from ..config.model import BroadcastLink, MulticastLink, UnicastLink
from .datagram import IPAddress, UdpLink
from .interface import InterfaceFacts, LinkProblemError

# What heartbeat 3.0.6 sets on `ucast` links ("low delay").
_TOS_LOW_DELAY = 0x10


class UdpBroadcastLink(UdpLink[BroadcastLink]):
    """`bcast`: to the broadcast address that the interface has now."""

    def rank(self, source: str, destination: str) -> int:
        """Best, whoever sent it, for what was sent to the broadcast address."""
        del source
        return 3 if self._path is not None and destination == self._path.destination else 0

    def _target(self, facts: InterfaceFacts) -> IPAddress:
        if facts.ipv4 is None:
            raise LinkProblemError(f"{self._interface}: no IPv4 address")
        if facts.ipv4_broadcast is None:
            raise LinkProblemError(f"{self._interface}: {facts.ipv4} has no broadcast address")
        return ipaddress.ip_address(facts.ipv4_broadcast)

    def _configure(self, sock: socket.socket, index: int) -> None:
        del index
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)


class UdpMulticastLink(UdpLink[MulticastLink]):
    """`mcast`, `mcast6`: to a group that both ends have joined on their interface."""

    def rank(self, source: str, destination: str) -> int:
        """The socket is bound to the group, so whatever arrives is ours."""
        del source, destination
        return 3

    def _group(self) -> str:
        return str(ipaddress.ip_address(self._config.group))

    def _target(self, facts: InterfaceFacts) -> IPAddress:
        return _address(facts.name, self._config.group)

    def _configure(self, sock: socket.socket, index: int) -> None:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, self._config.ttl)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, int(self._config.loop))
        else:
            # struct ip_mreqn: group (unused), our address (any), interface.
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@8xi", index))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, self._config.ttl)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, int(self._config.loop))


class UdpUnicastLink(UdpLink[UnicastLink]):
    """`ucast`, `ucast6`: to one peer. One that names ourselves carries nothing and does no harm.

    A host's name is looked up once, when the link is first used; until it is known the link is down.
    """

    _resolved: IPAddress | None = None
    _look_up: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Release the sockets, and wait for no name any more."""
        super().close()
        if self._look_up is not None:
            self._look_up.cancel()
            self._look_up = None

    def rank(self, source: str, destination: str) -> int:
        """Good for what the peer sent; good enough for what some other address sent to us alone."""
        if self._path is None:
            return 0
        if source == self._path.destination:
            return 2
        to_us_alone = destination == self._path.source
        return 1 if to_us_alone and self._path.source != self._path.destination else 0

    def _target(self, facts: InterfaceFacts) -> IPAddress:
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self._config.address)
        if self._resolved is None:
            if self._look_up is None:
                self._look_up = self._loop.create_task(self._resolve(self._config.address))
            raise LinkProblemError(f"{facts.name}: the address of {self._config.address} is not known")
        return self._resolved

    async def _resolve(self, name: str) -> None:
        """Ask without holding up anything; a resolver that does not answer is asked again."""
        try:
            found = await self._loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
        except OSError:
            # The link looks again before long.
            self._look_up = None
            return
        # IPv4 first: heartbeat's ucast knew nothing else.
        first, *_ = sorted((str(entry[4][0]) for entry in found), key=lambda address: ":" in address)
        self._resolved, self._look_up = ipaddress.ip_address(first.partition("%")[0]), None
        self._look()

    def _configure(self, sock: socket.socket, index: int) -> None:
        del index
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _TOS_LOW_DELAY)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _TOS_LOW_DELAY)


def _address(interface: str, text: str) -> IPAddress:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise LinkProblemError(f"{interface}: {text!r} is not an IP address") from None
