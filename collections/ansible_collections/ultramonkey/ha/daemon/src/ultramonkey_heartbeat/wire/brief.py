"""The brief form of a status: "still what my last full one said". For lines that a full one would fill.

A text form message of about a hundred bytes:

====  ==========================================================================================
t     same
src   the sender
seq   its number: that of the full status which other media carry at the same time
hg    the sender's generation
is    what it refreshes: the digest of the report in the last full status, 16 hex digits
ttl   only where messages are forwarded
auth  as ever, but only the first 32 digits of the token
====  ==========================================================================================

Half of SHA-256 is as hard to forge as RFC 2104 (section 5) asks of a truncated code, and a brief message says
nothing that its receiver does not know already, except that its sender lives. The type is covered by the
signature, so nothing longer can be signed this way. It is sent only when everybody said that he reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from .message import Field, Message, hexadecimal, string

TYPE = "same"
DIGEST_FIELD = "is"
DIGEST_DIGITS = 16
TOKEN_DIGITS = 32
# Sender and receiver of a few nodes each.
_DIGESTS_CACHED_MAX = 64


@lru_cache(maxsize=_DIGESTS_CACHED_MAX)
def digest(report: tuple[Field, ...]) -> str:
    """Names a report by its content: which of several full messages brought it does not matter."""
    lines = b"".join(b"%s=%s\n" % (field.name.encode(), field.value) for field in report)
    return hashlib.sha256(lines).hexdigest()[:DIGEST_DIGITS]


def brief(source: Field, seq: int, generation: int, report: Sequence[Field], ttl: Field | None) -> Message:
    """The message that stands for a full status with this number and this report."""
    fields = (
        string("t", TYPE),
        source,
        hexadecimal("seq", seq),
        hexadecimal("hg", generation),
        string(DIGEST_FIELD, digest(tuple(report))),
    )
    return Message(fields if ttl is None else (*fields, ttl))
