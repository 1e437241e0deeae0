"""radius: an Access-Request with login and password must be accepted (RFC 2865, RFC 2869 5.14).

MD5 is what the protocol is made of; the Message-Authenticator is sent because servers demand it by now.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct

from ..core.probe import Probe
from . import datagram
from .outcome import CheckFailedError

_REQUEST, _ACCEPT, _REJECT, _CHALLENGE = 1, 2, 3, 11
_USER_NAME, _USER_PASSWORD, _NAS_IDENTIFIER, _MESSAGE_AUTHENTICATOR = 1, 2, 32, 80
_HEADER = struct.Struct("!BBH16s")
_BLOCK = 16
_ANSWERS = {_REJECT: "the login was rejected", _CHALLENGE: "the server asks for more than a password"}


async def check_radius(probe: Probe) -> str:
    """Raises CheckFailedError, OSError."""
    identifier = secrets.randbelow(256)
    authenticator = secrets.token_bytes(16)
    secret = probe.secret.encode()
    question = request(identifier, authenticator, probe.login, probe.password, secret)
    return await datagram.ask(
        probe.address, probe.port, question, lambda data: _read(data, identifier, authenticator, secret)
    )


def request(identifier: int, authenticator: bytes, login: str, password: str, secret: bytes) -> bytes:
    """An Access-Request."""
    attributes = _attribute(_USER_NAME, login.encode())
    attributes += _attribute(_USER_PASSWORD, hidden(password.encode(), authenticator, secret))
    attributes += _attribute(_NAS_IDENTIFIER, b"ldirectord")
    size = _HEADER.size + len(attributes) + 2 + _BLOCK
    head = _HEADER.pack(_REQUEST, identifier, size, authenticator) + attributes
    # It is a digest over the whole packet with zeroes in its own place.
    digest = hmac.new(secret, head + _attribute(_MESSAGE_AUTHENTICATOR, b"\0" * _BLOCK), hashlib.md5).digest()
    return head + _attribute(_MESSAGE_AUTHENTICATOR, digest)


def hidden(password: bytes, authenticator: bytes, secret: bytes) -> bytes:
    """The password as RFC 2865 5.2 hides it."""
    padded = password.ljust(max(_BLOCK, -(-len(password) // _BLOCK) * _BLOCK), b"\0")
    result, previous = b"", authenticator
    for start in range(0, len(padded), _BLOCK):
        mask = hashlib.md5(secret + previous).digest()  # noqa: S324 - the protocol's own
        previous = bytes(a ^ b for a, b in zip(padded[start : start + _BLOCK], mask))
        result += previous
    return result


def _attribute(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value) + 2)) + value


def _read(data: bytes, identifier: int, authenticator: bytes, secret: bytes) -> str | None:
    if len(data) < _HEADER.size:
        raise CheckFailedError("the answer is not RADIUS")
    code, got, size, response = _HEADER.unpack_from(data)
    if got != identifier:
        return None
    signed = data[:4] + authenticator + data[_HEADER.size : size]
    if size > len(data) or hashlib.md5(signed + secret).digest() != response:  # noqa: S324 - likewise
        raise CheckFailedError("the answer is not signed with our secret")
    if code != _ACCEPT:
        raise CheckFailedError(_ANSWERS.get(code, f"answered with code {code}"))
    return "accepted"
