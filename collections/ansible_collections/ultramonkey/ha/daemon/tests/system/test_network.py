"""Links and addresses on a network that is cut, healed, changed and interfered with."""

from __future__ import annotations

import pytest
from machines import wait_until

ADDRESS = "10.77.0.100"
GROUP = f"{ADDRESS}/24/eth1"
# What is heard of one announcement of an address: five pairs.
FRAMES = 10


def agreed(cluster):
    """All machines see the same one holder."""
    return all(cluster.settled(machine) for machine in cluster.machines)


@pytest.mark.parametrize(
    "media",
    [
        ("mcast eth1 225.0.0.7 694 1 0",),
        ("mcast6 eth1 ff02::77 694 1 0",),
        ("ucast eth1 10.77.0.1", "ucast eth1 10.77.0.2"),
        ("ucast6 eth1 fd77::1", "ucast6 eth1 fd77::2"),
    ],
    ids=["mcast", "mcast6", "ucast", "ucast6"],
)
def test_a_cluster_works_over_every_kind_of_link(cluster, media):
    lb1, lb2 = cluster.start(media=media)
    assert "link-silent" not in lb1.problems() + lb2.problems()
    assert lb1.stop() == 0
    wait_until(lb2.holds, "the handover")
    assert lb2.group()["last_move"]["reason"] == "left"


@pytest.mark.parametrize(("failback", "winner"), [("off", "lb2"), ("on", "lb1")])
def test_after_a_split_one_holder_is_left_and_announces_again(cluster, failback, winner):
    machines = {machine.name: machine for machine in cluster.start(failback=failback)}
    heard = cluster.announcements()
    cluster.switch.isolate(*machines.values())
    wait_until(machines["lb2"].holds, "the second holder")
    assert cluster.holders() == ["lb1", "lb2"]
    wait_until(lambda: machines["lb1"].problems() == ["node-dead"], "the other's report")
    for _ in range(FRAMES):
        heard.next(ADDRESS, machines["lb2"].mac())
    heard.drain()
    cluster.switch.isolate(*machines.values(), on=False)
    # Both answered for the address, so whoever keeps it says so once more.
    heard.next(ADDRESS, machines[winner].mac())
    wait_until(lambda: cluster.holders() == [winner], "one holder")
    wait_until(lambda: agreed(cluster), "agreement")
    assert machines[winner].group()["holder"] == winner
    assert cluster.client.answers(ADDRESS)
    assert cluster.client.neighbour(ADDRESS) == machines[winner].mac()


def test_after_a_pulled_cable_is_back_one_holder_is_left(cluster):
    lb1, lb2 = cluster.start()
    cluster.switch.cable(lb1, "down")
    wait_until(lb2.holds, "the takeover")
    wait_until(lambda: "link-down" in lb1.problems(), "the report of the cable")
    lb1.says("eth1: no carrier")
    cluster.switch.cable(lb1, "up")
    wait_until(lambda: agreed(cluster) and cluster.holders() == ["lb2"], "one holder")
    assert "link-down" not in lb1.problems()


def test_one_of_two_links_may_be_cut(cluster):
    lb1, lb2 = cluster.make(media=("bcast eth1 eth2",))
    for machine in (lb1, lb2):
        machine.plug_in("eth2", "10.78.0.")
        machine.own_addresses = machine.addresses()
        machine.start()
    wait_until(lambda: agreed(cluster), "the cluster")
    wait_until(lambda: len(lb2.status()["nodes"][0]["links"]) == 2, "both links")
    cluster.switch.cable(lb1, "down", "eth2")
    wait_until(lambda: "link-down" in lb1.problems(), "the report of the link")
    wait_until(lambda: "link-silent" in lb2.problems(), "the report of the silence")
    links = {link["name"]: link["up"] for link in lb2.status()["nodes"][0]["links"]}
    assert links == {"bcast eth1": True, "bcast eth2": False}
    assert lb2.sees("lb1") == "active"
    cluster.switch.cable(lb1, "up", "eth2")
    wait_until(lambda: lb1.status()["healthy"] and lb2.status()["healthy"], "the report that all is well")
    assert cluster.holders() == ["lb1"]
    assert "-> dead" not in lb1.log + lb2.log


