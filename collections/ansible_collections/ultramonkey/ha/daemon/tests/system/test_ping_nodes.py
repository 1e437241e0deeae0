"""Real daemons with ping nodes: who is cut off from the network lets go."""

from __future__ import annotations

import contextlib

import pytest
from machines import wait_until

ADDRESS = "10.77.0.100"
GATEWAY = "10.77.0.9"
# eth2 stands for the serial line: a path that the network's cut does not touch.
MEDIA = ("bcast eth1", "bcast eth2")
PING = (f"ping {GATEWAY}", "deadping 500ms", "respawn hacluster /usr/lib/heartbeat/ipfail")


@pytest.fixture
def pair(cluster):
    """Two machines with two networks, not yet started, and the gateway, which is the client's station."""

    def make(**settings):
        machines = cluster.make(media=MEDIA, extra=PING, **settings)
        for machine in machines:
            machine.plug_in("eth2", "10.78.0.")
            machine.own_addresses = machine.addresses()
        assert cluster.client.address == GATEWAY
        for machine in machines:
            machine.start()
        wait_until(lambda: all(reaches(machine) for machine in machines), "both seeing the gateway")
        wait_until(lambda: all(cluster.settled(machine) for machine in machines), "a cluster at work")
        return machines

    return make


def reaches(machine):
    status = machine.status()
    return status is not None and [ping["state"] for ping in status["ping_nodes"]] == ["seen"]


def test_who_is_cut_off_from_the_gateway_hands_over_to_who_still_reaches_it(cluster, pair):
    lb1, lb2 = pair()
    cluster.switch.cable(lb1, "down")
    wait_until(lb2.holds, "the handover")
    wait_until(lambda: cluster.holders() == ["lb2"], "one holder")
    assert lb2.group()["last_move"]["reason"] == "ping"
    assert cluster.client.answers(ADDRESS)
    # Both knew all the time that the other lives.
    assert "active -> dead" not in lb1.log + lb2.log
    assert "ping-lost" in lb1.problems()
    assert "ping-lost" in lb2.problems()
    assert f"{GATEWAY}  lost" in lb1.hbctl_text("status").stdout
    cluster.switch.cable(lb1, "up")
    wait_until(lambda: reaches(lb1), "the gateway again")
    assert "ping-lost" not in lb1.problems()
    assert cluster.holders() == ["lb2"]


def test_what_was_handed_over_because_of_the_gateway_returns_with_failback_on(cluster, pair):
    lb1, lb2 = pair(failback="on")
    cluster.switch.cable(lb1, "down")
    wait_until(lb2.holds, "the handover")
    cluster.switch.cable(lb1, "up")
    wait_until(lb1.holds, "the failback")
    assert lb1.group()["last_move"]["reason"] == "failback"
    assert lb1.log.count("stop") <= lb1.log.count("start")


def test_when_the_gateway_itself_dies_nothing_moves(cluster, pair):
    lb1, lb2 = pair()
    cluster.switch.cable(cluster.client, "down")
    wait_until(lambda: "ping-lost" in lb1.problems() and "ping-lost" in lb2.problems(), "both to see that")
    with contextlib.suppress(AssertionError):
        wait_until(lb2.holds, "a handover", seconds=2)
    assert cluster.holders() == ["lb1"]
    assert "(epoch 2" not in lb1.log + lb2.log


def test_the_old_commands_know_ping_nodes(cluster, pair):
    lb1, _ = pair()
    answers = {
        "listnodes -p": f"{GATEWAY}\n",
        f"nodetype {GATEWAY}": "ping\n",
        f"nodestatus {GATEWAY}": "ping\n",
        f"hblinkstatus {GATEWAY} {GATEWAY}": "up\n",
        "clientstatus lb2 ipfail": "online\n",
    }
    said = {words: lb1.cl_status(*words.split()) for words in answers}
    assert said == answers
