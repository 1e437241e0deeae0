"""The runner with real scripts and a real address."""

from __future__ import annotations

import threading

import pytest
from ultramonkey_heartbeat.config.model import Address, Group, Resource
from ultramonkey_heartbeat.core.events import AddressLost, ResourceFinished
from ultramonkey_heartbeat.net.announce import Announcer
from ultramonkey_heartbeat.net.monitor import Monitor
from ultramonkey_heartbeat.net.netlink import Network
from ultramonkey_heartbeat.net.packet import PacketSender
from ultramonkey_heartbeat.resources.agent import Timeouts
from ultramonkey_heartbeat.resources.factory import Surroundings, make_agent
from ultramonkey_heartbeat.resources.runner import Runner

STARTED = ResourceFinished("10.77.0.10", "start", ok=True)
STOPPED = ResourceFinished("10.77.0.10", "stop", ok=True)

SCRIPT = """#!/bin/sh
# It can be ended before it says that it runs.
[ ! -e {0}/hang ] || trap "echo web ended >>{0}/log; exit 1" TERM
echo "web $1" >>{0}/log
case $1 in
status) [ -e {0}/up ] && echo running || echo stopped;;
start)
    while [ -e {0}/hang ]; do sleep 0.01; done
    touch {0}/up;;
stop) rm -f {0}/up;;
esac
"""
REAL = Group(
    "10.77.0.10",
    "lb1",
    (Resource("IPaddr", ("10.77.0.10",), "10.77.0.10"), Resource("web", (), "web")),
)


class RealRunner:
    """A runner on host a with its monitor, as the daemon has it."""

    def __init__(self, host, directory):
        self.host = host
        self.directory = directory
        script = directory / "web"
        script.write_text(SCRIPT.format(directory))
        script.chmod(0o755)
        self.network = host.call(Network)
        self.sender = PacketSender()
        self.announcer = Announcer(host.loop, self.sender)
        timeouts = Timeouts(5_000, 5_000, 5_000, 1_000)
        surroundings = Surroundings("lb1", self.network, self.announcer, timeouts, (directory,))

        def agent_for(resource):
            address = Address(resource.arguments[0]) if resource.script == "IPaddr" else None
            return make_agent(resource, address, surroundings)

        self.reports = []
        self.told = threading.Condition()
        self.runner = Runner(agent_for, self._report)
        self.monitor = Monitor(host.loop, self)
        host.call(self.monitor.open)

    def _report(self, event):
        with self.told:
            self.reports.append(event)
            self.told.notify()

    def interface_changed(self):
        pass

    def address_removed(self, ip, _index):
        self.runner.address_removed(ip)

    def resync(self):
        self.runner.check_addresses()

    def wait(self, *reports):
        with self.told:
            assert self.told.wait_for(lambda: self.reports == list(reports), 8), self.reports

    def log(self):
        path = self.directory / "log"
        return path.read_text().splitlines() if path.exists() else []

    def close(self):
        self.host.call(self.monitor.close)
        self.host.call(self.announcer.close)
        self.host.run(self.network.close())
        self.sender.close()


@pytest.fixture
def real(lan, tmp_path):
    made = RealRunner(lan.a, tmp_path)
    yield made
    made.close()


def test_a_real_group_starts_and_stops(lan, real):
    lan.a.call(real.runner.start, REAL)
    real.wait(STARTED)
    assert "10.77.0.10/24" in lan.a.ip("addr", "show", "dev", "eth1")
    lan.a.call(real.runner.stop, REAL)
    real.wait(STARTED, STOPPED)
    assert "10.77.0.10" not in lan.a.ip("addr", "show", "dev", "eth1")
    assert real.log() == ["web status", "web start", "web stop"]


def test_a_real_script_is_ended_when_its_start_is_broken_off(lan, real, eventually):
    (real.directory / "hang").touch()
    lan.a.call(real.runner.start, REAL)
    eventually(lambda: "web start" in real.log(), "the script's start")
    lan.a.call(real.runner.stop, REAL)
    real.wait(STOPPED)
    assert real.log() == ["web status", "web start", "web ended", "web stop"]
    assert "10.77.0.10" not in lan.a.ip("addr", "show", "dev", "eth1")


def test_a_real_address_removed_behind_our_back_is_reported_and_can_be_started_again(lan, real):
    lan.a.call(real.runner.start, REAL)
    real.wait(STARTED)
    lan.a.ip("addr", "del", "10.77.0.10/24", "dev", "eth1")
    lost = AddressLost("10.77.0.10", "10.77.0.10")
    real.wait(STARTED, lost)
    lan.a.call(real.runner.start, REAL)
    real.wait(STARTED, lost, STARTED)
    assert "10.77.0.10/24" in lan.a.ip("addr", "show", "dev", "eth1")
    # The script ran all the time.
    assert real.log() == ["web status", "web start", "web status"]


def test_our_own_stop_is_no_lost_address(lan, real):
    lan.a.call(real.runner.start, REAL)
    lan.a.call(real.runner.stop, REAL)
    lan.a.call(real.runner.start, REAL)
    real.wait(STOPPED, STARTED)


def test_leftovers_of_a_crash_are_taken_down(lan, real):
    lan.a.ip("addr", "add", "10.77.0.10/24", "dev", "eth1")
    (real.directory / "up").touch()
    assert lan.a.run(real.runner.release_now([REAL])) == (STOPPED,)
    assert "10.77.0.10" not in lan.a.ip("addr", "show", "dev", "eth1")
    assert real.log() == ["web status", "web stop"]
