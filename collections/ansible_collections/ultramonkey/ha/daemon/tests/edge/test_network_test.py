"""`hbctl link test network` and `hbctl address test` between two hosts, and what may be wrong there."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess

import pytest
from ultramonkey_heartbeat.config.address import parse_address
from ultramonkey_heartbeat.config.model import BroadcastLink, MulticastLink, UnicastLink
from ultramonkey_heartbeat.links.network_probe import NetworkProbe
from ultramonkey_heartbeat.links.network_test import run_network_test
from ultramonkey_heartbeat.net import duplicate

LINKS = {
    "a": [
        BroadcastLink("eth1", 6940),
        MulticastLink("eth1", "225.0.0.7", 6940),
        UnicastLink("eth1", "10.77.0.2", 6940),
        UnicastLink("eth1", "10.77.0.1", 6940),
        UnicastLink("eth1", "fd77::2", 6940),
    ],
    "b": [
        BroadcastLink("eth1", 6940),
        MulticastLink("eth1", "225.0.0.7", 6940),
        UnicastLink("eth1", "10.77.0.1", 6940),
        UnicastLink("eth1", "fd77::1", 6940),
    ],
}


def run_in(host, function, *arguments, **options):
    """Start a blocking call in a thread of the host; its future."""

    async def calling():
        return await asyncio.get_running_loop().run_in_executor(None, lambda: function(*arguments, **options))

    return asyncio.run_coroutine_threadsafe(calling(), host.loop)


def both(lan, links=LINKS, *, seconds=5.0, listen_seconds=0.2):
    """The results of both hosts."""
    options = {"listen_seconds": listen_seconds, "seconds": seconds}
    futures = [
        run_in(lan.a, run_network_test, links["a"], "a", ["b"], **options),
        run_in(lan.b, run_network_test, links["b"], "b", ["a"], **options),
    ]
    return [future.result(seconds + 10) for future in futures]


def verdicts(result):
    return {link["name"]: link["verdict"] for link in result["links"]}


def test_all_kinds_of_links_pass_both_ways(lan):
    for result, peer in zip(both(lan), ("b", "a")):
        assert set(verdicts(result).values()) == {"link-good"}, result
        assert all(link["heard"] == link["heard_by"] == [peer] for link in result["links"])
        assert result["strangers"] == []
    # The line that names the host itself leads nowhere, and is no fault.
    assert "ucast eth1 10.77.0.1" not in verdicts(both(lan)[0])


def test_a_firewall_on_one_side_shows_on_both(lan):
    if shutil.which("nft") is None:
        pytest.skip("needs nft (Debian package nftables)")
    rules = "table inet t { chain c { type filter hook input priority 0; udp dport 6940 drop; }; }"
    subprocess.run(["ip", "netns", "exec", lan.b.name, "nft", rules], check=True)
    one, two = both(lan, {"a": LINKS["a"][:1], "b": LINKS["b"][:1]}, seconds=1.0)
    assert verdicts(one) == {"bcast eth1": "link-one-way"}
    assert one["links"][0]["text"] == "b is heard over bcast eth1, but does not hear this node over it"
    assert verdicts(two) == {"bcast eth1": "link-silent"}


def test_one_host_alone_hears_nobody(lan):
    links = [*LINKS["a"][:1], LINKS["a"][2]]
    done = run_in(lan.a, run_network_test, links, "a", ["b"], listen_seconds=0.1, seconds=0.5).result(8)
    assert verdicts(done) == {"bcast eth1": "link-silent", "ucast eth1 10.77.0.2": "link-silent"}


def test_an_interface_that_is_down_is_told_with_its_reason(lan):
    lan.a.ip("link", "set", "eth1", "down")
    one, _ = both(lan, {"a": LINKS["a"][:1], "b": LINKS["b"][:1]}, seconds=0.5)
    assert one["links"][0]["text"] == "bcast eth1 is down: eth1: interface is down"


def test_where_another_cluster_speaks_nothing_is_sent(lan):
    heard = []
    message = b"###\n10:(0)src=lb9,12:(0)t=status,\n%%%\n"

    async def stranger():
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.bind(("", 6940))
            loop.add_reader(sock, lambda: heard.append(sock.recv(4096)))
            for _ in range(10):
                sock.sendto(message, ("10.77.0.255", 6940))
                await asyncio.sleep(0.1)
            loop.remove_reader(sock)

    speaking = asyncio.run_coroutine_threadsafe(stranger(), lan.b.loop)
    options = {"listen_seconds": 0.5, "seconds": 1.0}
    result = run_in(lan.a, run_network_test, LINKS["a"][:1], "a", ["b"], **options).result(8)
    speaking.result(8)
    assert result["strangers"] == [
        {"name": "lb9", "link": "bcast eth1", "text": "lb9 sends heartbeats over bcast eth1"}
    ]
    assert verdicts(result) == {"bcast eth1": "link-not-tested"}
    assert not any(one.startswith(b"umnetprobe") for one in heard)


def test_a_member_that_runs_already_is_no_stranger():
    probe = NetworkProbe("a", "s", ["bcast eth1"], [], ["b"])
    probe.link_changed("bcast eth1", up=True, reason="")
    probe.received("bcast eth1", b"###\n8:(0)src=B,12:(0)t=status,\n%%%\n")
    assert probe.result()["links"][0]["heartbeats"] == ["b"]
    assert probe.result()["strangers"] == []
    assert probe.verdict("bcast eth1") == ("link-good", "bcast eth1 is up, and nobody else tests")


JUNK = [
    b"",
    b"{",
    b"[]",
    b"7",
    b'{"node": 1}',
    b'{"node":"b","session":"x","link":"l","links":[1],"heard":{}}',
]


@pytest.mark.parametrize("text", [*JUNK, b'{"node":"b","session":"x","link":"l","links":[],"heard":{"a":3}}'])
def test_junk_is_no_probe(text):
    probe = NetworkProbe("a", "s", ["bcast eth1"], ["b"])
    probe.link_changed("bcast eth1", up=True, reason="")
    probe.received("bcast eth1", b"umnetprobe1 " + text)
    assert probe.verdict("bcast eth1")[0] == "link-silent"


def test_another_machine_of_our_name_is_a_stranger():
    probe = NetworkProbe("a", "s", ["bcast eth1"], ["b"])
    probe.received("bcast eth1", NetworkProbe("a", "other", ["bcast eth1"], ["b"]).frame("bcast eth1"))
    assert probe.result()["strangers"][0]["name"] == "a"


def test_three_nodes_need_not_have_all_links():
    """`c` has only the first link; that says nothing against the second."""
    probe = NetworkProbe("a", "s", ["bcast eth1", "bcast eth2"], ["b", "c"])
    b = NetworkProbe("b", "t", ["bcast eth1", "bcast eth2"], ["a", "c"])
    c = NetworkProbe("c", "u", ["bcast eth1"], ["a", "b"])
    nodes = {"bcast eth1": [probe, b, c], "bcast eth2": [probe, b]}
    for name, those in nodes.items():
        for one in those:
            one.link_changed(name, up=True, reason="")
    for _ in range(2):
        for name, those in nodes.items():
            for sender in those:
                for receiver in those:
                    receiver.received(name, sender.frame(name))
    assert probe.is_complete
    assert probe.verdict("bcast eth1") == ("link-good", "bcast eth1 passes both ways (b and c)")
    assert probe.verdict("bcast eth2") == ("link-good", "bcast eth2 passes both ways (b)")


def test_who_has_an_address_is_found_by_arp_and_neighbour_discovery(lan):
    mac = next(word for word in lan.b.ip("link", "show", "eth1").split() if word.count(":") == 5)
    for address in ("10.77.0.2", "fd77::2"):
        assert run_in(lan.a, duplicate.users_of, address, "eth1").result(8) == [mac]
    for address in ("10.77.0.9", "fd77::9", "10.77.0.1"):
        assert run_in(lan.a, duplicate.users_of, address, "eth1").result(8) == []
    # Nobody learned anything from the question.
    assert "10.77.0.1" not in lan.b.ip("neigh")


def test_an_address_belongs_on_the_interface_of_its_network(lan):
    def asked():
        places = [
            duplicate.interface_for(parse_address(one)) for one in ("10.77.0.9", "fd77::9", "8.8.8.8", "::2")
        ]
        return places, duplicate.local_addresses()

    lan.a.ip("address", "add", "10.77.0.20/24", "dev", "eth1", "label", "eth1:1")
    for address in ("10.77.0.30/32", "fd77::30/128"):
        lan.a.ip("address", "add", address, "dev", "lo")
    places, here = run_in(lan.a, asked).result(8)
    assert places == ["eth1", "eth1", None, None]
    assert {"10.77.0.1", "10.77.0.20", "fd77::1"} <= here
    # What a real server has on its loopback interface, nobody else sees.
    assert not {"10.77.0.2", "10.77.0.30", "fd77::30"} & here
