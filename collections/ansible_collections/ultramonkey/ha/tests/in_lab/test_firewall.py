"""Nodes whose own firewall drops what nobody has allowed: heartbeats of peers pass, and no others."""

from __future__ import annotations

import re

import pytest
from lab.cluster import variables

# What an administrator has: everything is dropped but answers, ICMP and ssh.
THEIRS = """
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport 22 accept comment "ssh of the administrator"
  }
  chain output { type filter hook output priority 0; policy accept; }
}
table ip nat { chain post { type nat hook postrouting priority 100; }; }
"""
SEND = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for number in range(20):
    sock.sendto(b"###\\nnonsense", (sys.argv[1], 694))
"""


@pytest.fixture(scope="module")
def cluster(make_cluster):
    cluster = make_cluster()
    for host in cluster.lab.nodes:
        host.run(["nft", "-f", "-"], stdin=THEIRS)
    return cluster


def play(cluster, name, *arguments, **changes):
    cluster.ansible.set_variables(variables("lb1", **changes))
    return cluster.ansible.playbook(f"ultramonkey.ha.{name}", *arguments, check=False)


def changed(done):
    return {h: int(n) for h, n in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", done.stdout, re.MULTILINE)}


def rules(host):
    return host.run(["nft", "list", "ruleset"]).stdout


def rejected(cluster):
    return [cluster.status(host)["counters"]["frames_rejected"] for host in cluster.lab.nodes]


def test_1_without_a_word_about_the_firewall_the_links_are_found_shut(cluster):
    done = play(cluster, "site")
    assert done.returncode != 0
    assert "nothing of lb2 is heard over bcast eth0" in " ".join(done.stdout.split())
    assert changed(done) == {"lb1": 0, "lb2": 0}


def test_2_it_is_opened_for_the_peers_and_for_nobody_else(cluster):
    before = [rules(host) for host in cluster.lab.nodes]
    done = play(cluster, "site", heartbeat_firewall="auto")
    assert done.returncode == 0, done.stdout[-3000:]
    cluster.wait_healthy()
    for host, theirs in zip(cluster.lab.nodes, before):
        left, tables = re.subn(r"(?s)table inet ultramonkey_heartbeat \{.*?\n\}\n", "", rules(host))
        left, opened = re.subn(r"\n[^\n]*ultramonkey-heartbeat[^\n]*", "", left)
        # One rule for the peer's IPv4 address and one for its IPv6 addresses, in their one input chain.
        assert (left, tables, opened) == (theirs, 1, 2)
    counted = rejected(cluster)
    lb1 = cluster.lab.host("lb1")
    for target in (lb1.address, "192.0.2.255"):
        cluster.lab.client.run(["python3", "-c", SEND, target])
    assert rejected(cluster) == counted
    # Without the firewall the same is heard, and refused by its signature.
    kept = rules(lb1)
    lb1.run(["nft", "flush", "ruleset"])
    cluster.lab.client.run(["python3", "-c", SEND, lb1.address])
    cluster.wait("lb1 heard it", lambda: rejected(cluster)[0] > counted[0])
    lb1.run(["nft", "-f", "-"], stdin=kept)


def test_3_the_second_run_changes_nothing_and_a_third_mends_what_was_thrown_away(cluster):
    there = [rules(host) for host in cluster.lab.nodes]
    done = play(cluster, "site", heartbeat_firewall="auto")
    assert (done.returncode, changed(done)) == (0, {"lb1": 0, "lb2": 0}), done.stdout[-3000:]
    assert [rules(host) for host in cluster.lab.nodes] == there
    lb2 = cluster.lab.host("lb2")
    lb2.run(["nft", "-f", "-"], stdin=f"flush ruleset\n{THEIRS}")
    for number in (1, 0):
        done = play(cluster, "site", heartbeat_firewall="nftables")
        assert (done.returncode, changed(done)) == (0, {"lb1": 0, "lb2": number}), done.stdout[-3000:]
    assert rules(lb2) == there[1]


def test_4_a_boot_opens_it_before_the_daemon_speaks(cluster):
    lb2 = cluster.lab.host("lb2")
    lb2.kill()
    lb2.boot()
    lb2.run(["nft", "-f", "-"], stdin=THEIRS)
    lb2.run(["/etc/init.d/heartbeat", "start"])
    cluster.wait_healthy()


def test_5_without_it_everything_is_taken_back_and_theirs_is_as_it_was(cluster):
    lb1, lb2 = cluster.lab.nodes
    done = play(cluster, "remove", "-e", "heartbeat_really_remove=true", heartbeat_remove_configuration=True)
    assert done.returncode == 0, done.stdout[-3000:]
    lb1.run(["nft", "flush", "ruleset"])
    lb1.run(["nft", "-f", "-"], stdin=THEIRS)
    assert rules(lb2) == rules(lb1)
    for host in (lb1, lb2):
        looked = host.run(
            ["sh", "-c", "ls -d /usr/lib/ultramonkey* /usr/bin/cl_status /etc/ha.d"], check=False
        )
        assert looked.stdout == ""
