"""A serial cable between two hosts of the laboratory, in which whole messages can be lost.

In each host a pseudo terminal stands for the serial port; a small program there carries its bytes to us and
back, and a thread for each direction joins the two, message by message.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import threading
import time

from lab import Host

from .cell import DEVICE

_FRAME = re.compile(rb">>>\n.*?<<<\n", re.DOTALL)
_START = b">>>\n"

# Runs in the host: a port whose other end is our standard input and output.
_PORT = f"""
import os, select, tty
# A port does not wait for the processor; 3.0.6 complains of a bad cable when it does.
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
master, slave = os.openpty()
tty.setraw(slave)
if os.path.lexists({DEVICE!r}):
    os.unlink({DEVICE!r})
os.symlink(os.ttyname(slave), {DEVICE!r})
os.set_blocking(master, False)
os.write(1, b"ready\\n")
while True:
    for ready in select.select([master, 0], [], [])[0]:
        try:
            data = os.read(ready, 4096)
        except BlockingIOError:
            continue
        if not data:
            raise SystemExit
        try:
            os.write(1 if ready == master else master, data)
        except BlockingIOError:
            pass  # nobody reads the port; a real one loses it, too
"""


class _End:
    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        # What the other end said arrives here with this chance, in percent.
        self.loss_percent = 0
        # (wall time, fields) of what this end said.
        self.frames: list[tuple[float, dict[str, str]]] = []


class NullModem:
    """The cable; plug each host in after every boot."""

    def __init__(self) -> None:
        self._ends: dict[str, _End] = {}
        self._rng = random.Random(1)

    def plug_in(self, host: Host) -> None:
        """The host has just booted: it gets its port."""
        end = self._ends.setdefault(host.name, _End())
        self._close(end)
        end.process = subprocess.Popen(
            host.command(["/usr/bin/python3", "-I", "-c", _PORT]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        output = end.process.stdout
        if output is None or output.readline() != b"ready\n":
            raise RuntimeError(f"{host.name} got no serial port")
        threading.Thread(target=self._carry, args=(host.name, output.fileno()), daemon=True).start()

    def lose(self, host: Host, percent: int) -> None:
        """From now on that share of the messages to the host is lost."""
        self._ends[host.name].loss_percent = percent

    def frames(self, host: Host) -> list[tuple[float, dict[str, str]]]:
        """What the host said over the line."""
        return list(self._ends[host.name].frames)

    def unplug(self) -> None:
        """The cable is taken away."""
        for end in self._ends.values():
            self._close(end)

    @staticmethod
    def _close(end: _End) -> None:
        process, end.process = end.process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait()

    def _carry(self, name: str, descriptor: int) -> None:
        pending = b""
        # A host that loses its power takes its end of the pipe along.
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(descriptor, 4096):
                pending += data
                while match := _FRAME.search(pending):
                    self._pass_on(name, pending[: match.end()], match.group())
                    pending = pending[match.end() :]
                if _START not in pending and len(pending) > len(_START):
                    pending = pending[-len(_START) :]

    def _pass_on(self, name: str, data: bytes, frame: bytes) -> None:
        lines = [line.partition(b"=") for line in frame.splitlines()[1:-1]]
        fields = {key.decode(): value.decode("utf-8", "replace") for key, _, value in lines}
        self._ends[name].frames.append((time.time(), fields))
        for other, end in self._ends.items():
            if other == name or end.process is None or end.process.stdin is None:
                continue
            if self._rng.random() * 100 >= end.loss_percent:
                with contextlib.suppress(OSError, ValueError):
                    end.process.stdin.write(data)
