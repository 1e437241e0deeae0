"""Asks an address by ICMP at a steady pace, and tells when nobody answered.

Arguments: the address, the interval in ms, a file. Ends when the file FILE.stop appears, after an hour at
most, and writes what was seen to FILE as JSON. Needs root, for a raw socket; IPv4.

What counts is which questions were answered, and when the kernel got the answer: a host that is too busy to
run this program asks less often, and no outage is told that nobody had.
"""  # noqa: INP001 - a program that is sent to a host, no module

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import sys
import time
from array import array
from pathlib import Path

LONGEST_S = 3600
# An answer that comes later than this waited in a queue until somebody had the address again.
PATIENCE_S = 0.1
NEVER = -1.0
# Linux's number (but for SPARC and PA-RISC); the socket module does not have it.
SO_TIMESTAMPNS = 35

_ECHO = struct.Struct("!BBHHHQ")
_TIME = struct.Struct("ll")


def checksum(data: bytes) -> int:
    """The sum that ICMP wants."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def request(identifier: int, number: int) -> bytes:
    """An echo request that carries its number."""
    plain = _ECHO.pack(8, 0, 0, identifier, number & 0xFFFF, number)
    return _ECHO.pack(8, 0, checksum(plain), identifier, number & 0xFFFF, number)


def answered_number(packet: bytes, identifier: int) -> int | None:
    """The number of the request that an IPv4 packet answers, if it does."""
    body = packet[(packet[0] & 15) * 4 :]
    if len(body) < _ECHO.size:
        return None
    kind, _code, _checksum, its_identifier, _sequence, number = _ECHO.unpack_from(body)
    return number if kind == 0 and its_identifier == identifier else None


def arrival(ancillary: list[tuple[int, int, bytes]]) -> float:
    """When the kernel got a packet (wall time), by what came with it."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIME.unpack(data[: _TIME.size])
            return seconds + nanoseconds / 1e9
    return time.time()


def probe(address: str, interval_s: float, stop: Path) -> tuple[array[float], array[float]]:
    """When each request was sent, and when its answer came or NEVER (wall times)."""
    with contextlib.suppress(OSError):
        # Ahead of what merely wants to compute, so that the pace is steady.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    identifier = os.getpid() & 0xFFFF
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setblocking(False)  # noqa: FBT003 - the socket module's own
    sent, answered = array("d"), array("d")

    def read() -> None:
        while True:
            try:
                packet, ancillary, _flags, sender = sock.recvmsg(2048, 256)
            except OSError:
                return
            number = answered_number(packet, identifier) if sender[0] == address else None
            if number is not None and number < len(sent) and answered[number] == NEVER:
                answered[number] = arrival(ancillary)

    due = begun = look_again = time.monotonic()
    while due - begun < LONGEST_S:
        now = time.monotonic()
        if now >= look_again:
            look_again = now + 0.05
            if stop.exists():
                break
        if now >= due:
            # No route, no neighbour: not sent is not answered.
            with contextlib.suppress(OSError):
                sock.sendto(request(identifier, len(sent)), (address, 0))
            # Afterwards: what kept us from sending is no delay of the answer.
            sent.append(time.time())
            answered.append(NEVER)
            due = max(due + interval_s, now)
        if select.select([sock], [], [], max(0.0, due - time.monotonic()))[0]:
            read()
    # What is still under way may arrive.
    time.sleep(PATIENCE_S)
    read()
    return sent, answered


def gaps(sent: array[float], answered: array[float]) -> list[dict[str, float]]:
    """The outages: from the last good answer before questions that got none in time, to the next answer."""
    found: list[dict[str, float]] = []
    # What was asked before the first answer is no outage; nobody may have been there yet.
    last_good = NEVER
    lost = 0

    def note(end: float) -> None:
        duration_ms = round((end - last_good) * 1000, 1)
        found.append({"from": last_good, "to": end, "ms": duration_ms, "lost": lost})

    for asked, came in zip(sent, answered):
        good = came != NEVER and came - asked <= PATIENCE_S
        if not good and last_good != NEVER:
            if found and asked < found[-1]["to"]:
                # It waited in the same queue as the one that ended the outage.
                found[-1]["lost"] += 1
                continue
            lost += 1
        if came == NEVER:
            continue
        if lost:
            note(came)
            lost = 0
        last_good = max(last_good, came)
    if lost:
        note(sent[-1])
    return found


def main() -> None:
    """Probe, then write."""
    address, interval_ms, path = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    begun = time.time()
    sent, answered = probe(address, interval_ms / 1000, path.with_name(path.name + ".stop"))
    outages = gaps(sent, answered)
    told = {
        "address": address,
        "interval_ms": interval_ms,
        "from": begun,
        "to": time.time(),
        "sent": len(sent),
        "answered": sum(came != NEVER for came in answered),
        "lost": sum(int(outage["lost"]) for outage in outages),
        "gaps": outages,
    }
    # All at once: who waits for the file finds it whole.
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(told), encoding="utf-8")
    unfinished.replace(path)


if __name__ == "__main__":
    main()
