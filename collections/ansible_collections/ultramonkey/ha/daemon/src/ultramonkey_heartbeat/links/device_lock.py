"""Serial devices belong to one program at a time: the lock files that programs for serial lines respect.

A file `LCK..DEVICE` in /var/lock holds the owner's process id as ten characters and a newline (the form of
HDB UUCP, which the Filesystem Hierarchy Standard keeps). minicom, pppd, cu, mgetty and heartbeat 3.0.6 look
at it before they open the line; flock(2) and TIOCEXCL come into play only when it is open, and opening it
already changes its signals. A lock whose owner no longer lives is taken over.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

DIRECTORY = Path("/var/lock")
# Somebody else may take a stale lock between our two looks at it; nobody does that for ever.
_ATTEMPTS = 3

# Those of this process. A file with our own process id that is not among them is left from an earlier boot
# or container in which another process had the same number.
_held: set[Path] = set()


class DeviceBusyError(OSError):
    """Another program has the device. The text says which, as far as that is known."""

    def __init__(self, owner: str) -> None:
        super().__init__(errno.EBUSY, f"in use by {owner}")


class DeviceLock:
    """The lock of one device, from its making to `release`."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def release(self) -> None:
        """Give the device back. Idempotent."""
        path, self._path = self._path, None
        if path is not None:
            _held.discard(path)
            # Not that of a program that has broken our lock meanwhile.
            if _owner(path) == os.getpid():
                with contextlib.suppress(OSError):
                    path.unlink()


def lock_device(device: str) -> DeviceLock:
    """Lock the device. Raises DeviceBusyError.

    Where the directory cannot be written to, nobody's lock would be found there either: then it is left to
    flock(2) alone.
    """
    path = lock_path(device)
    # Of this thread, not of this process: another one may lock another device at the same moment.
    temporary = path.with_name(f"LTMP.{threading.get_native_id()}")
    try:
        temporary.write_text(f"{os.getpid():10d}\n", encoding="ascii")
        # Others must be able to see who we are, whatever our umask.
        temporary.chmod(0o644)
    except OSError:
        return DeviceLock(None)
    try:
        for _ in range(_ATTEMPTS):
            if _linked(temporary, path):
                _held.add(path)
                return DeviceLock(path)
            _remove_stale(path)
        raise DeviceBusyError("another program")
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def lock_path(device: str) -> Path:
    """Where the lock of a device is: it is named by what is behind links such as those of /dev/serial."""
    name = os.path.realpath(device)
    name = name[len("/dev/") :] if name.startswith("/dev/") else Path(name).name
    return DIRECTORY / f"LCK..{name.replace('/', '_')}"


def _linked(temporary: Path, path: Path) -> bool:
    """Make the lock, unless there is one. A link appears with its content, unlike a file that is written."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    return True


def _remove_stale(path: Path) -> None:
    """Remove a lock whose owner is no more. Raises DeviceBusyError when it lives."""
    if path in _held:
        raise DeviceBusyError("this daemon itself")
    owner = _owner(path)
    if owner is not None and owner != os.getpid() and Path(f"/proc/{owner}").exists():
        raise DeviceBusyError(f"{_program(owner)} (pid {owner})")
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def _owner(path: Path) -> int | None:
    """The process id in a lock file; None when there is none to be read."""
    try:
        data = path.read_bytes()[:16]
    except OSError:
        return None
    # Old programs write the number in binary.
    if len(data) == 4 and not data.strip().isdigit():  # noqa: PLR2004 - the size of an int
        return int.from_bytes(data, "little")
    word = data.strip()
    return int(word) if word.isdigit() else None


def _program(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
