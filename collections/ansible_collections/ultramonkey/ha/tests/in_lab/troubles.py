"""Playbooks that cannot go on: what they leave, what they say, and that the next run finishes.

Takes minutes, like playbooks.py beside it; `make test-playbooks` runs both.
"""

from __future__ import annotations

import signal
import subprocess

import pytest
from lab.ansible import find
from lab.cluster import variables


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster(client=False)


def play(cluster, name, *arguments, **changes):
    cluster.ansible.set_variables(variables("lb1", **changes))
    return cluster.ansible.playbook(f"ultramonkey.ha.{name}", *arguments, check=False)


def said(done):
    """What was printed, in one line."""
    return " ".join((done.stdout + done.stderr).split())


def there(host, path):
    return host.run(["test", "-e", path], check=False).returncode == 0


def test_1_a_host_that_cannot_be_reached_stops_all_before_the_first_change(cluster):
    lb1, lb2 = cluster.lab.nodes
    lb2.kill()
    done = play(cluster, "site")
    lb2.boot()
    assert done.returncode != 0
    assert "UNREACHABLE" in done.stdout
    assert not there(lb1, "/usr/sbin/hbctl")
    assert not there(lb1, "/etc/ha.d/ha.cf")


def test_2_a_run_that_was_interrupted_is_finished_by_the_next(cluster):
    """Ended from outside when one part of the files is there, and on half of the hosts at most."""
    cluster.ansible.set_variables(variables("lb1"))
    command = [find("ansible-playbook"), "-i", str(cluster.ansible.inventory), "ultramonkey.ha.site"]
    with subprocess.Popen(
        command, env=cluster.ansible.environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        for line in run.stdout:
            if "Replace ha.cf" in line:
                run.send_signal(signal.SIGTERM)
                break
        run.stdout.read()
    assert run.returncode != 0
    done = play(cluster, "site")
    assert done.returncode == 0, done.stdout[-4000:]
    cluster.wait_healthy()
    one, two = (host.read_text("/etc/ha.d/authkeys") for host in cluster.lab.nodes)
    assert one == two
    again = play(cluster, "site")
    assert again.stdout.count("changed=0") == 2, again.stdout[-4000:]


def test_3_rolling_change_stops_at_the_first_trouble_and_says_how_to_go_on(cluster):
    lb1, lb2 = cluster.lab.nodes
    before = {host.name: host.read_text("/etc/ha.d/ha.cf") for host in cluster.lab.nodes}
    generations = [cluster.status(host)["generation"] for host in cluster.lab.nodes]
    lb2.run(["mount", "--bind", "/etc/ha.d", "/etc/ha.d"])
    lb2.run(["mount", "-o", "remount,bind,ro", "/etc/ha.d"])
    try:
        done = play(cluster, "rolling_change", heartbeat_directives={"debug": "1"})
    finally:
        lb2.run(["umount", "/etc/ha.d"])
    assert done.returncode != 0
    for sentence in (
        "lb2: Replace ha.cf and haresources",
        "The nodes that come after lb2 are as they were.",
        "To go on: see hbctl status",
        "To go back: set the variables as they were",
    ):
        assert sentence in said(done)
    assert {host.name: host.read_text("/etc/ha.d/ha.cf") for host in cluster.lab.nodes} == before
    assert [cluster.status(host)["generation"] for host in cluster.lab.nodes] == generations
    assert cluster.holder() is lb1


def test_4_and_the_next_run_finishes(cluster):
    done = play(cluster, "rolling_change", heartbeat_directives={"debug": "1"})
    assert done.returncode == 0, done.stdout[-4000:]
    assert "planned switchovers, at most" in said(done)
    assert all("debug 1" in host.read_text("/etc/ha.d/ha.cf") for host in cluster.lab.nodes)
    cluster.wait_healthy()
    assert cluster.holder().name == "lb2"


def test_5_rolling_change_with_nothing_to_change_moves_nothing(cluster):
    generations = [cluster.status(host)["generation"] for host in cluster.lab.nodes]
    done = play(cluster, "rolling_change", heartbeat_directives={"debug": "1"})
    assert done.returncode == 0, done.stdout[-4000:]
    assert done.stdout.count("changed=0") == 2, done.stdout[-4000:]
    assert cluster.holder().name == "lb2"
    assert [cluster.status(host)["generation"] for host in cluster.lab.nodes] == generations


def test_6_a_sick_cluster_is_not_changed(cluster):
    lb1, lb2 = cluster.lab.nodes
    before = lb1.read_text("/etc/ha.d/ha.cf")
    lb1.run(["/etc/init.d/heartbeat", "stop"])
    done = play(cluster, "rolling_change", heartbeat_directives={"debug": "2"})
    lb1.run(["/etc/init.d/heartbeat", "start"])
    assert done.returncode != 0
    cluster.wait_healthy()
    assert lb1.read_text("/etc/ha.d/ha.cf") == before
    assert cluster.holder() is lb2
