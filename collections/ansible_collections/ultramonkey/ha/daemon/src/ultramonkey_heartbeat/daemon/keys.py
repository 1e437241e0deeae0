"""From `authkeys` to the codec that signs and verifies."""

from __future__ import annotations

from ..config.model import AuthKeys
from ..wire.auth import Key, KeyRing
from ..wire.codec import Codec


def make_codec(authkeys: AuthKeys) -> Codec:
    """The codec for a key ring as configured."""
    keys = [Key(key.index, key.method, key.secret) for key in authkeys.keys]
    return Codec(KeyRing(keys, authkeys.current))
