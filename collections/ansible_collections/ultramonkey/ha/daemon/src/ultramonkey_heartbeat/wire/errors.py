"""Every way in which bytes from outside can be wrong.

WireError
├── MalformedError          the bytes are not a message
│   └── MalformedFieldError one field's value is not what its name promises
├── TooLargeError           longer or deeper than a named limit
└── AuthenticationError     not signed, signed with a key we do not have, or the signature is wrong

All of them mean: count it, drop it, change nothing. None of them is a bug of ours.
"""

from __future__ import annotations


class WireError(ValueError):
    """Bytes from outside that we do not act upon."""


class MalformedError(WireError):
    """The bytes are not a message in either form."""


class MalformedFieldError(MalformedError):
    """A field is present, and its value is not what its name promises."""

    def __init__(self, name: str, value: bytes) -> None:
        super().__init__(f"field {name} has the value {value[:40]!r}")
        self.name = name


class TooLargeError(WireError):
    """Longer than a named limit of `wire.limits`."""


class AuthenticationError(WireError):
    """Not signed, signed with a key that we do not have, or the signature does not match."""
