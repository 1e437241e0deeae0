"""Messages that 3.0.6 compressed because they were large.

Such a message has two fields: `_compressed_payload`, the bytes of the real message without an outer
signature, and `_compression_algorithm`. The signature of the wrapper covers it all. We unpack `zlib`
and never compress: our messages are small.
"""

from __future__ import annotations

import zlib

from .errors import MalformedError, TooLargeError
from .limits import UNCOMPRESSED_BYTES_MAX
from .message import FieldType, Message

PAYLOAD_FIELD = "_compressed_payload"
ALGORITHM_FIELD = "_compression_algorithm"


def is_wrapper(message: Message) -> bool:
    """Whether the message only carries a compressed one."""
    payload = message.find(PAYLOAD_FIELD)
    return payload is not None and payload.type is FieldType.BINARY


def unpack(wrapper: Message) -> bytes:
    """The bytes of the real message. Raises MalformedError or TooLargeError."""
    algorithm = wrapper.binary(ALGORITHM_FIELD)
    if algorithm != b"zlib":
        raise MalformedError(f"compressed with {algorithm!r}; only zlib is understood")
    payload = wrapper.binary(PAYLOAD_FIELD) or b""
    inflater = zlib.decompressobj()
    try:
        # One byte more than allowed, so that a message of exactly the limit still reaches its end.
        unpacked = inflater.decompress(payload, UNCOMPRESSED_BYTES_MAX + 1)
    except zlib.error as error:
        raise MalformedError(f"the compressed payload is damaged: {error}") from None
    if len(unpacked) > UNCOMPRESSED_BYTES_MAX:
        raise TooLargeError(f"the compressed payload becomes more than {UNCOMPRESSED_BYTES_MAX} bytes")
    if not inflater.eof:
        raise MalformedError("the compressed payload is cut off")
    if inflater.unused_data:
        raise MalformedError(f"{len(inflater.unused_data)} bytes follow the compressed payload")
    return unpacked
