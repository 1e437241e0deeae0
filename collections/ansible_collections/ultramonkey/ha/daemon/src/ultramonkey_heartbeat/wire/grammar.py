"""What both forms have in common: field names, and the size of a message.

A name, in 3.0.6, is everything up to the first `=`. We are stricter: visible ASCII without `= ( ) < >`,
because the text form would be misread with the others in it (`(1)a` is a binary field `a`, a line `<<<`
ends a frame). Every name that heartbeat 3.0.6 and its clients use fits.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .errors import TooLargeError, UnencodableError
from .limits import FIELD_NAME_BYTES_MAX, FIELDS_MAX, MESSAGE_BYTES_MAX
from .message import Message

# A piece of the expressions of both forms.
NAME_PATTERN = rb"[!-'*-;?-~]{1,%d}" % FIELD_NAME_BYTES_MAX

_match_name = re.compile(NAME_PATTERN + rb"\Z").match

# The vocabulary has about 40 names, and looking one up is much cheaper than checking it again.
_NAMES_CACHED_MAX = 256


@lru_cache(maxsize=_NAMES_CACHED_MAX)
def encode_name(name: str) -> bytes:
    """The name's bytes. Raises UnencodableError when it is not a field name."""
    if name.isascii():
        encoded = name.encode("ascii")
        if _match_name(encoded):
            return encoded
    raise UnencodableError(f"{name!r} is not a field name")


def check_encodable(message: Message) -> None:
    """Raise UnencodableError when the message has no field, or too many."""
    if not 0 < len(message.fields) <= FIELDS_MAX:
        raise UnencodableError(f"a message has 1 to {FIELDS_MAX} fields, not {len(message.fields)}")


def check_encoded(data: bytes) -> bytes:
    """The same bytes. Raises UnencodableError when they are more than one message may have."""
    if len(data) > MESSAGE_BYTES_MAX:
        raise UnencodableError(f"{len(data)} bytes, the limit is {MESSAGE_BYTES_MAX}")
    return data


def check_received(data: bytes, bytes_max: int) -> None:
    """Raise TooLargeError when these are more bytes than the limit."""
    if len(data) > bytes_max:
        raise TooLargeError(f"{len(data)} bytes, the limit is {bytes_max}")
