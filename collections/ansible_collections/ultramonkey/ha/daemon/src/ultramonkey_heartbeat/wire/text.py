r"""The text form: what serial lines carry, and datagrams may.

    ">>>\n" line... "<<<\n"
    line = ["(" TYPE ")"] NAME "=" VALUE "\n"

A string has no type before its name; its newlines travel as byte 0x13. A binary value is base64 with
padding. The signature is an ordinary string field, `auth`, and covers all other lines in their order,
without the marks: the "inner" signature. (A message in netstring form may carry it as well, computed
over this form; receivers of that form ignore it.) A 3.0.6 drops a message in text form that has an empty
value; we accept it, and the core sends none.

Stricter than 3.0.6: no blank lines, no `(0)`, base64 only as an encoder writes it. So every frame that
is accepted encodes to the same bytes again. A carriage return is refused because serial readers drop it
and 0x13 and NUL because they cannot come back. Types other than string and binary are refused: a
cluster with haresources never sends them.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import NamedTuple

from .auth import Signature
from .errors import MalformedError, TooLargeError, UnencodableError
from .grammar import NAME_PATTERN, check_encodable, check_encoded, check_received, encode_name
from .limits import FIELDS_MAX, MESSAGE_BYTES_MAX
from .message import Field, FieldType, Message

START = b">>>\n"
END = b"<<<\n"
AUTH_FIELD = "auth"

_NEWLINE_ON_WIRE = b"\x13"
_match_line = re.compile(rb"(?:\(([0-9])\))?(" + NAME_PATTERN + rb")=").match
_find_uncarried = re.compile(rb"[\0\r]").search


class DecodedText(NamedTuple):
    """A message as it arrived, not yet verified."""

    message: Message
    # The bytes that the signature must cover.
    covered: bytes
    # None when there is no field `auth`.
    signature: Signature | None


def encode(message: Message) -> bytes:
    """The whole frame with both marks. It is signed only if the message has the field `auth`.

    Raises UnencodableError when a field or the whole is not of this form.
    """
    check_encodable(message)
    if sum(field.name == AUTH_FIELD for field in message.fields) > 1:
        raise UnencodableError("a message has one field auth at most")
    return check_encoded(b"%s%s%s" % (START, b"".join(map(_line, message.fields)), END))


def covered_bytes(message: Message) -> bytes:
    """The bytes that the inner signature covers: every line but those of `auth`, without the marks."""
    return b"".join([_line(field) for field in message.fields if field.name != AUTH_FIELD])


def decode(data: bytes, bytes_max: int = MESSAGE_BYTES_MAX) -> DecodedText:
    """Read one whole frame. Raises MalformedError or TooLargeError."""
    check_received(data, bytes_max)
    if not data.startswith(START):
        raise MalformedError(f"{data[:8]!r} does not begin with {START!r}")
    if not data.endswith(b"\n" + END):
        raise MalformedError(f"{data[-8:]!r} does not end with a line {END!r}")
    uncarried = _find_uncarried(data)
    if uncarried is not None:
        raise MalformedError(f"a byte {uncarried.group()!r} in the text form")
    # The data before END end with a newline, so the last piece is empty, unless there were more lines.
    lines = data[len(START) : -len(END)].split(b"\n", FIELDS_MAX)
    if lines.pop():
        raise TooLargeError(f"more than {FIELDS_MAX} fields")
    if not lines:
        raise MalformedError("a message without fields")
    fields: list[Field] = []
    covered: list[bytes] = []
    signature: Signature | None = None
    for line in lines:
        field = _field(line)
        fields.append(field)
        if field.name != AUTH_FIELD:
            covered.append(line)
        elif signature is not None or field.type is not FieldType.STRING:
            # The signature covers neither, so anyone could have put it there.
            raise MalformedError("the field auth occurs twice, or is not a string")
        else:
            signature = Signature.parse(field.value)
    covered.append(b"")
    return DecodedText(Message(tuple(fields)), b"\n".join(covered), signature)


def _line(field: Field) -> bytes:
    """One field as it travels, newline included."""
    name, value = encode_name(field.name), field.value
    if field.type is FieldType.STRING:
        if b"\0" in value or b"\r" in value or _NEWLINE_ON_WIRE in value:
            raise UnencodableError(f"the text form cannot carry {field.name}={value[:40]!r}")
        return b"%s=%s\n" % (name, value.replace(b"\n", _NEWLINE_ON_WIRE))
    if field.type is FieldType.BINARY:
        return b"(1)%s=%s" % (name, b2a_base64(value))
    raise UnencodableError(f"the text form cannot carry field {field.name} of type {field.type.name}")


def _field(line: bytes) -> Field:
    """Read one line without its newline."""
    match = _match_line(line)
    if match is None:
        raise MalformedError(f"{line[:40]!r} is not NAME=VALUE or (1)NAME=VALUE")
    type_digit, name = match.groups()
    value = line[match.end() :]
    if type_digit is None:
        return Field(name.decode("ascii"), value.replace(_NEWLINE_ON_WIRE, b"\n"))
    if type_digit != b"1":
        raise MalformedError(f"{line[:40]!r} has a type that the text form does not carry")
    return Field(name.decode("ascii"), _from_base64(value), FieldType.BINARY)


def _from_base64(value: bytes) -> bytes:
    """Decode base64, refusing whatever an encoder would have written differently."""
    try:
        decoded = a2b_base64(value)
    except Base64Error:
        decoded = b""
    if b2a_base64(decoded, newline=False) != value:
        raise MalformedError(f"{value[:40]!r} is not base64")
    return decoded
