"""Tests a serial line from this end, while the same runs at the other one. Blocking; for a command.

It opens the line as the daemon does (`serial`), but with what Python brings along: the command that uses it
must start without any library.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import select
import struct
import termios
import time
from typing import Any

from .device_lock import DeviceBusyError, lock_device
from .line_probe import PROBE_BYTES, Probe

# A quarter of the line: room for the other end's answers to be late.
_SHARE = 4
_BITS_PER_BYTE = 10
_INTERVAL_SECONDS_MIN = 0.05
_READ_BYTES = 4096
# The other end may have heard us a moment later, and measures as long.
_AFTERWARDS_SECONDS = 1.0

Json = dict[str, Any]


class LineTestError(Exception):
    """The line cannot be opened. The text says why."""


def run_line_test(device: str, baud: int, seconds: float, wait_seconds: float) -> Json:
    """Wait for the other end, exchange probes for so long, and say what was found.

    Raises LineTestError.
    """
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise LineTestError(f"{baud} is not a speed that this machine knows")
    try:
        lock = lock_device(device)
        try:
            descriptor = _opened(device, speed)
            try:
                probe = _exchange(descriptor, baud, seconds, wait_seconds)
                cts = _clear_to_send(descriptor)
            finally:
                # What could not be sent must not hold up the end.
                termios.tcflush(descriptor, termios.TCIOFLUSH)
                os.close(descriptor)
        finally:
            lock.release()
    except DeviceBusyError as error:
        raise LineTestError(f"{device}: {error.strerror}") from None
    except termios.error as error:
        text = "this is not a serial line" if error.args[0] == errno.ENOTTY else str(error.args[-1])
        raise LineTestError(f"{device}: {text}") from None
    except OSError as error:
        busy = error.errno in (errno.EAGAIN, errno.EBUSY)
        text = "in use by another program" if busy else str(error.strerror)
        raise LineTestError(f"{device}: {text}") from None
    verdict = probe.verdict()
    return {
        "device": device,
        "baud": baud,
        "seconds": seconds,
        "verdict": verdict.code,
        "text": verdict.text,
        "remedy": verdict.remedy,
        "cts": cts,
        **probe.result(),
    }


def _exchange(descriptor: int, baud: int, seconds: float, wait_seconds: float) -> Probe:
    probe = Probe(secrets.token_hex(4))
    interval = max(_INTERVAL_SECONDS_MIN, _SHARE * PROBE_BYTES * _BITS_PER_BYTE / baud)
    now = time.monotonic()
    next_at, end, rest = now, now + wait_seconds, b"\n"
    measuring = False
    while now < end + (_AFTERWARDS_SECONDS if measuring else 0.0):
        if now >= next_at:
            # A line that takes nothing does not get ever more.
            rest = rest or probe.next_probe(now)
            next_at += interval
        readable, writable, _ = select.select(
            (descriptor,), (descriptor,) if rest else (), (), max(0.0, next_at - now)
        )
        now = time.monotonic()
        if writable:
            rest = _written(descriptor, rest)
        # What comes afterwards is sent by an end that has perhaps been left alone already.
        if readable and now < end:
            data = os.read(descriptor, _READ_BYTES)
            if not data:
                raise OSError(errno.ENODEV, "the device has gone")
            probe.feed(data, now)
        elif readable:
            os.read(descriptor, _READ_BYTES)
        if probe.heard and not measuring:
            measuring, end = True, now + seconds
    return probe


def _written(descriptor: int, data: bytes) -> bytes:
    """What could not be written."""
    try:
        return data[os.write(descriptor, data) :]
    except BlockingIOError:
        return data


def _opened(device: str, speed: int) -> int:
    """The line, raw, with RTS/CTS, for us alone."""
    descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        control = termios.CREAD | termios.CLOCAL | termios.CS8 | termios.CRTSCTS
        characters = termios.tcgetattr(descriptor)[6]
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
        termios.tcflush(descriptor, termios.TCIOFLUSH)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _clear_to_send(descriptor: int) -> bool | None:
    """Whether the other end allows us to send; None where the line has no such signal."""
    try:
        (signals,) = struct.unpack("@I", fcntl.ioctl(descriptor, termios.TIOCMGET, b"\0" * 4))
    except OSError:
        return None
    return bool(signals & termios.TIOCM_CTS)
