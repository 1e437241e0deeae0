"""The kernel drops our own broadcasts, and nothing else."""

from __future__ import annotations

import socket

import pytest
from ultramonkey_heartbeat.links.echo import drop_own


@pytest.fixture
def sockets():
    made = []

    def make(address):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, 0))
        sock.settimeout(2)
        made.append(sock)
        return sock

    yield make
    for sock in made:
        sock.close()


def heard(receiver, *senders):
    """Which of the senders are heard; the last one must be, or we would wait."""
    for number, sender in enumerate(senders):
        sender.sendto(bytes([number]), receiver.getsockname())
    found = []
    while not found or found[-1] != len(senders) - 1:
        found.append(receiver.recv(10)[0])
    return found


def test_a_datagram_from_our_own_address_and_port_is_dropped_and_all_others_are_kept(sockets):
    receiver, own, other_own = sockets("127.0.0.1"), sockets("127.0.0.1"), sockets("127.0.0.2")
    same_address, same_port = sockets("127.0.0.1"), sockets("127.0.0.3")
    drop_own(receiver, [own.getsockname(), other_own.getsockname()])
    assert heard(receiver, own, other_own, same_address, same_port) == [2, 3]


def test_the_filter_can_be_replaced_when_an_address_changes(sockets):
    receiver, own, later = sockets("127.0.0.1"), sockets("127.0.0.1"), sockets("127.0.0.1")
    drop_own(receiver, [own.getsockname()])
    drop_own(receiver, [later.getsockname()])
    assert heard(receiver, later, own) == [1]


def test_ipv6_sources_are_left_to_be_looked_at(sockets):
    receiver, own = sockets("127.0.0.1"), sockets("127.0.0.1")
    drop_own(receiver, [("fe80::1", 694)])
    assert heard(receiver, own) == [0]
