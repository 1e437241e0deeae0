"""What outlives the daemon: its uuid, its generation, and which groups it may have left running."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from ..core.transmit import Identity
from .paths import Paths

UUID_BYTES = 16


def identity(paths: Paths, name: str) -> Identity:
    """Who this start of the daemon is: the uuid kept or made, the generation raised by one and kept.

    Raises OSError when it cannot be kept: a generation that is used twice makes peers deaf to us.
    """
    paths.state.mkdir(mode=0o755, parents=True, exist_ok=True)
    return Identity(name, _uuid(paths.uuid), next_generation(paths.generation))


def _uuid(path: Path) -> bytes:
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        kept = b""
    if len(kept) == UUID_BYTES:
        return kept
    made = uuid.uuid4().bytes
    write_safely(path, made, 0o600)
    return made


def next_generation(path: Path) -> int:
    """One more than the last, or near the time of day when that is lost (as 3.0.6 does)."""
    try:
        last = int(path.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        last = int(time.time())
    write_generation(path, last + 1)
    return last + 1


def write_generation(path: Path, generation: int) -> None:
    """Keep the generation, in 3.0.6's format: right aligned in 15 columns."""
    write_safely(path, b"%15d\n" % generation, 0o600)


def write_safely(path: Path, data: bytes, mode: int) -> None:
    """Write a file so that a crash leaves either the old or the new content."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)


class HeldGroups:
    """Which groups may run here. The file is there from before the first start until a clean end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: tuple[str, ...] = ()

    def left_behind(self) -> tuple[str, ...] | None:
        """What a daemon that crashed may have left running; None after a clean end."""
        try:
            keys = json.loads(self._path.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            # Torn by a crash of the machine's memory file system: believe that there is something.
            return ()
        return tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else ()

    def write(self, keys: Iterable[str]) -> None:
        """Say what may run from now on. On a memory file system: no disk is waited for."""
        self._keys = tuple(keys)
        temporary = self._path.with_name(f".{self._path.name}.new")
        temporary.write_text(json.dumps(self._keys))
        temporary.replace(self._path)

    def add(self, key: str) -> None:
        """The group is about to be started."""
        if key not in self._keys:
            self.write((*self._keys, key))

    def remove(self, key: str) -> None:
        """The group has been stopped."""
        if key in self._keys:
            self.write(k for k in self._keys if k != key)

    def clean(self) -> None:
        """Nothing of ours runs, and the peers know it."""
        self._path.unlink(missing_ok=True)
