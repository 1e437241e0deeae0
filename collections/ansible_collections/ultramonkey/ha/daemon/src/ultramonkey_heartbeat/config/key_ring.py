"""Changes of the key ring: a key is added on all nodes, then used on all, then the old one is removed.

Pure; no secret is ever in a message.
"""

from __future__ import annotations

from dataclasses import replace

from .authkeys import INDEX_MAX, METHODS, SECRET_LENGTH_MIN, UNKEYED_METHOD
from .model import AuthKey, AuthKeys


class KeyRingError(ValueError):
    """The change cannot be made. `remedy` says what can."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


def add_key(ring: AuthKeys | None, key: AuthKey) -> AuthKeys:
    """The ring with the key. A first key is used at once; the same key again changes nothing."""
    _check(key)
    if ring is None:
        return AuthKeys(key.index, (key,))
    for there in ring.keys:
        if there.index == key.index:
            if there == key:
                return ring
            raise KeyRingError(
                "key-exists",
                f"another key has the index {key.index} already",
                f"choose an index from 0 to {INDEX_MAX} that is free, or remove that key first",
            )
    return replace(ring, keys=(*ring.keys, key))


def use_key(ring: AuthKeys | None, index: int) -> AuthKeys:
    """The ring that signs with this key."""
    if ring is None or index not in [key.index for key in ring.keys]:
        raise KeyRingError("no-such-key", f"there is no key {index}", "add it first, on all nodes")
    return replace(ring, current=index)


def remove_key(ring: AuthKeys | None, index: int) -> AuthKeys | None:
    """The ring without this key; one that is not there is no fault."""
    if ring is None:
        return None
    if index == ring.current:
        raise KeyRingError(
            "key-in-use",
            f"key {index} is in use",
            "use another key first, on all nodes; then remove this one",
        )
    return replace(ring, keys=tuple(key for key in ring.keys if key.index != index))


def _check(key: AuthKey) -> None:
    if not 0 <= key.index <= INDEX_MAX:
        raise KeyRingError(
            "bad-request", f"an index is a number from 0 to {INDEX_MAX}", "choose one of these"
        )
    if key.method not in METHODS or key.method == UNKEYED_METHOD:
        keyed = ", ".join(method for method in METHODS if method != UNKEYED_METHOD)
        raise KeyRingError("bad-request", "that is no method with a key", f"choose one of {keyed}")
    if len(key.secret) < SECRET_LENGTH_MIN or len(key.secret.split()) != 1:
        raise KeyRingError(
            "bad-request",
            f"a key is one word of at least {SECRET_LENGTH_MIN} characters",
            "give none at all, and a strong one is made",
        )
