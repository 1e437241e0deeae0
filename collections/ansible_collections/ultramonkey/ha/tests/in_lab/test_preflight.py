"""What preflight finds out about the whole cluster before the first change, and half a cluster made whole."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml
from lab.cluster import ADDRESS, GROUP, variables

FILES = ("ha.cf", "haresources", "authkeys")
# Until standard input ends.
FOREIGN_HEARTBEATS = """
import select, socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
frame = b"###\\n10:(0)src=NAME,12:(0)t=status,\\n%%%\\n"
print(flush=True)
while not select.select([sys.stdin], [], [], 0.2)[0]:
    sock.sendto(frame, ("192.0.2.255", 694))
"""
DROP = "table inet mine { chain in { type filter hook input priority 0; udp dport 694 drop; }; }"


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster()


def play(cluster, name, *arguments, **changes):
    cluster.ansible.set_variables(variables("lb1", **changes))
    done = cluster.ansible.playbook(f"ultramonkey.ha.{name}", *arguments, check=False)
    return done, " ".join(done.stdout.split())


def refused(cluster, *arguments, name="preflight", **changes):
    """What a playbook that refuses says; it has changed nothing."""
    before = state(cluster)
    done, said = play(cluster, name, *arguments, **changes)
    assert done.returncode != 0, done.stdout[-3000:]
    assert not re.findall(r"changed=[1-9]", said)
    assert state(cluster) == before
    return said


def state(cluster):
    """What is on the nodes' disks and what runs, as far as the role could change it."""
    script = (
        "cat /etc/ha.d/* /run/heartbeat/heartbeatd.pid 2>/dev/null; ls -d /usr/lib/ultramonkey-heartbeat/* "
        "/usr/sbin/h*b* /etc/init.d/heartbeat /root/.ansible_async/* /tmp/*heartbeat* 2>/dev/null"
    )
    return [host.run(["sh", "-c", script], check=False).stdout for host in cluster.running()]


# -- nothing is installed yet ------------------------------------------------------------------------


def test_1_a_sound_plan_is_let_through_and_leaves_nothing_behind(cluster):
    before = state(cluster)
    done, _ = play(cluster, "preflight")
    assert done.returncode == 0, done.stdout[-3000:]
    assert state(cluster) == before


def test_2_a_firewall_that_lets_nobody_in_is_found_from_both_sides(cluster):
    lb2 = cluster.lab.host("lb2")
    lb2.run(["nft", DROP])
    said = refused(cluster)
    lb2.run(["nft", "delete table inet mine"])
    assert "lb1: heartbeat_links: lb2 is heard over bcast eth0, but does not hear this node over it" in said
    assert "lb2: heartbeat_links: nothing of lb1 is heard over bcast eth0" in said


def test_3_another_cluster_on_the_wire_is_found_and_so_are_names_that_are_taken(cluster):
    for name, wanted in (
        ("lb9", "another cluster is on this network: lb9 sends heartbeats over bcast eth0, on the same port"),
        ("lb2", "a machine that calls itself lb2 sends heartbeats, but the daemon of lb2 does not run"),
    ):
        program = ["python3", "-c", FOREIGN_HEARTBEATS.replace("NAME", name)]
        stranger = cluster.lab.client.popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stranger.stdout.readline()
        said = refused(cluster)
        stranger.communicate("")
        assert f"lb1: {wanted}" in said


def test_4_a_virtual_address_that_somebody_has_is_found(cluster):
    cluster.lab.client.run(["ip", "address", "add", f"{ADDRESS}/24", "dev", "eth0"])
    said = refused(cluster)
    cluster.lab.client.run(["ip", "address", "del", f"{ADDRESS}/24", "dev", "eth0"])
    assert f"lb1: heartbeat_groups: {ADDRESS} is used by another machine (02:00:5e:00:00:64 on eth0)" in said
    lb1 = cluster.lab.host("lb1")
    lb1.run(["ip", "address", "add", f"{ADDRESS}/24", "dev", "eth0"])
    said = refused(cluster)
    lb1.run(["ip", "address", "del", f"{ADDRESS}/24", "dev", "eth0"])
    assert f"lb1: heartbeat_groups: {ADDRESS} is on this host already, and not by heartbeat" in said


