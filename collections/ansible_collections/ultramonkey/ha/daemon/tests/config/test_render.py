from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.authkeys import parse_authkeys
from ultramonkey_heartbeat.config.directives import FACILITIES
from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.haresources import parse_haresources, parse_resource
from ultramonkey_heartbeat.config.line_budget import carrying_ms
from ultramonkey_heartbeat.config.link_lines import BAUDS
from ultramonkey_heartbeat.config.model import (
    AuthKey,
    AuthKeys,
    AutoFailback,
    BroadcastLink,
    Group,
    HaCf,
    Logging,
    MulticastLink,
    PingNode,
    Respawn,
    SerialLink,
    UnicastLink,
)
from ultramonkey_heartbeat.config.render import render_authkeys, render_ha_cf, render_haresources

SAMPLES = Path(__file__).parent / "samples"

NAMES = st.from_regex(r"[a-z0-9_]([a-z0-9._-]{0,20}[a-z0-9_])?", fullmatch=True)
HOSTS = st.from_regex(r"[a-z]([a-z0-9._-]{0,20}[a-z0-9_])?", fullmatch=True)
INTERFACES = st.from_regex(r"[a-z][a-z0-9._-]{0,14}", fullmatch=True)
PORTS = st.integers(1, 65535)
PEERS = st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="2001:db8::/32")).map(str)
MULTICAST = st.one_of(st.ip_addresses(network="239.0.0.0/8"), st.ip_addresses(network="ff00::/8")).map(str)
COMMAND_WORDS = st.from_regex(r"[A-Za-z0-9'\",;$=/._-]{1,20}", fullmatch=True)
PATHS = st.from_regex(r"/[A-Za-z0-9/._-]{1,30}", fullmatch=True)
RESPAWNS = st.builds(
    Respawn,
    st.from_regex(r"[a-z_][a-z0-9_-]{0,30}", fullmatch=True),
    PATHS,
    st.lists(COMMAND_WORDS, max_size=3).map(tuple),
)


PINGS = st.lists(
    st.one_of(
        st.one_of(PEERS, HOSTS).map(lambda host: PingNode("ping", host, (host,))),
        st.lists(PEERS, min_size=1, max_size=3, unique=True).map(
            lambda hosts: PingNode("ping_group", "routers", tuple(hosts))
        ),
    ),
    max_size=3,
    unique_by=lambda node: node.name,
).map(tuple)


@st.composite
def ha_cfs(draw):
    port, baud = draw(PORTS), draw(st.sampled_from(BAUDS))
    link = st.one_of(
        st.builds(BroadcastLink, INTERFACES, st.just(port)),
        st.builds(UnicastLink, INTERFACES, PEERS, st.just(port)),
        st.builds(MulticastLink, INTERFACES, MULTICAST, PORTS, st.integers(1, 255), st.booleans()),
        st.builds(SerialLink, PATHS, st.just(baud)),
    )
    # What a serial line can carry, or the file would be refused.
    keepalive_ms = draw(st.integers(carrying_ms(baud), 10_000))
    deadtime_ms = draw(st.integers(2 * keepalive_ms + 1, 60_000))
    return HaCf(
        pings=draw(PINGS),
        deadping_ms=draw(st.none() | st.integers(2 * keepalive_ms + 1, 60_000)),
        nodes=tuple(draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))),
        links=tuple(draw(st.lists(link, min_size=1, max_size=5, unique_by=lambda item: item.name))),
        keepalive_ms=keepalive_ms,
        deadtime_ms=deadtime_ms,
        warntime_ms=draw(st.integers(1, 100_000)),
        initdead_ms=draw(st.integers(deadtime_ms, 200_000)),
        auto_failback=draw(st.sampled_from(AutoFailback)),
        hopfudge=draw(st.integers(0, 255)),
        realtime=draw(st.booleans()),
        rtprio=draw(st.integers(1, 99)),
        max_rexmit_delay_ms=draw(st.integers(1, 60_000)),
        logging=Logging(
            draw(st.none() | PATHS),
            draw(st.none() | st.sampled_from(FACILITIES)),
            draw(st.integers(0, 255)),
            draw(st.none() | PATHS),
        ),
        respawn=tuple(draw(st.lists(RESPAWNS, max_size=3))),
        watchdog=draw(st.none() | PATHS),
        generation_from_time=draw(st.booleans()),
        uuid_from_name=draw(st.booleans()),
        coredumps=draw(st.none() | st.booleans()),
    )


