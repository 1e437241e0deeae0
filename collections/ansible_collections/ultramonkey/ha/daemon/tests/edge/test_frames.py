"""The frames that announce addresses, byte by byte, and the parser of the kernel's notices."""

from __future__ import annotations

import struct

import pytest
from ultramonkey_heartbeat.net import arp, ndp
from ultramonkey_heartbeat.net.rtnetlink import AddressEvent, LinkEvent, parse

MAC = bytes.fromhex("020000000007")


def test_a_gratuitous_request_asks_everybody_for_its_own_address():
    assert arp.gratuitous_request(MAC, "192.0.2.10").hex() == (
        "ffffffffffff02000000000708060001080006040001020000000007c000020a000000000000c000020a"
    )


def test_a_gratuitous_reply_differs_in_operation_and_target():
    assert arp.gratuitous_reply(MAC, "192.0.2.10").hex() == (
        "ffffffffffff02000000000708060001080006040002020000000007c000020a020000000007c000020a"
    )


def test_an_unsolicited_advertisement_overrides_and_goes_to_all_nodes():
    frame = ndp.unsolicited_advertisement(MAC, "2001:db8::10")
    assert frame[:14].hex() == "333300000001" + MAC.hex() + "86dd"
    version, length, following, hops = struct.unpack("!IHBB", frame[14:22])
    assert (version >> 28, length, following, hops) == (6, 32, 58, 255)
    assert frame[22:54].hex() == "20010db8000000000000000000000010" + "ff020000000000000000000000000001"
    assert frame[54:56].hex() == "8800"
    assert frame[58:].hex() == "20000000" + "20010db8000000000000000000000010" + "0201" + MAC.hex()


def test_the_checksum_of_an_advertisement_makes_the_whole_sum_to_all_ones():
    frame = ndp.unsolicited_advertisement(MAC, "2001:db8::10")
    covered = frame[22:54] + struct.pack("!II", 32, 58) + frame[54:]
    total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


def test_a_router_says_that_it_is_one():
    assert ndp.unsolicited_advertisement(MAC, "2001:db8::10", router=True)[58:62].hex() == "a0000000"


def message(kind, body):
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def attribute(kind, value):
    raw = struct.pack("=HH", 4 + len(value), kind) + value
    return raw + bytes(-len(raw) % 4)


LINK = message(16, struct.pack("=BBHiII", 0, 0, 1, 7, 0x11043, 0) + attribute(3, b"eth1\0"))
ADDRESS = message(
    21,
    struct.pack("=BBBBi", 2, 24, 0, 0, 7)
    + attribute(1, bytes([10, 0, 0, 9]))
    + attribute(2, bytes([10, 0, 0, 1])),
)


def test_several_notices_in_one_datagram_are_all_read():
    assert parse(LINK + ADDRESS) == [
        LinkEvent(7, "eth1", up=True, running=True, lower_up=True, deleted=False),
        # The local address, not that of the other end.
        AddressEvent(7, "10.0.0.1", deleted=True),
    ]


@pytest.mark.parametrize("size", range(len(LINK + ADDRESS)))
def test_a_datagram_cut_anywhere_is_read_up_to_the_cut(size):
    events = parse((LINK + ADDRESS)[:size])
    assert len(events) == (1 if size >= len(LINK) else 0)


@pytest.mark.parametrize(
    "data", [bytes(64), b"\xff" * 64, message(20, b""), message(16, bytes(3)), message(99, bytes(40))]
)
def test_nonsense_is_skipped(data):
    assert parse(data) == []
