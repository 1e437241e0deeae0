"""The log: never in the way, in the journal's form when it goes to the journal."""

from __future__ import annotations

import io
import logging
import re
import sys
import threading

import pytest
from ultramonkey_heartbeat.daemon import logs
from ultramonkey_heartbeat.daemon.logs import LOGGER, Logs

STAMPED = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} "


# How long a busy machine may keep the log's thread waiting; nobody waits so long who need not.
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _logger_as_it_was(monkeypatch):
    monkeypatch.setattr(logs, "STOP_S", PATIENCE_S)
    logger = logging.getLogger(LOGGER)
    before = (logger.propagate, logger.level)
    yield
    logger.propagate, logger.level = before


@pytest.fixture
def stderr(monkeypatch, capsys):
    """What was written to standard error since it was last asked."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    return lambda: capsys.readouterr().err


def test_lines_have_a_time_of_day_and_a_level(stderr):
    log = Logs()
    log.start().warning("node %s is %s", "lb2", "dead")
    log.stop()
    assert re.fullmatch(STAMPED + "WARNING node lb2 is dead\n", stderr())


def test_for_the_journal_lines_have_a_priority_and_no_time(stderr, monkeypatch):
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    log = Logs(debug=1)
    logger = log.start()
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        logger.log(level, "said")
    logger.error("one\ntwo")
    log.stop()
    assert stderr().splitlines() == [
        *("<7>said", "<6>said", "<4>said", "<3>said", "<2>said", "<3>one", "<3>two")
    ]


@pytest.mark.parametrize(("debug", "lines"), [(0, 1), (1, 2)])
def test_debug_says_more(stderr, debug, lines):
    log = Logs(debug)
    logger = log.start()
    logger.debug("detail")
    logger.info("fact")
    log.stop()
    assert len(stderr().splitlines()) == lines


def test_what_the_rooms_log_comes_here_and_nowhere_else(stderr):
    log = Logs()
    log.start()
    elsewhere = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(elsewhere)
    logging.getLogger(f"{LOGGER}.resources.runner").warning("said")
    logging.getLogger().removeHandler(elsewhere)
    log.stop()
    assert stderr().count("said") == 1
    assert elsewhere.stream.getvalue() == ""


def test_a_file_gets_every_line_too_and_may_be_rotated(stderr, tmp_path):
    path = tmp_path / "ha-log"
    log = Logs(logfile=str(path))
    logger = log.start()
    logger.info("before")
    log.stop()
    path.rename(tmp_path / "ha-log.1")
    log = Logs(logfile=str(path))
    log.start().info("after \u2013 here")
    log.stop()
    assert re.fullmatch(STAMPED + "INFO    after \u2013 here\n", path.read_text("utf-8"))
    assert stderr().count("\n") == 2


class Blocked(io.StringIO):
    """A standard error on which nobody reads, until somebody does."""

    def __init__(self):
        super().__init__()
        self.free = threading.Event()

    def write(self, text):
        self.free.wait(PATIENCE_S)
        return super().write(text)


def test_a_log_that_nobody_reads_delays_nobody_and_loses_the_rest(monkeypatch):
    stream = Blocked()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(logs, "RECORDS_MAX", 10)
    log = Logs()
    logger = log.start()
    # Returns although not one line is read; with a log that waits this would be the end of the test.
    for number in range(1000):
        logger.info("line %d", number)
    stream.free.set()
    log.stop()
    lines = stream.getvalue().splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[0].endswith("line 0")


def test_a_log_that_is_never_read_again_delays_the_end_only_so_long(monkeypatch):
    stream = Blocked()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(logs, "RECORDS_MAX", 10)
    monkeypatch.setattr(logs, "STOP_S", 0.02)
    log = Logs()
    logger = log.start()
    for number in range(100):
        logger.info("line %d", number)
    log.stop()
    assert stream.getvalue() == ""
    stream.free.set()


def test_the_end_waits_for_what_was_said(stderr):
    log = Logs()
    logger = log.start()
    for number in range(500):
        logger.info("line %d", number)
    log.stop()
    assert stderr().splitlines()[-1].endswith("line 499")


def test_lost_lines_are_admitted(monkeypatch):
    stream = Blocked()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(logs, "RECORDS_MAX", 10)
    log = Logs()
    logger = log.start()
    for number in range(100):
        logger.info("line %d", number)
    stream.free.set()
    log.stop()
    # Said each time that there was room again; that depends on when the thread took its first line.
    lost = [int(word) for word in re.findall(r"(\d+) lines of this log were lost", stream.getvalue())]
    assert lost
    assert sum(lost) + stream.getvalue().count(" line ") == 100
