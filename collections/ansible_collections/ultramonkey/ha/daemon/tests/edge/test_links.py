"""Links over UDP between two hosts: real sockets, real interfaces that come and go."""

from __future__ import annotations

import socket
import threading

import pytest
from link_node import Node
from ultramonkey_heartbeat.config.model import BroadcastLink, MulticastLink, UnicastLink


@pytest.fixture
def node():
    nodes = []

    def make(host, *configs, **options):
        nodes.append(Node(host, *configs, **options))
        return nodes[-1]

    yield make
    for one in nodes:
        one.close()


KINDS = {
    "bcast": (BroadcastLink("eth1", 6940), BroadcastLink("eth1", 6940)),
    "mcast": (MulticastLink("eth1", "225.0.0.7", 6940), MulticastLink("eth1", "225.0.0.7", 6940)),
    "mcast loop": (
        MulticastLink("eth1", "225.0.0.7", 6940, 2, loop=True),
        MulticastLink("eth1", "225.0.0.7", 6940, 2, loop=True),
    ),
    "mcast6": (MulticastLink("eth1", "ff02::77", 6940), MulticastLink("eth1", "ff02::77", 6940)),
    "ucast": (UnicastLink("eth1", "10.77.0.2", 6940), UnicastLink("eth1", "10.77.0.1", 6940)),
    "ucast6": (UnicastLink("eth1", "fd77::2", 6940), UnicastLink("eth1", "fd77::1", 6940)),
}
IPV4_KINDS = ["bcast", "mcast", "ucast"]
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
def test_messages_pass_in_both_directions_and_nobody_hears_himself(lan, node, kind):
    a, b = node(lan.a, KINDS[kind][0]), node(lan.b, KINDS[kind][1])
    a.wait_up()
    b.wait_up()
    for number in range(3):
        a.send(b"from a %d" % number)
        b.send(b"from b %d" % number)
    a.wait(lambda: len(a.frames) == 3, "three frames")
    b.wait(lambda: len(b.frames) == 3, "three frames")
    assert a.frames == [(a.links[0].name, b"from b %d" % number) for number in range(3)]
    assert b.frames == [(b.links[0].name, b"from a %d" % number) for number in range(3)]
    assert (a.links[0].counters.sent, a.links[0].counters.sent_bytes) == (3, 24)
    assert (a.links[0].counters.received, a.links[0].counters.received_bytes) == (3, 24)


def test_a_peer_may_be_named(lan, node):
    # Resolvers read this as 10.77.0.2, and nobody else does.
    a, b = node(lan.a, UnicastLink("eth1", "0x0a4d0002", 6940)), node(lan.b, KINDS["ucast"][1])
    a.wait_up()
    b.wait_up()
    a.send(b"hello")
    b.wait(lambda: [frame for _, frame in b.frames] == [b"hello"], "the frame")
    b.send(b"and back")
    a.wait(lambda: a.frames == [("ucast eth1 0x0a4d0002", b"and back")], "the answer")


@kinds
def test_a_link_follows_its_interface_down_up_gone_and_back(lan, node, eventually, kind):
    a, b = node(lan.a, KINDS[kind][0]), node(lan.b, KINDS[kind][1])
    a.wait_up()
    b.wait_up()
    name = a.links[0].name

    lan.a.ip("link", "set", "eth1", "down")
    a.wait_reason("eth1: interface is down")
    a.send(b"nobody")
    assert a.links[0].counters.send_errors == 1

    lan.a.ip("link", "set", "eth1", "up")
    lan.a.ip("addr", "replace", "fd77::1/64", "dev", "eth1", "nodad")
    a.wait_up()

    lan.unplug(lan.a)
    a.wait_reason("eth1: no such interface")
    lan.plug_in(lan.a)
    a.wait_up()
    eventually(lambda: "LOWER_UP" in lan.a.ip("link", "show", "eth1"), "the link")
    a.wait(lambda: a.changes[-1][:2] == (name, True), "up")
    b.frames.clear()

    def heard():
        a.send(b"again")
        return b.frames

    eventually(heard, "a frame over the new interface")
    assert [up for _, up, _ in a.changes].count(True) >= 3


@pytest.mark.parametrize("kind", IPV4_KINDS)
def test_a_link_reports_the_carrier_lost_and_found(lan, node, kind):
    a, b = node(lan.a, KINDS[kind][0]), node(lan.b, KINDS[kind][1])
    a.wait_up()
    b.wait_up()
    lan.cable(lan.a, "down")
    a.wait_reason("eth1: no carrier")
    lan.cable(lan.a, "up")
    a.wait_up()
    a.send(b"back")
    b.wait(lambda: (b.links[0].name, b"back") in b.frames, "the frame")


def test_changes_are_reported_once(lan, node):
    a = node(lan.a, KINDS["bcast"][0])
    a.wait_up()
    for _ in range(3):
        lan.a.call(a.links[0].interface_changed)
    lan.a.ip("addr", "add", "10.77.0.50/24", "dev", "eth1")
    lan.cable(lan.a, "down")
    a.wait_reason("eth1: no carrier")
    for _ in range(3):
        lan.a.call(a.links[0].interface_changed)
    assert [up for _, up, _ in a.changes] == [True, False]


