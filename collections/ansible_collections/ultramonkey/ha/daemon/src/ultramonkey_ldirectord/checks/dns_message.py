"""DNS messages as far as one question needs them (RFC 1035). Pure."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

A, NS, CNAME, PTR, MX, TXT, AAAA = 1, 2, 5, 12, 15, 16, 28
_IN = 1
_RECURSION_DESIRED = 0x0100
_RESPONSE = 0x8000
_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_CODES = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}
# A name is at most 255 bytes; more labels than that are a loop of pointers.
_LABELS_MAX = 128
_LABEL_BYTES_MAX = 63
_POINTER = 0xC0
TRUNCATED = 0x0200


class DnsError(ValueError):
    """Not an answer to the question. The text says why."""


@dataclass(frozen=True)
class Answer:
    """What came back. `records` are texts: addresses, names."""

    truncated: bool
    records: tuple[str, ...]


def question(request: str, receive: str) -> tuple[str, int]:
    """Name and type to ask for: an address is looked up backwards, and AAAA is asked when one is expected."""
    name = request.strip("/").rstrip(".")
    try:
        return ipaddress.ip_address(name).reverse_pointer, PTR
    except ValueError:
        return name, AAAA if ":" in receive else A


def query(identifier: int, name: str, kind: int) -> bytes:
    """A question as bytes. Raises DnsError for a name that cannot be asked for."""
    labels = []
    for label in name.split("."):
        data = label.encode("ascii", "replace")
        if not 1 <= len(data) <= _LABEL_BYTES_MAX:
            raise DnsError(f"{name!r} is not a name")
        labels.append(bytes((len(data),)) + data)
    header = _HEADER.pack(identifier, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + b"".join(labels) + b"\0" + struct.pack("!HH", kind, _IN)


def answer(data: bytes, identifier: int) -> Answer:
    """The records of an answer. Raises DnsError also for an answer that says no."""
    try:
        got, flags, questions, count, _, _ = _HEADER.unpack_from(data)
        if got != identifier or not flags & _RESPONSE:
            raise DnsError("not an answer to this question")
        code = flags & 0xF
        if code:
            raise DnsError(_CODES.get(code, f"error {code}"))
        position = _HEADER.size
        for _ in range(questions):
            _, position = _name(data, position)
            position += 4
        records = []
        for _ in range(count):
            _, position = _name(data, position)
            kind, _, _, size = _RECORD.unpack_from(data, position)
            position += _RECORD.size
            text = _record(data, position, kind, size)
            if text:
                records.append(text)
            position += size
        return Answer(bool(flags & TRUNCATED), tuple(records))
    except (struct.error, IndexError):
        raise DnsError("the answer is cut short") from None


def _record(data: bytes, position: int, kind: int, size: int) -> str:
    value = data[position : position + size]
    if len(value) < size:
        raise DnsError("the answer is cut short")
    if (kind, size) in ((A, 4), (AAAA, 16)):
        return str(ipaddress.ip_address(value))
    if kind in (PTR, CNAME, NS):
        return _name(data, position)[0]
    if kind == TXT:
        return value[1:].decode("utf-8", "replace")
    return ""


def _name(data: bytes, position: int) -> tuple[str, int]:
    """A name, and where the message goes on behind it."""
    labels: list[str] = []
    end = -1
    for _ in range(_LABELS_MAX):
        size = data[position]
        if size >= _POINTER:
            if end < 0:
                end = position + 2
            position = (size & 0x3F) << 8 | data[position + 1]
            continue
        position += 1
        if size == 0:
            return ".".join(labels), position if end < 0 else end
        labels.append(data[position : position + size].decode("ascii", "replace"))
        position += size
    raise DnsError("a name without an end")
