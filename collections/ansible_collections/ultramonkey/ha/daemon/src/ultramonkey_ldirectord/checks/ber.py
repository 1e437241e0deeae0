"""LDAP's messages, as far as a bind and one search need them: BER with definite lengths. Pure."""

from __future__ import annotations

INTEGER, OCTETS, ENUMERATED, BOOLEAN, SEQUENCE = 0x02, 0x04, 0x0A, 0x01, 0x30
BIND_REQUEST, BIND_RESPONSE = 0x60, 0x61
SEARCH_REQUEST, SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE = 0x63, 0x64, 0x65, 0x73
UNBIND_REQUEST = 0x42
_SIMPLE = 0x80
_PRESENT = 0x87
# No message that we ask for is longer.
MESSAGE_MAX = 1024 * 1024
_LONG = 0x80


class BerError(ValueError):
    """Not BER, or not what was expected there."""


def element(tag: int, content: bytes) -> bytes:
    """One element."""
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content


def number(value: int, tag: int = INTEGER) -> bytes:
    """A small number that is not negative."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bind(message_id: int, name: str, password: str) -> bytes:
    """A simple bind; anonymous without name and password."""
    content = number(3) + element(OCTETS, name.encode()) + element(_SIMPLE, password.encode())
    return element(SEQUENCE, number(message_id) + element(BIND_REQUEST, content))


def search(message_id: int, base: str) -> bytes:
    """A search for the base object itself, without attributes."""
    content = element(OCTETS, base.encode()) + number(0, ENUMERATED) + number(0, ENUMERATED)
    content += number(0) + number(0) + element(BOOLEAN, b"\0")
    content += element(_PRESENT, b"objectClass") + element(SEQUENCE, element(OCTETS, b"1.1"))
    return element(SEQUENCE, number(message_id) + element(SEARCH_REQUEST, content))


def unbind(message_id: int) -> bytes:
    """The end of the conversation."""
    return element(SEQUENCE, number(message_id) + element(UNBIND_REQUEST, b""))


def split(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Tag, content and rest of the first element; None when it is not whole yet. Raises BerError."""
    if len(data) < 2:  # noqa: PLR2004 - tag and length
        return None
    size, start = data[1], 2
    if size >= _LONG:
        octets = size & 0x7F
        if not 1 <= octets <= 4:  # noqa: PLR2004 - more is more than MESSAGE_MAX, none is indefinite
            raise BerError("a length that LDAP does not allow")
        start += octets
        if len(data) < start:
            return None
        size = int.from_bytes(data[2:start], "big")
    if size > MESSAGE_MAX:
        raise BerError(f"a message of {size} bytes")
    if len(data) < start + size:
        return None
    return data[0], data[start : start + size], data[start + size :]


def whole(data: bytes) -> tuple[int, bytes, bytes]:
    """As `split`, for what must be whole."""
    found = split(data)
    if found is None:
        raise BerError("a message that is cut short")
    return found


def operation(message: bytes) -> tuple[int, bytes]:
    """Tag and content of the operation in the content of a message."""
    tag, _, rest = whole(message)
    if tag != INTEGER:
        raise BerError("a message without a number")
    tag, content, _ = whole(rest)
    return tag, content


def result(content: bytes) -> tuple[int, str]:
    """Code and text of a result."""
    tag, code, rest = whole(content)
    if tag != ENUMERATED:
        raise BerError("a result without a code")
    _, _, rest = whole(rest)
    _, text, _ = whole(rest)
    return int.from_bytes(code, "big"), text.decode("utf-8", "replace")


def entry_name(content: bytes) -> bytes:
    """The name of a found entry."""
    tag, name, _ = whole(content)
    if tag != OCTETS:
        raise BerError("an entry without a name")
    return name
