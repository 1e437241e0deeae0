"""Messages to signed bytes, and bytes to verified messages: the one door of this package.

Which form arrived is seen from the first four bytes. A datagram is verified by its outer signature, the
text form by its inner one (field `auth`); the inner signature of a datagram is not looked at, as in
3.0.6. Whatever `decode` returns was signed with a key of the ring.
"""

from __future__ import annotations

from . import brief, compression, netstring, text
from .auth import KeyRing, Signature
from .errors import AuthenticationError, MalformedError, NotSignedError
from .limits import MESSAGE_BYTES_MAX, UNCOMPRESSED_BYTES_MAX
from .message import Field, Message
from .netstring import DecodedNetstring
from .text import DecodedText

# The two values of `form`; a link says which one it carries.
NETSTRING = "netstring"
TEXT = "text"


class Codec:
    """Encodes and decodes with one key ring. When the keys change, make a new one."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring

    def decode(self, data: bytes) -> Message:
        """The message of one whole frame, verified, and unpacked if it was compressed.

        Raises WireError, and nothing else.
        """
        decoded = _decode_form(data, MESSAGE_BYTES_MAX)
        message, covered, signature = decoded
        digits = _token_digits(message) if isinstance(decoded, DecodedText) else None
        self._verify(message, covered, signature, digits)
        if not compression.is_wrapper(message):
            return message
        # The signature of the wrapper covers what is inside, so that is not verified again.
        inside = _decode_form(compression.unpack(message), UNCOMPRESSED_BYTES_MAX).message
        if compression.is_wrapper(inside):
            # Nobody sends that, and each level would multiply the work of one datagram.
            raise MalformedError("a compressed message inside a compressed message")
        return inside

    def encode(self, message: Message, form: str, *, inner_auth: bool = False) -> bytes:
        """One whole signed frame in the form "netstring" or "text".

        In netstring form it has the outer signature. `inner_auth` puts the inner one in as well, as
        3.0.6 does with `msgfmt classic`; the text form always has it. A message that already has the
        field `auth` keeps it as it is.

        Raises UnencodableError when the form cannot carry the message.
        """
        if form == NETSTRING:
            if inner_auth:
                message = self._with_inner_auth(message)
            covered = netstring.encode(message)
            return netstring.append_signature(covered, self._keyring.sign(covered))
        if form == TEXT:
            return text.encode(self._with_inner_auth(message))
        raise ValueError(f"there is no form {form!r}, only {NETSTRING!r} and {TEXT!r}")

    def _with_inner_auth(self, message: Message) -> Message:
        """The message with the field `auth` at its end, unless it has one."""
        if message.find(text.AUTH_FIELD) is not None:
            return message
        signature = self._keyring.sign(text.covered_bytes(message), _token_digits(message))
        return Message((*message.fields, Field(text.AUTH_FIELD, signature)))

    def _verify(
        self, message: Message, covered: bytes, signature: Signature | None, digits: int | None
    ) -> None:
        """Raise AuthenticationError unless a key of the ring signed these bytes."""
        try:
            if signature is None:
                raise NotSignedError("there is no signature")
            self._keyring.verify(covered, signature.key_index, signature.token, digits)
        except AuthenticationError as error:
            error.claimed_source = message.text("src")
            raise


def _token_digits(message: Message) -> int | None:
    """How much of the token the inner signature of this message has; None for all of it."""
    return brief.TOKEN_DIGITS if message.text("t") == brief.TYPE else None


def _decode_form(data: bytes, bytes_max: int) -> DecodedNetstring | DecodedText:
    """Decode without verifying, in the form that the first bytes announce."""
    if data.startswith(netstring.START):
        return netstring.decode(data, bytes_max)
    # 3.0.6 ends the text form with a NUL byte wherever it comes from a C string.
    return text.decode(data[:-1] if data.endswith(b"\0") else data, bytes_max)
