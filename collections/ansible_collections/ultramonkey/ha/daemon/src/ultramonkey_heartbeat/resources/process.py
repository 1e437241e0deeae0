"""Running one program to its end, beside the event loop and never inside it.

Goals: the program has a time limit; whoever waits can give up at any moment and nothing of it is left;
its output is kept, but only so much; a daemon that it leaves behind neither delays us by holding our
pipe nor dies because we closed it.

The program is made leader of a session of its own, so that it and all its children can be signalled
together. Its end is learnt from a pidfd (Linux 5.3), else from a waiting thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO
from weakref import WeakKeyDictionary

# Kept of each of the two outputs; the beginning of longer ones is forgotten.
OUTPUT_BYTES = 65_536
_READ_BYTES = 65_536
# Output pipes of daemons left behind by scripts that are still read (and thrown away).
_MAX_LEFT_BEHIND = 256
# A process that not even SIGKILL ends (it waits for a dead disk or NFS server) is given up after this.
_KILL_SECONDS = 2.0


class ProgramError(Exception):
    """The program could not even be started. The text says which file and why."""


@dataclass(frozen=True)
class ProcessResult:
    """What became of a program. `exit_code` is negative for a signal, None when it would not end."""

    exit_code: int | None
    stdout: str
    stderr: str
    timed_out: bool
    duration_ms: int

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.timed_out


async def run(
    argv: Sequence[str], *, timeout_ms: int, environment: Mapping[str, str], grace_ms: int = 5_000
) -> ProcessResult:
    """Run a program and return what became of it. Raises ProgramError when it cannot be started.

    After `timeout_ms` its session gets SIGTERM, and `grace_ms` later SIGKILL. When the waiting task is
    cancelled the same happens, and the cancellation goes on once the program is gone.
    """
    process = _Process(asyncio.get_running_loop(), argv, environment)
    try:
        timed_out = not await process.ended_within(timeout_ms / 1000)
        if timed_out:
            await process.terminate(grace_ms / 1000)
    except asyncio.CancelledError:
        await process.terminate(grace_ms / 1000)
        raise
    finally:
        process.release()
    return process.result(timed_out=timed_out)


class _Process:
    def __init__(
        self, loop: asyncio.AbstractEventLoop, argv: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self._loop = loop
        self._started_at = time.monotonic()
        self._popen = _start(argv, environment)
        self._stdout = _Output(loop, self._popen.stdout)
        self._stderr = _Output(loop, self._popen.stderr)
        self._ended: asyncio.Future[None] = loop.create_future()
        self._released = False
        self._pidfd: int | None = None
        self._watch()

    async def ended_within(self, seconds: float) -> bool:
        done, _ = await asyncio.wait([self._ended], timeout=seconds)
        return bool(done)

    async def terminate(self, grace_seconds: float) -> None:
        """End the whole session: politely, then not."""
        self._signal(signal.SIGTERM)
        await self.ended_within(grace_seconds)
        # Also when the leader has gone: its children may not have. It is still a zombie, so that
        # the number of its process group cannot belong to anybody else yet.
        self._signal(signal.SIGKILL)
        await self.ended_within(_KILL_SECONDS)

    def release(self) -> None:
        """Reap the process and let go of its output, as far as it lets go of us."""
        self._released = True
        for output in (self._stdout, self._stderr):
            output.leave()
        if self._popen.poll() is not None:
            self._unwatch()

    def result(self, *, timed_out: bool) -> ProcessResult:
        return ProcessResult(
            exit_code=self._popen.returncode,
            stdout=self._stdout.text(),
            stderr=self._stderr.text(),
            timed_out=timed_out,
            duration_ms=round((time.monotonic() - self._started_at) * 1000),
        )

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)

    def _watch(self) -> None:
        try:
            self._pidfd = os.pidfd_open(self._popen.pid)
        except (AttributeError, OSError):
            # A thread for each: a shared pool could be full of programs that hang.
            threading.Thread(target=self._wait_in_thread, daemon=True).start()
        else:
            self._loop.add_reader(self._pidfd, self._on_end)

    def _on_end(self) -> None:
        self._unwatch()
        if not self._ended.done():
            self._ended.set_result(None)
        if self._released:
            # It was given up and ends only now.
            self._popen.poll()

    def _wait_in_thread(self) -> None:
        # The zombie stays, for its number keeps the number of its process group taken.
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT)
        # The loop may be closed by now, and then nobody waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_end)

    def _unwatch(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None


class _Output:
    """The reading end of one output: keeps the tail while the program runs, then only empties the pipe.

    A daemon that the program left behind may go on writing. Closing the pipe would kill it (SIGPIPE),
    and not reading would make it wait for ever.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pipe: IO[bytes] | None) -> None:
        assert pipe is not None  # noqa: S101 - for mypy; Popen was asked for pipes
        self._loop = loop
        # The pipe outlives the Popen object, which closes what it has when it is forgotten.
        self._descriptor = os.dup(pipe.fileno())
        pipe.close()
        self._chunks: deque[bytes] = deque()
        self._kept = 0
        self._text: str | None = None
        os.set_blocking(self._descriptor, False)
        loop.add_reader(self._descriptor, self._read)

    def leave(self) -> None:
        """Take what is there, decode it, and from now on throw away whatever else comes."""
        # One reading empties a pipe (64 KiB), the second one sees its end. Not until there is nothing
        # more: a daemon that writes without pause would hold us here.
        if self._descriptor >= 0 and self._read():
            self._read()
        self._text = b"".join(self._chunks)[-OUTPUT_BYTES:].decode("utf-8", "replace")
        self._chunks.clear()
        if self._descriptor >= 0:
            others = _LEFT_BEHIND.setdefault(self._loop, [])
            if len(others) >= _MAX_LEFT_BEHIND:
                others[0].close()
            others.append(self)

    def text(self) -> str:
        return self._text or ""

    def _read(self) -> bool:
        """Read once. True when there may be more now."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        if self._text is None:
            self._chunks.append(data)
            self._kept += len(data)
            while self._kept - len(self._chunks[0]) >= OUTPUT_BYTES:
                self._kept -= len(self._chunks.popleft())
        return True

    def close(self) -> None:
        if self._descriptor >= 0:
            others = _LEFT_BEHIND.get(self._loop, [])
            if self in others:
                others.remove(self)
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


_LEFT_BEHIND: WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Output]] = WeakKeyDictionary()


def close_left_behind(loop: asyncio.AbstractEventLoop) -> None:
    """Close the outputs of daemons left behind, before the loop itself is closed."""
    for output in list(_LEFT_BEHIND.get(loop, [])):
        output.close()


def _start(argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    _reset_scheduling_on_fork()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        return subprocess.Popen(  # noqa: S603 - running what the administrator configured is our purpose
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
            umask=0o022,
            bufsize=0,
            # Only when needed, for it makes starting slower.
            preexec_fn=_unblock_signals if blocked else None,  # noqa: PLW1509 - calls nothing that locks
        )
    except OSError as error:
        raise ProgramError(f"{argv[0]}: cannot be run: {error.strerror or error}") from error


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _reset_scheduling_on_fork() -> None:
    """Let children of a real-time daemon begin with ordinary scheduling: they must never starve it."""
    policy = os.sched_getscheduler(0)
    if policy in (os.SCHED_FIFO, os.SCHED_RR):
        # Best effort: without the permission the children stay real-time, as heartbeat's always were.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy | os.SCHED_RESET_ON_FORK, os.sched_getparam(0))
