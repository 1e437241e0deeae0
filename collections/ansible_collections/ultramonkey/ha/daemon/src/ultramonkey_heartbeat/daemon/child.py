"""A long-lived child process of another user: started, waited for beside the event loop, ended.

It leads a session of its own, so that it can be signalled together with its children. Its zombie is kept
until we have seen its end, so that the number of its process group can belong to nobody else before.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
# A process that not even SIGKILL ends (it waits for a dead disk) is given up after this.
_KILL_S = 2.0


@dataclass(frozen=True)
class Account:
    """Whom a program runs as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def account_of(name: str) -> Account | None:
    """The account of this name, or None. May ask a directory server, so not for when heartbeats are due."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = tuple(os.getgrouplist(name, entry.pw_gid))
    return Account(name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


class Child:
    """One process. Raises OSError or SubprocessError when it cannot be started.

    It has nothing to read, and writes to our standard error, which is the journal. It gets SIGTERM when this
    daemon dies, however that happens: the next one would start it a second time.
    """

    def __init__(self, command: str, account: Account, environment: Mapping[str, str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        mine = account.uid == os.geteuid()
        self._popen = subprocess.Popen(  # noqa: S603 - what the administrator configured
            # The shell reads the line as it did for 3.0.6, and is gone then.
            ["/bin/sh", "-c", f"exec {command}"],
            stdin=subprocess.DEVNULL,
            stdout=2,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
            umask=0o022,
            user=None if mine else account.uid,
            group=None if mine else account.gid,
            extra_groups=None if mine else account.groups,
            preexec_fn=_settle,  # noqa: PLW1509 - calls nothing that locks
        )
        self.pid = self._popen.pid
        threading.Thread(target=self._wait_in_thread, daemon=True).start()

    async def ended(self) -> int:
        """Wait for its end: the exit code, negative for a signal."""
        await asyncio.shield(self._ended)
        return self._popen.wait()

    async def end(self, grace_s: float) -> bool:
        """SIGTERM to the whole session, SIGKILL after `grace_s`. False if it is still there after that."""
        if self._popen.returncode is not None:
            return True
        self._signal(signal.SIGTERM)
        await self._within(grace_s)
        # Also when the leader has gone: its children may not have.
        self._signal(signal.SIGKILL)
        if not await self._within(_KILL_S):
            return False
        self._popen.wait()
        return True

    async def _within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self._ended], timeout=seconds)
        return bool(done)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _wait_in_thread(self) -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        # The loop may be closed by now, and then nobody waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_end)

    def _on_end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


def _settle() -> None:
    """In the child, already as its user: to change the user would forget the signal."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
