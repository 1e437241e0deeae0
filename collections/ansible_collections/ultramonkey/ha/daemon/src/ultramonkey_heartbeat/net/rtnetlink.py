"""Just enough of rtnetlink to notice that an interface or an address changed. Pure.

Messages are read by hand because every change on the host passes here, and a general parser would
spend a millisecond on each. Numbers are those of linux/netlink.h, linux/rtnetlink.h, linux/if_link.h
and linux/if_addr.h; all are in the host's byte order.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

GROUP_LINK = 0x1
GROUP_IPV4_ADDRESS = 0x10
GROUP_IPV6_ADDRESS = 0x100

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BBHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ATTRIBUTE = struct.Struct("=HH")
_NEW_LINK, _DELETED_LINK = 16, 17
_NEW_ADDRESS, _DELETED_ADDRESS = 20, 21
_IFLA_IFNAME = 3
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFF_UP = 0x1
_IFF_RUNNING = 0x40
_IFF_LOWER_UP = 0x10000


@dataclass(frozen=True)
class LinkEvent:
    """An interface was created, changed or deleted."""

    index: int
    name: str
    up: bool
    # Operational: the driver has a carrier and nothing above it objects.
    running: bool
    lower_up: bool
    deleted: bool


@dataclass(frozen=True)
class AddressEvent:
    """An address was added to an interface, changed, or deleted from it."""

    index: int
    ip: str
    deleted: bool


def parse(data: bytes) -> list[Union[LinkEvent, AddressEvent]]:
    """The events in one datagram from the kernel. What is not understood is skipped."""
    events: list[Union[LinkEvent, AddressEvent]] = []
    for kind, body in _messages(data):
        event: Union[LinkEvent, AddressEvent] | None = None
        if kind in (_NEW_LINK, _DELETED_LINK):
            event = _link(body, deleted=kind == _DELETED_LINK)
        elif kind in (_NEW_ADDRESS, _DELETED_ADDRESS):
            event = _address(body, deleted=kind == _DELETED_ADDRESS)
        if event is not None:
            events.append(event)
    return events


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += _aligned(length)


def _link(body: bytes, *, deleted: bool) -> LinkEvent | None:
    if len(body) < _LINK.size:
        return None
    _family, _pad, _kind, index, flags, _change = _LINK.unpack_from(body)
    name = b""
    for attribute, value in _attributes(body, _LINK.size):
        if attribute == _IFLA_IFNAME:
            name = value.rstrip(b"\0")
            break
    return LinkEvent(
        index=index,
        name=name.decode("utf-8", "replace"),
        up=bool(flags & _IFF_UP),
        running=bool(flags & _IFF_RUNNING),
        lower_up=bool(flags & _IFF_LOWER_UP),
        deleted=deleted,
    )


def _address(body: bytes, *, deleted: bool) -> AddressEvent | None:
    if len(body) < _ADDRESS.size:
        return None
    _family, _prefix_length, _flags, _scope, index = _ADDRESS.unpack_from(body)
    found = dict(_attributes(body, _ADDRESS.size))
    packed = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
    if packed is None or len(packed) not in (4, 16):
        return None
    return AddressEvent(index, str(ipaddress.ip_address(packed)), deleted)


def _attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size or offset + length > len(body):
            return
        # The two highest bits are flags ("nested", "network byte order").
        yield kind & 0x3FFF, body[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
