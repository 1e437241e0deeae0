"""Logging that cannot block the daemon: records go through a queue to a thread that writes them.

What does not fit into the queue is lost, and how much that was is said. To the journal lines carry
their priority (sd-daemon(3)), elsewhere a time of day in milliseconds.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import queue
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

# A log that cannot be written for this many records is missing some; a daemon that waits is dead.
RECORDS_MAX = 10_000
SYSLOG = "/dev/log"
DEBUG_MAX = 255
# How long the end of the daemon waits for a log that nobody reads.
STOP_S = 2.0
# The package: whatever its modules log comes here, too.
LOGGER = "ultramonkey_heartbeat"

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _JournalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 6)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))


class _DroppingHandler(logging.handlers.QueueHandler):
    """Drops what does not fit rather than wait."""

    lost = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put the record into the queue, or count it as lost."""
        try:
            if self.lost:
                self.queue.put_nowait(_confession(self.lost))
                self.lost = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self.lost += 1


def _confession(lost: int) -> logging.LogRecord:
    text = f"{lost} lines of this log were lost: they came faster than they could be written"
    return logging.LogRecord(LOGGER, logging.WARNING, __file__, 0, text, (), None)


class _PatientSyslogHandler(logging.handlers.SysLogHandler):
    """Looks for the socket again with each record: syslog may be restarted, or come after us."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class names it
        """Forget the record; the journal has it."""


class _Writer(threading.Thread):
    """Hands the records of the queue to the handlers, up to the first None."""

    def __init__(
        self, records: queue.Queue[logging.LogRecord | None], handlers: Sequence[logging.Handler]
    ) -> None:
        super().__init__(name="log", daemon=True)
        self._records = records
        self._handlers = handlers

    def run(self) -> None:
        while True:
            record = self._records.get()
            for handler in self._handlers:
                if record is None:
                    handler.close()
                elif record.levelno >= handler.level:
                    handler.handle(record)
            if record is None:
                return


class Logs:
    """The log of the daemon, from `start` to `stop`."""

    def __init__(
        self,
        debug: int = 0,
        logfile: str | None = None,
        facility: str | None = None,
        debugfile: str | None = None,
        syslog: str = SYSLOG,
    ) -> None:
        self._records: queue.Queue[logging.LogRecord | None] = queue.Queue(RECORDS_MAX)
        handlers = [_stderr_handler()]
        # What is said as soon as there is somewhere to say it.
        self._complaint = ""
        if logfile is not None:
            handlers.append(_file_handler(logfile))
        if debugfile is not None:
            # It has everything, and what is only for debugging is in no other file.
            for handler in handlers[1:]:
                handler.setLevel(logging.INFO)
            handlers.append(_file_handler(debugfile))
        if facility is not None:
            handlers.append(_syslog_handler(facility, syslog))
            if not Path(syslog).exists():
                self._complaint = f"logfacility {facility}: there is no {syslog}; install a syslog daemon"
        self._writer = _Writer(self._records, handlers)
        self._queue_handler = _DroppingHandler(self._records)
        self._level = logging.DEBUG if debug else logging.INFO

    def start(self) -> logging.Logger:
        """Begin to write; returns the daemon's logger."""
        logger = logging.getLogger(LOGGER)
        logger.propagate = False
        logger.setLevel(self._level)
        logger.addHandler(self._queue_handler)
        self._writer.start()
        if self._complaint:
            logger.warning("%s", self._complaint)
        return logger

    def stop(self) -> None:
        """Write what is still queued, if that is possible in a reasonable time."""
        logging.getLogger(LOGGER).removeHandler(self._queue_handler)
        self._queue_handler.close()
        with contextlib.suppress(queue.Full):
            if self._queue_handler.lost:
                self._records.put(_confession(self._queue_handler.lost), timeout=STOP_S)
            self._records.put(None, timeout=STOP_S)
        self._writer.join(STOP_S)


class Verbosity:
    """The level of `debug`, raised and lowered while the daemon runs (SIGUSR1, SIGUSR2)."""

    def __init__(self, log: logging.Logger, level: int) -> None:
        self._log = log
        # `heartbeatd --debug` counts as one.
        self.level = max(level, int(log.level == logging.DEBUG))

    def change(self, by: int) -> None:
        """Raise or lower the level."""
        self.level = min(DEBUG_MAX, max(0, self.level + by))
        self._log.setLevel(logging.DEBUG if self.level else logging.INFO)
        self._log.info("debug level is now %d", self.level)


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


def _syslog_handler(facility: str, address: str) -> logging.Handler:
    handler = _PatientSyslogHandler(address, logging.handlers.SysLogHandler.facility_names[facility])
    handler.ident = f"heartbeat[{os.getpid()}]: "
    return handler


def _stamped() -> logging.Formatter:
    return logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
