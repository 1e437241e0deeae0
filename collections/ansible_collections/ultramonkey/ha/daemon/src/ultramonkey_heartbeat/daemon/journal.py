"""The last events of this node, in memory and in a file that outlives the daemon, for whoever asks why.

The file has one JSON object a line. It is written by a thread of its own, because a disk may block, and is
rewritten when it has grown to twice what is kept.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

from ..core.chronicle import record
from ..core.notices import Notice
from .notices import word

_LOG = logging.getLogger(__name__)

# A cluster that moves each day keeps some months; one in trouble keeps what led to it.
ENTRIES_MAX = 500

Entry = dict[str, Any]


def _wall_ms() -> int:
    return int(time.time() * 1000)


class Journal:
    """Notes what happens. `open` begins the file, `close` ends it; in between nothing waits for a disk."""

    def __init__(self, path: Path, wall_ms: Callable[[], int] = _wall_ms, size: int = ENTRIES_MAX) -> None:
        self._path = path
        self._wall_ms = wall_ms
        self._entries: deque[Entry] = deque(maxlen=size)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None

    def open(self) -> None:
        """Read what the file has, and write to it from now on."""
        self._entries.extend(_read(self._path))
        self._writer = threading.Thread(target=self._write, args=(list(self._entries),), daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Have everything written that was noted."""
        if self._writer is not None:
            self._lines.put(None)
            self._writer.join(timeout=5.0)

    def note(self, notice: Notice) -> None:
        """Keep the notice, if it is one that matters later."""
        told = record(notice)
        if told is not None:
            entry = {"at_ms": self._wall_ms(), **told, "text": word(notice)[1]}
            self._entries.append(entry)
            self._lines.put(json.dumps(entry))

    def entries(self, last: int | None = None, group: str | None = None) -> list[Entry]:
        """The newest entries, oldest first; of one group, those about it and about the nodes."""
        chosen = [e for e in self._entries if group is None or e.get("group") in (None, group)]
        return chosen if last is None else chosen[-last:] if last else []

    # -- in the thread -----------------------------------------------------------------------------

    def _write(self, kept: Sequence[Entry]) -> None:
        size = self._entries.maxlen or 0
        lines = deque((json.dumps(entry) for entry in kept), maxlen=size)
        written = 2 * size
        complained = False
        while True:
            line = self._lines.get()
            if line is None:
                return
            lines.append(line)
            try:
                if written >= 2 * size:
                    temporary = self._path.with_name(f".{self._path.name}.new")
                    temporary.write_text("".join(f"{one}\n" for one in lines))
                    temporary.replace(self._path)
                    written = len(lines)
                else:
                    with self._path.open("a") as file:
                        file.write(f"{line}\n")
                    written += 1
            except OSError as error:
                if not complained:
                    complained = True
                    _LOG.error("the journal is kept in memory only: %s", error)


def _read(path: Path) -> list[Entry]:
    entries = []
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            # The last line of a machine that lost power.
            continue
        if isinstance(entry, dict) and isinstance(entry.get("at_ms"), int) and "text" in entry:
            entries.append(entry)
    return entries
