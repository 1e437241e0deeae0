"""Gratuitous ARP frames for Ethernet.

Nothing here sends. Both forms carry the announced address as sender and as target. A request updates
the entry of every neighbour that already has one (RFC 826 merges the sender before it looks at the
operation); some equipment only believes replies; so heartbeat sends both, and so do we.
"""

from __future__ import annotations

import ipaddress
import struct

_BROADCAST = b"\xff" * 6
_NOBODY = b"\x00" * 6
_ETHERTYPE_ARP = 0x0806
_ETHERTYPE_IPV4 = 0x0800
_HARDWARE_ETHERNET = 1
_REQUEST = 1
_REPLY = 2


def gratuitous_request(mac: bytes, address: str) -> bytes:
    """The frame that asks everybody for `address` in the name of its new owner `mac` (6 bytes)."""
    return _frame(_REQUEST, mac, address, target_mac=_NOBODY)


def gratuitous_reply(mac: bytes, address: str) -> bytes:
    """The frame that tells everybody, unasked, that `address` is at `mac` (6 bytes)."""
    return _frame(_REPLY, mac, address, target_mac=mac)


def _frame(operation: int, mac: bytes, address: str, *, target_mac: bytes) -> bytes:
    ip = ipaddress.IPv4Address(address).packed
    ethernet = struct.pack("!6s6sH", _BROADCAST, mac, _ETHERTYPE_ARP)
    arp = struct.pack(
        "!HHBBH6s4s6s4s",
        _HARDWARE_ETHERNET,
        _ETHERTYPE_IPV4,
        len(mac),
        len(ip),
        operation,
        mac,
        ip,
        target_mac,
        ip,
    )
    return ethernet + arp
