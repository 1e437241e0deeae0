"""Asks an address by ICMP at a steady pace, and tells when nobody answered.

Arguments: the address, the interval in ms, a file. Ends when the file FILE.stop appears, after an hour at
most, and writes what was seen to FILE as JSON. Needs root, for a raw socket; IPv4.
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
from pathlib import Path

LONGEST_S = 3600
# A silence that is shorter than so many probes may be one that was lost.
PROBES_MISSED = 3


def checksum(data: bytes) -> int:
    """The sum that ICMP wants."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def request(identifier: int, number: int) -> bytes:
    """An echo request."""
    head = struct.pack("!BBHHH", 8, 0, 0, identifier, number)
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


def probe(address: str, interval_s: float, stop: Path) -> tuple[int, list[float]]:
    """How many probes were sent, and when answers came (wall time)."""
    identifier = os.getpid() & 0xFFFF
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setblocking(False)  # noqa: FBT003 - the socket module's own
    wall = time.time() - time.monotonic()
    answers: list[float] = []
    sent = 0
    due = begun = time.monotonic()
    while not stop.exists() and due - begun < LONGEST_S:
        now = time.monotonic()
        if now >= due:
            sent += 1
            # No route, no neighbour: not sent is not answered.
            with contextlib.suppress(OSError):
                sock.sendto(request(identifier, sent & 0xFFFF), (address, 0))
            due = max(due + interval_s, now)
        ready = select.select([sock], [], [], max(0.0, due - time.monotonic()))[0]
        while ready:
            try:
                packet, sender = sock.recvfrom(2048)
            except OSError:
                break
            body = packet[(packet[0] & 15) * 4 :]
            if sender[0] == address and body[:1] == b"\0" and body[4:6] == struct.pack("!H", identifier):
                answers.append(wall + time.monotonic())
    return sent, answers


def gaps(answers: list[float], interval_s: float) -> list[dict[str, float]]:
    """The silences between answers."""
    return [
        {"from": before, "to": after, "ms": round((after - before) * 1000, 1)}
        for before, after in zip(answers, answers[1:])
        if after - before > PROBES_MISSED * interval_s
    ]


def main() -> None:
    """Probe, then write."""
    address, interval_ms, path = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    begun = time.time()
    sent, answers = probe(address, interval_ms / 1000, path.with_name(path.name + ".stop"))
    told = {
        "address": address,
        "interval_ms": interval_ms,
        "from": begun,
        "to": time.time(),
        "sent": sent,
        "answered": len(answers),
        "gaps": gaps(answers, interval_ms / 1000),
    }
    path.write_text(json.dumps(told), encoding="utf-8")


main()
