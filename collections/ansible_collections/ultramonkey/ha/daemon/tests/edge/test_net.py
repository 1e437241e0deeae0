"""Addresses, announcements and notices on a real kernel."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from ultramonkey_heartbeat.config.model import Address
from ultramonkey_heartbeat.net import netlink
from ultramonkey_heartbeat.net.announce import Announcer, Rhythm
from ultramonkey_heartbeat.net.monitor import Monitor
from ultramonkey_heartbeat.net.netlink import Network
from ultramonkey_heartbeat.net.packet import PacketSender
from ultramonkey_heartbeat.net.types import NetError, ResolvedAddress

VIP4 = ResolvedAddress("10.77.0.10", 24, "eth1", None, "10.77.0.255")
VIP6 = ResolvedAddress("fd77::10", 64, "eth1")
both = pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["IPv4", "IPv6"])
ARP, IPV6 = 0x0806, 0x86DD


@pytest.fixture
def network(lan):
    """The kernel's network of host a."""
    made = lan.a.call(Network)
    yield made
    lan.a.run(made.close())


@pytest.fixture
def announcer(lan):
    """A function that makes an announcer on host a."""
    sender = PacketSender()
    made = []

    def make(rhythm=None):
        made.append(Announcer(lan.a.loop, sender, rhythm))
        return made[-1]

    yield make
    for one in made:
        lan.a.call(one.close)
    sender.close()


class Notices:
    """What a monitor on a host told."""

    def __init__(self, host):
        self.host = host
        self.changes = 0
        self.resyncs = 0
        self.removed = []
        self.told = threading.Condition()
        self.monitor = Monitor(host.loop, self)
        host.call(self.monitor.open)

    def interface_changed(self):
        with self.told:
            self.changes += 1
            self.told.notify()

    def address_removed(self, ip, index):
        with self.told:
            self.removed.append((ip, index))
            self.told.notify()

    def resync(self):
        with self.told:
            self.resyncs += 1
            self.told.notify()

    def wait(self, condition):
        with self.told:
            assert self.told.wait_for(condition, 8), (self.changes, self.removed, self.resyncs)


@pytest.fixture
def notices(lan):
    made = Notices(lan.a)
    yield made
    lan.a.call(made.monitor.close)


@both
def test_an_address_is_added_once_and_removed_once(lan, network, vip):
    assert not lan.a.run(network.has_address(vip))
    assert lan.a.run(network.add_address(vip)) is True
    assert lan.a.run(network.add_address(vip)) is False
    assert lan.a.run(network.has_address(vip))
    shown = lan.a.ip("addr", "show", "dev", "eth1")
    assert f"{vip.ip}/{vip.prefix_length}" in shown
    assert lan.a.run(network.remove_address(vip)) is True
    assert lan.a.run(network.remove_address(vip)) is False
    assert not lan.a.run(network.has_address(vip))
    assert vip.ip not in lan.a.ip("addr", "show", "dev", "eth1")


def test_an_ipv6_address_is_usable_at_once(lan, network):
    # With duplicate detection, as on a real host, other addresses are tentative for a while.
    lan.a.call(_write, "/proc/sys/net/ipv6/conf/eth1/accept_dad", "1")
    lan.a.run(network.add_address(VIP6))
    shown = next(line for line in lan.a.ip("-6", "addr", "show").splitlines() if VIP6.ip in line)
    assert "tentative" not in shown
    assert "nodad" in shown


def test_an_ipv6_address_of_a_service_is_not_the_source_of_what_the_host_asks(lan, network):
    """fd77::10 is nearer to fd77::11 than our own fd77::1, by the rules of source addresses."""
    lan.a.run(network.add_address(VIP6))
    assert "src fd77::1 " in lan.a.ip("-6", "route", "get", "fd77::11")


def _write(path, text):
    # /proc/sys/net shows the namespace of the thread that opens it.
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(text)


def test_label_and_broadcast_address_arrive(lan, network):
    lan.a.run(network.add_address(ResolvedAddress("10.77.0.11", 24, "eth1", "eth1:7", "10.77.0.127")))
    assert "10.77.0.11/24 brd 10.77.0.127 scope global secondary eth1:7" in lan.a.ip("addr", "show")
    assert lan.a.run(network.find_address("10.77.0.11")) == [
        ResolvedAddress("10.77.0.11", 24, "eth1", "eth1:7", "10.77.0.127")
    ]


