"""The unit file under a real systemd: readiness, crash, hang, stop, and what must not be killed."""

from __future__ import annotations

import time

import pytest
from lab.cluster import GROUP, Cluster, variables

SERVICE = """#!/bin/sh
# A service that a group runs: a process that its script leaves behind.
case "$1" in
  start) setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >/run/sleeper ;;
  stop) kill "$(cat /run/sleeper)"; rm -f /run/sleeper ;;
  status) kill -0 "$(cat /run/sleeper 2>/dev/null)" 2>/dev/null && echo running || echo stopped ;;
esac
"""


@pytest.fixture(scope="module")
def cluster(make_cluster):
    cluster: Cluster = make_cluster(client=False, systemd=True)
    for host in cluster.lab.nodes:
        host.run(["mkdir", "-p", "/etc/ha.d/resource.d"])
        host.run(["tee", "/etc/ha.d/resource.d/sleeper"], stdin=SERVICE)
        host.run(["chmod", "755", "/etc/ha.d/resource.d/sleeper"])
    groups = [{"node": "lb1", "resources": [GROUP, "sleeper"]}]
    # The dead time is long enough to tell a goodbye from a silence.
    changes = {"heartbeat_deadtime": "4", "heartbeat_initdead": "4", "heartbeat_watchdog_s": 2}
    cluster.ansible.set_variables(variables("lb1", heartbeat_groups=groups, **changes))
    cluster.deploy()
    cluster.wait_healthy()
    return cluster


def show(host, *properties):
    """Properties of the unit, in the order asked for."""
    done = host.run(["systemctl", "show", "heartbeat", *(f"-p{name}" for name in properties)])
    values = dict(line.split("=", 1) for line in done.stdout.splitlines())
    return [values[name] for name in properties]


def main_pid(host):
    return int(show(host, "MainPID")[0])


def has_address(host):
    return GROUP.split("/")[0] in host.run(["ip", "address"]).stdout


def test_1_the_unit_is_enabled_and_runs_without_complaints(cluster):
    for host in cluster.lab.nodes:
        assert show(host, "ActiveState", "UnitFileState") == ["active", "enabled"]
        verdict = host.run(
            ["systemd-analyze", "verify", "/etc/systemd/system/heartbeat.service"], check=False
        )
        assert "heartbeat.service" not in verdict.stderr
        journal = host.run(["journalctl", "-u", "heartbeat", "-p", "warning", "-o", "cat"]).stdout
        assert "Unknown" not in journal
    assert cluster.holder().name == "lb1"


def test_2_the_second_run_changes_nothing(cluster):
    done = cluster.ansible.playbook("ultramonkey.ha.site")
    assert done.stdout.count("changed=0") == 2


def test_3_a_crash_hands_over_at_once_and_leaves_no_address(cluster):
    """ExecStopPost releases and says goodbye: the peer need not wait for the dead time."""
    lb1, lb2 = cluster.lab.nodes
    lb1.run(["kill", "-KILL", str(main_pid(lb1))])
    cluster.wait("lb2 holds the group", lambda: cluster.status(lb2)["groups"][0]["holder"] == "lb2")
    move = cluster.status(lb2)["groups"][0]["last_move"]
    assert move["reason"] == "left"
    assert not has_address(lb1)
    assert has_address(lb2)
    cluster.wait_healthy()
    assert show(lb1, "NRestarts") == ["1"]
    assert cluster.holder().name == "lb2"


def test_4_the_watchdog_ends_a_hanging_daemon_and_frees_its_address(cluster):
    lb1, lb2 = cluster.lab.nodes
    lb2.run(["kill", "-STOP", str(main_pid(lb2))])
    cluster.wait("lb1 holds the group", lambda: cluster.status(lb1)["groups"][0]["holder"] == "lb1")
    assert cluster.status(lb1)["groups"][0]["last_move"]["reason"] == "left"
    cluster.wait("lb2 has let go of the address", lambda: not has_address(lb2))
    cluster.wait_healthy()
    assert show(lb2, "NRestarts") == ["1"]


def test_5_what_a_script_started_is_not_killed_with_the_daemon(cluster):
    """KillMode=process: only the scripts stop services."""
    lb1 = cluster.lab.host("lb1")
    assert cluster.holder() is lb1
    lb1.run(["sh", "-c", "sed -i 's/kill .*rm -f/rm -f/' /etc/ha.d/resource.d/sleeper"])
    sleeper = lb1.read_text("/run/sleeper").strip()
    lb1.run(["systemctl", "stop", "heartbeat"])
    assert lb1.run(["kill", "-0", sleeper], check=False).returncode == 0
    lb1.run(["kill", sleeper])
    assert not has_address(lb1)
    lb1.run(["systemctl", "start", "heartbeat"])
    cluster.wait_healthy()


def test_6_a_wrong_configuration_is_not_tried_again_and_again(cluster):
    lb1 = cluster.lab.host("lb1")
    lb1.run(["systemctl", "stop", "heartbeat"])
    lb1.run(["sh", "-c", "echo nonsense >>/etc/ha.d/ha.cf"])
    assert lb1.run(["systemctl", "start", "heartbeat"], check=False).returncode != 0
    time.sleep(1.5)
    assert show(lb1, "ActiveState", "ExecMainStatus", "NRestarts") == ["failed", "6", "0"]
