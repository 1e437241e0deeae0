"""The files as JSON-like data: the inverse of `data`, for whoever describes a cluster in variables.

`from_data(as_data(...))` gives files that mean the same. Keys are told by index, method and digest only.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from .data import DIRECTIVE_OF_KEY, KEY_SHARED_BY, KEYS_OF_LINK, TIMERS
from .ha_cf import Entry, Source, read_ha_cf
from .model import AuthKey, AuthKeys, Group

Data = dict[str, Any]

_DIGEST_LENGTH = 16
# What they say is told elsewhere in the data.
_ELSEWHERE = ("node", "auto_failback", *TIMERS, *DIRECTIVE_OF_KEY.values(), *KEYS_OF_LINK)


def as_data(ha_cf_text: str, groups: Iterable[Group], authkeys: AuthKeys | None) -> Data:
    """What a checked `ha.cf`, the groups of haresources and the key ring say."""
    source = read_ha_cf(ha_cf_text)
    data: Data = {
        "nodes": list(source.nodes),
        "links": [_link(source, entry) for entry in source.links()],
        **{name: entry.word for name in TIMERS for entry in [source.last(name)] if entry is not None},
    }
    failback = source.last("auto_failback")
    if failback is not None:
        data["auto_failback"] = failback.value.value
    data["directives"] = _directives(source)
    data["groups"] = [
        {"node": group.preferred, "resources": [resource.text for resource in group.resources]}
        for group in groups
    ]
    if authkeys is not None:
        data["authkeys"] = ring_as_data(authkeys)
    return data


def ring_as_data(ring: AuthKeys) -> Data:
    """The key ring without its secrets; equal digests mean equal keys."""
    keys = [{"index": k.index, "method": k.method, "digest": digest_of_key(k)} for k in ring.keys]
    whole = repr([(key["index"], key["method"], key["digest"]) for key in sorted(keys, key=_index)])
    return {
        "current": ring.current,
        "keys": keys,
        "digest": hashlib.sha256(f"{ring.current} {whole}".encode()).hexdigest()[:_DIGEST_LENGTH],
    }


def digest_of_key(key: AuthKey) -> str:
    """Tells keys apart without telling them: an HMAC that is used for nothing else."""
    text = f"digest of key {key.index} {key.method}".encode()
    return hmac.new(key.secret, text, hashlib.sha256).hexdigest()[:_DIGEST_LENGTH]


def _index(key: Data) -> int:
    return int(key["index"])


def _link(source: Source, entry: Entry) -> Data:
    kind = entry.directive.name
    link: Data = {"type": kind}
    for (name, _), word in zip(KEYS_OF_LINK[kind], entry.words):
        link[name] = int(word) if name in ("port", "ttl") else word
    if "loop" in link:
        link["loop"] = bool(entry.value.loop)
    shared = KEY_SHARED_BY.get(kind)
    given = source.last(DIRECTIVE_OF_KEY[shared]) if shared is not None else None
    if shared is not None and given is not None:
        link[shared] = int(given.word)
    return link


def _directives(source: Source) -> Data:
    told: dict[str, list[str]] = {}
    for entry in source.entries:
        if entry.directive.name not in _ELSEWHERE:
            told.setdefault(entry.directive.name, []).append(" ".join(entry.words))
    return {name: words[0] if len(words) == 1 else words for name, words in told.items()}
