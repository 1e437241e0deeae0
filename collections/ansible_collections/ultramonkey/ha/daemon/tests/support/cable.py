"""A null-modem cable made of two pseudo terminals, with somebody in between who can spoil it."""

from __future__ import annotations

import contextlib
import os
import termios

from ultramonkey_heartbeat.links.device_lock import lock_path


class Cable:
    """Ends `a` and `b` are paths of serial devices, as long as the cable is plugged in.

    `disturb` is called with what one end wrote and returns what the other end shall read. The pump runs in
    the event loop given. `bytes_passed` is what each end wrote, undisturbed.
    """

    def __init__(self, directory, loop):
        self.a, self.b = directory / "ttyA", directory / "ttyB"
        self.disturb = lambda data: data
        self.bytes_passed = {"a": b"", "b": b""}
        self._loop = loop
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
            data = os.read(self._masters[end], 65_536)
            self.bytes_passed[end] += data
            os.write(self._masters[other], self.disturb(data))
