"""Bytes to and from IPVS, held against what a library that knows the protocol makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.sync_daemon import SyncDaemon
from ultramonkey_heartbeat.net import generic, sync_daemon
from ultramonkey_ldirectord.config.model import Forward, ServiceKey
from ultramonkey_ldirectord.core.changes import Change, Verb
from ultramonkey_ldirectord.core.table import Connections, Server, ServerKey, Service
from ultramonkey_ldirectord.ipvs import wire

library = pytest.importorskip("pyroute2.netlink.generic.ipvs", reason="pyroute2 before 0.8.1 knows no IPVS")

WEB = ServiceKey(4, "tcp", "192.0.2.100", 80)
DNS6 = ServiceKey(6, "udp", "2001:db8::53", 53)
MARK = ServiceKey(4, mark=7)
RR = Service("rr")
FAMILY = 33


def decoded(data):
    message = library.ipvsmsg(data)
    message.decode()
    return message


def attributes(message, name):
    found = message.get_attr(name)
    return dict(found["attrs"]) if found is not None else None


def plain(attrs):
    return {name.split("_ATTR_")[1]: value for name, value in attrs.items()}


def test_a_service_is_encoded_as_the_library_reads_it():
    service = Service("wlc", 0x11, 300, "255.255.255.0")
    message = decoded(wire.change_request(FAMILY, 5, Change(Verb.ADD_SERVICE, WEB, service)))
    assert (message["cmd"], message["header"]["type"], message["header"]["flags"]) == (
        library.IPVS_CMD_NEW_SERVICE,
        FAMILY,
        5,
    )
    got = plain(attributes(message, "IPVS_CMD_ATTR_SERVICE"))
    assert (got["AF"], got["PROTOCOL"], got["PORT"], got["SCHED_NAME"]) == (2, 6, 80, "wlc")
    assert (got["ADDR"], got["NETMASK"], got["TIMEOUT"]) == ("192.0.2.100", "255.255.255.0", 300)
    assert (got["FLAGS"]["flags"], got["FLAGS"]["mask"]) == (0x11, 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("verb", "command"),
    [
        (Verb.EDIT_SERVICE, library.IPVS_CMD_SET_SERVICE),
        (Verb.REMOVE_SERVICE, library.IPVS_CMD_DEL_SERVICE),
        (Verb.ADD_SERVER, library.IPVS_CMD_NEW_DEST),
        (Verb.EDIT_SERVER, library.IPVS_CMD_SET_DEST),
        (Verb.REMOVE_SERVER, library.IPVS_CMD_DEL_DEST),
    ],
)
def test_each_verb_is_a_command(verb, command):
    change = Change(verb, WEB, None, ServerKey("192.0.2.1", 80), Server(Forward.GATE, 1))
    assert decoded(wire.change_request(FAMILY, 1, change))["cmd"] == command


def test_a_mark_and_ipv6_are_identified_in_their_own_way():
    got = plain(
        attributes(
            decoded(wire.change_request(FAMILY, 1, Change(Verb.REMOVE_SERVICE, MARK))),
            "IPVS_CMD_ATTR_SERVICE",
        )
    )
    assert got == {"AF": 2, "FWMARK": 7}
    got = plain(attributes(decoded(wire.servers_request(FAMILY, 1, DNS6)), "IPVS_CMD_ATTR_SERVICE"))
    assert got == {"AF": 10, "PROTOCOL": 17, "ADDR": "2001:db8::53", "PORT": 53}


@pytest.mark.parametrize(("forward", "number"), [(Forward.MASQ, 0), (Forward.IPIP, 2), (Forward.GATE, 3)])
def test_a_server_is_encoded_as_the_library_reads_it(forward, number):
    change = Change(Verb.ADD_SERVER, WEB, None, ServerKey("192.0.2.1", 8080), Server(forward, 5, 2, 9))
    got = plain(attributes(decoded(wire.change_request(FAMILY, 1, change)), "IPVS_CMD_ATTR_DEST"))
    assert got == {
        "ADDR": "192.0.2.1",
        "PORT": 8080,
        "ADDR_FAMILY": 2,
        "FWD_METHOD": number,
        "WEIGHT": 5,
        "U_THRESH": 9,
        "L_THRESH": 2,
    }


def test_an_ipv6_service_has_a_prefix_length_for_a_netmask():
    change = Change(Verb.ADD_SERVICE, DNS6, Service("rr", netmask="64"))
    data = wire.change_request(FAMILY, 1, change)
    reread = wire.read_service(next(generic.messages(data)))
    assert reread == (DNS6, Service("rr", netmask="64"))


servers = st.builds(
    Server,
    st.sampled_from(list(Forward)),
    st.integers(0, 65535),
    st.integers(0, 9),
    st.integers(0, 2**32 - 1),
)
services = st.builds(
    Service, st.sampled_from(["rr", "wlc", "mh"]), st.sampled_from([0, 1, 4, 0x10]), st.integers(0, 86400)
)
versions = st.sampled_from([(WEB, "192.0.2.1"), (MARK, "192.0.2.1"), (DNS6, "2001:db8::1")])


@given(versions, services, servers)
def test_what_is_written_is_read_again(where, service, server):
    """A dump has the form of a request that adds."""
    key, address = where
    if key.version == 6:
        service = Service(service.scheduler, service.flags, service.persistent_s, "128")
    place = ServerKey(address, 80)
    change = Change(Verb.ADD_SERVER, key, service, place, server)
    message = next(generic.messages(wire.change_request(FAMILY, 9, change)))
    assert wire.read_service(message) == (key, service)
    assert wire.read_server(message, key.version) == (place, server, Connections())


def dump(service=None, dest=None):
    message = library.ipvsmsg()
    message["cmd"], message["header"]["type"], message["attrs"] = 1, FAMILY, []
    for name, value in (("SERVICE", service), ("DEST", dest)):
        if value is not None:
            attrs = [(f"IPVS_{'SVC' if name == 'SERVICE' else 'DEST'}_ATTR_{k}", v) for k, v in value]
            message["attrs"].append((f"IPVS_CMD_ATTR_{name}", {"attrs": attrs}))
    message.encode()
    return next(generic.messages(bytes(message.data)))


def test_what_the_kernel_shows_is_read():
    shown = [
        ("AF", 2),
        ("FWMARK", 7),
        ("SCHED_NAME", "wrr"),
        ("FLAGS", {"flags": 0x3, "mask": 0xFFFFFFFF}),
        ("TIMEOUT", 60),
        ("NETMASK", "255.255.255.255"),
    ]
    # 0x2 is the kernel's own flag.
    assert wire.read_service(dump(service=shown)) == (MARK, Service("wrr", 1, 60))
    local = [
        ("ADDR_FAMILY", 2),
        ("ADDR", "127.0.0.1"),
        ("PORT", 80),
        ("FWD_METHOD", 1),
        ("WEIGHT", 3),
        ("ACTIVE_CONNS", 4),
        ("INACT_CONNS", 5),
    ]
    assert wire.read_server(dump(dest=local), 4) == (
        ServerKey("127.0.0.1", 80),
        Server(None, 3),
        Connections(4, 5),
    )


def test_a_protocol_that_we_have_no_words_for_is_left_alone():
    sctp = [("AF", 2), ("PROTOCOL", 132), ("ADDR", "192.0.2.1"), ("PORT", 80), ("SCHED_NAME", "rr")]
    assert wire.read_service(dump(service=sctp)) is None


def test_a_daemon_is_written_and_read():
    daemon = SyncDaemon("backup", "eth1", 9)
    data = sync_daemon.daemon_request(FAMILY, 1, daemon, start=True)
    assert sync_daemon.read_daemon(next(generic.messages(data))) == daemon


@given(st.binary(max_size=200))
def test_garbage_is_never_an_exception(data):
    for message in generic.messages(data):
        generic.family_number(message)
        wire.read_service(message)
        wire.read_server(message, 4)
        sync_daemon.read_daemon(message)
