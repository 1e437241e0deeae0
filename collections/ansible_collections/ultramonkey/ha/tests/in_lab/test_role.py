"""The role on two nodes with an init script: what it refuses, shows, does, and leaves alone."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from lab.cluster import GROUP, variables

FILES = ("ha.cf", "haresources", "authkeys")


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster(client=False)


def site(cluster, *arguments, **changes):
    """Run the playbook with changed variables; the finished process."""
    cluster.ansible.set_variables(variables("lb1", **changes))
    return cluster.ansible.playbook("ultramonkey.ha.site", *arguments, check=False)


def changed(done):
    """Host to number of changed tasks, by the recap."""
    return {
        host: int(n) for host, n in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", done.stdout, re.MULTILINE)
    }


def files(host):
    return [host.read_text(f"/etc/ha.d/{name}") for name in FILES]


# -- nothing is installed yet ------------------------------------------------------------------------


def test_1_every_problem_of_every_node_is_told_before_the_first_change(cluster):
    cluster.lab.host("lb2").run(["install", "-D", "/dev/null", "/usr/lib/heartbeat/heartbeat"])
    taker = cluster.lab.host("lb1").popen(
        ["python3", "-uc", "import socket; s = socket.socket(2, 2); s.bind(('', 694)); print(); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    taker.stdout.readline()
    done = site(
        cluster,
        heartbeat_nodes=["lb1", "lb3"],
        heartbeat_deadtme="3",
        heartbeat_links=[
            {"type": "bcast", "interface": "eth7"},
            {"type": "serial", "device": "/dev/ttyS9"},
            {"type": "ppp", "device": "/dev/ttyS8", "addresses": {"lb1": "10.9.0.1"}},
        ],
        heartbeat_groups=[{"node": "lb4", "resources": [GROUP]}],
    )
    cluster.lab.host("lb2").run(["rm", "-r", "/usr/lib/heartbeat"])
    taker.communicate("\n")
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    for problem in (
        "lb2: /usr/lib/heartbeat/heartbeat belongs to another heartbeat",
        "lb2: this host, lb2, is not in heartbeat_nodes (lb1, lb3): add it there, or take",
        "lb1: heartbeat_groups[0].node: lb4 is not a node of ha.cf: write one of: lb1, lb3",
        "lb1: heartbeat_deadtme is no variable of this role, so it would have no effect: heartbeat_deadtime",
        "lb1: there is no interface eth7: heartbeat_links may use eth0",
        "lb1: another program receives on UDP port 694: stop it",
        "lb1: /dev/ttyS9 is not a serial device here: correct heartbeat_links",
        "lb1: /dev/ttyS8 is not a serial device here: correct heartbeat_links",
        "lb1: heartbeat_links: the addresses of /dev/ttyS8 must be two, one of them of lb1",
    ):
        assert problem in said
    assert changed(done) == {"lb1": 0, "lb2": 0}


def test_2_a_limited_run_is_refused_because_it_would_make_a_cluster_of_its_own(cluster):
    done = site(cluster, "--limit", "lb1")
    assert done.returncode != 0
    assert "with --limit, the play may not see all nodes" in done.stdout


def test_3_check_mode_shows_the_files_on_a_bare_node_and_writes_nothing(cluster):
    done = site(cluster, "--check", "--diff")
    assert done.returncode == 0, done.stdout
    assert "+deadtime 500ms" in done.stdout
    assert f"+lb1 {GROUP}" in done.stdout
    assert "sha256 " not in done.stdout
    for host in cluster.lab.nodes:
        look = ["ls", "-d", "/etc/ha.d", "/usr/sbin/hbctl", "/usr/lib/ultramonkey-heartbeat"]
        assert host.run(look, check=False).stdout == ""


def test_4_variables_that_make_no_configuration_are_refused_with_the_daemons_own_words(cluster):
    done = site(cluster, heartbeat_deadtime="150ms")
    assert done.returncode != 0
    assert "heartbeat_deadtime: deadtime 150ms is not above twice the keepalive" in " ".join(
        done.stdout.split()
    )
    assert changed(done) == {"lb1": 0, "lb2": 0}


# -- deployed ----------------------------------------------------------------------------------------


def test_5_the_cluster_runs_and_its_key_was_never_shown(cluster):
    done = site(cluster, "-vvv", "--diff")
    assert done.returncode == 0, done.stdout[-3000:]
    cluster.wait_healthy()
    assert cluster.holder().name == "lb1"
    one, two = (files(host) for host in cluster.lab.nodes)
    assert one == two
    secret = one[2].split()[-1]
    assert len(secret) >= 43
    assert secret not in done.stdout + done.stderr
    modes = cluster.lab.host("lb1").run(["stat", "-c", "%a", *(f"/etc/ha.d/{name}" for name in FILES)]).stdout
    assert modes.split() == ["644", "644", "600"]


def test_5b_the_commands_of_3_0_6_are_where_they_were_and_files_of_others_are_left_alone(cluster):
    lb1, lb2 = cluster.lab.nodes
    assert lb1.run(["cl_status", "rscstatus"]).stdout == "local\n"
    assert lb1.run(["cl_status", "nodestatus", "lb2"]).stdout == "active\n"
    assert lb2.run(["/usr/share/heartbeat/hb_takeover", "all"]).returncode == 0
    cluster.wait("lb2 holds the group", lambda: cluster.holder().name == "lb2")
    assert lb2.run(["/usr/share/heartbeat/hb_standby", "foreign"]).returncode == 0
    cluster.wait("lb1 holds the group", lambda: cluster.holder().name == "lb1")
    script = "rm /usr/bin/cl_status; echo '#!/bin/false of a package' >/usr/bin/cl_status"
    lb2.run(["sh", "-c", script])
    done = site(cluster)
    assert (done.returncode, changed(done)) == (0, {"lb1": 0, "lb2": 0})
    assert "/usr/bin/cl_status: belongs to another heartbeat" in " ".join(done.stdout.split())
    assert "of a package" in lb2.read_text("/usr/bin/cl_status")
    lb2.run(["rm", "/usr/bin/cl_status"])
    assert changed(site(cluster)) == {"lb1": 0, "lb2": 1}


def test_6_the_second_run_changes_nothing(cluster):
    before = [files(host) for host in cluster.lab.nodes]
    done = site(cluster)
    assert (done.returncode, changed(done)) == (0, {"lb1": 0, "lb2": 0})
    assert [files(host) for host in cluster.lab.nodes] == before
    assert changed(site(cluster, "--check")) == {"lb1": 0, "lb2": 0}
    # What was seen as it shall be is not asked for again, file by file: that took most of the time.
    asked_again = set(re.findall(r"^ok: .* => \(item=(\S+)\)", done.stdout, re.MULTILINE))
    assert not asked_again & {"heartbeatd", "hbctl", "ha.cf", "/usr/bin/cl_status"}


def test_6b_what_somebody_has_spoilt_is_mended_on_that_node_alone(cluster):
    lb1 = cluster.lab.host("lb1")
    before = files(lb1)
    spoilt = {
        "/usr/sbin/hbctl": "755 0",
        "/usr/bin/cl_status": "755 0",
        "/etc/init.d/heartbeat": "755 0",
        "/etc/ha.d/haresources": "644 0",
        "/var/lib/heartbeat": "750 0",
        "/etc/ha.d/resource.d": "755 0",
    }
    for path in spoilt:
        lb1.run(["chmod", "700", path])
    lb1.run(["chown", "daemon", "/etc/ha.d/haresources", "/var/lib/heartbeat"])
    lb1.run(["sed", "-i", "$a # and a line more", "/usr/bin/cl_status"])
    assert changed(site(cluster)) == {"lb1": 6, "lb2": 0}
    told = lb1.run(["stat", "--format", "%a %u", *spoilt]).stdout.splitlines()
    assert dict(zip(spoilt, told)) == spoilt
    assert files(lb1) == before
    assert changed(site(cluster)) == {"lb1": 0, "lb2": 0}


def test_7_a_new_key_is_refused_while_the_nodes_run(cluster):
    before = [files(host) for host in cluster.lab.nodes]
    ring = {"current": 1, "keys": [{"index": 1, "method": "sha1", "key": "another-secret"}]}
    done = site(cluster, heartbeat_authkeys=ring)
    assert done.returncode != 0
    assert "Change keys in three runs" in " ".join(done.stdout.split())
    assert "another-secret" not in done.stdout
    assert [files(host) for host in cluster.lab.nodes] == before


def test_7b_a_rotated_key_is_kept_and_the_next_run_changes_nothing(cluster):
    """The daemons have read it already, so that a reload by the role is none."""
    done = cluster.ansible.playbook("ultramonkey.ha.rotate_key", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    before = [files(host) for host in cluster.lab.nodes]
    assert changed(site(cluster)) == {"lb1": 0, "lb2": 0}
    assert [files(host) for host in cluster.lab.nodes] == before
    cluster.wait_healthy()


def test_8_what_cannot_be_reloaded_restarts_the_standby_first_and_one_after_another(cluster):
    generations = [cluster.status(host)["generation"] for host in cluster.lab.nodes]
    done = site(cluster, heartbeat_deadtime="600ms", heartbeat_directives={"debug": "1"})
    assert done.returncode == 0, done.stdout[-3000:]
    first, second = done.stdout.index("by its init script lb2"), done.stdout.index("by its init script lb1")
    assert first < second
    cluster.wait_healthy()
    for host, generation in zip(cluster.lab.nodes, generations):
        status = cluster.status(host)
        assert status["config"]["deadtime_ms"] == 600
        assert status["generation"] > generation
    assert cluster.lab.host("lb1").run(["sh", "-c", "ls /etc/ha.d/ha.cf.*~"]).stdout != ""


def test_9_the_failover_module_four_times(cluster):
    """Check, run, run again, check again; on all nodes at once."""
    cluster.ansible.set_variables(variables("lb1"))
    target = next(host for host in cluster.lab.nodes if host is not cluster.holder()).name

    def failover(*options):
        module = ("heartbeat", "ultramonkey.ha.failover", f"to={target}")
        return list(cluster.ansible.module(*module, options=options).values())

    assert [result["changed"] for result in failover("--check")] == [True, True]
    assert cluster.holder().name != target
    results = failover()
    assert all(result["after"] == {GROUP: target} for result in results)
    assert any(result["moved"] for result in results)
    assert cluster.holder().name == target
    assert [result["changed"] for result in failover()] == [False, False]
    assert [result["changed"] for result in failover("--check")] == [False, False]


def test_9b_a_drill_that_cannot_be_is_refused_and_check_mode_only_tells(cluster):
    holder = cluster.holder().name
    hosts = ("-e", "heartbeat_hosts=heartbeat")
    done = cluster.ansible.playbook(
        "ultramonkey.ha.drill", *hosts, "-e", "heartbeat_drill_address=192.0.2.99", check=False
    )
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert "heartbeat_drill_client is not set: name a host of the inventory that is no node" in said
    assert "heartbeat_drill_address is 192.0.2.99: name one of 192.0.2.10" in said
    client = ("-i", "client,", "-e", "heartbeat_drill_client=client")
    done = cluster.ansible.playbook("ultramonkey.ha.drill", "--check", *hosts, *client, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"client would ask 192.0.2.10 while {GROUP} is moved from {holder} to lb" in done.stdout
    assert changed(done) == {"lb1": 0, "lb2": 0}
    assert cluster.holder().name == holder


SERVICE_CASES = [
    # command, exit code, what it says
    (["status"], 0, "running"),
    (["start"], 0, "already running"),
    (["reload"], 0, ""),
    ([], 2, "usage"),
    (["stop"], 0, "stopped"),
    (["status"], 3, "not running"),
    (["stop"], 0, "not running"),
    (["reload"], 7, "not running"),
    (["start"], 0, "started"),
    (["status"], 0, "running"),
]


def test_a_the_init_script_does_what_lsb_says(cluster):
    host = cluster.lab.host("lb2")
    for command, code, says in SERVICE_CASES:
        done = host.run(["/etc/init.d/heartbeat", *command], check=False)
        assert (command, done.returncode) == (command, code), done.stdout
        assert says in done.stdout + done.stderr


def test_b_a_wrong_file_does_not_end_a_daemon_that_serves(cluster):
    host = cluster.lab.host("lb2")
    cluster.wait_healthy()
    host.run(["sh", "-c", "echo nonsense >>/etc/ha.d/ha.cf"])
    generation = cluster.status(host)["generation"]
    assert host.run(["/etc/init.d/heartbeat", "restart"], check=False).returncode == 6
    assert cluster.status(host)["generation"] == generation
    host.run(["/etc/init.d/heartbeat", "stop"])
    assert host.run(["/etc/init.d/heartbeat", "start"], check=False).returncode == 6


def test_c_the_role_shows_what_somebody_edited_and_mends_it_when_it_is_told_to(cluster):
    done = site(cluster)
    assert done.returncode != 0
    assert "lb2: /etc/ha.d/ha.cf was not written by this role as it is now" in " ".join(done.stdout.split())
    assert "-nonsense" in done.stdout
    assert changed(done) == {"lb1": 0, "lb2": 0}
    done = site(cluster, heartbeat_overwrite=True)
    assert done.returncode == 0, done.stdout[-3000:]
    cluster.wait_healthy()
    assert "nonsense" not in json.dumps([files(host) for host in cluster.lab.nodes])