@pytest.mark.parametrize("kind", IPV4_KINDS)
def test_a_link_waits_for_the_interfaces_first_ipv4_address(lan, node, kind):
    lan.a.ip("addr", "flush", "dev", "eth1")
    a, b = node(lan.a, KINDS[kind][0]), node(lan.b, KINDS[kind][1])
    a.wait_reason("eth1: no IPv4 address")
    # Without "brd" the kernel does not store a broadcast address.
    lan.a.ip("addr", "add", "10.77.0.1/24", "dev", "eth1")
    a.wait_up()
    a.send(b"hello")
    b.wait(lambda: b.frames, "the frame")


def test_a_broadcast_link_follows_a_changed_broadcast_address(lan, node):
    a, b = node(lan.a, KINDS["bcast"][0]), node(lan.b, KINDS["bcast"][1])
    for host, number in ((lan.a, 1), (lan.b, 2)):
        host.ip("addr", "flush", "dev", "eth1")
        host.ip("addr", "add", f"172.20.0.{number}/16", "brd", "+", "dev", "eth1")
    a.wait(lambda: a.links[0].up and "172.20.255.255" in a.changes[-1][2], "the new address")
    b.wait(lambda: b.links[0].up and "172.20.255.255" in b.changes[-1][2], "the new address")
    a.send(b"hello")
    b.wait(lambda: b.frames, "the frame")


def test_a_link_without_monitor_finds_the_interface_by_looking_again(lan, node):
    lan.unplug(lan.a)
    a = node(lan.a, KINDS["bcast"][0], watch=False)
    a.wait_reason("eth1: no such interface")
    lan.plug_in(lan.a)
    a.wait_up()


def test_unicast_links_on_one_port_each_hear_their_own_peer(lan, node):
    lan.b.ip("addr", "add", "10.77.0.3/24", "dev", "eth1")
    a = node(
        lan.a,
        UnicastLink("eth1", "10.77.0.1", 6940),  # ourselves, as when all nodes share one ha.cf
        UnicastLink("eth1", "10.77.0.2", 6940),
        UnicastLink("eth1", "10.77.0.3", 6940),
        BroadcastLink("eth1", 6940),
    )
    b = node(lan.b, BroadcastLink("eth1", 6940))
    b.wait_up()
    for number in range(4):
        a.wait_up(number)

    def send(source, destination):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            sock.sendto(f"from {source}".encode(), (destination, 6940))

    lan.b.call(send, "10.77.0.2", "10.77.0.1")
    lan.b.call(send, "10.77.0.3", "10.77.0.1")
    b.send(b"to all")
    lan.b.ip("addr", "add", "10.77.0.4/24", "dev", "eth1")
    lan.b.call(send, "10.77.0.4", "10.77.0.1")
    for number in range(4):
        a.send(b"from a", number)
    a.wait(lambda: len(a.frames) == 4, "four frames")
    assert a.frames == [
        ("ucast eth1 10.77.0.2", b"from 10.77.0.2"),
        ("ucast eth1 10.77.0.3", b"from 10.77.0.3"),
        ("bcast eth1", b"to all"),
        # From an address that no line names: some link to a peer, not the one to ourselves.
        ("ucast eth1 10.77.0.2", b"from 10.77.0.4"),
    ]


def test_a_frame_too_large_for_a_datagram_is_counted_and_dropped(lan, node):
    a, b = node(lan.a, KINDS["ucast"][0]), node(lan.b, KINDS["ucast"][1])
    a.wait_up()
    b.wait_up()
    a.send(b"x" * 70_000)
    a.send(b"y" * 60_000)
    b.wait(lambda: b.frames, "the frame that fits")
    assert [len(data) for _, data in b.frames] == [60_000]
    assert a.links[0].counters.send_errors == 1


def test_a_flood_does_not_keep_the_event_loop_from_other_work(lan, node, eventually):
    b = node(lan.b, KINDS["bcast"][1])
    b.wait_up()
    stop = threading.Event()

    def flood():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not stop.is_set():
                sock.sendto(b"flood", ("10.77.0.2", 6940))

    flooding = lan.a.call(lan.a.loop.run_in_executor, None, flood)
    try:
        b.wait(lambda: len(b.frames) > 500, "the flood")
        # Each call goes through the loop that is being flooded, and has to come back in time.
        for _ in range(20):
            assert b.host.call(lambda: True)
    finally:
        stop.set()
        eventually(flooding.done, "the end of the flood")


def test_a_port_in_use_is_a_reason_not_a_crash(lan, node):
    def occupy():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("0.0.0.0", 6940))
        return sock

    occupant = lan.a.call(occupy)
    try:
        a = node(lan.a, KINDS["bcast"][0])
        a.wait_reason("eth1: port 6940 is in use by another program")
    finally:
        occupant.close()
    a.wait_up()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (BroadcastLink("eth9", 6940), "eth9: no such interface"),
        (BroadcastLink("lo", 6940), None),
        (UnicastLink("eth1", "2001:db8::1", 6940), "eth1: no route to 2001:db8::1"),
        (UnicastLink("eth1", "peer.invalid", 6940), "eth1: the address of peer.invalid is not known"),
    ],
)
def test_what_cannot_work_says_why(lan, node, config, reason):
    a = node(lan.a, config)
    if reason is None:
        a.wait_up()
    else:
        a.wait_reason(reason)


def test_closing_twice_and_sending_when_closed_do_no_harm(lan, node):
    a = node(lan.a, KINDS["bcast"][0])
    lan.a.call(a.links[0].close)
    lan.a.call(a.links[0].close)
    a.send(b"nobody")
    lan.a.call(a.links[0].interface_changed)
    assert not a.links[0].up
    assert a.links[0].counters.send_errors == 1
