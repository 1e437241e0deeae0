"""A message as an ordered list of typed fields, before it is bytes and after.

Field names and meanings are those of Linux-HA heartbeat 3.0.6 (docs/PROTOCOL.md). Values are kept as
the bytes that travelled, so that a message that is sent again is the same to the last byte; the
accessors below turn them into text and numbers, strictly: `int()` would accept blanks, underscores and
non-ASCII digits, the format does not.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from .errors import MalformedFieldError

_HEX = re.compile(rb"[0-9a-fA-F]{1,16}\Z")
_DECIMAL = re.compile(rb"-?[0-9]{1,18}\Z")


class FieldType(IntEnum):
    """The digit before a field's name on the wire."""

    STRING = 0
    BINARY = 1
    STRUCT = 2
    LIST = 3
    COMPRESSED = 4
    UNCOMPRESSED = 5


class Field(NamedTuple):
    """One name and value. A STRING value has no NUL byte; a BINARY one may hold anything.

    A tuple, because every heartbeat makes a dozen and a half of them.
    """

    name: str
    value: bytes
    type: FieldType = FieldType.STRING


class Message:
    """An ordered sequence of fields that never changes. If a name occurs twice, the first one counts.

    What was looked up is kept: each message is asked a dozen times, and in a simulation by every receiver.
    """

    __slots__ = ("_by_name", "_numbers", "fields")

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self.fields = fields
        self._by_name: dict[str, Field] | None = None
        self._numbers: dict[str, int | None] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"Message(fields={self.fields!r})"

    def find(self, name: str) -> Field | None:
        """The first field of that name, or None."""
        index = self._by_name
        if index is None:
            index = self._by_name = {field[0]: field for field in reversed(self.fields)}
        return index.get(name)

    def text(self, name: str) -> str | None:
        """The value as text, or None when absent. Bytes that are not UTF-8 survive as surrogates."""
        field = self.find(name)
        return None if field is None else field.value.decode("utf-8", "surrogateescape")

    def binary(self, name: str) -> bytes | None:
        """The value's bytes, or None when absent."""
        field = self.find(name)
        return None if field is None else field.value

    def hexadecimal(self, name: str) -> int | None:
        """The value read as hex digits without prefix, or None when absent.

        Raises MalformedFieldError when it is anything else.
        """
        if name in self._numbers:
            return self._numbers[name]
        number = self._numbers[name] = self._number(name, _HEX, 16)
        return number

    def decimal(self, name: str) -> int | None:
        """The value read as decimal digits, or None when absent.

        Raises MalformedFieldError when it is anything else.
        """
        return self._number(name, _DECIMAL, 10)

    def _number(self, name: str, pattern: re.Pattern[bytes], base: int) -> int | None:
        field = self.find(name)
        if field is None:
            return None
        if not pattern.match(field.value):
            raise MalformedFieldError(name, field.value)
        return int(field.value, base)


def string(name: str, value: str) -> Field:
    """A STRING field."""
    return Field(name, value.encode("utf-8", "surrogateescape"))


def hexadecimal(name: str, value: int) -> Field:
    """A STRING field that holds `value` as lower case hex without prefix."""
    return Field(name, b"%x" % value)


def decimal(name: str, value: int) -> Field:
    """A STRING field that holds `value` as decimal digits."""
    return Field(name, b"%d" % value)


def binary(name: str, value: bytes) -> Field:
    """A BINARY field."""
    return Field(name, value, FieldType.BINARY)
