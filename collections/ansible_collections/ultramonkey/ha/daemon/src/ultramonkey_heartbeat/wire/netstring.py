r"""The netstring form: what datagrams carry.

    "###\n" item... "%%%\n" [signature]
    item      = LEN ":" "(" TYPE ")" NAME "=" VALUE ","
    signature = LEN ":" INDEX " " TOKEN ","

LEN is decimal and counts the bytes between its colon and the final comma. The signature covers
everything before it. Nothing follows it.

Stricter than 3.0.6: no leading zeros, nothing between LEN and the colon, only types that exist, no NUL
in a string, nothing after the signature. So every frame that is accepted encodes to the same bytes
again. Values of the types LIST, STRUCT, COMPRESSED and UNCOMPRESSED are kept unread: a cluster with
haresources never sends them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, NoReturn

from .auth import Signature
from .errors import MalformedError, TooLargeError, UnencodableError
from .grammar import NAME_PATTERN, check_encodable, check_encoded, check_received, encode_name
from .limits import FIELDS_MAX, MESSAGE_BYTES_MAX, UNCOMPRESSED_BYTES_MAX
from .message import Field, FieldType, Message

START = b"###\n"
END = b"%%%\n"

_LENGTH_DIGITS_MAX = len(str(UNCOMPRESSED_BYTES_MAX))
_LENGTH_PATTERN = rb"([1-9][0-9]{0,%d}):" % (_LENGTH_DIGITS_MAX - 1)

_match_length = re.compile(_LENGTH_PATTERN).match
_match_item = re.compile(_LENGTH_PATTERN + rb"\(([0-5])\)(" + NAME_PATTERN + rb")=").match

_TYPES = {b"%d" % field_type: field_type for field_type in FieldType}
# Before the name: parentheses and type. After it: the equals sign.
_TYPE_BYTES = 3


# One heartbeat has the same fields as the next, but for its number and its stamp.
_ITEMS_CACHED_MAX = 64
_CACHED_VALUE_BYTES_MAX = 1024


# Where the fields that change with every message begin.
_NUMBER = b":(0)seq="
_BEGINNING_BYTES_MAX = 4096
_BEGINNINGS_CACHED_MAX = 64


class DecodedNetstring(NamedTuple):
    """A message as it arrived, not yet verified."""

    message: Message
    # The bytes that the signature must cover.
    covered: bytes
    # None when nothing followed the end mark.
    signature: Signature | None


def encode(message: Message) -> bytes:
    """The bytes that the outer signature covers: from the start mark up to and including the end mark.

    Raises UnencodableError when a field or the whole is not of this form.
    """
    check_encodable(message)
    parts = [START]
    parts += [
        _small_item(field) if len(field.value) <= _CACHED_VALUE_BYTES_MAX else _item(field)
        for field in message.fields
    ]
    parts.append(END)
    return check_encoded(b"".join(parts))


def _item(field: Field) -> bytes:
    if field.type is FieldType.STRING and b"\0" in field.value:
        raise UnencodableError(f"string field {field.name} has a NUL byte")
    item = b"(%d)%s=%s" % (field.type, encode_name(field.name), field.value)
    return b"%d:%s," % (len(item), item)


_small_item = lru_cache(maxsize=_ITEMS_CACHED_MAX)(_item)


def append_signature(covered: bytes, signature: bytes) -> bytes:
    """The whole frame: the covered bytes, and their signature as one more item."""
    return b"%s%d:%s," % (covered, len(signature), signature)


def decode(data: bytes, bytes_max: int = MESSAGE_BYTES_MAX) -> DecodedNetstring:
    """Read one whole frame. Raises MalformedError or TooLargeError."""
    check_received(data, bytes_max)
    if not data.startswith(START):
        raise MalformedError(f"{data[:8]!r} does not begin with {START!r}")
    beginning, position = _known_beginning(data)
    fields, position = _items(data, position, list(beginning))
    if not data.startswith(END, position):
        _refuse_item(data, position)
    if not fields:
        raise MalformedError("a message without fields")
    position += len(END)
    return DecodedNetstring(Message(tuple(fields)), data[:position], _signature(data, position))


def _items(data: bytes, position: int, fields: list[Field]) -> tuple[list[Field], int]:
    """Read items from the position on; the fields with those before, and where the items end."""
    while True:
        match = _match_item(data, position)
        if match is None:
            break
        length, type_digit, name = match.groups()
        value_at = match.end()
        end = match.start(3) - _TYPE_BYTES + int(length)
        if end < value_at or data[end : end + 1] != b",":
            _refuse_item(data, position)
        value = data[value_at:end]
        field_type = _TYPES[type_digit]
        if field_type is FieldType.STRING and b"\0" in value:
            raise MalformedError(f"string field {name.decode('ascii')} has a NUL byte")
        if len(fields) == FIELDS_MAX:
            raise TooLargeError(f"more than {FIELDS_MAX} fields")
        fields.append(Field(name.decode("ascii"), value, field_type))
        position = end + 1
    return fields, position


def _known_beginning(data: bytes) -> tuple[tuple[Field, ...], int]:
    """What stands before the number of the message, and where that ends; nothing if it is not as expected.

    The heartbeats of a node are the same up to there as long as nothing happens, so it is read only once.
    """
    number = data.find(_NUMBER, len(START), _BEGINNING_BYTES_MAX)
    end = data.rfind(b",", 0, number) + 1 if number > 0 else 0
    fields = _read_beginning(data[:end]) if end else None
    return ((), len(START)) if fields is None else (fields, end)


@lru_cache(maxsize=_BEGINNINGS_CACHED_MAX)
def _read_beginning(beginning: bytes) -> tuple[Field, ...] | None:
    """The fields, or None unless the bytes are whole items to their very end."""
    try:
        fields, position = _items(beginning, len(START), [])
    except (MalformedError, TooLargeError):
        return None
    return tuple(fields) if position == len(beginning) else None


def _signature(data: bytes, position: int) -> Signature | None:
    """Read what follows the end mark: nothing, or one item with a signature and then nothing."""
    if position == len(data):
        return None
    match = _match_length(data, position)
    if match is None:
        _refuse_item(data, position)
    end = match.end() + int(match.group(1))
    if data[end : end + 1] != b",":
        _refuse_item(data, position)
    if end + 1 != len(data):
        raise MalformedError(f"{len(data) - end - 1} bytes follow the signature")
    return Signature.parse(data[match.end() : end])


def _refuse_item(data: bytes, position: int) -> NoReturn:
    """Find out and raise what is wrong with the item at this position."""
    where = f"at byte {position}"
    if position == len(data):
        raise MalformedError(f"{where}: the data end where an item or {END!r} must follow")
    match = _match_length(data, position)
    if match is None:
        raise MalformedError(f"{where}: {data[position : position + 8]!r} is not a length and a colon")
    start, end = match.end(), match.end() + int(match.group(1))
    if end >= len(data):
        raise MalformedError(f"{where}: the item of {end - start} bytes is cut off")
    if data[end : end + 1] != b",":
        raise MalformedError(f"{where}: no comma after {end - start} bytes")
    raise MalformedError(f"{where}: {data[start : min(end, start + 40)]!r} is not (TYPE)NAME=VALUE")
