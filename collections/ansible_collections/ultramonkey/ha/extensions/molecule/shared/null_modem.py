"""A serial cable between two machines: two pseudo terminals, joined, that can be cut or spoilt.

    null_modem.py DIRECTORY A B

DIRECTORY/A and DIRECTORY/B link to the two ends, to be mounted into the machines as their ports;
DIRECTORY/pid has our process id. DIRECTORY/fault says what the cable does now: nothing (all passes), `cut`
(nothing passes), `deaf-A` (nothing reaches A), or `noise` (one byte in fifty is wrong). Ends on SIGTERM.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import sys
import tty
from pathlib import Path


def make_end(link: Path) -> tuple[int, int]:
    """A port, reached by the link: (our side, its side)."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    link.symlink_to(os.ttyname(slave))
    # Its side stays open: a machine that is switched off does not hang the line up.
    return master, slave


def spoilt(data: bytes, rng: random.Random) -> bytes:
    """The bytes, one in fifty of them wrong."""
    return bytes(byte ^ 0x55 if rng.random() < 0.02 else byte for byte in data)


def carry(directory: Path, names: list[str]) -> None:
    """Pass on what comes, as the fault of the moment lets it."""
    ends = {name: make_end(directory / name)[0] for name in names}
    to = dict(zip(ends.values(), reversed(list(ends.items()))))
    fault = directory / "fault"
    fault.touch()
    (directory / "pid").write_text(str(os.getpid()), encoding="ascii")
    rng = random.Random(1)
    while True:
        for ready in select.select(list(to), [], [])[0]:
            hearer, descriptor = to[ready]
            # A full line loses bytes, as a real one does.
            with contextlib.suppress(BlockingIOError):
                data = os.read(ready, 4096)
                now = fault.read_text(encoding="ascii").strip()
                if now not in ("cut", f"deaf-{hearer}"):
                    os.write(descriptor, spoilt(data, rng) if now == "noise" else data)


def main() -> None:
    """Lay the cable."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:]:
        (directory / name).unlink(missing_ok=True)
    carry(directory, sys.argv[2:])


main()