def test_an_address_with_another_prefix_length_is_recognised_and_removed(lan, network):
    lan.a.ip("addr", "add", "10.77.0.10/32", "dev", "eth1")
    assert lan.a.run(network.has_address(VIP4))
    assert lan.a.run(network.remove_address(VIP4)) is True
    assert not lan.a.run(network.has_address(VIP4))


def test_an_address_on_loopback_is_found_only_when_asked_for(lan, network):
    lan.a.ip("addr", "add", "10.77.0.10/32", "dev", "lo")
    assert lan.a.run(network.find_address("10.77.0.10")) == []
    assert [found.interface for found in lan.a.run(network.find_address("10.77.0.10", "lo"))] == ["lo"]


@pytest.mark.parametrize(
    ("stays", "address", "expected"),
    [
        ("10.77.0.10/32", Address("10.77.0.10", 24, "eth1"), VIP4),
        ("10.77.0.10/32", Address("10.77.0.10"), VIP4),
        ("10.77.0.10/32", Address("10.77.0.10", 24), VIP4),
        ("fd77::10/128", Address("fd77::10"), VIP6),
    ],
)
def test_what_stays_on_loopback_is_no_holder_and_is_left_alone(lan, network, stays, address, expected):
    """As on a real server, or on a director that is one: the copy on lo is there before and afterwards."""
    lan.a.ip("addr", "add", stays, "dev", "lo")
    resolved = lan.a.run(network.resolve(address))
    assert resolved == expected
    assert lan.a.run(network.find_address(resolved.ip)) == []
    assert lan.a.run(network.add_address(resolved)) is True
    assert lan.a.run(network.find_address(resolved.ip)) == [expected]
    assert lan.a.run(network.remove_address(resolved)) is True
    assert lan.a.run(network.find_address(resolved.ip)) == []
    assert stays.partition("/")[0] in lan.a.ip("addr", "show", "dev", "lo")


def test_a_route_over_loopback_is_no_network_to_be_on(lan, network):
    """The kernel shows it for a moment when an IPv6 address is put on lo, before the local route is there."""
    lan.a.ip("route", "add", "fd77::10/128", "dev", "lo")
    assert lan.a.run(network.resolve(Address("fd77::10"))) == VIP6


def test_the_interface_may_be_recreated_between_two_changes(lan, network):
    assert lan.a.run(network.add_address(VIP4)) is True
    lan.unplug(lan.a)
    assert lan.a.run(network.remove_address(VIP4)) is False
    with pytest.raises(NetError, match="eth1: no such interface"):
        lan.a.run(network.add_address(VIP4))
    lan.plug_in(lan.a)
    assert lan.a.run(network.add_address(VIP4)) is True
    assert "10.77.0.10/24" in lan.a.ip("addr", "show", "dev", "eth1")


def test_disabled_ipv6_is_explained(lan, network):
    lan.a.call(_write, "/proc/sys/net/ipv6/conf/eth1/disable_ipv6", "1")
    with pytest.raises(NetError) as caught:
        lan.a.run(network.add_address(VIP6))
    assert caught.value.message == "cannot add fd77::10/64 on eth1: not permitted"
    assert "IPv6 is not disabled" in caught.value.remedy


def test_interfaces_are_listed_with_their_state(lan, network):
    lan.cable(lan.a, "down")
    found = {one.name: one for one in lan.a.run(network.interfaces())}
    assert found["lo"].carrier
    assert found["eth1"].up
    assert not found["eth1"].carrier
    assert found["eth1"].mac in lan.a.ip("link", "show", "eth1")


