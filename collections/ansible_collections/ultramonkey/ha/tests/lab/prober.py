"""How long an address did not answer, as a client sees it.

`Prober` runs this very file in a laboratory host (it is also a program), where it sends an ICMP echo
request every `interval_ms` through the host's ordinary ARP cache and keeps the time of every good answer.
An outage is the time from the last good answer before to the first good answer after it: what a user
loses, including the part before the cluster knew. With no outage at all the gap is one interval.

A busy machine may hold the prober itself up, and then it sees a gap that no user had. So it asks for
real-time priority, and each report says how long its longest pause was: what is left above that is sure.

The program reads commands on standard input, one a line, and answers each with one line of JSON:
`report SINCE` (monotonic seconds) gives the longest gap that ended or still lasts after SINCE. The end of
the input ends it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ECHO_REPLY = 0
_ECHO_REQUEST = 8
# A silence of so many seconds is one that a user may notice; shorter ones are a machine that is busy.
_NOTICED = 0.05


# -- in the laboratory host ------------------------------------------------------------------------------


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return 0xFFFF - (total & 0xFFFF)


def echo_request(identifier: int, sequence: int) -> bytes:
    """An ICMP echo request without payload."""
    header = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identifier, sequence)
    return struct.pack("!BBHHH", _ECHO_REQUEST, 0, checksum(header), identifier, sequence)


def is_answer(packet: bytes, address: str, identifier: int) -> bool:
    """Whether an IPv4 packet is an echo reply of `address` to us."""
    start = (packet[0] & 0x0F) * 4
    if len(packet) < start + 8 or socket.inet_ntoa(packet[12:16]) != address:
        return False
    kind, _, _, its_identifier, _ = struct.unpack_from("!BBHHH", packet, start)
    return bool(kind == _ECHO_REPLY and its_identifier == identifier)


class Answers:
    """The times of all good answers, monotonic seconds."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def longest_gap(self, since: float, now: float) -> tuple[float, float | None, float | None]:
        """(seconds, last good answer before it, first good answer after it or None if it still lasts)."""
        # The answer before `since` belongs to it: an outage may have begun just then.
        first = next((i for i, at in enumerate(self.at) if at >= since), len(self.at))
        times = self.at[max(first - 1, 0) :]
        if not times:
            return now - since, None, None
        longest: tuple[float, float | None, float | None] = (now - times[-1], times[-1], None)
        for before, after in zip(times, times[1:]):
            if after - before > longest[0]:
                longest = (after - before, before, after)
        return longest

    def gaps(self, since: float, shortest: float) -> list[tuple[float, float]]:
        """(last good answer before it, seconds) for each gap that began since then and has ended."""
        times = [at for at in self.at if at >= since]
        return [
            (before, after - before) for before, after in zip(times, times[1:]) if after - before >= shortest
        ]


def probe(address: str, interval_ms: int) -> None:
    """Probe until standard input ends."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    identifier = os.getpid() & 0xFFFF
    receiver = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    receiver.settimeout(0)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    answers = Answers()
    interval = interval_ms / 1000
    sequence = sent = 0
    pauses: list[tuple[float, float]] = []
    due = time.monotonic()
    while True:
        now = time.monotonic()
        if now - due > interval:
            pauses.append((now, now - due))
        if now >= due:
            sequence = (sequence + 1) & 0xFFFF
            try:
                receiver.sendto(echo_request(identifier, sequence), (address, 0))
                sent += 1
            except OSError:
                pass  # no neighbour, no route, buffer full: not sent is not answered
            # After a pause of our own the probes that were not sent are not made up for.
            due = max(due + interval, now)
        ready, _, _ = select.select([receiver, 0], [], [], max(0.0, due - time.monotonic()))
        if receiver in ready:
            now = time.monotonic()
            try:
                while True:
                    if is_answer(receiver.recv(2048), address, identifier):
                        answers.at.append(now)
            except OSError:
                pass
        if 0 in ready:
            line = sys.stdin.readline()
            if not line:
                return
            since = float(line.split()[1])
            _report(answers, sent, since, max((length for at, length in pauses if at >= since), default=0.0))


def _report(answers: Answers, sent: int, since: float, paused: float) -> None:
    now = time.monotonic()
    # Read both clocks together: monotonic time measures, wall time compares with logs.
    wall = time.time() - now
    gap, last_good, first = answers.longest_gap(since, now)
    report = {
        "gap_ms": round(gap * 1000, 1),
        "gaps": [(wall + last, round(length * 1000, 1)) for last, length in answers.gaps(since, _NOTICED)],
        "paused_ms": round(paused * 1000, 1),
        "last_good": None if last_good is None else wall + last_good,
        "first_good": None if first is None else wall + first,
        "sent": sent,
        "answered": len(answers.at),
        "silent_ms": round((now - answers.at[-1]) * 1000, 1) if answers.at else None,
    }
    print(json.dumps(report), flush=True)


# -- in the laboratory's controller ----------------------------------------------------------------------


@dataclass(frozen=True)
class Outage:
    """The longest silence. Wall times in seconds; `first_good` is None while it lasts.

    `paused_ms` is how long the prober itself was held up at most meanwhile, by a busy machine.
    """

    gap_ms: float
    last_good: float | None
    first_good: float | None
    paused_ms: float = 0.0


class Prober:
    """Probes an address from a laboratory host. Use as a context manager."""

    def __init__(self, host: Any, address: str, interval_ms: int = 2) -> None:
        source = Path(__file__).read_text(encoding="utf-8")
        self._process = host.popen(
            ["/usr/bin/python3", "-I", "-c", source, address, str(interval_ms)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._since = time.monotonic()

    def __enter__(self) -> Prober:  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the probing."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=10)
        if self._process.stdout:
            self._process.stdout.close()

    def report(self) -> dict[str, Any]:
        """What was seen since `mark`, as the program tells it."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the prober has no pipes")
        self._process.stdin.write(f"report {self._since}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the prober has ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def mark(self) -> None:
        """Measure from now on."""
        self._since = time.monotonic()

    def outage(self) -> Outage:
        """The longest silence since `mark`."""
        report = self.report()
        return Outage(report["gap_ms"], report["last_good"], report["first_good"], report["paused_ms"])

    def gaps(self) -> list[tuple[float, float]]:
        """(wall time of the last good answer, milliseconds) for each silence since `mark` that has ended."""
        return [(at, ms) for at, ms in self.report()["gaps"]]

    def wait_answering(self, timeout_s: float, *, steadily_ms: int = 100) -> None:
        """Return when the address answers and has done so for `steadily_ms`; else `TimeoutError`."""
        deadline = time.monotonic() + timeout_s
        answered_since: float | None = None
        while time.monotonic() < deadline:
            silent_ms = self.report()["silent_ms"]
            now = time.monotonic()
            if silent_ms is None or silent_ms > 20:
                answered_since = None
            else:
                answered_since = answered_since or now
                if (now - answered_since) * 1000 >= steadily_ms:
                    return
            time.sleep(0.01)
        raise TimeoutError(f"no steady answer within {timeout_s:g} s")


if __name__ == "__main__":
    probe(sys.argv[1], int(sys.argv[2]))
