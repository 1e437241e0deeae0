"""A null-modem cable made of two pseudo terminals, with somebody in between who can spoil it."""

from __future__ import annotations

import contextlib
import os
import termios

from ultramonkey_heartbeat.links.device_lock import lock_path

# A UART hands over about so many bytes at once.
_SLOW_PIECE = 16


class Cable:
    """Ends `a` and `b` are paths of serial devices, as long as the cable is plugged in.

    `disturb` is called with what one end wrote and returns what the other end shall read. The pump runs in
    the event loop given, at `baud` if that is given. `bytes_passed` is what each end wrote, undisturbed.
    """

    def __init__(self, directory, loop, baud=None):
        self.a, self.b = directory / "ttyA", directory / "ttyB"
        self.disturb = lambda data: data
        self.bytes_passed = {"a": b"", "b": b""}
        self._loop = loop
        self._bytes_per_second = baud and baud / 10
        self._masters = {}
        self._slaves = {}

    def plug_in(self):
        """The devices appear."""
        for end, path in (("a", self.a), ("b", self.b)):
            self._masters[end], self._slaves[end] = os.openpty()
            os.set_blocking(self._masters[end], False)
            path.symlink_to(os.ttyname(self._slaves[end]))
        for end, other in (("a", "b"), ("b", "a")):
            self._loop.add_reader(self._masters[end], self._pump, end, other)

    def unplug(self):
        """The devices hang up and vanish, as a USB adapter does."""
        for end, path in (("a", self.a), ("b", self.b)):
            if end in self._masters:
                master = self._masters.pop(end)
                self._loop.remove_reader(master)
                os.close(master)
                # A program that was killed has left its lock behind.
                with contextlib.suppress(OSError):
                    lock_path(str(path)).unlink()
                os.close(self._slaves.pop(end))
                path.unlink()

    def hold(self, end):
        """This end may not write any more, as when the other side takes its RTS away."""
        termios.tcflow(self._slaves[end], termios.TCOOFF)

    def go_on(self, end):
        """This end may write again."""
        termios.tcflow(self._slaves[end], termios.TCOON)

    def _pump(self, end, other):
        # The end that was just opened may not have read anything yet; what it cannot take is lost.
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._masters[end], _SLOW_PIECE if self._bytes_per_second else 65_536)
            if self._bytes_per_second:
                # What has been read takes its time; meanwhile nothing else is.
                self._loop.remove_reader(self._masters[end])
                seconds = len(data) / self._bytes_per_second
                self._loop.call_later(seconds, self._pass_on, end, other, data)
                return
            self._deliver(end, other, data)

    def _pass_on(self, end, other, data):
        if end in self._masters:
            with contextlib.suppress(BlockingIOError):
                self._deliver(end, other, data)
            self._loop.add_reader(self._masters[end], self._pump, end, other)

    def _deliver(self, end, other, data):
        self.bytes_passed[end] += data
        os.write(self._masters[other], self.disturb(data))
