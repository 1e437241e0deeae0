"""The log: written by a thread of its own, so that a slow disk delays no check; and the last changes.

Lines of the file have the form of the original's: `[date|configuration|pid] text`.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import queue
import sys
import time
from collections import deque

LOGGER = "ultramonkey_ldirectord"
SYSLOG = "/dev/log"
# Changes that `status --json` tells.
CHANGES_MAX = 200
# More than a log can be behind; what does not fit is lost rather than waited for.
_RECORDS_MAX = 10_000
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}


class LogError(Exception):
    """The log cannot be written."""


class _Journal(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"<{_PRIORITIES.get(record.levelno, 6)}>{super().format(record)}"


class _Dropping(logging.handlers.QueueHandler):
    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The record itself with its text made: no other handler sees it, so it need not be copied."""
        record.msg, record.args = record.getMessage(), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put the record into the queue if there is room."""
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


class _File(logging.handlers.WatchedFileHandler):
    """Writes what is waiting as one piece, and looks only then whether the file was moved away."""

    def __init__(self, path: str, records: queue.Queue[logging.LogRecord]) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._records = records
        self._written = True

    def reopenIfNeeded(self) -> None:  # noqa: N802 - the base class names it
        """Look whether the file is still that of the name, when nothing is half written."""
        if self._written:
            super().reopenIfNeeded()

    def flush(self) -> None:
        """Write, unless more is coming at once."""
        self._written = self._records.empty()
        if self._written:
            super().flush()


class Log:
    """The daemon's log. `logfile` is a path or a facility of syslog."""

    def __init__(self, logfile: str, name: str, *, foreground: bool = False, debug: bool = False) -> None:
        self.changes: deque[tuple[float, str]] = deque(maxlen=CHANGES_MAX)
        self.logger = logging.getLogger(LOGGER)
        self.logger.propagate = False
        self.logger.setLevel(logging.DEBUG if debug else logging.INFO)
        records: queue.Queue[logging.LogRecord] = queue.Queue(_RECORDS_MAX)
        handlers = [_standard()] if foreground else []
        if not foreground or not logfile.startswith("/"):
            handlers.append(_handler(logfile, name, records))
        # What no line tells need not be found out for each: half of what a record costs.
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
        self._handler = _Dropping(records)
        self._listener = logging.handlers.QueueListener(records, *handlers)
        self.logger.addHandler(self._handler)
        self._listener.start()

    def change(self, text: str) -> None:
        """A change: into the log, and among the last ones."""
        self.changes.append((time.time(), text))
        self.logger.info("%s", text)

    def close(self) -> None:
        """Write what is still to be written."""
        self.logger.removeHandler(self._handler)
        self._listener.stop()
        for handler in self._listener.handlers:
            handler.close()


def _standard() -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    if os.environ.get("JOURNAL_STREAM"):
        handler.setFormatter(_Journal("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("[%(asctime)s] %(message)s", "%a %b %e %H:%M:%S %Y"))
    return handler


def _handler(logfile: str, name: str, records: queue.Queue[logging.LogRecord]) -> logging.Handler:
    if not logfile.startswith("/"):
        syslog = logging.handlers.SysLogHandler
        try:
            made = syslog(SYSLOG, syslog.facility_names[logfile])
        except OSError as error:
            raise LogError(
                f"logfile {logfile}: {SYSLOG}: {error.strerror}; install a syslog daemon"
            ) from error
        made.ident = f"ldirectord[{os.getpid()}]: "
        return made
    try:
        handler = _File(logfile, records)
    except OSError as error:
        raise LogError(f"logfile {logfile}: {error.strerror}") from error
    form = f"[%(asctime)s|{name}|{os.getpid()}] %(message)s"
    handler.setFormatter(logging.Formatter(form, "%a %b %e %H:%M:%S %Y"))
    return handler
