"""Generic netlink as bytes, written by hand: messages with nested attributes, and their answers. Pure.

Numbers are those of linux/netlink.h and linux/genetlink.h; all are in the host's byte order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CONTROLLER = 16
REQUEST, ACKNOWLEDGE, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 2, 3

_HEADER = struct.Struct("=IHHII")
_GENERIC = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF
_NESTED = 0x8000
_VERSION = 1
_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2


@dataclass(frozen=True)
class Message:
    """One message from the kernel. `error` is an errno, or 0 for an acknowledgement, in an ERROR message."""

    kind: int
    sequence: int
    error: int
    body: bytes

    @property
    def attributes(self) -> dict[int, bytes]:
        """The attributes of the outermost level."""
        return attributes(self.body[_GENERIC.size :])


# --- to the kernel ------------------------------------------------------------------------------------------


def family_request(sequence: int, name: str) -> bytes:
    """Ask for the number of a family."""
    asked = attribute(_FAMILY_NAME, name.encode() + b"\0")
    return message(CONTROLLER, REQUEST | ACKNOWLEDGE, sequence, _GET_FAMILY, asked)


def message(kind: int, flags: int, sequence: int, command: int, body: bytes) -> bytes:
    """A request with everything around it."""
    length = _HEADER.size + _GENERIC.size + len(body)
    return _HEADER.pack(length, kind, flags, sequence, 0) + _GENERIC.pack(command, _VERSION, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nested(kind: int, inner: bytes) -> bytes:
    """An attribute made of attributes."""
    return attribute(kind | _NESTED, inner)


def u16(value: int) -> bytes:
    """16 bits, in the host's order."""
    return struct.pack("=H", value)


def u32(value: int) -> bytes:
    """32 bits, in the host's order."""
    return struct.pack("=I", value)


# --- from the kernel ----------------------------------------------------------------------------------------


def messages(data: bytes) -> Iterator[Message]:
    """The messages of one datagram. What is cut short is left out."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _flags, sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        body = data[offset + _HEADER.size : offset + length]
        error = 0
        if kind == ERROR or (kind == DONE and len(body) >= 4):  # noqa: PLR2004 - an errno
            error = -int(struct.unpack_from("=i", body)[0])
        yield Message(kind, sequence, error, body)
        offset += (length + 3) & ~3


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes by their types. What is cut short is left out."""
    found = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            break
        found[kind & _TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def number(value: bytes | None) -> int:
    """A number in the host's byte order, of whatever width; 0 when there is none."""
    if not value:
        return 0
    return int.from_bytes(value, "little" if struct.pack("=H", 1)[0] else "big")


def family_number(answer: Message) -> int | None:
    """The number of the family in the answer of the controller."""
    found = answer.attributes.get(_FAMILY_ID)
    return None if found is None else int(struct.unpack("=H", found[:2])[0])
