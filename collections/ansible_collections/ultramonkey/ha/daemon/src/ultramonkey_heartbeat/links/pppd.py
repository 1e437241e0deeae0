"""Debian's `pppd` as a child process: started, started again ever more patiently, and never left behind.

It is left the whole conversation with the peer's pppd (LCP, IPCP, its own echo requests) and ends when that
fails; the interface exists while it runs, so its end is seen like that of any interface. What it says on its
standard output explains why it ended. Exit codes are those of pppd(8).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from typing import Callable

RETRY_FIRST_SECONDS = 1.0
RETRY_LONGEST_SECONDS = 16.0
# Between SIGTERM and SIGKILL: it tells its peer, and waits for the answer.
_GRACE_SECONDS = 2.0
# When its output has ended and it has not, quite.
_REAP_SECONDS = 0.05
_READ_BYTES = 4096
_LINE_BYTES_MAX = 200
_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)

# After so many echo requests without an answer pppd gives up, and the interface is gone.
_ECHO_INTERVAL_SECONDS, _ECHO_FAILURES = 2, 3
# Everything that an address of ours needs and nothing that would change the machine's routes. What stands
# in /etc/ppp/options, which pppd reads first, counts where it is not named here.
OPTIONS = (
    *("nodetach", "nopersist", "lock", "local", "crtscts", "noauth"),
    *("nodefaultroute", "noproxyarp", "noipdefault", "noccp", "nodeflate", "nobsdcomp", "novj"),
    *("lcp-echo-interval", str(_ECHO_INTERVAL_SECONDS), "lcp-echo-failure", str(_ECHO_FAILURES)),
)

MISSING = "pppd is not there; install it (Debian: package ppp)"
NO_KERNEL = (
    "the kernel has no PPP (pppd exit code 4); see `modprobe ppp_async` and /dev/ppp, or use another kernel"
)
_EXPLANATIONS = {
    1: "pppd failed",
    2: "pppd does not understand its options",
    3: "pppd has no root privileges",
    4: NO_KERNEL,
    5: "pppd was ended by somebody",
    6: "the line is in use by another program",
    7: "the line cannot be opened",
    10: "the peer does not answer; see whether its daemon runs, the cable and the speed",
    15: "the peer has fallen silent",
    16: "the line was hung up, or the peer ended the connection",
    17: "what is sent comes back: the cable is looped",
}
# What pppd says itself adds nothing to these.
_CLEAR = frozenset((4, 10, 15, 16, 17))


class Pppd:
    """Keeps one pppd running, from `start` to `stop`. `on_end` is told why one ended, or did not begin."""

    def __init__(
        self, arguments: Sequence[str], on_end: Callable[[str], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._arguments = tuple(arguments)
        self._on_end = on_end
        self._loop = loop
        self._wanted = False
        self._popen: subprocess.Popen[bytes] | None = None
        self._output = -1
        self._said = b""
        self._retry_seconds = RETRY_FIRST_SECONDS
        self._later: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._popen.pid if self._popen is not None else None

    def start(self) -> None:
        """Run it from now on."""
        if not self._wanted:
            self._wanted = True
            self._launch()

    def succeeded(self) -> None:
        """The connection stands: the next failure is the first again."""
        self._retry_seconds = RETRY_FIRST_SECONDS

    def stop(self) -> None:
        """End it, and wait until the line is free and the interface gone. Idempotent."""
        self._wanted = False
        self._cancel()
        popen, self._popen = self._popen, None
        if popen is not None:
            _end(popen)
        # Not before: what it says when it ends must not end it sooner.
        self._close_output()

    def _launch(self) -> None:
        self._later = None
        program = shutil.which("pppd", path=_PATH)
        if program is None:
            self._failed(MISSING)
            return
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - what the administrator configured
                [program, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": _PATH, "LC_ALL": "C"},
                start_new_session=True,
                preexec_fn=_die_with_us,  # noqa: PLW1509 - calls nothing that locks
            )
        except (OSError, subprocess.SubprocessError) as error:
            self._failed(f"pppd cannot be run: {error}")
            return
        self._said = b""
        self._output = os.dup(self._popen.stdout.fileno()) if self._popen.stdout is not None else -1
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        # Only the last line is ever shown.
        self._said = (self._said + data)[-2 * _LINE_BYTES_MAX :]
        if not data:
            self._close_output()
            self._reap()

    def _reap(self) -> None:
        self._later = None
        if self._popen is None:
            return
        code = self._popen.poll()
        if code is None:
            self._later = self._loop.call_later(_REAP_SECONDS, self._reap)
            return
        self._popen = None
        self._failed(self._explain(code))

    def _failed(self, reason: str) -> None:
        if not self._wanted:
            return
        self._later = self._loop.call_later(self._retry_seconds, self._launch)
        self._retry_seconds = min(2 * self._retry_seconds, RETRY_LONGEST_SECONDS)
        self._on_end(reason)

    def _explain(self, code: int) -> str:
        text = _EXPLANATIONS.get(code, "pppd ended")
        if code in _CLEAR:
            return text
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        lines = [line for line in self._said.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"{text} ({how}{f': {lines[-1].strip()[:_LINE_BYTES_MAX]}' if lines else ''})"

    def _close_output(self) -> None:
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1

    def _cancel(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None


def _end(popen: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL, each waited for."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(_GRACE_SECONDS)
            return


def _die_with_us() -> None:
    """In the child: however this daemon ends, the line must be free for the next one."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
