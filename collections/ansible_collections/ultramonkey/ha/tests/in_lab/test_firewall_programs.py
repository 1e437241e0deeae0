"""nftables with real packets, firewalld and ufw of Debian: what our program says they take, and give back."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from lab import Lab

PROGRAM = Path(__file__).resolve().parents[2] / "roles/heartbeat/files/firewall.py"
RULES = [
    {"interface": "eth0", "port": 694, "sources": ["192.0.2.12", "2001:db8:1::c"]},
    {"interface": "", "port": 694, "sources": ["10.9.0.2"]},
]


THEIRS = """
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport 22 accept comment "ssh of the administrator"
  }
}
table ip old { chain in { type filter hook input priority 10; policy drop; }; }
table ip nat { chain post { type nat hook postrouting priority 100; }; }
"""
LISTEN = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(("", 694))
sock.settimeout(1)
heard = set()
print(flush=True)
try:
    while True:
        heard.add(sock.recvfrom(100)[1][0])
except TimeoutError:
    print(*sorted(heard))
"""
SEND = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for target in ("192.0.2.11", "192.0.2.255"):
    sock.sendto(b"beat", (target, 694))
"""


@pytest.fixture(scope="module")
def host(payload):
    with Lab(nodes=("lb1", "lb2"), packages=("firewalld", "iptables", "ufw")) as lab:
        host = lab.host("lb1")
        # The programs find it where nothing is in use yet.
        assert host.run(["python3", "-IS", "-c", PROGRAM.read_text(), "detect"]).stdout == "none\n"
        host.others = [lab.host("lb2"), lab.client]
        yield host


def firewall(host, command, kind, rules=RULES):
    wanted = json.dumps({"kind": kind, "rules": rules})
    done = host.run(["python3", "-IS", "-c", PROGRAM.read_text(), command, "-"], stdin=wanted)
    return json.loads(done.stdout)


def four_times(host, kind):
    """Check, apply, apply again, check again."""
    told = [firewall(host, command, kind) for command in ("check", "apply", "apply", "check")]
    assert [one["changed"] for one in told] == [True, True, False, False]
    assert told[0] == told[1]


def heard(host):
    """From whom heartbeats come through, when the peer and somebody else send some."""
    listener = host.popen(["python3", "-c", LISTEN], stdout=subprocess.PIPE)
    listener.stdout.readline()
    for other in host.others:
        other.run(["python3", "-c", SEND])
    return listener.communicate()[0].split()


def test_nftables_lets_the_peer_in_and_nobody_else_and_gives_all_back(host):
    everybody = ["192.0.2.100", "192.0.2.12"]
    assert heard(host) == everybody
    host.run(["nft", "-f", "-"], stdin=THEIRS)
    assert host.run(["python3", "-IS", "-c", PROGRAM.read_text(), "detect"]).stdout == "nftables\n"
    before = host.run(["nft", "list", "ruleset"]).stdout
    assert heard(host) == []
    four_times(host, "nftables")
    assert heard(host) == ["192.0.2.12"]
    # Their rules are all there, in their order, with ours in front.
    left = re.sub(
        r"(?s)table inet ultramonkey_heartbeat \{.*?\n\}\n", "", host.run(["nft", "list", "ruleset"]).stdout
    )
    assert re.sub(r"\n[^\n]*ultramonkey-heartbeat[^\n]*", "", left) == before
    # Whoever loads his own rules anew throws ours away; the next time they are put back.
    again = THEIRS.split("table ip old", maxsplit=1)[0]
    host.run(["nft", "-f", "-"], stdin=f"delete table inet filter\n{again}")
    assert heard(host) == []
    assert firewall(host, "apply", "nftables")["changed"]
    assert heard(host) == ["192.0.2.12"]
    # Without a policy that drops, our own table still keeps others out.
    host.run(["nft", "-f", "-"], stdin="delete table inet filter\ndelete table ip old\n")
    assert heard(host) == ["192.0.2.12"]
    # A peer that has another address now.
    assert firewall(host, "apply", "nftables", [{**RULES[0], "sources": ["192.0.2.0/26"]}])["changed"]
    assert heard(host) == ["192.0.2.12"]
    assert firewall(host, "remove", "nftables")["changed"]
    assert not firewall(host, "remove", "nftables")["changed"]
    assert heard(host) == everybody
    host.run(["nft", "flush", "ruleset"])
    host.run(["nft", "-f", "-"], stdin=THEIRS)
    assert host.run(["nft", "list", "ruleset"]).stdout == before
    firewall(host, "apply", "nftables")
    firewall(host, "remove", "nftables")
    assert host.run(["nft", "list", "ruleset"]).stdout == before
    host.run(["nft", "flush", "ruleset"])


def test_ufw_takes_the_rules_and_gives_them_back(host):
    host.run(["ufw", "allow", "22/tcp", "comment", "ssh of the administrator"])
    host.run(["ufw", "--force", "enable"])
    assert host.run(["python3", "-IS", "-c", PROGRAM.read_text(), "detect"]).stdout == "ufw\n"
    before = host.run(["ufw", "show", "added"]).stdout
    four_times(host, "ufw")
    status = host.run(["ufw", "status"]).stdout
    for line in ("694/udp on eth0", "192.0.2.12", "2001:db8:1::c", "10.9.0.2", "ultramonkey-heartbeat"):
        assert line in status
    # A peer that has another address now.
    changed = [{**RULES[0], "sources": ["192.0.2.13"]}]
    assert len(firewall(host, "apply", "ufw", changed)["did"]) == 4
    assert "192.0.2.12" not in host.run(["ufw", "status"]).stdout
    assert firewall(host, "remove", "ufw")["changed"]
    assert host.run(["ufw", "show", "added"]).stdout == before
    host.run(["ufw", "--force", "disable"])


def test_firewalld_takes_the_policy_and_gives_it_back(host):
    """Its own check of all its files; it is not started, because that needs D-Bus."""
    host.run(["firewall-offline-cmd", "--check-config"])
    four_times(host, "firewalld")
    host.run(["firewall-offline-cmd", "--check-config"])
    told = host.run(["firewall-offline-cmd", "--policy=heartbeat-peers", "--list-all"]).stdout
    for line in ("target: CONTINUE", "ingress-zones: ANY", "egress-zones: HOST"):
        assert line in told
    rule = 'rule family="ipv4" source address="192.0.2.12" port port="694" protocol="udp" accept'
    assert rule in told
    assert firewall(host, "remove", "firewalld")["changed"]
    assert "heartbeat" not in host.run(["firewall-offline-cmd", "--get-policies"]).stdout
