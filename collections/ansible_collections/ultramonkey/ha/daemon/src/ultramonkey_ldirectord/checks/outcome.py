"""What came of a check."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass


class CheckFailedError(Exception):
    """The server is not as it should be. The text says in a few words why."""


@dataclass(frozen=True)
class Outcome:
    """A verdict: whether the server is well, and why it is said to be or not."""

    ok: bool
    reason: str


def reason_of(error: BaseException) -> str:
    """An exception of a check in the words of an administrator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, OSError):
        # asyncio puts addresses into the text, which the line has already.
        text = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        return (text or type(error).__name__).lower()
    return str(error) or type(error).__name__