def test_5_keys_that_differ_and_files_of_others_are_told_by_digest_and_difference(cluster):
    for host, key in zip(cluster.lab.nodes, ("one-secret-of-a-test", "another-secret-of-a-test")):
        host.run(["mkdir", "-p", "/etc/ha.d"])
        host.run(["tee", "/etc/ha.d/authkeys"], stdin=f"auth 1\n1 sha1 {key}\n")
    cluster.lab.host("lb1").run(["tee", "/etc/ha.d/haresources"], stdin="web IPaddr::192.0.2.77\n")
    said = refused(cluster, "-vvv", "--diff")
    for host in cluster.lab.nodes:
        host.run(["rm", "-r", "/etc/ha.d"])
    assert re.search(r"lb2: its keys \(digest \w{8}\) are not those of lb1 \(\w{8}\)", said)
    assert "secret-of-a-test" not in said
    assert "lb1: /etc/ha.d/haresources was not written by this role as it is now" in said
    assert "-web IPaddr::192.0.2.77 | +lb1 192.0.2.10/24/eth0" in said


def test_5_a_resource_that_a_node_does_not_have_is_refused_there_and_named(cluster):
    """lb1 has the script, lb2 one that cannot be run, neither has the unit, which needs systemd."""
    groups = [{"node": "lb1", "resources": [GROUP, "webserver::fast", "web.service"]}]
    for host, mode in zip(cluster.lab.nodes, ("755", "644")):
        host.run(["mkdir", "-p", "/etc/ha.d/resource.d"])
        host.run(["install", "-m", mode, "/dev/null", "/etc/ha.d/resource.d/webserver"])
    said = refused(cluster, name="site", heartbeat_groups=groups)
    later = {"heartbeat_groups": groups, "heartbeat_installed_later": ["webserver", "web.service"]}
    assert play(cluster, "preflight", **later)[0].returncode == 0
    for host in cluster.lab.nodes:
        host.run(["rm", "-r", "/etc/ha.d"])
    wanted = "heartbeat_groups: haresources:1: webserver cannot be started on this machine: "
    assert f"lb2: {wanted}/etc/ha.d/resource.d/webserver is no executable file: install it there" in said
    assert f"lb1: {wanted}" not in said
    for name in ("lb1", "lb2"):
        assert (
            f"{name}: heartbeat_groups: haresources:1: web.service cannot be started on this machine" in said
        )


def test_5_values_that_would_fail_later_are_refused_all_at_once_with_what_would_be_right(cluster):
    values = {
        "heartbeat_links": [{"type": "bcast", "interface": "eth0", "port": 70000}],
        "heartbeat_groups": [{"node": "lb1", "resources": ["192.0.2.10/24/eth9", "198.51.100.7"]}],
        "heartbeat_watchdog_s": -1,
        "heartbeat_stop_timeout_s": 0,
        "heartbeat_initdead": "150",
        "heartbeat_firewall": "firewalld",
        "heartbeat_firewall_sources": ["192.0.2.1/24"],
        "heartbeat_sysctl": {"net.ipv4.ip_nonlocal_bnd": 1, "net.ipv4.ip_forward": True},
        "heartbeat_directives": {"debgu": 1},
    }
    said = refused(cluster, name="site", **values)
    for told in (
        "heartbeat_links[0].port: udpport: 70000 is not a number from 1 to 65535",
        "heartbeat_groups: there is no interface eth9 for its addresses: write one of eth0",
        "heartbeat_watchdog_s is -1: write a number of seconds, at least 0",
        "heartbeat_stop_timeout_s is 0: write a number of seconds, at least 1",
        "heartbeat_settle_timeout_s is 120, but a node waits up to 150 s (heartbeat_initdead) for the others",
        "heartbeat_firewall is firewalld, but firewall-cmd is not on this host: install it, or write",
        "heartbeat_firewall_sources has 192.0.2.1/24, which is no address and no network (192.0.2.1/24 has",
        "heartbeat_sysctl: the kernel has no setting net.ipv4.ip_nonlocal_bnd: correct the name",
        "heartbeat_sysctl: net.ipv4.ip_forward is True, but the kernel takes numbers there: write such as",
        "heartbeat_directives.debgu: debgu is not known",
    ):
        assert f"lb1: {told}" in said
        assert f"lb2: {told}" in said
    far = [{"node": "lb1", "resources": ["198.51.100.7"]}]
    said = refused(cluster, name="site", heartbeat_groups=far)
    assert "lb1: heartbeat_groups: no interface of this host is in the network of 198.51.100.7" in said