@given(ha_cfs())
def test_a_rendered_ha_cf_reads_back_the_same(ha):
    text = render_ha_cf(ha)
    again, problems = parse_ha_cf(text)
    assert again == ha, "\n".join(map(str, problems))


RESOURCES = st.one_of(
    st.ip_addresses(v=4, network="10.0.0.0/8").map(str),
    st.ip_addresses(network="2001:db8::/32").map("IPv6addr::{}/64/eth0".format),
    st.from_regex(r"[a-z][a-z0-9_-]{0,10}(::[A-Za-z0-9/=,]{1,8}){0,3}", fullmatch=True),
).map(parse_resource)


@st.composite
def group_lists(draw):
    resources = draw(st.lists(RESOURCES, max_size=8, unique_by=lambda item: item.arguments or item.text))
    groups = []
    while resources:
        size = draw(st.integers(1, len(resources)))
        own, resources = tuple(resources[:size]), resources[size:]
        groups.append(Group(own[0].text, draw(st.sampled_from(["lb1", "lb2"])), own, len(groups) + 1))
    return tuple(groups)


@given(group_lists())
def test_rendered_haresources_read_back_the_same(groups):
    again, problems = parse_haresources(render_haresources(groups), ("lb1", "lb2"))
    assert again == groups, "\n".join(map(str, problems))


SECRETS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40).map(str.encode)
KEYS = st.lists(
    st.one_of(
        st.builds(AuthKey, st.integers(0, 15), st.just("crc"), st.just(b"")),
        st.builds(AuthKey, st.integers(0, 15), st.sampled_from(["md5", "sha1", "sha256"]), SECRETS),
    ),
    min_size=1,
    unique_by=lambda key: key.index,
)


@given(KEYS, st.data())
def test_rendered_authkeys_read_back_the_same(keys, data):
    authkeys = AuthKeys(data.draw(st.sampled_from(keys)).index, tuple(keys))
    again, _ = parse_authkeys(render_authkeys(authkeys), 0o600)
    assert again == authkeys


def test_the_sample_renders_in_the_order_that_heartbeat_needs():
    ha, _ = parse_ha_cf((SAMPLES / "ha.cf").read_text(encoding="utf-8"))
    assert render_ha_cf(ha) == (
        "udpport 695\n"
        "bcast eth1\n"
        "ucast eth0 192.0.2.2\n"
        "ucast6 eth0 2001:db8::2\n"
        "mcast eth0 239.0.0.43 694 1 0\n"
        "node lb1.example.com\n"
        "node lb2.example.com\n"
        "auto_failback off\n"
        "keepalive 500ms\n"
        "deadtime 5\n"
        "warntime 2500ms\n"
        "initdead 30\n"
        "hopfudge 1\n"
        "max_rexmit_delay 250\n"
        "realtime on\n"
        "rtprio 1\n"
        "logfile /var/log/ha-log\n"
        "logfacility local0\n"
        "debug 0\n"
        "respawn hacluster /usr/lib/heartbeat/ipfail\n"
    )


@pytest.mark.parametrize(
    "links",
    [
        (BroadcastLink("eth0", 694), UnicastLink("eth0", "192.0.2.2", 695)),
        (SerialLink("/dev/ttyS0", 9600), SerialLink("/dev/ttyS1", 19200)),
    ],
)
def test_links_that_one_file_cannot_say_are_not_rendered(links):
    with pytest.raises(ValueError, match=r"ha\.cf has one"):
        render_ha_cf(HaCf(nodes=("a",), links=links))