RESOLVED = [
    (Address("10.77.0.10"), ("10.77.0.10", 24, "eth1", None, "10.77.0.255")),
    (Address("10.77.0.10", 28), ("10.77.0.10", 28, "eth1", None, "10.77.0.15")),
    (Address("10.77.0.10", 32), ("10.77.0.10", 32, "eth1", None, None)),
    (Address("10.77.0.10", None, "eth1", "0"), ("10.77.0.10", 24, "eth1", "eth1:0", "10.77.0.255")),
    (Address("10.77.0.10", 24, "eth1", "eth1:0"), ("10.77.0.10", 24, "eth1", "eth1:0", "10.77.0.255")),
    (Address("10.77.0.10", 24, None, None, "10.77.0.9"), ("10.77.0.10", 24, "eth1", None, "10.77.0.9")),
    (Address("192.0.2.1", 24, "eth1"), ("192.0.2.1", 24, "eth1", None, "192.0.2.255")),
    # Ours already: the route to it leads to ourselves.
    (Address("10.77.0.1"), ("10.77.0.1", 24, "eth1", None, "10.77.0.255")),
    (Address("fd77::10"), ("fd77::10", 64, "eth1", None, None)),
    (Address("fd77::0010", 128), ("fd77::10", 128, "eth1", None, None)),
    (Address("fe80::10", None, "eth1"), ("fe80::10", 64, "eth1", None, None)),
]


@pytest.mark.parametrize(("address", "expected"), RESOLVED)
def test_what_the_configuration_leaves_open_comes_from_the_route(lan, network, address, expected):
    lan.a.ip("route", "add", "default", "via", "10.77.0.254")
    assert lan.a.run(network.resolve(address)) == ResolvedAddress(*expected)


UNRESOLVABLE = [
    (Address("192.0.2.1"), "192.0.2.1: no directly connected network contains it"),
    (Address("192.0.2.1", 24), "192.0.2.1: no directly connected network contains it"),
    (Address("192.0.2.1", None, "eth1"), "192.0.2.1: no directly connected network over eth1 contains it"),
    (Address("10.77.0.10", 24, "eth9"), "eth9: no such interface"),
    (Address("10.77.0.10", 24, "eth1", "much-too-long"), "label 'eth1:much-too-long' is too long"),
    (Address("2001:db8::1"), "2001:db8::1: no directly connected network contains it"),
]


@pytest.mark.parametrize(("address", "message"), UNRESOLVABLE)
def test_an_address_without_a_place_is_explained(lan, network, address, message):
    lan.a.ip("route", "add", "default", "via", "10.77.0.254")
    with pytest.raises(NetError) as caught:
        lan.a.run(network.resolve(address))
    assert caught.value.message == message
    assert caught.value.remedy


def test_a_table_that_changes_while_it_is_read_is_read_again():
    interruptions = [netlink._NetlinkError(-1, "dump interrupted")] * 2

    def dump(**arguments):
        if interruptions:
            raise interruptions.pop()
        return iter(arguments.items())

    assert netlink._dump(dump, family=2) == [("family", 2)]


