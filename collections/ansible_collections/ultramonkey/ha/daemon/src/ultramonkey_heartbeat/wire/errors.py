"""Every way in which bytes from outside can be wrong.

WireError
├── MalformedError          the bytes are not a message
│   └── MalformedFieldError one field's value is not what its name promises
├── TooLargeError           longer or deeper than a named limit
└── AuthenticationError
    ├── NotSignedError      there is no signature
    ├── UnknownKeyError     signed with a key that we do not have
    └── WrongSignatureError the signature is not what our key of that index gives

All of them mean: count it, drop it, change nothing. None of them is a bug of ours.

UnencodableError stands outside: a message of our own that the form asked for cannot carry.
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
    """The bytes are a message, and nothing proves that a node of this cluster sent it.

    `claimed_source` is the node name in the message, or None: good for a log line, never for a decision.
    """

    claimed_source: str | None = None


class NotSignedError(AuthenticationError):
    """There is no signature where the form has one."""


class UnknownKeyError(AuthenticationError):
    """Signed with a key index that the key ring does not hold."""

    def __init__(self, index: int) -> None:
        super().__init__(f"signed with key {index}, which authkeys does not have")
        self.index = index


class WrongSignatureError(AuthenticationError):
    """The key of that index gives another signature: another secret or method, or damaged bytes."""

    def __init__(self, index: int) -> None:
        super().__init__(f"the signature does not match key {index}")
        self.index = index


class UnencodableError(ValueError):
    """A message of ours has a name, value, type or size that the form asked for cannot carry."""
