"""`watchdog DEVICE` of ha.cf: a timer outside this process that reboots the machine unless it is fed.

It is fed from the event loop, so a loop that hangs is a machine that restarts, and its peers take over. The
device is disarmed (the "magic close" of Linux's watchdog interface) only at a clean end: after a crash, or
with groups that could not be stopped, the machine restarts unless another daemon feeds the device in time.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import stat
import struct
from typing import Callable

# linux/watchdog.h: _IOWR('W', 6, int). The driver writes the timeout that it really took, in seconds.
WDIOC_SETTIMEOUT = 0xC0045706
_FOOD = b"\0"
_DISARM = b"V"
_MARGIN_MS = 10
_INT = "@i"

Ioctl = Callable[[int, int, bytes], bytes]


def timeout_s(deadtime_ms: int) -> int:
    """As 3.0.6: deadtime and 10 ms, rounded up to the seconds in which drivers count."""
    return -(-(deadtime_ms + _MARGIN_MS) // 1000)


class Watchdog:
    """One device, from `open` to `close`. Trouble with it is said in the log, and never stops the daemon."""

    def __init__(
        self, device: str, deadtime_ms: int, log: logging.Logger, ioctl: Ioctl = fcntl.ioctl
    ) -> None:
        self._device = device
        self._wanted_s = timeout_s(deadtime_ms)
        self._log = log
        self._ioctl = ioctl
        self._descriptor = -1
        self._complained = False
        self._timer: asyncio.TimerHandle | None = None
        # How often it is fed.
        self.interval_s = self._wanted_s / 3

    def open(self) -> None:
        """Arm the device and begin to feed it."""
        try:
            # Not blocking: a device that is none (a pipe without a reader) must not hold us.
            descriptor = os.open(self._device, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            self._log.warning(
                "watchdog %s: cannot be opened, so nothing watches: %s", self._device, error.strerror
            )
            return
        if not stat.S_ISCHR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            self._log.warning("watchdog %s: is not a device, so nothing watches", self._device)
            return
        self._descriptor = descriptor
        self._set_timeout()
        self._feed_again()

    def close(self, *, clean: bool) -> None:
        """Feed it no more; disarm it after a clean end, else let it do its work."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._descriptor < 0:
            return
        if clean:
            self._write(_DISARM)
        else:
            self._log.warning("watchdog %s: stays armed, for this end is not clean", self._device)
        os.close(self._descriptor)
        self._descriptor = -1

    def _set_timeout(self) -> None:
        try:
            answer = self._ioctl(self._descriptor, WDIOC_SETTIMEOUT, struct.pack(_INT, self._wanted_s))
        except OSError as error:
            self._log.warning(
                "watchdog %s: its timeout cannot be set (%s); feeding it every %.1f s",
                self._device,
                error.strerror,
                self.interval_s,
            )
            return
        (taken_s,) = struct.unpack(_INT, answer)
        self.interval_s = min(self._wanted_s, max(1, taken_s)) / 3
        self._log.info(
            "watchdog %s: armed, timeout %d s, fed every %.1f s", self._device, taken_s, self.interval_s
        )

    def _feed_again(self) -> None:
        self._write(_FOOD)
        self._timer = asyncio.get_running_loop().call_later(self.interval_s, self._feed_again)

    def _write(self, data: bytes) -> None:
        try:
            os.write(self._descriptor, data)
        except OSError as error:
            if not self._complained:
                self._log.error("watchdog %s: cannot be fed: %s (said once)", self._device, error.strerror)
            self._complained = True
        else:
            self._complained = False
