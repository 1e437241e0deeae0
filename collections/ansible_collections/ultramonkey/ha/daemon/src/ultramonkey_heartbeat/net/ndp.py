"""Unsolicited Neighbour Advertisements (RFC 4861, sections 4.4 and 7.2.6) as Ethernet frames.

The override flag makes neighbours replace the link-layer address they have cached. Neighbours without
an entry ignore the frame, as they should.
"""

from __future__ import annotations

import ipaddress
import struct

_ETHERTYPE_IPV6 = 0x86DD
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ALL_NODES = ipaddress.IPv6Address("ff02::1").packed
_ICMPV6 = 58
_NEIGHBOUR_ADVERTISEMENT = 136
_FLAG_ROUTER = 0x80000000
_FLAG_OVERRIDE = 0x20000000
_OPTION_TARGET_LINK_LAYER = 2
# Receivers drop neighbour discovery packets that could have been forwarded (RFC 4861, 7.1.2).
_HOP_LIMIT = 255


def unsolicited_advertisement(mac: bytes, address: str, *, router: bool = False) -> bytes:
    """The frame that tells all nodes of the link that `address` is at `mac` (6 bytes).

    `router` must be True where the sender forwards packets: a neighbour that used the address as its
    router would otherwise give it up.
    """
    ip = ipaddress.IPv6Address(address).packed
    flags = _FLAG_OVERRIDE | (_FLAG_ROUTER if router else 0)
    # The length of an option is given in units of 8 bytes.
    option = struct.pack("!BB6s", _OPTION_TARGET_LINK_LAYER, 1, mac)
    body = struct.pack("!I16s", flags, ip) + option
    checksum = _checksum(ip, _ALL_NODES, struct.pack("!BBH", _NEIGHBOUR_ADVERTISEMENT, 0, 0) + body)
    icmp = struct.pack("!BBH", _NEIGHBOUR_ADVERTISEMENT, 0, checksum) + body
    header = struct.pack("!IHBB16s16s", 6 << 28, len(icmp), _ICMPV6, _HOP_LIMIT, ip, _ALL_NODES)
    return struct.pack("!6s6sH", _ALL_NODES_MAC, mac, _ETHERTYPE_IPV6) + header + icmp


def _checksum(source: bytes, destination: bytes, payload: bytes) -> int:
    """The Internet checksum over the IPv6 pseudo header (RFC 8200, 8.1) and an even-sized payload."""
    data = source + destination + struct.pack("!II", len(payload), _ICMPV6) + payload
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:  # noqa: PLR2004 - end-around carry of a 16 bit sum
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
