"""How fast frames are found in the bytes of a serial line, on clean input and on garbage."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from figures import Figure

sys.path.append(
    str(Path(__file__).resolve().parents[1] / "collections/ansible_collections/ultramonkey/ha/daemon/src")
)

from ultramonkey_heartbeat.wire.stream import StreamDecoder

# What a read of a serial line delivers at most.
CHUNK_BYTES = 4096
SIZE_BYTES = 4_000_000
RUNS = 5
FRAME = b">>>\n" + b"".join(b"field%d=%s\n" % (n, b"x" * 20) for n in range(14)) + b"<<<\n"
# From the harmless to what makes the most work: ends without a frame, and beginnings that may be none.
GARBAGE = {
    "one byte": b"x",
    "newlines": b"\n",
    "beginnings": b">>>\n",
    "ends": b"\n<<<\n",
    "eight beginnings to an end": b"a>>>\n" * 8 + b"<<<\n",
    "values like beginnings": b"a=>>>\n" * 8000 + b"<<<\n",
}


def decoder() -> list[Figure]:
    """Megabytes a second; and for garbage how much longer four times as much takes (4 is linear)."""
    figures = [Figure("stream decoder, clean input of 370-byte frames", "MB/s", _speeds(FRAME))]
    for name, unit in GARBAGE.items():
        figures.append(Figure(f"stream decoder, garbage: {name}", "MB/s", _speeds(unit)))
        growth = [_seconds(unit, SIZE_BYTES) / _seconds(unit, SIZE_BYTES // 4) for _ in range(RUNS)]
        figures.append(Figure(f"  time for four times as much: {name}", "", growth))
    return figures


def _speeds(unit: bytes) -> list[float]:
    return [SIZE_BYTES / 1e6 / _seconds(unit, SIZE_BYTES) for _ in range(RUNS)]


def _seconds(unit: bytes, size: int) -> float:
    data = (unit * (size // len(unit) + 1))[:size]
    one = StreamDecoder()
    begin = time.process_time()
    for start in range(0, size, CHUNK_BYTES):
        one.feed(data[start : start + CHUNK_BYTES])
    return time.process_time() - begin
