"""The log reaches every place that ha.cf names, and its level follows the signals."""

from __future__ import annotations

import logging
import socket

import pytest
from ultramonkey_heartbeat.daemon.logs import Logs, Verbosity


@pytest.fixture
def syslog(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        listener.settimeout(5)
        yield listener


def written(logs, *lines):
    log = logs.start()
    for level, line in lines:
        log.log(level, line)
    logs.stop()


def test_a_syslog_facility_gets_lines_with_its_number_and_their_priority(tmp_path, syslog):
    written(Logs(facility="local3", syslog=str(tmp_path / "log")), (logging.WARNING, "node lb2: dead"))
    data = syslog.recv(1000)
    # local3 is 19, a warning 4.
    assert data.startswith(b"<%d>heartbeat[" % (19 * 8 + 4))
    assert data.endswith(b"]: node lb2: dead\0")


def test_without_a_syslog_the_log_says_so_and_goes_on(tmp_path):
    logfile = tmp_path / "ha-log"
    written(Logs(0, str(logfile), "daemon", syslog=str(tmp_path / "none")), (logging.INFO, "we go on"))
    warning, line = logfile.read_text().splitlines()
    assert "WARNING logfacility daemon: there is no " in warning
    assert line.endswith("we go on")


def test_a_syslog_that_comes_later_gets_what_is_said_then(tmp_path):
    logs = Logs(facility="daemon", syslog=str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        listener.settimeout(5)
        written(logs, (logging.INFO, "here you are"))
        # The first is the complaint about its absence.
        assert [b"there is no" in listener.recv(1000), b"here you are" in listener.recv(1000)] == [True, True]


def test_debugfile_has_everything_and_logfile_then_no_debug_messages(tmp_path):
    logfile, debugfile = tmp_path / "ha-log", tmp_path / "ha-debug"
    written(
        Logs(1, str(logfile), debugfile=str(debugfile)), (logging.INFO, "ordinary"), (logging.DEBUG, "detail")
    )
    assert [line.split()[-1] for line in logfile.read_text().splitlines()] == ["ordinary"]
    assert [line.split()[-1] for line in debugfile.read_text().splitlines()] == ["ordinary", "detail"]


def test_the_level_goes_up_and_down_within_its_bounds():
    log = logging.getLogger("test.verbosity")
    log.setLevel(logging.INFO)
    verbosity = Verbosity(log, 0)
    seen = []
    for by in (-1, 1, 1, -1, -1):
        verbosity.change(by)
        seen.append((verbosity.level, log.level))
    assert seen == [
        *((0, logging.INFO), (1, logging.DEBUG), (2, logging.DEBUG), (1, logging.DEBUG), (0, logging.INFO)),
    ]