def test_5_text_where_a_list_belongs_is_refused_before_anybody_goes_through_its_letters(cluster):
    values = {
        "heartbeat_firewall_sources": "192.0.2.12",
        "heartbeat_installed_later": "webserver",
        "heartbeat_networkmanager_unmanaged": "eth1",
        "heartbeat_sysctl": "net.ipv4.ip_nonlocal_bind=1",
        "heartbeat_authkeys": "current=1 key=a-secret-in-the-wrong-form",
    }
    said = refused(cluster, name="site", **values)
    assert "a-secret-in" not in said
    # The argument specs have the first word on this one.
    del values["heartbeat_authkeys"]
    said = refused(cluster, name="site", **values)
    for told in (
        "heartbeat_firewall_sources is text (192.0.2.12): write a list",
        "heartbeat_installed_later is text (webserver): write a list",
        "heartbeat_networkmanager_unmanaged is text (eth1): write a list",
        "heartbeat_sysctl is text (net.ipv4.ip_nonlocal_bind=1): write a mapping, name to value",
    ):
        assert f"lb1: {told}" in said


def test_5_files_of_another_heartbeat_are_imported_where_nothing_of_ours_is(cluster, tmp_path):
    key = "a-secret-of-another-heartbeat"
    texts = {
        "ha.cf": "keepalive 2\ndeadtime 20\nbcast eth0\nauto_failback on\nnode lb1 lb2\n",
        "haresources": "lb1 IPaddr2::192.0.2.77/24/eth0 httpd\n",
        "authkeys": f"auth 1\n1 sha1 {key}\n",
    }
    for host in cluster.lab.nodes:
        host.run(["mkdir", "-p", "/etc/ha.d"])
        for name, text in texts.items():
            host.run(["tee", f"/etc/ha.d/{name}"], stdin=text)
        host.run(["chmod", "600", "/etc/ha.d/authkeys"])
    before = state(cluster)
    to = ("-e", f"heartbeat_import_to={tmp_path}/imported")
    checked, _ = play(cluster, "import_legacy", "--check", *to)
    assert checked.returncode == 0, checked.stdout[-3000:]
    assert not (tmp_path / "imported").exists()
    done, said = play(cluster, "import_legacy", "-vvv", *to)
    assert done.returncode == 0, done.stdout[-3000:]
    assert state(cluster) == before
    for host in cluster.lab.nodes:
        host.run(["rm", "-r", "/etc/ha.d"])
    told = yaml.safe_load((tmp_path / "imported" / "lb2.yml").read_text())
    assert told["heartbeat_groups"] == [
        {"node": "lb1", "resources": ["IPaddr2::192.0.2.77/24/eth0", "httpd"]}
    ]
    assert (told["heartbeat_keepalive"], told["heartbeat_auto_failback"]) == ("2", "on")
    assert key not in said + (tmp_path / "imported" / "lb2.yml").read_text()


def test_6_a_host_that_cannot_be_reached_ends_all_before_the_first_change(cluster):
    lb2 = cluster.lab.host("lb2")
    lb2.kill()
    for nodes in ({}, {"heartbeat_nodes": ["lb1", "lb2"]}):
        said = refused(cluster, name="site", **nodes)
        assert "the laboratory host is switched off" in said
    lb2.boot()


# -- half a cluster ----------------------------------------------------------------------------------


def test_7_one_node_alone_when_the_whole_plan_is_given(cluster):
    """--limit is allowed with names and keys; the first node serves, and waits for nobody for ever."""
    ring = {"current": 1, "keys": [{"index": 1, "method": "sha256", "key": "a-secret-for-half-a-cluster"}]}
    whole = {"heartbeat_nodes": ["lb1", "lb2"], "heartbeat_authkeys": ring}
    assert "with --limit, the play may not see all nodes" in refused(cluster, "--limit", "lb1", name="site")
    done, _ = play(cluster, "site", "--limit", "lb1", **whole)
    assert done.returncode == 0, done.stdout[-3000:]
    assert cluster.status(cluster.lab.host("lb1"))["groups"][0]["holder"] == "lb1"


