"""Asks a network whether somebody has an address, before it is brought up. Blocking; for a command.

IPv4: ARP probes as RFC 5227 has them (sender 0.0.0.0, so that no neighbour learns anything). IPv6: neighbour
solicitations, whose checksum the kernel fills in. Needs CAP_NET_RAW, and nothing but the standard library.
"""

from __future__ import annotations

import array
import fcntl
import ipaddress
import select
import socket
import struct
import time
from pathlib import Path

from ..config.model import Address

PROBES = 3
INTERVAL_SECONDS = 0.2
_ETHERTYPE_ARP = 0x0806
_BROADCAST = b"\xff" * 6
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET_BYTES = 14
_REQUEST = 1
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_LINK_LAYER = 1
_SOLICITED_NODE = int(ipaddress.IPv6Address("ff02::1:ff00:0"))
_MAC_BYTES = 6
_LOOPBACK = "lo"
_SIOCGIFCONF = 0x8912
# A struct ifreq: name or label, family, port, IPv4 address.
_IFREQ_BYTES = 40
_IFREQS_MAX = 4096


def local_addresses() -> set[str]:
    """Every address of this machine, but for those of the loopback interface, which nobody else sees."""
    found = {address for address, _, name in _local_ipv6() if name != _LOOPBACK}
    return found | {address for label, address in _local_ipv4() if label.partition(":")[0] != _LOOPBACK}


def interface_for(address: Address) -> str | None:
    """The interface that the address belongs on: the one it names, or else the one in whose network it is."""
    if address.interface is not None:
        return address.interface
    ip = ipaddress.ip_address(address.address)
    networks = _local_ipv6() if isinstance(ip, ipaddress.IPv6Address) else _routes_ipv4()
    fits = [(bits, name) for base, bits, name in networks if bits and _is_in(ip, base, bits)]
    return max(fits)[1] if fits else None


def users_of(ip: str, interface: str) -> list[str]:
    """The Ethernet addresses of those who say that the address is theirs. Raises OSError."""
    if ipaddress.ip_address(ip).version == 4:  # noqa: PLR2004 - the protocol's version
        return _ask_arp(ipaddress.IPv4Address(ip).packed, interface)
    return _ask_neighbours(ipaddress.IPv6Address(ip), interface)


def arp_probe(mac: bytes, address: bytes) -> bytes:
    """The frame that asks who has the address (4 bytes) and tells nobody anything."""
    ethernet = struct.pack("!6s6sH", _BROADCAST, mac, _ETHERTYPE_ARP)
    return ethernet + _ARP.pack(1, 0x0800, _MAC_BYTES, 4, _REQUEST, mac, b"\0" * 4, b"\0" * 6, address)


def arp_user(frame: bytes, address: bytes) -> bytes | None:
    """Who speaks as the owner of the address in an ARP frame, or None."""
    if len(frame) < _ETHERNET_BYTES + _ARP.size:
        return None
    _, _, _, _, _, mac, sender, _, _ = _ARP.unpack_from(frame, _ETHERNET_BYTES)
    return bytes(mac) if sender == address else None


def _ask_arp(address: bytes, interface: str) -> list[str]:
    found: set[str] = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE_ARP)) as sock:
        sock.bind((interface, _ETHERTYPE_ARP))
        own = sock.getsockname()[4]
        for _ in range(PROBES):
            sock.send(arp_probe(own, address))
            for frame, _ in _arrivals(sock):
                mac = arp_user(frame, address)
                if mac is not None and mac != own:
                    found.add(mac.hex(":"))
    return sorted(found)


def _ask_neighbours(ip: ipaddress.IPv6Address, interface: str) -> list[str]:
    found: set[str] = set()
    index = socket.if_nametoindex(interface)
    target = str(ipaddress.IPv6Address(_SOLICITED_NODE | (int(ip) & 0xFFFFFF)))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as ethernet:
        ethernet.bind((interface, 0))
        own = ethernet.getsockname()[4]
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        option = struct.pack("!BB6s", _SOURCE_LINK_LAYER, 1, own)
        question = struct.pack("!BBHI16s", _SOLICITATION, 0, 0, 0, ip.packed) + option
        for _ in range(PROBES):
            sock.sendto(question, (target, 0, 0, index))
            for data, source in _arrivals(sock):
                if data[:1] == bytes([_ADVERTISEMENT]) and data[8:24] == ip.packed:
                    mac = data[26:32]
                    found.add(mac.hex(":") if len(mac) == _MAC_BYTES else source[0])
    return sorted(found - {own.hex(":")})


def _arrivals(sock: socket.socket) -> list[tuple[bytes, tuple[str, int]]]:
    """What arrives until the next probe is due."""
    arrived, end = [], time.monotonic() + INTERVAL_SECONDS
    while (left := end - time.monotonic()) > 0:
        readable, _, _ = select.select([sock], [], [], left)
        if readable:
            arrived.append(sock.recvfrom(2048))
    return arrived


def _is_in(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, base: str, bits: int) -> bool:
    return ip in ipaddress.ip_network(f"{base}/{bits}", strict=False)


def _local_ipv4() -> list[tuple[str, str]]:
    """Label (or interface) and address of every IPv4 address."""
    buffer = array.array("B", bytes(_IFREQ_BYTES * _IFREQS_MAX))
    question = struct.pack("@iP", len(buffer), buffer.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        (size,) = struct.unpack_from("@i", fcntl.ioctl(sock, _SIOCGIFCONF, question))
    entries = (buffer[at : at + _IFREQ_BYTES].tobytes() for at in range(0, size, _IFREQ_BYTES))
    return [(one[:16].rstrip(b"\0").decode(), socket.inet_ntoa(one[20:24])) for one in entries]


def _local_ipv6() -> list[tuple[str, int, str]]:
    """Address, prefix length and interface of every IPv6 address."""
    try:
        lines = Path("/proc/thread-self/net/if_inet6").read_text("ascii").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [(str(ipaddress.IPv6Address(int(one[0], 16))), int(one[2], 16), one[5]) for one in words]


def _routes_ipv4() -> list[tuple[str, int, str]]:
    """Network, prefix length and interface of every route that needs no router."""
    try:
        lines = Path("/proc/thread-self/net/route").read_text("ascii").splitlines()[1:]
    except OSError:
        return []
    routes = []
    for line in lines:
        name, base, gateway, _, _, _, _, mask = line.split()[:8]
        if int(gateway, 16) == 0:
            network = socket.inet_ntoa(struct.pack("=I", int(base, 16)))
            routes.append((network, bin(int(mask, 16)).count("1"), name))
    return routes
