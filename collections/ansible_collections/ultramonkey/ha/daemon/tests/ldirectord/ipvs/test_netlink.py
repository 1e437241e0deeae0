"""The socket to IPVS, against a kernel of our own at the other end of it."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from pathlib import Path

import pytest
from ultramonkey_heartbeat.net import generic
from ultramonkey_ldirectord.config.model import Forward, ServiceKey
from ultramonkey_ldirectord.core.changes import Change, Verb
from ultramonkey_ldirectord.core.table import Entry, Server, ServerKey, Service
from ultramonkey_ldirectord.ipvs import netlink, wire
from ultramonkey_ldirectord.ipvs.base import IpvsError

WEB = ServiceKey(4, "tcp", "192.0.2.100", 80)
PLACE, SERVER = ServerKey("192.0.2.1", 80), Server(Forward.GATE, 1)


def add(number):
    return Change(Verb.ADD_SERVER, WEB, None, ServerKey(f"192.0.2.{number}", 80), SERVER)


def answer(kind, sequence, body):
    return struct.pack("=IHHII", 16 + len(body), kind, 0, sequence, 0) + body


def error(sequence, number=0):
    return answer(generic.ERROR, sequence, struct.pack("=i", -number) + b"\0" * 16)


class Kernel:
    """Answers each request of a datagram by `rule(message)`, which gives datagrams."""

    def __init__(self, rule):
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.datagrams = []
        self._rule = rule
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while data := self.theirs.recv(1 << 20):
            self.datagrams.append(data)
            for message in generic.messages(data):
                for reply in self._rule(message):
                    self.theirs.send(reply)

    def close(self):
        self.ours.close()
        self.theirs.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self.theirs.close()


@pytest.fixture
def speak():
    kernels = []

    def make(rule):
        kernel = Kernel(rule)
        kernels.append(kernel)
        ipvs = netlink.IpvsSocket()
        kernel.ours.settimeout(5)
        ipvs.netlink.use(kernel.ours, 33)
        return ipvs, kernel

    yield make
    for kernel in kernels:
        kernel.close()


def test_many_changes_go_in_few_calls_and_each_refusal_is_told(speak):
    ipvs, kernel = speak(lambda m: [error(m.sequence, errno.EEXIST if m.sequence % 50 == 0 else 0)])
    steps = [add(number) for number in range(200)]
    failures = ipvs.apply(steps)
    assert [(failure.change, failure.reason) for failure in failures] == [
        (steps[number - 1], "File exists") for number in (50, 100, 150, 200)
    ]
    assert len(kernel.datagrams) == 4


def test_the_whole_table_is_read_service_by_service(speak):
    def rule(message):
        command = message.body[0]
        if command == 4:
            body = wire.change_request(33, 0, Change(Verb.ADD_SERVICE, WEB, Service("rr")))[16:]
            return [answer(33, message.sequence, body), answer(generic.DONE, message.sequence, b"\0" * 4)]
        one, two = (wire.change_request(33, 0, add(number))[16:] for number in (1, 2))
        # Several messages in a datagram, and an old answer among them.
        together = (
            answer(33, message.sequence, one) + answer(33, 999, two) + answer(33, message.sequence, two)
        )
        return [together, answer(generic.DONE, message.sequence, b"\0" * 4)]

    ipvs, _ = speak(rule)
    assert ipvs.read() == {WEB: Entry(Service("rr"), {PLACE: SERVER, ServerKey("192.0.2.2", 80): SERVER})}


def test_a_service_that_goes_while_the_table_is_read_has_no_servers(speak):
    def rule(message):
        if message.body[0] == 4:
            body = wire.change_request(33, 0, Change(Verb.ADD_SERVICE, WEB, Service("rr")))[16:]
            return [answer(33, message.sequence, body), answer(generic.DONE, message.sequence, b"\0" * 4)]
        return [error(message.sequence, errno.ESRCH)]

    ipvs, _ = speak(rule)
    assert ipvs.read() == {WEB: Entry(Service("rr"), {})}


def test_a_scheduler_that_the_kernel_lacks_is_named(speak):
    ipvs, _ = speak(lambda m: [error(m.sequence, errno.ENOENT)])
    failures = ipvs.apply([Change(Verb.ADD_SERVICE, WEB, Service("mh"))])
    assert failures[0].reason == "the kernel has no scheduler mh: load the module ip_vs_mh"


def test_a_refusal_of_a_dump_says_why(speak):
    ipvs, _ = speak(lambda m: [error(m.sequence, errno.EPERM)])
    with pytest.raises(IpvsError, match="IPVS: not permitted: it takes root, or CAP_NET_ADMIN"):
        ipvs.read()


def test_a_kernel_that_does_not_answer_ends_in_an_error_and_a_new_socket(speak):
    ipvs, kernel = speak(lambda m: [])
    kernel.ours.settimeout(0.05)
    with pytest.raises(IpvsError, match="netlink: timed out"):
        ipvs.read()
    assert not ipvs.netlink.is_open


def has_ipvs():
    return Path("/proc/net/ip_vs").exists()


@pytest.mark.skipif(has_ipvs(), reason="this kernel has IPVS")
def test_without_ipvs_in_the_kernel_it_says_so():
    ipvs = netlink.IpvsSocket()
    with pytest.raises(IpvsError, match="the kernel has no IPVS: load the module ip_vs"):
        ipvs.open()
    assert not ipvs.netlink.is_open