def test_8_the_node_that_lacks_is_joined_to_the_one_that_runs_with_its_key_and_without_a_move(cluster):
    lb1, lb2 = cluster.lab.nodes
    generation = cluster.status(lb1)["generation"]
    done, said = play(cluster, "site")
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"lb1 : ok=\d+ changed=0", said)
    cluster.wait_healthy()
    assert lb1.read_text("/etc/ha.d/authkeys") == lb2.read_text("/etc/ha.d/authkeys")
    assert cluster.status(lb1)["generation"] == generation


def test_9_a_running_node_whose_new_neighbour_does_not_hear_it_is_told(cluster):
    lb2 = cluster.lab.host("lb2")
    lb2.run(["/etc/init.d/heartbeat", "stop"])
    lb2.run(["nft", DROP])
    said = refused(cluster)
    lb2.run(["nft", "delete table inet mine"])
    assert "lb2: heartbeat_links: nothing is heard of lb1, whose daemon runs, over any link" in said
    lb2.run(["/etc/init.d/heartbeat", "start"])
    cluster.wait_healthy()


def test_a_a_host_of_another_running_cluster_is_not_taken_into_this_one(cluster):
    said = refused(cluster, "-e", json.dumps({"heartbeat_nodes": ["lb1", "lb7"]}), "-l", "lb1", name="site")
    assert "lb1: it is part of a running cluster with lb2, not in heartbeat_nodes (lb1, lb7)" in said


def test_b_a_play_that_was_interrupted_anywhere_is_finished_by_the_next(cluster):
    """The new files are there on one node, and nothing was reloaded: as if the controller had died then."""
    lb1 = cluster.lab.host("lb1")
    generations = [cluster.status(host)["generation"] for host in cluster.lab.nodes]
    text = lb1.read_text("/etc/ha.d/ha.cf").replace("deadtime 500ms", "deadtime 700ms")
    lb1.run(["tee", "/etc/ha.d/ha.cf"], stdin=text)
    done, _ = play(cluster, "site", heartbeat_deadtime="700ms")
    assert done.returncode == 0, done.stdout[-3000:]
    cluster.wait_healthy()
    for host, generation in zip(cluster.lab.nodes, generations):
        status = cluster.status(host)
        assert (status["config"]["deadtime_ms"], status["generation"]) == (700, generation)
        assert status["groups"][0]["key"] == GROUP


def test_c_an_older_release_replaces_a_newer_one_only_when_it_is_told_to(cluster):
    lb1 = cluster.lab.host("lb1")
    about = "/usr/lib/ultramonkey-heartbeat/current/ultramonkey-heartbeat.json"
    lb1.run(["sed", "-i", 's/"version": "[^"]*"/"version": "99.0.0"/', about])
    said = refused(cluster, heartbeat_deadtime="700ms")
    assert "lb1: release 99.0.0 of the daemon is there, newer than that of this collection" in said
    assert (
        play(cluster, "preflight", heartbeat_deadtime="700ms", heartbeat_allow_downgrade=True)[0].returncode
        == 0
    )


def test_d_no_key_is_told_by_the_module_however_much_is_asked_for(cluster):
    cluster.ansible.set_variables(variables("lb1"))
    secret = "a-secret-that-nobody-may-read-anywhere"
    for state in (f"key={secret}", f"key={secret}", "state=absent"):
        done = cluster.ansible.run(
            "ansible",
            *("heartbeat", "-m", "ultramonkey.ha.authkeys", "-a", f"index=7 {state}", "-vvvv", "--diff"),
        )
        assert done.returncode == 0, done.stdout[-3000:]
        # What Ansible was called with is the administrator's own; what it tells of it is not.
        assert secret not in done.stdout + done.stderr
    # Nor in what the nodes have logged.
    for host in cluster.lab.nodes:
        found = host.run(["grep", "-rls", secret, "/var/log", "/run", "/tmp", "/root"], check=False)
        assert found.stdout == ""
