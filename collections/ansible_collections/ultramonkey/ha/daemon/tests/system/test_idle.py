"""Nothing that goes wrong makes the daemon busy."""

from __future__ import annotations

import time

import pytest
from machines import wait_until

SHARE_MAX = 0.20


def share_of_a_core(machine):
    """The part of one second that the daemon computes."""
    before = machine.cpu_seconds()
    time.sleep(1.0)
    return machine.cpu_seconds() - before


def interfaces_missing(cluster):
    machines = cluster.make(
        media=("bcast eth1 eth7",), haresources="lb1 10.77.0.100/24/eth8\n", keepalive="50ms"
    )
    for machine in machines:
        machine.start()
    wait_until(lambda: machines[0].problems().count("group-failed") == 2, "the failure on both")
    return machines[0]


def split(cluster):
    lb1, lb2 = cluster.start(keepalive="50ms")
    cluster.switch.isolate(lb1, lb2)
    wait_until(lambda: lb1.holds() and lb2.holds(), "both hold")
    return lb2


def interface_gone(cluster):
    lb1, lb2 = cluster.start(keepalive="50ms")
    lb1.unplug()
    wait_until(lb2.holds, "the takeover")
    lb1.own_addresses = []
    return lb1


def run_directory_gone(cluster):
    lb1, _ = cluster.start(keepalive="50ms")
    for path in lb1.run_directory.iterdir():
        path.unlink()
    lb1.run_directory.rmdir()
    return lb1


@pytest.mark.parametrize("trouble", [interfaces_missing, split, interface_gone, run_directory_gone])
def test_a_daemon_in_trouble_does_not_burn_the_processor(cluster, trouble):
    machine = trouble(cluster)
    assert share_of_a_core(machine) < SHARE_MAX
