"""connect, ping, external programs, and databases by their libraries."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path

import peers
import pytest
from ultramonkey_ldirectord.checks import sql
from ultramonkey_ldirectord.checks.checker import Checker
from ultramonkey_ldirectord.config.model import Kind


def perform(probe, **options):
    async def go():
        checker = Checker()
        try:
            return await checker.perform(probe, **options)
        finally:
            checker.close()

    outcome = asyncio.run(go())
    return outcome.ok, outcome.reason


def program(tmp_path, text):
    path = tmp_path / "check"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def external(tmp_path, text, **values):
    argv = (program(tmp_path, text), "192.0.2.100", "80", "192.0.2.1", "8080")
    return perform(peers.probe(kind=Kind.EXTERNAL, argv=argv, **values))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_port_that_accepts_is_up_and_another_is_refused(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as server:
        server.bind((address, 0))
        port = server.getsockname()[1]
        probe = peers.probe(kind=Kind.CONNECT, address=address, port=port)
        assert perform(probe) == (False, "connection refused")
        server.listen()
        assert perform(probe) == (True, "accepts connections")


def test_a_port_that_answers_nothing_is_down_when_its_time_is_up():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        place = server.getsockname()
        # A full backlog: further connections are not answered.
        with socket.create_connection(place):
            probe = peers.probe(kind=Kind.CONNECT, port=place[1], connect_ms=peers.SILENT_MS)
            assert perform(probe) == (False, "no answer within 0.15 s")


def test_a_combined_check_can_be_asked_for_its_connect_alone():
    probe = peers.probe("http", 1, kind=Kind.COMBINED, connects=3)
    assert perform(probe, only_connect=True) == (False, "connection refused")


@pytest.mark.root
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_loopback_answers_ping(address):
    assert perform(peers.probe(kind=Kind.PING, address=address)) == (True, "answers ping")


@pytest.mark.root
def test_an_address_that_does_not_answer_ping_is_down_after_all_attempts():
    started = time.monotonic()
    # Nothing sends to this network: it is for documentation, and has no route in a namespace without one.
    ok, reason = perform(peers.probe(kind=Kind.PING, address="127.0.0.1", attempts=2, deadline_ms=100))
    assert ok, reason

    async def go():
        checker = Checker()
        checker._pinger._received = lambda *_: None
        try:
            return await checker.perform(peers.probe(kind=Kind.PING, attempts=2, deadline_ms=100))
        finally:
            checker.close()

    assert asyncio.run(go()).reason == "no answer within 0.1 s"
    assert time.monotonic() - started < 5


def test_a_program_gets_the_four_arguments_and_says_by_its_exit_code(tmp_path):
    assert external(tmp_path, 'echo "$@"') == (True, "exit code 0: 192.0.2.100 80 192.0.2.1 8080")
    assert external(tmp_path, "echo first; echo worse >&2; exit 3") == (False, "exit code 3: first")


def test_a_program_that_hangs_ends_with_its_children(tmp_path):
    pid = tmp_path / "pid"
    ok, reason = external(tmp_path, f"sleep 600 & echo $! >{pid}; wait", deadline_ms=400)
    assert (ok, reason) == (False, "no answer within 0.4 s")
    child = int(pid.read_text())
    end = time.monotonic() + 5
    while lives(child):
        assert time.monotonic() < end
        time.sleep(0.01)


def lives(pid):
    try:
        # A zombie is waiting for whoever adopted it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_is_not_there_is_a_failure(tmp_path):
    ok, reason = perform(peers.probe(kind=Kind.EXTERNAL, argv=(str(tmp_path / "none"),)))
    assert (ok, "cannot be run" in reason) == (False, True)


MYSQL = """
class Cursor:
    def execute(self, query): self.query = query
    def fetchone(self): return (1,) if self.query == "SELECT 1" else None
class Connection:
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def cursor(self): return Cursor()
def connect(**given):
    if given["password"] != "secret": raise RuntimeError("access denied")
    if given["database"] == "hang":
        import time
        time.sleep(600)
    return Connection()
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    (tmp_path / "pymysql.py").write_text(MYSQL)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pymysql", raising=False)


def ask(**values):
    given = {"login": "joe", "password": "secret", "request": "SELECT 1", **values}
    return perform(peers.probe("mysql", 3306, **given))


def test_a_database_must_give_a_row(library):
    assert ask() == (True, "exit code 0: a row came back")
    assert ask(request="SELECT 2") == (False, "exit code 1: no row came back")
    assert ask(password="wrong") == (False, "exit code 1: RuntimeError: access denied")


def test_a_database_that_hangs_is_down_when_its_time_is_up(library):
    assert ask(database="hang", deadline_ms=1_000) == (False, "no answer within 1 s")


def test_a_library_that_is_not_installed_is_named(library):
    assert sql.missing("mysql") == sql.missing("http") == ""
    if sql.library("oracle") is None:
        assert (
            sql.missing("oracle")
            == "service=oracle needs the Python library oracledb, which is not installed"
        )
