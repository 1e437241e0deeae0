"""Logging that cannot block the daemon: records go through a queue to a thread that writes them.

To the journal lines carry their priority (sd-daemon(3)), elsewhere a time of day in milliseconds.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
import sys

# A log that cannot be written for this many records is missing some; a daemon that waits is dead.
RECORDS_MAX = 10_000
# The package: whatever its modules log comes here, too.
LOGGER = "ultramonkey_heartbeat"

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _JournalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 6)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))


class _DroppingHandler(logging.handlers.QueueHandler):
    """Drops what does not fit rather than wait."""

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put the record into the queue, or forget it."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return


class Logs:
    """The log of the daemon, from `start` to `stop`."""

    def __init__(self, debug: int = 0, logfile: str | None = None) -> None:
        records: queue.Queue[logging.LogRecord] = queue.Queue(RECORDS_MAX)
        handlers = [_stderr_handler()]
        if logfile is not None:
            handlers.append(_file_handler(logfile))
        self._listener = logging.handlers.QueueListener(records, *handlers)
        self._queue_handler = _DroppingHandler(records)
        self._level = logging.DEBUG if debug else logging.INFO

    def start(self) -> logging.Logger:
        """Begin to write; returns the daemon's logger."""
        logger = logging.getLogger(LOGGER)
        logger.propagate = False
        logger.setLevel(self._level)
        logger.addHandler(self._queue_handler)
        self._listener.start()
        return logger

    def stop(self) -> None:
        """Write what is still queued."""
        logging.getLogger(LOGGER).removeHandler(self._queue_handler)
        self._listener.stop()


def _stderr_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("JOURNAL_STREAM"):
        handler.setFormatter(_JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(_stamped())
    return handler


def _file_handler(path: str) -> logging.Handler:
    handler = logging.handlers.WatchedFileHandler(path, encoding="utf-8")
    handler.setFormatter(_stamped())
    return handler


def _stamped() -> logging.Formatter:
    return logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
