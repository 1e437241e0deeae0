"""Echo requests over real networks."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

import pytest
from ultramonkey_heartbeat.config.model import PingNode
from ultramonkey_heartbeat.links import ping as ping_module
from ultramonkey_heartbeat.links.ping import Pinger

INTERVAL_MS = 30


class Listener:
    """Notes what it is told."""

    def __init__(self):
        self.answers = []
        self.reasons = []

    def ping_answered(self, name):
        self.answers.append(name)

    def ping_impossible(self, name, reason):
        self.reasons.append((name, reason))


@pytest.fixture
def pinging(lan):
    opened = []

    def begin(host, *nodes):
        listener = Listener()

        def make():
            pinger = Pinger(nodes, INTERVAL_MS, listener, asyncio.get_event_loop())
            pinger.open()
            return pinger

        pinger = host.call(make)
        opened.append((host, pinger))
        return listener, pinger

    yield begin
    for host, pinger in opened:
        host.call(pinger.close)


def node(*hosts, directive="ping"):
    return PingNode(directive, hosts[0] if directive != "ping_group" else "routers", hosts)


@pytest.mark.parametrize("address", ["10.77.0.2", "fd77::2"])
def test_a_host_that_is_there_answers_every_time_and_one_that_is_cut_off_does_not(
    lan, pinging, eventually, address
):
    listener, _ = pinging(lan.a, node(address))
    eventually(lambda: len(listener.answers) > 3, "four answers")
    assert set(listener.answers) == {address}
    lan.cable(lan.b, "down")
    eventually(lambda: silent_for(lan.a, listener), "silence")
    lan.cable(lan.b, "up")
    before = len(listener.answers)
    eventually(lambda: len(listener.answers) > before, "an answer again")


def silent_for(host, listener):
    """Nothing came for some intervals."""
    before = len(listener.answers)
    host.run(asyncio.sleep(5 * INTERVAL_MS / 1000))
    return len(listener.answers) == before


def test_a_group_is_seen_as_long_as_one_of_its_members_answers(lan, pinging, eventually):
    listener, _ = pinging(lan.a, node("10.77.0.77", "fd77::2", "10.77.0.78", directive="ping_group"))
    eventually(lambda: len(listener.answers) > 3, "four answers")
    assert set(listener.answers) == {"routers"}


def test_without_a_network_nothing_is_answered_and_nothing_breaks(lan, pinging, eventually):
    lan.unplug(lan.a)
    listener, _ = pinging(lan.a, node("10.77.0.2"), node("fd77::2"))
    assert silent_for(lan.a, listener)
    lan.plug_in(lan.a)
    eventually(lambda: set(listener.answers) == {"10.77.0.2", "fd77::2"}, "both answers")


def test_a_forged_answer_is_no_answer(lan, pinging):
    listener, pinger = pinging(lan.a, node("10.77.0.77"))

    def forge(cookie, source):
        payload = cookie + struct.pack("!I", 0)
        packet = struct.pack("!BBHHH", 0, 0, 0, pinger._identifier, 1) + payload
        packet = packet[:2] + struct.pack("!H", ping_module.checksum(packet)) + packet[4:]
        lan.b.ip("addr", "add", "10.77.0.77/24", "dev", "eth1", check=False)
        # So that it does not answer by itself.
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
            sock.bind((source, 0))
            sock.sendto(packet, ("10.77.0.1", 0))

    def deaf(state):
        Path("/proc/sys/net/ipv4/icmp_echo_ignore_all").write_text(state)

    lan.b.call(deaf, "1")
    lan.b.call(forge, b"x" * 12, "10.77.0.77")
    lan.b.call(forge, pinger._cookie, "10.77.0.2")
    assert silent_for(lan.a, listener)
    assert listener.answers == []
    # And the same with both right is one: the test is able to fail.
    lan.b.call(forge, pinger._cookie, "10.77.0.77")
    silent_for(lan.a, listener)
    assert listener.answers == ["10.77.0.77"]


def test_a_name_is_looked_up_and_one_that_is_unknown_is_said(lan, pinging, eventually, monkeypatch):
    monkeypatch.setattr(ping_module, "_LOOK_UP_AGAIN_S", 0.05)
    known = {}

    async def getaddrinfo(host, *_words, **_options):
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", ("fd77::2", 0)), (0, 0, 0, "", (known[host], 0))]

    monkeypatch.setattr(lan.a.loop, "getaddrinfo", getaddrinfo)
    listener, _ = pinging(lan.a, node("gateway"))
    eventually(lambda: ("gateway", "gateway: Name or service not known") in listener.reasons, "the reason")
    known["gateway"] = "10.77.0.2"
    eventually(lambda: listener.answers, "an answer")
    assert listener.reasons[-1] == ("gateway", "")


def test_where_raw_sockets_are_not_permitted_ping_sockets_are_used(lan, pinging, eventually, monkeypatch):
    real = socket.socket

    def refusing(family, kind, protocol):
        if kind & socket.SOCK_RAW == socket.SOCK_RAW:
            raise PermissionError(1, "Operation not permitted")
        return real(family, kind, protocol)

    def permit():
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 0")

    lan.a.call(permit)
    monkeypatch.setattr(ping_module.socket, "socket", refusing)
    listener, _ = pinging(lan.a, node("10.77.0.2"), node("fd77::2"))
    eventually(lambda: set(listener.answers) == {"10.77.0.2", "fd77::2"}, "both answers")


def test_where_no_socket_is_permitted_the_reason_is_said(lan, pinging, monkeypatch):
    def refusing(*_words):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(ping_module, "_socket", refusing)
    listener, _ = pinging(lan.a, node("10.77.0.2"))
    assert listener.reasons == [("10.77.0.2", "no ICMP socket: Operation not permitted")]
