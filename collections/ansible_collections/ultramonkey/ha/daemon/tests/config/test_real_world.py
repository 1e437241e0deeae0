# ruff: noqa: E501 - whole messages are compared, each on a line of its own
"""What people really wrote: every oddity found in published files, in a few lines of our own.

A row shows the oddity in as few lines as will do, says what must come of it, and, when the files load, what
the author must have meant by them. All problems of a row are listed, but for the notices of directives that
are accepted and not carried out, which have tests of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import pytest
from ultramonkey_heartbeat.config.address import address_of
from ultramonkey_heartbeat.config.configuration import assemble
from ultramonkey_heartbeat.config.model import Configuration

KEY = "0123456789abcdef0123456789abcdef"
# A file each without a problem, for rows about the other two.
HA_CF = "bcast eth0\nauto_failback off\nnode lb1\nnode lb2\n"
HARESOURCES = "lb1 httpd\n"
AUTHKEYS = f"auth 1\n1 sha1 {KEY}\n"

NOTICES = ("is not started: ", "has no effect")


@dataclass(frozen=True)
class Row:
    """One oddity. `problems` are beginnings of problems; `meant` reads from the configuration what must hold."""

    name: str
    problems: tuple[str, ...] = ()
    ha_cf: str = HA_CF
    haresources: str = HARESOURCES
    authkeys: str = AUTHKEYS
    node: str = "lb1"
    meant: Callable[[Configuration], Any] | None = None
    value: Any = None


def links(c):
    return [link.name for link in c.ha.links]


def failback(c):
    return c.ha.auto_failback.value


def resources(c):
    return [(group.preferred, [resource.text for resource in group.resources]) for group in c.groups]


def key(c):
    return next(key for key in c.authkeys.keys if key.index == c.authkeys.current)


def address(c):
    return address_of(c.groups[0].resources[0])


def timers(c):
    return c.ha.keepalive_ms, c.ha.warntime_ms, c.ha.deadtime_ms, c.ha.initdead_ms


LEGACY = "ha.cf: warning: auto_failback is not given, so it is legacy"
IPFAIL = "respawn hacluster /usr/lib/heartbeat/ipfail\n"
PING = "192.0.2.1\n"

LOADED = [
    # --- ha.cf: form ---
    Row(
        "the smallest file: four directives, everything else left to the defaults",
        (LEGACY, "ha.cf:4: warning: 2 nodes are named in one line"),
        ha_cf="keepalive 1\ndeadtime 5\nbcast eth0\nnode lb1 lb2\n",
        meant=lambda c: (failback(c), timers(c), c.ha.nodes),
        value=("legacy", (1000, 2500, 5000, 12_000), ("lb1", "lb2")),
    ),
    Row(
        "comments behind most values, tabs before them, several marks",
        ("ha.cf:1: warning: comments stand behind a value (and on 2 more)",),
        ha_cf="udpport 694\t\t#port to talk to each other\nbcast eth0 # the cable\nauto_failback off  ## never\n"
        "node lb1\nnode lb2\n",
        meant=links,
        value=["bcast eth0"],
    ),
    Row(
        "comments in another script",
        (
            "ha.cf:1: warning: comments stand behind a value",
            "ha.cf:1: warning: comments have characters beyond ASCII (and on 1 more)",
        ),
        ha_cf=f"keepalive 2 # 心跳间隔\n# für alle\n{HA_CF}",
        meant=lambda c: c.ha.keepalive_ms,
        value=2000,
    ),
    Row(
        "comments in an encoding of the last century",
        ("ha.cf:1: warning: comments have characters beyond ASCII",),
        ha_cf=f"# Ger{chr(0xDCE4)}t\n{HA_CF}",
    ),
    Row(
        "line ends of Windows in all three files",
        (
            "ha.cf:1: warning: lines end with the carriage return of Windows (and on 3 more)",
            "haresources:1: warning: lines end with the carriage return of Windows",
            "authkeys:1: warning: lines end with the carriage return of Windows (and on 1 more)",
        ),
        ha_cf=HA_CF.replace("\n", "\r\n"),
        haresources="lb1 httpd\r\n",
        authkeys=AUTHKEYS.replace("\n", "\r\n"),
        meant=lambda c: (c.ha.nodes, resources(c), key(c).secret),
        value=(("lb1", "lb2"), [("lb1", ["httpd"])], KEY.encode()),
    ),
    Row(
        "no newline at the end of any file",
        (
            "ha.cf:4: warning: the last line does not end with a newline: add one",
            "haresources:1: warning: the last line does not end with a newline: add one",
            "authkeys:2: warning: the last line does not end with a newline: add one",
        ),
        ha_cf=HA_CF.rstrip(),
        haresources=HARESOURCES.rstrip(),
        authkeys=AUTHKEYS.rstrip(),
        meant=lambda c: (c.ha.nodes, key(c).secret),
        value=(("lb1", "lb2"), KEY.encode()),
    ),
    Row(
        "indented directives, blank lines, lines of blanks, columns of tabs",
        ha_cf=" keepalive      1\n\n \n\t\ndeadtime\t\t\t10\n\n bcast   eth0\nauto_failback \t off \nnode\tlb1\nnode lb2 \n",
        meant=timers,
        value=(1000, 5000, 10_000, 20_000),
    ),
    Row(
        "a comma between interfaces",
        ha_cf="bcast eth0, eth1\nauto_failback off\nnode lb1\nnode lb2\n",
        meant=links,
        value=["bcast eth0", "bcast eth1"],
    ),
    Row(
        "two interfaces in one line",
        ha_cf="bcast bond0 bond1\nauto_failback off\nnode lb1\nnode lb2\n",
        meant=links,
        value=["bcast bond0", "bcast bond1"],
    ),
    Row(
        "names of nodes with their domain and in upper case",
        ha_cf="bcast eth0\nauto_failback off\nnode LB1.Example.com\nnode lb2.example.com\n",
        haresources="lb1.example.COM httpd\n",
        node="lb1.example.com",
        meant=lambda c: (c.ha.nodes, resources(c)),
        value=(("lb1.example.com", "lb2.example.com"), [("lb1.example.com", ["httpd"])]),
    ),
    Row(
        "an underscore in the name of a node",
        ha_cf="bcast eth0\nauto_failback off\nnode server_1\nnode server_2\n",
        haresources="server_1 httpd\n",
        node="server_1",
        meant=lambda c: c.ha.nodes,
        value=("server_1", "server_2"),
    ),
    Row(
        "a file to be filled in by a script that did not run",
        ("ha.cf:1: warning: bcast interface looks like a word to be replaced",),
        ha_cf="bcast interface\nauto_failback off\nnode lb1\nnode lb2\n",
        meant=links,
        value=["bcast interface"],
    ),
    # --- ha.cf: timers ---
    Row(
        "milliseconds",
        ha_cf=f"keepalive 500ms\ndeadtime 10\n{HA_CF}",
        meant=timers,
        value=(500, 5000, 10_000, 20_000),
    ),
    Row(
        "timers below a second beside those in seconds",
        ha_cf=f"keepalive 100ms\ndeadtime 2\nwarntime 1\ninitdead 120\n{HA_CF}",
        meant=timers,
        value=(100, 1000, 2000, 120_000),
    ),
    Row(
        "initdead as long as deadtime",
        (
            "ha.cf:2: warning: initdead 30s is less than twice deadtime 30s (ha.cf:1): write initdead 60 or more",
        ),
        ha_cf=f"deadtime 30\ninitdead 30\n{HA_CF}",
        meant=lambda c: c.ha.initdead_ms,
        value=30_000,
    ),
    Row(
        "warntime longer than deadtime",
        ("ha.cf:2: warning: warntime 10s is not below deadtime 5s (ha.cf:1)",),
        ha_cf=f"deadtime 5\nwarntime 10\n{HA_CF}",
        meant=lambda c: c.ha.warntime_ms,
        value=10_000,
    ),
    # --- ha.cf: words ---
    Row(
        "auto_failback yes",
        ("ha.cf:2: warning: auto_failback yes is read as auto_failback on: write auto_failback on",),
        ha_cf=HA_CF.replace("off", "yes"),
        meant=failback,
        value="on",
    ),
    Row(
        "auto_failback no",
        ("ha.cf:2: warning: auto_failback no is read as auto_failback off: write auto_failback off",),
        ha_cf=HA_CF.replace("off", "no"),
        meant=failback,
        value="off",
    ),
    Row(
        "nice_failback alone: resources stay where they are",
        ("ha.cf:2: warning: nice_failback is an old name",),
        ha_cf=HA_CF.replace("auto_failback off", "nice_failback on"),
        meant=failback,
        value="off",
    ),
    Row(
        "nice_failback that contradicts auto_failback",
        (
            "ha.cf:1: warning: nice_failback is an old name",
            "ha.cf:1: warning: nice_failback contradicts auto_failback",
        ),
        ha_cf=f"nice_failback on\n{HA_CF}".replace("off", "on"),
        meant=failback,
        value="on",
    ),
    Row(
        "autojoin off",
        ("ha.cf:1: warning: autojoin off is read as autojoin none: write autojoin none",),
        ha_cf=f"autojoin off\n{HA_CF}",
    ),
    Row("autojoin none", ha_cf=f"autojoin none\n{HA_CF}"),
    Row("crm off", ha_cf=f"crm off\n{HA_CF}"),
    Row(
        "a blank missing before a number",
        (
            "ha.cf:1: warning: keepalive2 is read as keepalive 2, and refused by heartbeat 3.0.6: write keepalive 2",
        ),
        ha_cf=f"keepalive2\n{HA_CF}",
        meant=lambda c: c.ha.keepalive_ms,
        value=2000,
    ),
    # --- ha.cf: links ---
    Row(
        "udp, the old name of bcast",
        ("ha.cf:1: warning: udp is an old name: write bcast",),
        ha_cf="udp eth0\nauto_failback off\nnode lb1\nnode lb2\n",
        meant=links,
        value=["bcast eth0"],
    ),
    Row(
        "udp and bcast for the same interface, beside mcast and ucast",
        (
            "ha.cf:4: warning: udp is an old name",
            "ha.cf:4: warning: bcast eth0 is given again (first at ha.cf:1)",
        ),
        ha_cf="bcast eth0\nmcast eth0 225.0.0.1 694 1 0\nucast eth0 192.0.2.12\nudp eth0\nauto_failback off\n"
        "node lb1\nnode lb2\n",
        meant=links,
        value=["bcast eth0", "mcast eth0 225.0.0.1", "ucast eth0 192.0.2.12"],
    ),
    Row(
        "one file for both nodes, with a ucast line for each, grouped under its node",
        ha_cf="node lb1\nucast eth0 192.0.2.11\nucast eth1 198.51.100.11\n\nnode lb2\nucast eth0 192.0.2.12\n"
        "ucast eth1 198.51.100.12\nauto_failback on\n",
        meant=links,
        value=[
            "ucast eth0 192.0.2.11",
            "ucast eth1 198.51.100.11",
            "ucast eth0 192.0.2.12",
            "ucast eth1 198.51.100.12",
        ],
    ),
    Row(
        "two rings of multicast over bonds",
        ha_cf="mcast bond0 225.0.0.1 694 2 0\nmcast bond1 225.0.0.2 694 1 0 \nauto_failback off\nnode lb1\nnode lb2\n",
        meant=lambda c: [(link.group, link.ttl, link.loop) for link in c.ha.links],
        value=[("225.0.0.1", 2, False), ("225.0.0.2", 1, False)],
    ),
    Row(
        "udpport below the links: it was meant for them",
        (
            "ha.cf:5: warning: udpport 6942 stands below links; it applies to them too, but not for heartbeat 3.0.6",
        ),
        ha_cf=f"{HA_CF}udpport 6942\n",
        meant=lambda c: c.ha.links[0].port,
        value=6942,
    ),
    Row("udpport 694 below the links", ha_cf=f"{HA_CF}udpport 694\n"),
    # --- ha.cf: ping and what watches it ---
    Row(
        "ipfail without a ping node",
        (
            "ha.cf:5: warning: ipfail compares how many ping nodes each node reaches, and no ping node is given",
        ),
        ha_cf=f"{HA_CF}{IPFAIL}",
    ),
    Row(
        "ipfail with its ping node in a comment only",
        (
            "ha.cf:6: warning: ipfail compares how many ping nodes each node reaches, and no ping node is given",
        ),
        ha_cf=f"{HA_CF}#ping 192.0.2.1\n{IPFAIL}",
    ),
    Row("ipfail with a ping node", ha_cf=f"{HA_CF}{IPFAIL}ping {PING}"),
    Row(
        "a ping node that is the address of the service",
        (
            "ha.cf:5: warning: ping 192.0.2.10 is the address of a service (haresources:1): its holder always reaches it",
        ),
        ha_cf=f"{HA_CF}ping            192.0.2.10\n{IPFAIL}",
        haresources="lb1 IPaddr2::192.0.2.10/24/eth0\n",
    ),
    Row(
        "logging in every old way",
        ha_cf=f"debugfile /var/log/ha-debug\nlogfile\t/var/log/ha-log\nlogfacility     local0\nuse_logd yes\n{HA_CF}",
        meant=lambda c: (c.ha.logging.logfile, c.ha.logging.facility),
        value=("/var/log/ha-log", "local0"),
    ),
    # --- haresources ---
    Row("nothing but comments", haresources="# node1 10.0.0.170 httpd\n#\n", meant=resources, value=[]),
    Row(
        "variants of old days in comments, one line that counts",
        haresources="#lb1 192.0.2.9\n#lb2 192.0.2.10\nlb1  192.0.2.10/29/eth0:1 httpd mysqld\n",
        meant=lambda c: (address(c).prefix_length, address(c).interface, address(c).label),
        value=(29, "eth0", "1"),
    ),
    Row(
        "an address and nothing else",
        haresources="lb1 192.0.2.10\n",
        meant=lambda c: address(c).interface,
        value=None,
    ),
    Row(
        "a prefix length and no interface",
        haresources="lb1 IPaddr::192.0.2.10/27 mysql\n",
        meant=lambda c: (address(c).prefix_length, address(c).interface),
        value=(27, None),
    ),
    Row(
        "a slash too many",
        haresources="lb1 IPaddr::192.0.2.10/24/eth0/  httpd tomcat\n",
        meant=lambda c: (address(c).interface, address(c).broadcast),
        value=("eth0", None),
    ),
    Row(
        "the broadcast address as fourth part",
        haresources="lb1 IPaddr2::192.0.2.10/24/eth0/192.0.2.255 nginx arp_check\n",
        meant=lambda c: address(c).broadcast,
        value="192.0.2.255",
    ),
    Row(
        "a broadcast address that does not belong to the prefix",
        (
            "haresources:1: warning: 192.0.2.255 is not the broadcast address of 192.0.2.10/8, which is 192.255.255.255",
        ),
        haresources="lb1 IPaddr2::192.0.2.10/8/eth0/192.0.2.255\n",
    ),
    Row(
        "continued lines, indented, the node on a line of its own",
        haresources="    lb1 \\\n            IPaddr::192.0.2.10 \\\n        ldirectord\n",
        meant=resources,
        value=[("lb1", ["IPaddr::192.0.2.10", "ldirectord"])],
    ),
    Row(
        "a tab after the node, and at the end of the line",
        haresources="lb1\tldirectord::ldirectord.cf LVSSyncDaemonSwap::master IPaddr2::192.0.2.10/24/eth0\t\n",
        meant=lambda c: [resource.script for resource in c.groups[0].resources],
        value=["ldirectord", "LVSSyncDaemonSwap", "IPaddr2"],
    ),
    Row(
        "scripts with several arguments",
        haresources="lb1 Filesystem::/dev/drbd0::/srv::ext3::defaults Kerberos::EXAMPLE.COM::CS.EXAMPLE.COM\n",
        meant=lambda c: [resource.arguments for resource in c.groups[0].resources],
        value=[("/dev/drbd0", "/srv", "ext3", "defaults"), ("EXAMPLE.COM", "CS.EXAMPLE.COM")],
    ),
    Row(
        "hooks of one's own before and after the address",
        haresources="lb1 bind9release IPaddr::192.0.2.10 bind9takeover\n",
        meant=resources,
        value=[("lb1", ["bind9release", "IPaddr::192.0.2.10", "bind9takeover"])],
    ),
    Row(
        "no address at all, only mail",
        haresources="lb2 MailTo::admin@example.com::HEARTBEAT_ALERT\n",
        meant=lambda c: c.groups[0].resources[0].arguments,
        value=("admin@example.com", "HEARTBEAT_ALERT"),
    ),
    Row(
        "many groups over both nodes, each under a comment",
        haresources="   # web\n   lb1    IPaddr::192.0.2.10\n\n   # mail\n   lb1    IPaddr::192.0.2.11\n"
        "   lb2    drbddisk::r1  Mount::/srv\n",
        meant=resources,
        value=[
            ("lb1", ["IPaddr::192.0.2.10"]),
            ("lb1", ["IPaddr::192.0.2.11"]),
            ("lb2", ["drbddisk::r1", "Mount::/srv"]),
        ],
    ),
    Row(
        "two groups that need the same service",
        ("haresources:2: warning: iscsitarget belongs to the group at haresources:1 too",),
        haresources="lb1 192.0.2.10 iscsitarget\nlb1 192.0.2.11 iscsitarget\n",
    ),
    Row(
        "a node in another case than in ha.cf",
        haresources="LB1 192.0.2.10\n",
        meant=lambda c: c.groups[0].preferred,
        value="lb1",
    ),
    Row(
        "IPAddr",
        ("haresources:1: warning: IPAddr is read as IPaddr; heartbeat 3.0.6 does not find it: write IPaddr",),
        haresources="lb1 IPAddr::192.0.2.10/24/eth0\n",
        meant=lambda c: (address(c).address, address(c).prefix_length),
        value=("192.0.2.10", 24),
    ),
    Row(
        "no blank between node and address",
        (
            "haresources:1: warning: lb1192.0.2.10 is read as lb1 192.0.2.10; heartbeat 3.0.6 refuses the line",
        ),
        haresources="lb1192.0.2.10 mysql\n",
        meant=resources,
        value=[("lb1", ["192.0.2.10", "mysql"])],
    ),
    # --- authkeys ---
    Row(
        "other keys in comments",
        authkeys=f"#\nauth 2\n#1 crc\n2 sha1 {KEY}\n#3 md5 HI!\n",
        meant=lambda c: (c.authkeys.current, len(c.authkeys.keys)),
        value=(2, 1),
    ),
    Row(
        "crc: no protection at all",
        ("authkeys:2: warning: key 1: crc protects from accidents only, not from forgery",),
        authkeys="auth 1\n1 crc\n",
    ),
    Row(
        "a password that everybody has",
        ("authkeys:2: warning: key 1 is shorter than 16 characters and can be found by trying",),
        authkeys="auth 1\n1 sha1 password\n",
        meant=lambda c: key(c).secret,
        value=b"password",
    ),
    Row(
        "a key in quotes, indented, beside crc, which is the one in use",
        (
            "authkeys:2: warning: key 1 is in quotes, which are part of the key",
            "authkeys:2: warning: key 1 is shorter than 16 characters",
            "authkeys:3: warning: key 2: crc protects from accidents only",
        ),
        authkeys='auth 2\n 1 md5 "password"\n 2 crc\n',
        meant=lambda c: (key(c).method, c.authkeys.keys[0].secret),
        value=("crc", b'"password"'),
    ),
    Row(
        "a key full of dollars, dots and slashes",
        authkeys="auth 1\n1 sha1 $4$/AbC$ijkl.NOP/x1yZ$\n",
        meant=lambda c: key(c).secret,
        value=b"$4$/AbC$ijkl.NOP/x1yZ$",
    ),
    Row(
        "no blank in auth1, as heartbeat 3.0.6 reads it, too",
        ("authkeys:1: warning: a blank is missing between auth and 1: write auth 1, with a blank",),
        authkeys=f"auth1\n1 sha1 {KEY}\n",
        meant=lambda c: c.authkeys.current,
        value=1,
    ),
    Row(
        "no blank between method and key",
        ("authkeys:2: warning: key 1: a blank is missing after sha1; heartbeat 3.0.6 refuses the line",),
        authkeys=f"auth 1\n1 sha1{KEY}\n",
        meant=lambda c: (key(c).method, key(c).secret),
        value=("sha1", KEY.encode()),
    ),
]

REFUSED = [
    Row(
        "management by Pacemaker",
        (
            "ha.cf:1: crm on is not supported (management by Pacemaker instead of haresources): write crm no and describe",
        ),
        ha_cf=f"crm on\n{HA_CF}",
    ),
    Row(
        "management by Pacemaker with haresources beside it",
        ("ha.cf:1: crm respawn is not supported (management by Pacemaker instead of haresources)",),
        ha_cf=f"crm respawn\n{HA_CF}",
    ),
    Row(
        "management by Pacemaker under its newer name",
        ("ha.cf:1: pacemaker on is not supported (newer name of crm): write crm no and describe",),
        ha_cf=f"pacemaker on\n{HA_CF}",
    ),
    Row(
        "the peer is the address of the service",
        (
            "ha.cf:5: 192.0.2.10 is the address of a service (haresources:1), not of a peer: write the address that the",
        ),
        ha_cf=f"{HA_CF}ucast eth1 192.0.2.10 \n",
        haresources="lb1 192.0.2.10\n",
    ),
    Row(
        "this machine is not among the nodes, but for its domain",
        (
            "ha.cf:3: this machine, lb1.example.com, is not in the node lines: write lb1.example.com instead of lb1 (a",
        ),
        node="lb1.example.com",
    ),
    Row(
        "a line that begins with its first resource",
        (
            "haresources:1: the line begins with the resource IPaddr2::192.0.2.10/24/eth0 instead of a node: begin the",
        ),
        haresources="IPaddr2::192.0.2.10/24/eth0 drbddisk::r0\n",
    ),
    Row(
        "a node that is not in ha.cf",
        ("haresources:1: mysql.example.com is not a node of ha.cf: write one of: lb1, lb2",),
        haresources="mysql.example.com 192.0.2.10 mysql\n",
    ),
    Row(
        "the name of the cluster in place of a node",
        ("haresources:5: cluster is not a node of ha.cf: write one of: lb1, lb2",),
        haresources="#\n# everything\n#\n\ncluster 192.0.2.10\n",
    ),
    Row(
        "a word to be replaced in place of an address",
        (
            "haresources:1: IPaddr::virtual-ip: virtual-ip is not an IP address: write an address such as 192.0.2.1",
        ),
        haresources="lb1  IPaddr::virtual-ip      service one two\t\n",
    ),
    Row(
        "words to be replaced in every part of an address",
        ("haresources:1: IPaddr::virtual_ip/mask/network_adapter:0: virtual_ip is not an IP address",),
        haresources="lb1 IPaddr::virtual_ip/mask/network_adapter:0 mysql\n",
    ),
    Row(
        "authkeys as it came, all in comments",
        ("authkeys: no auth line says which key is used for sending: write auth 1 as first line",),
        authkeys="#\n#\tAuthentication file.\n#auth 1\n#1 crc\n",
    ),
]


def problems_of(row):
    loaded = assemble(row.ha_cf, row.haresources, row.authkeys, 0o600, row.node)
    texts = [str(problem) for problem in loaded.problems]
    return loaded, [text for text in texts if not any(notice in text for notice in NOTICES)]


def compare(found, expected):
    """Each problem begins as expected, and there is none beside them."""
    assert [text[: len(start)] for text, start in zip(found, expected)] == list(expected), found
    assert len(found) == len(expected), found


@pytest.mark.parametrize("row", LOADED, ids=lambda row: row.name)
def test_it_loads_to_what_its_author_meant(row):
    loaded, found = problems_of(row)
    compare(found, row.problems)
    configuration = loaded.required()
    if row.meant is not None:
        assert row.meant(configuration) == row.value


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_it_is_refused_with_a_reason_that_its_author_understands(row):
    loaded, found = problems_of(row)
    compare(found, row.problems)
    assert loaded.configuration is None