def test_a_socket_in_trouble_is_replaced(lan, network):
    lan.a.run(network.open())
    broken = network._iproute
    with pytest.raises(NetError, match="new socket"):
        lan.a.run(network._call(lambda _iproute: 1 // 0))
    assert lan.a.run(network.add_address(VIP4)) is True
    assert network._iproute is not broken


def test_calls_do_not_stop_the_event_loop(lan, network):
    """While the worker waits for the kernel the loop goes on: proved by a worker that never returns."""
    hold = threading.Event()

    async def scenario():
        stuck = asyncio.ensure_future(network._call(lambda _iproute: hold.wait(8)))
        try:
            await asyncio.sleep(0.02)
            return stuck.done()
        finally:
            hold.set()
            await stuck

    assert lan.a.run(scenario()) is False


def test_the_first_announcement_is_a_request_and_a_reply_at_once(lan, announcer, capture):
    frames = capture(lan.b, ARP)
    lan.a.call(announcer().start, VIP4)
    seen = [frames.next(lambda frame: frame[28:32] == bytes([10, 77, 0, 10])) for _ in range(4)]
    assert [frame[20:22].hex() for frame, _ in seen] == ["0001", "0002", "0001", "0002"]
    assert all(frame[:6] == b"\xff" * 6 for frame, _ in seen)
    at = [when for _, when in seen]
    assert at[1] - at[0] < 0.02
    assert at[2] - at[1] > 0.09
    assert at[3] - at[2] > 0.09


def test_ten_frames_then_a_pair_for_every_refresh(lan, announcer, capture):
    frames = capture(lan.b, ARP)
    lan.a.call(announcer(Rhythm(spacing_ms=5, refresh_ms=300)).start, VIP4)
    seen = [frames.next(lambda frame: frame[28:32] == bytes([10, 77, 0, 10])) for _ in range(14)]
    assert [frame[21] for frame, _ in seen] == [1, 2] * 7
    at = [when for _, when in seen]
    pauses = [index for index in range(1, 14) if at[index] - at[index - 1] > 0.29]
    assert pauses == [10, 12]


def test_stopping_an_announcement_ends_it(lan, announcer):
    one = announcer(Rhythm(spacing_ms=1, refresh_ms=1))
    lan.a.call(one.start, VIP4)
    lan.a.call(one.start, VIP4)
    assert len(one._timers) == 1
    lan.a.call(one.stop, VIP4)
    lan.a.call(one.stop, VIP4)
    sent = one._sender.sent
    lan.a.run(asyncio.sleep(0.02))
    assert one._sender.sent == sent
    assert not one._timers


@both
def test_a_takeover_moves_the_neighbours_to_the_new_holder(lan, network, announcer, eventually, vip):
    """The address is on b, and a client knows it; when a announces, the client knows a."""
    address, nodad = f"{vip.ip}/{vip.prefix_length}", ["nodad"] if vip.is_ipv6 else []

    def neighbour():
        return lan.client.ip("neigh", "show", vip.ip)

    lan.client.ip("addr", "add", "fd77::99/64" if vip.is_ipv6 else "10.77.0.99/24", "dev", "br0", *nodad)
    lan.b.ip("addr", "add", address, "dev", "eth1", *nodad)
    lan.client.call(_talk, vip.ip)
    eventually(lambda: _mac(lan.b) in neighbour(), "the old holder in the client's cache")
    lan.b.ip("addr", "del", address, "dev", "eth1")

    lan.a.run(network.add_address(vip))
    lan.a.call(announcer().start, vip)
    eventually(lambda: _mac(lan.a) in neighbour(), "the new holder in the client's cache")


def _talk(ip):
    """Make the kernel look for the address's hardware address."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"hello", (ip, 9))


def _mac(host):
    words = host.ip("link", "show", "eth1").split()
    return words[words.index("link/ether") + 1]


def test_announcing_without_interface_or_carrier_does_no_harm(lan, announcer):
    one = announcer(Rhythm(spacing_ms=1, refresh_ms=1))
    lan.a.call(one.start, ResolvedAddress("10.77.0.10", 24, "eth9"))
    lan.a.call(one.start, ResolvedAddress("10.77.0.10", 32, "lo"))
    assert one._sender.sent == 0
    lan.a.ip("link", "set", "eth1", "down")
    lan.a.call(one.start, VIP4)
    assert one._sender.sent == 0
    assert one._sender.errors >= 2
    lan.a.ip("link", "set", "eth1", "up")
    lan.a.call(one.start, VIP4)
    assert one._sender.sent >= 2


@both
def test_an_address_removed_behind_our_back_is_noticed(lan, network, notices, vip):
    lan.a.run(network.add_address(vip))
    lan.a.ip("addr", "del", f"{vip.ip}/{vip.prefix_length}", "dev", "eth1")
    notices.wait(lambda: notices.removed)
    assert [ip for ip, _ in notices.removed] == [vip.ip]


def test_a_deleted_interface_takes_its_addresses_along(lan, network, notices):
    lan.a.run(network.add_address(VIP4))
    lan.unplug(lan.a)
    notices.wait(lambda: VIP4.ip in [ip for ip, _ in notices.removed])


def test_losing_the_carrier_is_noticed(lan, notices):
    before = notices.changes
    lan.cable(lan.a, "down")
    notices.wait(lambda: notices.changes > before)


def test_missed_notices_lead_to_a_resync(lan, notices):
    """More changes than the socket's buffer holds, while the loop does not read."""
    hold, held = threading.Event(), threading.Event()

    def block():
        notices.monitor._socket.setsockopt(1, 8, 1)  # SO_RCVBUF: the smallest there is
        held.set()
        hold.wait(8)

    lan.a.loop.call_soon_threadsafe(block)
    assert held.wait(8)
    for number in range(20):
        lan.a.ip("addr", "add", f"10.78.0.{number}/24", "dev", "eth1")
    hold.set()
    notices.wait(lambda: notices.resyncs and notices.changes)