def test_an_interface_of_ha_cf_that_does_not_exist_is_a_link_that_is_down(cluster):
    lb1, lb2 = cluster.start(media=("bcast eth1 eth7",))
    assert cluster.holders() == ["lb1"]
    assert lb1.problems() == ["link-down"]
    lb1.says("link bcast eth7: down (eth7: no such interface)")
    assert "eth7: no such interface" in lb2.hbctl_text("status").stdout


def test_without_any_link_a_node_serves_alone_and_says_why(cluster):
    lb1, _ = cluster.make(media=("bcast eth7",))
    lb1.start()
    wait_until(lb1.holds, "the start")
    assert sorted(lb1.problems()) == ["link-down", "node-dead"]


def test_an_interface_of_haresources_that_does_not_exist_fails_the_group_everywhere(cluster):
    lb1, lb2 = cluster.make(haresources=f"lb1 {ADDRESS}/24/eth7\n")
    for machine in (lb1, lb2):
        machine.start()
    wait_until(lambda: lb1.problems().count("group-failed") == 2, "the failure on both")
    for machine in (lb1, lb2):
        machine.says(f"group {ADDRESS}/24/eth7: start failed: {ADDRESS}/24/eth7: eth7: no such interface")
    assert cluster.holders() == []
    status, answer = lb1.hbctl("takeover")
    assert (status, answer["error"]["code"]) == (1, "target-failed")


def test_an_interface_may_vanish_and_come_back(cluster):
    lb1, lb2 = cluster.start()
    lb1.unplug()
    wait_until(lb2.holds, "the takeover")
    wait_until(lambda: "link-down" in lb1.problems(), "the report of the interface")
    lb1.plug_in()
    wait_until(lambda: agreed(cluster), "agreement")
    assert cluster.holders() == ["lb2"]
    assert [(link["name"], link["up"]) for link in lb1.status()["links"]] == [("bcast eth1", True)]


def test_an_address_that_somebody_removes_is_put_back(cluster):
    lb1, _ = cluster.start()
    heard = cluster.announcements()
    lb1.ip("addr", "del", f"{ADDRESS}/24", "dev", "eth1")
    wait_until(lambda: lb1.has(ADDRESS), "the address")
    heard.next(ADDRESS, lb1.mac())
    lb1.says(f"group {GROUP}: somebody removed {ADDRESS}; putting it back")
    assert lb1.group()["epoch"] == 1


def test_when_all_addresses_are_flushed_the_node_comes_back(cluster):
    lb1, _ = cluster.start()
    lb1.ip("addr", "flush", "dev", "eth1")
    wait_until(lambda: lb1.has(ADDRESS), "the address")
    lb1.ip("addr", "add", f"{lb1.address}/24", "brd", "+", "dev", "eth1")
    wait_until(lambda: agreed(cluster), "agreement")
    assert cluster.holders() == [lb1.group()["holder"]]
    lb1.own_addresses = [lb1.address]


def test_an_address_that_is_there_already_is_taken_as_started(cluster):
    lb1, lb2 = cluster.make()
    lb1.ip("addr", "add", f"{ADDRESS}/24", "dev", "eth1")
    for machine in (lb1, lb2):
        machine.start()
    wait_until(lambda: agreed(cluster), "the cluster")
    assert cluster.holders() == ["lb1"]


def test_an_ipv6_address_moves_like_any_other(cluster):
    lb1, lb2 = cluster.start(haresources="lb1 fd77::100/64/eth1\n")
    assert cluster.client.answers("fd77::100")
    assert cluster.client.neighbour("fd77::100") == lb1.mac()
    assert lb1.hbctl("standby")[0] == 0
    assert cluster.holders("fd77::100") == ["lb2"]
    wait_until(lambda: cluster.client.neighbour("fd77::100") == lb2.mac(), "the news at the client")
    assert cluster.client.answers("fd77::100")
    lb2.kill()
    wait_until(lb1.holds, "the takeover")


def test_an_address_without_interface_goes_where_its_network_is(cluster):
    lb1, lb2 = cluster.start(haresources=f"lb1 IPaddr::{ADDRESS} IPaddr2::10.77.0.101/24/eth1:1\n")
    assert cluster.holders() == cluster.holders("10.77.0.101") == ["lb1"]
    assert "eth1:1" in lb1.ip("addr", "show", "dev", "eth1")
    assert lb1.stop() == 0
    wait_until(lb2.holds, "the handover")
