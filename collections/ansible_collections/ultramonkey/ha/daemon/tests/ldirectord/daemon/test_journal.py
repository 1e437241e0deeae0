"""The log in a file: every line in order, also of a burst, and in a new file when the old one is gone."""

from __future__ import annotations

import pytest
from directors import wait_until
from ultramonkey_ldirectord.daemon.journal import CHANGES_MAX, Log, LogError

LINES = 3000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def log(path):
    made = Log(str(path), "ld.cf")
    yield made
    made.close()


def texts(path):
    return [line.partition("] ")[2] for line in path.read_text().splitlines()] if path.exists() else []


def test_a_burst_is_written_whole_and_in_order(log, path):
    wanted = [f"Added real server: {number}" for number in range(LINES)]
    for text in wanted:
        log.change(text)
    wait_until(lambda: texts(path) == wanted)
    assert [text for _, text in log.changes] == wanted[-CHANGES_MAX:]


def test_a_line_that_comes_alone_is_written_at_once(log, path):
    log.logger.warning("%s of %s", "one", "two")
    wait_until(lambda: texts(path) == ["one of two"])
    head = path.read_text().partition("]")[0]
    assert "|ld.cf|" in head


def test_a_file_that_was_moved_away_is_begun_anew(log, path, tmp_path):
    log.change("before")
    wait_until(lambda: texts(path) == ["before"])
    path.rename(tmp_path / "log.1")
    log.change("after")
    wait_until(lambda: texts(path) == ["after"])
    assert texts(tmp_path / "log.1") == ["before"]


def test_what_waits_is_written_at_the_end(path):
    log = Log(str(path), "ld.cf")
    for number in range(LINES):
        log.change(str(number))
    log.close()
    assert texts(path) == [str(number) for number in range(LINES)]


def test_a_log_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(LogError, match="no/log"):
        Log(str(tmp_path / "no" / "log"), "ld.cf")
