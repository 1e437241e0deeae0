"""Heartbeats over a serial line: the second path that no switch can break.

The line is taken for us alone (`device_lock`, flock and TIOCEXCL), set to 8 bits without parity and without
any translation, with RTS/CTS (a line without modem signals, such as a pseudo terminal, ignores that), and
opened again, ever more patiently, when its device is absent, vanishes (a USB adapter) or reports errors.

pyserial opens and sets the line. Reading and writing go past it, to the descriptor: its `write` spins when
the line takes nothing, even with a timeout of zero.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import select
import termios
import time

import serial

from ..config.model import SerialLink
from ..wire.stream import StreamDecoder
from .base import LinkCounters, LinkListener
from .device_lock import DeviceBusyError, DeviceLock, lock_device
from .meter import Meter
from .outbox import BITS_PER_BYTE, Outbox

RETRY_FIRST_SECONDS = 0.25
RETRY_LONGEST_SECONDS = 4.0
# At 460800 baud this arrives in 0.1 s.
_READ_BYTES = 4096
# How much of the frame before may still be on its way when the next is written: no gap on a busy line.
_AHEAD_SECONDS = 0.005
# The end of the program does not wait longer than that for the last words to leave.
_LAST_WORDS_SECONDS = 1.0
# Ends whatever the other side has kept of a frame that was cut off, so that the next begins on a new line.
_RESYNCHRONISE = b"\n"

_EXPLANATIONS = {
    errno.ENOENT: "no such device",
    errno.ENODEV: "no such device",
    errno.ENXIO: "no such device",
    errno.EACCES: "not permitted to open it",
    errno.EPERM: "not permitted to open it",
    errno.EAGAIN: "in use by another program (a getty, ModemManager or another heartbeat?)",
    errno.EBUSY: "in use by another program (a getty, ModemManager or another heartbeat?)",
    errno.ENOTTY: "this is not a serial line",
    errno.EISDIR: "this is not a serial line",
    errno.EIO: "the device reports an error; there may be no hardware behind it",
}


class TtyLink:
    """`serial DEVICE`: the text form over one line."""

    form = "text"

    def __init__(self, config: SerialLink, listener: LinkListener, loop: asyncio.AbstractEventLoop) -> None:
        self.name = config.name
        self.up = False
        self.counters = LinkCounters()
        self._load_out = Meter(config.baud / BITS_PER_BYTE)
        self._load_in = Meter(config.baud / BITS_PER_BYTE)
        self._device = config.device
        self._baud = config.baud
        self._listener = listener
        self._loop = loop
        self._reported: tuple[bool, str] | None = None
        self._lock: DeviceLock | None = None
        self._line: serial.Serial | None = None
        self._descriptor = -1
        self._opened_at = 0.0
        self._retry_seconds = RETRY_FIRST_SECONDS
        self._decoder = StreamDecoder()
        self._outbox = Outbox(config.baud)
        # The rest of the frame that has been begun; it is finished before any other.
        self._rest = b""
        self._awaiting_room = False
        self._open_again: asyncio.TimerHandle | None = None
        self._write_later: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Take the line, now or as soon as it is there. Never raises."""
        if self._line is not None:
            return
        self._cancel_timers()
        try:
            self._lock = lock_device(self._device)
            self._line = _opened(self._device, self._baud)
        except (OSError, ValueError) as error:
            self._unlock()
            self._failed(_reason(error))
            return
        self._descriptor = self._line.fileno()
        self._opened_at = self._loop.time()
        self._decoder = StreamDecoder()
        self._rest = _RESYNCHRONISE
        self._loop.add_reader(self._descriptor, self._readable)
        self._report(up=True, reason=f"{self._device}: open at {self._baud} baud")
        self._write()

    def send(self, frame: bytes) -> None:
        """Let a frame wait for its turn on the line; what is older may be dropped for it."""
        if self._line is None:
            self.counters.send_errors += 1
            return
        self.counters.send_errors += self._outbox.put(frame)
        if not self._awaiting_room and self._write_later is None:
            self._write()

    def interface_changed(self) -> None:
        """Nothing: serial lines are no network interfaces."""

    def load(self) -> tuple[float, float]:
        """The part of the line's capacity that was used lately, out and in."""
        now = self._loop.time()
        return self._load_out.share(now), self._load_in.share(now)

    def close(self) -> None:
        """Let the last frames leave as long as the line takes them, and release it. Idempotent."""
        self._cancel_timers()
        if self._line is not None:
            self._say_last_words(self._line)
            self._release(self._line)
        self.up = False
        self._reported = None

    # -- reading -----------------------------------------------------------------------------------

    def _readable(self) -> None:
        # Once for each wake-up, so that a flood of noise cannot starve the loop.
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
            return
        if not data:
            # With VMIN 1 the kernel says "nothing there" with EAGAIN, so this is the end.
            self._lost(OSError(errno.ENODEV, "hung up"))
            return
        self.counters.received_bytes += len(data)
        self._load_in.add(self._loop.time(), len(data))
        frames = self._decoder.feed(data)
        self.counters.receive_errors += self._decoder.take_damaged()
        for frame in frames:
            self.counters.received += 1
            self._listener.frame_received(self.name, frame)

    # -- writing -----------------------------------------------------------------------------------

    def _write(self) -> None:
        """Write what can be written now, and see to it that the rest is written later."""
        self._write_later = None
        while self._line is not None:
            if not self._rest:
                if not self._outbox.bytes_waiting:
                    self._await_room(wanted=False)
                    return
                now = self._loop.time()
                busy = self._outbox.busy_seconds(now, _kernel_bytes(self._line)) - _AHEAD_SECONDS
                if busy > 0:
                    self._await_room(wanted=False)
                    self._write_later = self._loop.call_later(busy, self._write)
                    return
                self._rest = self._outbox.take(now)
                self.counters.sent += 1
            if not self._write_rest():
                return

    def _write_rest(self) -> bool:
        """Write on at the frame that has been begun. False if it is not finished."""
        try:
            written = os.write(self._descriptor, self._rest)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._lost(error)
            return False
        self.counters.sent_bytes += written
        self._load_out.add(self._loop.time(), written)
        self._rest = self._rest[written:]
        if self._rest:
            self._await_room(wanted=True)
        return not self._rest

    def _await_room(self, *, wanted: bool) -> None:
        """Be called, or no longer be called, when the kernel takes more bytes."""
        if wanted == self._awaiting_room:
            return
        self._awaiting_room = wanted
        if wanted:
            self._loop.add_writer(self._descriptor, self._write)
        else:
            self._loop.remove_writer(self._descriptor)

    def _say_last_words(self, line: serial.Serial) -> None:
        """Write what waits. This holds up the loop, which has nothing else to do any more.

        Without it, the peers would not hear that this node leaves.
        """
        data = self._rest
        while self._outbox.bytes_waiting:
            data += self._outbox.take(0.0)
        due = self._outbox.seconds(len(data) + _kernel_bytes(line)) + 2 * _AHEAD_SECONDS
        end = time.monotonic() + min(due, _LAST_WORDS_SECONDS)
        with contextlib.suppress(OSError):
            while data and (left := end - time.monotonic()) > 0:
                if select.select((), (self._descriptor,), (), left)[1]:
                    data = data[os.write(self._descriptor, data) :]
        while _kernel_bytes(line) and time.monotonic() < end:
            time.sleep(_AHEAD_SECONDS)

    # -- opening and losing ------------------------------------------------------------------------

    def _lost(self, error: OSError) -> None:
        """The line that was open is of no more use."""
        if self._line is not None:
            self._release(self._line)
        # A device that opens and fails at once must not be tried ever faster.
        if self._loop.time() - self._opened_at > RETRY_LONGEST_SECONDS:
            self._retry_seconds = RETRY_FIRST_SECONDS
        hung_up = error.errno in (errno.ENODEV, errno.EIO)
        self._failed("the device has gone" if hung_up else _reason(error))

    def _failed(self, reason: str) -> None:
        self._report(up=False, reason=f"{self._device}: {reason}")
        self._cancel_timers()
        self._open_again = self._loop.call_later(self._retry_seconds, self.open)
        self._retry_seconds = min(2 * self._retry_seconds, RETRY_LONGEST_SECONDS)

    def _release(self, line: serial.Serial) -> None:
        self._loop.remove_reader(self._descriptor)
        self._await_room(wanted=False)
        self._cancel_timers()
        self.counters.send_errors += self._outbox.clear()
        self._rest = b""
        self._line = None
        self._descriptor = -1
        # To close a line on which something waits would block until that has left, or for half a minute.
        # Where nothing waits it is not asked for: a pseudo terminal would throw away what has been written.
        if _kernel_bytes(line):
            with contextlib.suppress(OSError, termios.error):
                line.reset_output_buffer()
        with contextlib.suppress(OSError):
            fcntl.ioctl(line.fileno(), termios.TIOCNXCL)
        with contextlib.suppress(OSError):
            line.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _cancel_timers(self) -> None:
        for timer in (self._open_again, self._write_later):
            if timer is not None:
                timer.cancel()
        self._open_again = self._write_later = None

    def _report(self, *, up: bool, reason: str) -> None:
        self.up = up
        if self._reported != (up, reason):
            self._reported = (up, reason)
            self._listener.link_changed(self.name, up, reason)


def _opened(device: str, baud: int) -> serial.Serial:
    """The line, locked, set and not blocking. Raises OSError or ValueError."""
    line = serial.Serial(
        device,
        baud,
        rtscts=True,
        exclusive=True,
        # This makes pyserial set VMIN to 1, so that nothing read means hung up, and not "nothing there".
        inter_byte_timeout=0,
    )
    # Nobody but root can open it now; root is kept out by the locks, if it looks at them.
    with contextlib.suppress(OSError):
        fcntl.ioctl(line.fileno(), termios.TIOCEXCL)
    return line


def _kernel_bytes(line: serial.Serial) -> int:
    """How much the kernel has not yet put on the line; 0 where it does not know."""
    try:
        return line.out_waiting
    except OSError:
        return 0


def _reason(error: Exception) -> str:
    """Why a line could not be opened, for humans."""
    if isinstance(error, DeviceBusyError):
        return str(error.strerror)
    code = getattr(error, "errno", None)
    if code is None and isinstance(error.__context__, termios.error):
        # pyserial puts the number only into the text when it is the settings that fail.
        code = error.__context__.args[0]
    return _EXPLANATIONS.get(code or 0) or (os.strerror(code) if code else str(error))
