"""One daemon a configuration: a lock that the kernel takes back, a socket, and what is in the kernel's table.

The list of services outlives a daemon that was killed, so that `stop` can still clean up after it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from .. import place
from ..config.model import ServiceKey

RUN = Path(place.RUN)


class AlreadyRunningError(Exception):
    """Another daemon has the configuration."""


class Instance:
    """The files of one daemon."""

    def __init__(self, name: str, directory: Path = RUN) -> None:
        self.name = name
        self._directory = directory
        self._descriptor = -1

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self._directory / f"{self.name}.sock"

    @property
    def pid_file(self) -> Path:
        """Locked while a daemon runs; holds its pid."""
        return self._directory / f"{self.name}.pid"

    @property
    def _services(self) -> Path:
        return self._directory / f"{self.name}.services"

    def acquire(self) -> None:
        """Take the lock for this process and its children. Raises AlreadyRunningError, OSError."""
        self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(self.pid_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunningError(f"ldirectord runs already with pid {self.pid() or 'unknown'}") from None
        self._descriptor = descriptor

    def write_pid(self) -> None:
        """Say who has the lock."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another daemon have it. The file stays: to remove it would race with the next one."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

    def forget(self) -> None:
        """Close the lock without releasing it: a child has it now."""
        os.close(self._descriptor)
        self._descriptor = -1

    def running(self) -> bool:
        """Whether a daemon holds the lock."""
        try:
            descriptor = os.open(self.pid_file, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def pid(self) -> int | None:
        """The pid in the file, whether or not its process lives."""
        try:
            text = self.pid_file.read_text().strip()
        except OSError:
            return None
        return int(text) if text.isascii() and text.isdigit() else None

    def remember(self, keys: Collection[ServiceKey]) -> None:
        """Note which services in the kernel's table are ours; none removes the note."""
        if not keys:
            with contextlib.suppress(FileNotFoundError):
                self._services.unlink()
            return
        new = self._services.with_suffix(".new")
        new.write_text(json.dumps([asdict(key) for key in sorted(keys)]))
        os.replace(new, self._services)  # noqa: PTH105 - atomically

    def remembered(self) -> list[ServiceKey]:
        """The services noted by this daemon or one before it."""
        try:
            return [ServiceKey(**key) for key in json.loads(self._services.read_text())]
        except (OSError, ValueError, TypeError):
            return []
