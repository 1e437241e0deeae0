"""firewalld and ufw from Debian's packages: what our program tells them, they take, and give back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lab import Lab

PROGRAM = Path(__file__).resolve().parents[2] / "roles/heartbeat/files/firewall.py"
RULES = [
    {"interface": "eth0", "port": 694, "sources": ["192.0.2.12", "2001:db8:1::c"]},
    {"interface": "", "port": 694, "sources": ["10.9.0.2"]},
]


@pytest.fixture(scope="module")
def host(payload):
    with Lab(nodes=("lb1",), client=False, packages=("firewalld", "iptables", "ufw")) as lab:
        host = lab.host("lb1")
        # The programs find it where nothing is in use yet.
        assert host.run(["python3", "-IS", "-c", PROGRAM.read_text(), "detect"]).stdout == "none\n"
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
