"""Talking to the service manager, and what is asked of the kernel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from ultramonkey_heartbeat.daemon import service


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path, monkeypatch):
    """A service manager's socket."""
    address = f"\0um-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address)
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address.replace("\0", "@"))
        yield receiver


def test_what_is_said_arrives_as_one_datagram(manager):
    service.notify("READY=1\nSTATUS=running")
    service.notify("WATCHDOG=1")
    assert manager.recv(1024) == b"READY=1\nSTATUS=running"
    assert manager.recv(1024) == b"WATCHDOG=1"


def test_a_manager_that_does_not_read_delays_nobody(manager):
    for _ in range(10_000):
        service.notify("WATCHDOG=1")
    assert manager.recv(1024) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all", "@nobody-listens", "x" * 300])
def test_without_a_manager_nothing_happens(monkeypatch, address):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    service.notify("READY=1")


@pytest.mark.parametrize(
    ("microseconds", "pid", "interval_s"),
    [
        ("10000000", None, 5.0),
        ("300000", "mine", 0.15),
        ("10000000", "1", None),
        (None, None, None),
        ("", None, None),
        ("soon", None, None),
        ("-5", None, None),
        ("0", None, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_must_be(monkeypatch, microseconds, pid, interval_s):
    for name, value in (("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(os.getpid()) if value == "mine" else value)
    assert service.watchdog_interval_s() == interval_s


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for real-time priority")
def test_real_time_priority_stays_with_the_daemon():
    code = """
import os, subprocess, sys
from ultramonkey_heartbeat.daemon import service
print(service.become_realtime(7))
print(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR)
print(os.sched_getparam(0).sched_priority)
[locked] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmLck")]
print(locked != "0", flush=True)
subprocess.run([sys.executable, "-c", "import os; print(os.sched_getscheduler(0) == os.SCHED_OTHER)"])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines() == ["None", "True", "7", "True", "True"]


def test_without_the_permission_it_says_why(monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(service.os, "sched_setscheduler", refused)
    assert service.become_realtime(1) == "no real-time priority: Operation not permitted"
