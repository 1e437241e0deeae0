"""A cluster's life by playbooks, while a client asks: what they promise about the outage, they keep.

Takes minutes, so that `make test` leaves it out by its name; `make test-playbooks` runs it.
"""

from __future__ import annotations

import json
import re

import pytest
import yaml
from lab.cluster import ADDRESS, GROUP, variables
from lab.prober import Prober

# More than the prober itself is ever held up by a busy machine, less than any restart without maintenance.
NOTHING_MS = 150


@pytest.fixture(scope="module")
def cluster(make_cluster):
    cluster = make_cluster(client=True)
    cluster.ansible.set_variables(variables("lb1"))
    cluster.deploy()
    cluster.wait_healthy()
    return cluster


def play(cluster, name, *arguments, code=0, **changes):
    cluster.ansible.set_variables(variables("lb1", **changes))
    done = cluster.ansible.playbook(f"ultramonkey.ha.{name}", *arguments, check=False)
    assert done.returncode == code, done.stdout[-4000:]
    return done.stdout


def changed(printed):
    return {h: int(n) for h, n in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", printed, re.MULTILINE)}


def outage_of(cluster, *arguments, **changes):
    """The longest silence that a client saw while a playbook ran."""
    with Prober(cluster.lab.client, ADDRESS) as prober:
        prober.wait_answering(10)
        prober.mark()
        play(cluster, *arguments, **changes)
        outage = prober.outage()
    return outage.gap_ms - outage.paused_ms


def generations(cluster):
    return [cluster.status(host)["generation"] for host in cluster.lab.nodes]


def as_it_is(cluster):
    """What a playbook changes when it does anything at all."""
    found = [cluster.holder().name]
    for host in cluster.lab.nodes:
        status = cluster.status(host)
        found.append((status["generation"], status["maintenance"], status["config"]))
        files = "/etc/ha.d/*[a-z] /var/lib/heartbeat/started-with"
        found.append(
            host.run(["sh", "-c", f"cat {files}; stat -c '%n %Y' {files} /etc/init.d/heartbeat"]).stdout
        )
    return found


def foreseen(cluster, name, *arguments, **changes):
    """How many changes check mode foresees on each host; it makes none."""
    before = as_it_is(cluster)
    would_change = changed(play(cluster, name, "--check", *arguments, **changes))
    assert as_it_is(cluster) == before
    return would_change


def test_1_preflight_changes_nothing_and_finds_nothing(cluster):
    assert changed(play(cluster, "preflight")) == {"lb1": 0, "lb2": 0}


def test_2_the_key_is_rotated_without_a_lost_answer(cluster):
    before = cluster.lab.host("lb1").read_text("/etc/ha.d/authkeys")
    rejected = [cluster.status(host)["counters"]["frames_rejected"] for host in cluster.lab.nodes]
    assert min(foreseen(cluster, "rotate_key").values()) > 0
    assert outage_of(cluster, "rotate_key") < NOTHING_MS
    one, two = (host.read_text("/etc/ha.d/authkeys") for host in cluster.lab.nodes)
    assert one == two != before
    assert re.fullmatch(r"auth 2\n2 sha256 \w{43}\n", one)
    now = [cluster.status(host)["counters"]["frames_rejected"] for host in cluster.lab.nodes]
    assert now == rejected


@pytest.mark.parametrize("everywhere", [(), ("present",), ("present", "used")])
def test_2_a_rotation_that_was_interrupted_is_finished_by_the_next(cluster, everywhere):
    """These steps all nodes have taken, the next one only the first; then the play ended."""
    [next_step, *_] = [step for step in ("present", "used", "absent") if step not in everywhere]
    for step in (*everywhere, next_step):
        hosts = "heartbeat" if step in everywhere else "lb1"
        index = 2 if step == "absent" else 9
        key = "key=a-key-of-an-interrupted-rotation" if step == "present" else ""
        cluster.ansible.module(hosts, "ultramonkey.ha.authkeys", f"index={index} state={step} {key}")
        cluster.ansible.module(hosts, "ansible.builtin.command", "hbctl reload")
    one, two = (host.read_text("/etc/ha.d/authkeys") for host in cluster.lab.nodes)
    assert one != two
    rejected = [cluster.status(host)["counters"]["frames_rejected"] for host in cluster.lab.nodes]
    play(cluster, "rotate_key")
    one, two = (host.read_text("/etc/ha.d/authkeys") for host in cluster.lab.nodes)
    assert re.fullmatch(r"auth (\d+)\n\1 sha256 \w{43}\n", one)
    assert one == two
    assert "a-key-of-an" not in one
    now = [cluster.status(host)["counters"]["frames_rejected"] for host in cluster.lab.nodes]
    assert now == rejected


def test_2_keys_that_would_separate_the_nodes_are_not_touched(cluster):
    lb1, lb2 = cluster.lab.nodes
    before = lb1.read_text("/etc/ha.d/authkeys")
    lb1.run(["tee", "/etc/ha.d/authkeys"], stdin="auth 4\n4 sha1 a-key-that-lb2-does-not-have\n")
    said = " ".join(play(cluster, "rotate_key", code=2).split())
    lb1.run(["tee", "/etc/ha.d/authkeys"], stdin=before)
    assert "lb2 does not have the key that lb1 would sign with" in said
    assert lb2.read_text("/etc/ha.d/authkeys") == before


def test_3_under_maintenance_daemons_are_restarted_and_nobody_notices(cluster):
    assert max(foreseen(cluster, "maintenance_on").values()) == 1
    play(cluster, "maintenance_on")
    assert changed(play(cluster, "maintenance_on")) == {"lb1": 0, "lb2": 0}
    before = generations(cluster)
    with Prober(cluster.lab.client, ADDRESS) as prober:
        prober.wait_answering(10)
        prober.mark()
        for host in cluster.lab.nodes:
            host.run(["/etc/init.d/heartbeat", "restart"])
        outage = prober.outage()
    assert outage.gap_ms - outage.paused_ms < NOTHING_MS
    assert all(now > then for now, then in zip(generations(cluster), before))
    assert max(foreseen(cluster, "maintenance_off").values()) == 1
    play(cluster, "maintenance_off")
    cluster.wait_healthy()
    assert cluster.holder().name == "lb1"


def test_4_a_switchover_is_planned_and_told(cluster):
    assert max(foreseen(cluster, "switchover", "-e", "heartbeat_to=lb2").values()) == 1
    assert "moved 1 group to lb2" in play(cluster, "switchover", "-e", "heartbeat_to=lb2")
    assert cluster.holder().name == "lb2"
    play(cluster, "switchover", "-e", "heartbeat_away_from=lb2")
    assert cluster.holder().name == "lb1"
    assert "give either heartbeat_to" in play(cluster, "switchover", code=2)


def test_5_timers_are_changed_without_a_restart(cluster):
    before = generations(cluster)
    assert outage_of(cluster, "site", heartbeat_deadtime="700ms") < NOTHING_MS
    assert generations(cluster) == before
    assert {cluster.status(host)["config"]["deadtime_ms"] for host in cluster.lab.nodes} == {700}


def test_6_what_needs_a_restart_is_changed_standby_first(cluster):
    before = generations(cluster)
    settings = {"heartbeat_directives": {"debug": "1"}, "heartbeat_deadtime": "700ms"}
    assert min(foreseen(cluster, "rolling_change", **settings).values()) > 0
    printed = play(cluster, "rolling_change", **settings)
    assert printed.index("by its init script lb2") < printed.index("by its init script lb1")
    assert all(now > then for now, then in zip(generations(cluster), before))
    cluster.wait_healthy()


def test_7_a_new_release_is_rolled_out_and_nobody_notices(cluster):
    """The release is the same; the nodes are made to believe that they run with an older one."""
    settings = {"heartbeat_directives": {"debug": "1"}, "heartbeat_deadtime": "700ms"}
    for host in cluster.lab.nodes:
        host.run(["sed", "-i", "4s/^./x/", "/var/lib/heartbeat/started-with"])
    assert min(foreseen(cluster, "rolling_upgrade", **settings).values()) > 0
    before = generations(cluster)
    assert outage_of(cluster, "rolling_upgrade", **settings) < NOTHING_MS
    assert all(now > then for now, then in zip(generations(cluster), before))
    cluster.wait_healthy()
    assert cluster.status(cluster.lab.nodes[0])["maintenance"] == {"cluster": False, "groups": []}


def drill(cluster, report, **changes):
    """A drill with the client of the laboratory, whose nodes have no systemd."""
    hosts = json.loads(cluster.ansible.inventory.read_text())
    hosts["probers"] = {
        "hosts": {"client": {"ansible_lab_pid_file": str(cluster.lab.pid_file("client"))}},
        "vars": {key: v for key, v in hosts["heartbeat"]["vars"].items() if key.startswith("ansible_")},
    }
    cluster.ansible.inventory.write_text(json.dumps(hosts))
    settings = {
        "heartbeat_hosts": "heartbeat",
        "heartbeat_drill_client": "client",
        "heartbeat_drill_report": str(report),
        # What systemd does: the daemon is killed, and what it held is released.
        "heartbeat_drill_crash": "sh -c 'kill -9 $(cat /run/heartbeat/heartbeatd.pid); heartbeatd --release'",
        "heartbeat_drill_recover": "/etc/init.d/heartbeat start",
        **changes,
    }
    return cluster.ansible.playbook("ultramonkey.ha.drill", "-e", json.dumps(settings), check=False)


def test_8_a_drill_that_breaks_off_leaves_a_whole_cluster_and_says_so(cluster, tmp_path):
    """The command that is to let it crash fails, after it has done its work."""
    crash = "sh -c 'kill -9 $(cat /run/heartbeat/heartbeatd.pid); heartbeatd --release; exit 7'"
    done = drill(cluster, tmp_path, heartbeat_drill_crash=crash)
    assert done.returncode == 2, done.stdout[-4000:]
    said = " ".join(done.stdout.split())
    assert "The drill was broken off, there is no report: Let the holder crash" in said, done.stdout[-6000:]
    assert "run this playbook again" in said
    cluster.wait_healthy()
    client = cluster.lab.host("client")
    assert client.run(["ls", "/run/heartbeat-drill.json.stop"], check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_8_a_drill_writes_what_the_client_saw(cluster, tmp_path):
    done = drill(cluster, tmp_path)
    assert done.returncode == 0, done.stdout[-4000:]
    report = json.loads((tmp_path / "drill.json").read_text())
    assert [step["name"] for step in report["steps"]] == ["planned", "crash"]
    assert report["probe"]["answered"] > 100
    assert {event["event"] for event in report["events"]} >= {"moved", "started"}
    page = (tmp_path / "drill.html").read_text()
    assert "<svg" in page
    assert "lb2 crashes" in page or "lb1 crashes" in page


def test_9_existing_files_are_imported_as_variables(cluster, tmp_path):
    play(cluster, "import_legacy", "-e", f"heartbeat_import_to={tmp_path}/imported")
    told = yaml.safe_load((tmp_path / "imported" / "lb1.yml").read_text())
    assert told["heartbeat_nodes"] == ["lb1", "lb2"]
    assert told["heartbeat_groups"] == [{"node": "lb1", "resources": [GROUP]}]
    assert "heartbeat_authkeys" not in told


SEMANAGE = """#!/bin/sh
# Knows the types that were set, one a line.
case "$2" in
--list) cat /run/fcontexts ;;
--delete) grep -vF "$3" /run/fcontexts > /run/fcontexts.new; mv /run/fcontexts.new /run/fcontexts ;;
esac
"""


def test_a_removing_is_meant_and_leaves_only_the_files(cluster):
    assert "give -e heartbeat_really_remove=true" in play(cluster, "remove", code=2)
    lb1 = cluster.lab.host("lb1")
    lb1.run(["tee", "/usr/sbin/semanage"], stdin=SEMANAGE)
    lb1.run(["chmod", "0755", "/usr/sbin/semanage"])
    theirs = "/srv/www(/.*)?  all files  system_u:object_r:httpd_sys_content_t:s0\n"
    ours = "/usr/lib/ultramonkey-heartbeat/venv/bin(/.*)?  all files  system_u:object_r:bin_t:s0\n"
    lb1.run(["tee", "/run/fcontexts"], stdin=theirs + ours)
    play(cluster, "remove", "-e", "heartbeat_really_remove=true")
    assert lb1.read_text("/run/fcontexts") == theirs
    for host in cluster.lab.nodes:
        assert ADDRESS not in host.run(["ip", "address"]).stdout
        look = [
            "ls",
            "-d",
            "/usr/sbin/hbctl",
            "/etc/init.d/heartbeat",
            "/var/lib/heartbeat",
            "/run/heartbeat",
        ]
        assert host.run(look, check=False).stdout == ""
        assert host.read_text("/etc/ha.d/haresources")
    assert changed(play(cluster, "remove", "-e", "heartbeat_really_remove=true")) == {"lb1": 0, "lb2": 0}
