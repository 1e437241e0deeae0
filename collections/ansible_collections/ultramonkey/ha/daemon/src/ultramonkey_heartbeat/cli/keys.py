"""`hbctl config key …`: changes the key ring of one node.

Secrets come by standard input and go to the file, nowhere else.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config.as_data import ring_as_data
from ..config.authkeys import parse_authkeys
from ..config.configuration import AUTHKEYS
from ..config.key_ring import KeyRingError, add_key, remove_key, use_key
from ..config.model import AuthKey, AuthKeys
from ..config.problems import has_errors
from ..config.render import render_authkeys
from ..control import schema
from ..safe_files import replace_file

_ID = "config"
_SECRET_BYTES = 32


def change(operation: str, index: int, method: str, directory: Path, *, dry_run: bool) -> Mapping[str, Any]:
    """Add, use or remove a key; the answer has the ring as it is then, without secrets."""
    path = directory / AUTHKEYS
    try:
        before = _read(path)
        if operation == "add":
            after = add_key(before, _key(before, index, method))
        elif operation == "use":
            after = use_key(before, index)
        else:
            found = remove_key(before, index)
            if found is None:
                return _answer(None, changed=False)
            after = found
        changed = after != before
        if changed and not dry_run:
            replace_file(path, render_authkeys(after).encode("utf-8", "surrogateescape"), 0o600)
    except KeyRingError as error:
        return schema.refusal(_ID, error.code, str(error), error.remedy)
    except OSError as error:
        return schema.refusal(_ID, "unreadable", str(error), "ask as root")
    return _answer(after, changed=changed)


def tell(directory: Path) -> Mapping[str, Any]:
    """The ring as it is, without secrets."""
    try:
        return _answer(_read(directory / AUTHKEYS), changed=False)
    except KeyRingError as error:
        return schema.refusal(_ID, error.code, str(error), error.remedy)
    except OSError as error:
        return schema.refusal(_ID, "unreadable", str(error), "ask as root")


def lines(result: Mapping[str, Any]) -> list[str]:
    """The ring for a terminal."""
    return [
        f"{key['index']} {key['method']} (digest {key['digest']})"
        f"{', in use' if key['index'] == result['current'] else ''}"
        for key in result["keys"]
    ]


def _read(path: Path) -> AuthKeys | None:
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    ring, problems = parse_authkeys(text, None)
    if ring is None:
        told = "; ".join(problem.as_data()["text"] for problem in problems if has_errors([problem]))
        raise KeyRingError("bad-configuration", told, "mend the file by hand")
    return ring


def _key(ring: AuthKeys | None, index: int, method: str) -> AuthKey:
    """The key on standard input; with nothing there the one of this index, or a new one."""
    given = "" if sys.stdin.isatty() else sys.stdin.readline().strip()
    if given:
        return AuthKey(index, method, given.encode())
    for key in ring.keys if ring is not None else ():
        if key.index == index:
            return key
    return AuthKey(index, method, secrets.token_urlsafe(_SECRET_BYTES).encode())


def _answer(ring: AuthKeys | None, *, changed: bool) -> Mapping[str, Any]:
    told = {"current": None, "keys": [], "digest": None} if ring is None else ring_as_data(ring)
    return schema.answer(_ID, "completed", {"result": {"changed": changed, **told}})
