"""One daemon a node: a lock that the kernel takes back whatever happens to its holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another daemon holds the lock."""


class Lock:
    """An exclusive lock on the pid file. Kept until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise AlreadyRunningError(
                f"another heartbeatd runs here already (pid {pid or 'unknown'})"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another daemon run. The file stays: to remove it would race with the next one."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
