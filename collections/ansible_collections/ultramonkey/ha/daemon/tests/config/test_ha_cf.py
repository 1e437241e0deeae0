# ruff: noqa: E501 - whole messages are compared, each on a line of its own
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.directives import BY_NAME
from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.model import (
    AutoFailback,
    BroadcastLink,
    HaCf,
    Logging,
    MulticastLink,
    PingNode,
    PppLink,
    Respawn,
    SerialLink,
    UnicastLink,
)
from ultramonkey_heartbeat.config.problems import has_errors

SAMPLES = Path(__file__).parent / "samples"
# Enough for a file without a problem; every case adds its line as line 1.
REST = "\nbcast eth0\nnode lb1 lb2\nauto_failback off\n"


def marks(problems):
    """Problems in short: `line severity word`."""
    return [f"{problem.line} {problem.severity.value} {problem.word}" for problem in problems]


def loaded(text):
    ha, problems = parse_ha_cf(text)
    assert ha is not None, "\n".join(map(str, problems))
    return ha


def test_the_sample_file_loads_completely():
    ha, problems = parse_ha_cf((SAMPLES / "ha.cf").read_text(encoding="utf-8"))
    assert ha == HaCf(
        nodes=("lb1.example.com", "lb2.example.com"),
        links=(
            BroadcastLink("eth1", 695),
            UnicastLink("eth0", "192.0.2.2", 695),
            UnicastLink("eth0", "2001:db8::2", 695),
            MulticastLink("eth0", "239.0.0.43", 694, 1, loop=False),
        ),
        keepalive_ms=500,
        deadtime_ms=5000,
        warntime_ms=2500,
        initdead_ms=30_000,
        auto_failback=AutoFailback.OFF,
        logging=Logging("/var/log/ha-log", "local0", 0),
        respawn=(Respawn("hacluster", "/usr/lib/heartbeat/ipfail"),),
    )
    assert [str(problem) for problem in problems] == [
        (
            "ha.cf:18: warning: respawn hacluster /usr/lib/heartbeat/ipfail is not started: what it does is "
            "built in: leave the line in for nodes that run heartbeat 3.0.6"
        )
    ]


def test_defaults_are_those_of_heartbeat():
    assert loaded("node a\nbcast eth0") == HaCf(nodes=("a",), links=(BroadcastLink("eth0", 694),))
    assert HaCf.initdead_ms == 30_000
    assert HaCf.auto_failback is AutoFailback.LEGACY


# What a line alone changes: (line, name of the field, value).
DONE = [
    ("keepalive 2", "keepalive_ms", 2000),
    ("deadtime 20sec", "deadtime_ms", 20_000),
    ("warntime 900ms", "warntime_ms", 900),
    ("initdead 120", "initdead_ms", 120_000),
    ("udpport 1694", "links", (BroadcastLink("eth0", 1694),)),
    ("baud 9600\nserial /dev/ttyS0", "links", (SerialLink("/dev/ttyS0", 9600), BroadcastLink("eth0", 694))),
    (
        "serial /dev/ttyS0 /dev/ttyS1",
        "links",
        (*(SerialLink(f"/dev/ttyS{n}", 19200) for n in (0, 1)), BroadcastLink("eth0", 694)),
    ),
    ("bcast eth1, eth2", "links", tuple(BroadcastLink(f"eth{n}", 694) for n in (1, 2, 0))),
    ("udp eth1", "links", tuple(BroadcastLink(f"eth{n}", 694) for n in (1, 0))),
    (
        "mcast eth1 225.0.0.1 5405 2 1",
        "links",
        (MulticastLink("eth1", "225.0.0.1", 5405, 2, loop=True), BroadcastLink("eth0", 694)),
    ),
    (
        "mcast6 eth1 ff02::694 694 1 0",
        "links",
        (MulticastLink("eth1", "ff02::694", 694), BroadcastLink("eth0", 694)),
    ),
    ("ucast eth1 192.0.2.2", "links", (UnicastLink("eth1", "192.0.2.2", 694), BroadcastLink("eth0", 694))),
    (
        "ucast eth1 2001:DB8::2",
        "links",
        (UnicastLink("eth1", "2001:db8::2", 694), BroadcastLink("eth0", 694)),
    ),
    (
        "baud 115200\nudpport 1694\nppp-udp 10.0.0.1 /dev/ttyS0 10.0.0.2 nocrtscts unit 7",
        "links",
        (
            PppLink("10.0.0.1", "/dev/ttyS0", "10.0.0.2", 115_200, 1694, ("nocrtscts", "unit", "7")),
            BroadcastLink("eth0", 1694),
        ),
    ),
    ("ucast6 eth1 fe80::2", "links", (UnicastLink("eth1", "fe80::2", 694), BroadcastLink("eth0", 694))),
    ("node LB3", "nodes", ("lb3", "lb1", "lb2")),
    # The last one counts, and that is the one in REST.
    ("auto_failback on", "auto_failback", AutoFailback.OFF),
    ("nice_failback on", "auto_failback", AutoFailback.OFF),
    ("hopfudge 3", "hopfudge", 3),
    ("max_rexmit_delay 100", "max_rexmit_delay_ms", 100),
    ("realtime no", "realtime", False),
    ("rtprio 5", "rtprio", 5),
    ("logfile /var/log/x", "logging", Logging(logfile="/var/log/x")),
    ("logfacility LOCAL3", "logging", Logging(facility="local3")),
    ("logfacility none", "logging", Logging()),
    ("debugfile /var/log/debug", "logging", Logging(debugfile="/var/log/debug")),
    ("debug 3", "logging", Logging(debug=3)),
    ("coredumps true", "coredumps", True),
    ("coredumps off", "coredumps", False),
    ("hbgenmethod time", "generation_from_time", True),
    ("uuidfrom nodename", "uuid_from_name", True),
    ("watchdog /dev/watchdog", "watchdog", "/dev/watchdog"),
    (
        "ping 192.0.2.1 gw",
        "pings",
        (PingNode("ping", "192.0.2.1", ("192.0.2.1",)), PingNode("ping", "gw", ("gw",))),
    ),
    ("ping6 2001:db8::1", "pings", (PingNode("ping6", "2001:db8::1", ("2001:db8::1",)),)),
    (
        "ping_group routers 192.0.2.1 2001:db8::1",
        "pings",
        (PingNode("ping_group", "routers", ("192.0.2.1", "2001:db8::1")),),
    ),
    ("deadping 2500ms", "deadping_ms", 2500),
    ("respawn root /bin/true -x 1,2", "respawn", (Respawn("root", "/bin/true", ("-x", "1,2")),)),
    (
        "respawn www-data /bin/a\nrespawn root\t/bin/b  c",
        "respawn",
        (Respawn("www-data", "/bin/a"), Respawn("root", "/bin/b", ("c",))),
    ),
]

# Lines that load with the problems given, and change nothing.
NOTICED = [
    ("deadping 60", []),
    ("use_logd yes", ["1 warning yes"]),
    ("conn_logd_time 60", ["1 warning 60"]),
    ("syslogmsgfmt on", ["1 warning on"]),
    ("log_badpack on", []),
    ("log_badpack off", ["1 warning off"]),
    ("apiauth ipfail gid=haclient uid=hacluster", ["1 warning ipfail"]),
    ("env A=b", ["1 warning A=b"]),
    ("memreserve 6500", ["1 warning 6500"]),
    ("hbgenmethod file", []),
    ("uuidfrom file", []),
    ("msgfmt classic", []),
    ("msgfmt netstring", []),
    ("compression bz2", ["1 warning bz2"]),
    ("compression_threshold 30", ["1 warning 30"]),
    ("traditional_compression off", []),
    ("cluster linux-ha", ["1 warning linux-ha"]),
    ("quorum_server qs", ["1 warning qs"]),
    ("coreroot /var/core", ["1 warning /var/core"]),
    ("use_apphbd no", []),
    ("crm_daemon_dir /usr/lib", ["1 warning /usr/lib"]),
    ("crmd_spawns_pengine on", ["1 warning on"]),
    ("record_config_changes on", ["1 warning on"]),
    ("record_pengine_inputs on", ["1 warning on"]),
    ("enable_config_writes on", ["1 warning on"]),
    ("normalpoll on", ["1 warning on"]),
    ("crm off", []),
    ("pacemaker false", []),
    ("autojoin none", []),
    ("autojoin off", ["1 warning off"]),
    ("auto_failback YES", ["1 warning YES", "4 warning auto_failback"]),
    ("max_rexmit_delay250", ["1 warning max_rexmit_delay250"]),
    # No directive of the table:
    ("", []),
    ("   # comment with \u00fcmlauts and \u3000", []),
    ("deadtime", ["1 warning deadtime"]),
    ("keepalive 3 1", ["1 warning 3"]),
    ("keepalive 1\nkeepalive 1", ["2 warning keepalive"]),
    ("node lb1", ["3 warning lb1"]),
    ("ucast eth0 192.0.2.1\nucast eth0 192.0.2.1", ["2 warning eth0"]),
    ("warntime 30", ["1 warning warntime"]),
    ("ping 192.0.2.1\nping 192.0.2.1", ["2 warning 192.0.2.1"]),
    ("initdead 59", ["1 warning initdead"]),
    ("initdead 60", []),
]

# Lines that refuse the file, with the problems given.
REFUSED = [
    ("crm respawn", ["1 error respawn"]),
    ("crm on", ["1 error on"]),
    ("pacemaker yes", ["1 error yes"]),
    ("autojoin any", ["1 error any"]),
    ("autojoin of", ["1 error of"]),
    ("max_rexmit_delayfast", ["1 error max_rexmit_delayfast"]),
    ("stonith baytech /etc/ha.d/stonith.conf", ["1 error baytech"]),
    ("stonith_host * rps10 /dev/ttyS1 lb2 0", ["1 error *"]),
    ("failfast root /bin/true", ["1 error root"]),
    ("hbaping card", ["1 error card"]),
    ("ppp-udp 10.0.0.1 /dev/ttyS0", ["1 error /dev/ttyS0"]),
    ("ppp-udp 10.0.0.1 ttyS0 10.0.0.2", ["1 error ttyS0"]),
    ("ppp-udp 10.0.0.1 /dev/ttyS0 fe80::1", ["1 error fe80::1"]),
    ("ppp-udp 10.0.0.1 /dev/ttyS0 10.0.0.1", ["1 error 10.0.0.1"]),
    ("ppp-udp 10.0.0.1 /dev/ttyS0 lb2", ["1 error lb2"]),
    ("rds eth0 192.0.2.1", ["1 error eth0"]),
    ("tipc name", ["1 error name"]),
    ("deadtme 3", ["1 error deadtme"]),
    ("Keepalife 1", ["1 error Keepalife"]),
    ("keepalive 500 m", ["1 error m", "1 warning 500"]),
    ("node lb1 \\\nlb2", ["1 error \\", "2 error lb2"]),
    ("bcast eth0\\ eth1", ["1 error eth0\\"]),
    ("bcast 192.0.2.255", ["1 error 192.0.2.255"]),
    ("bcast eth0 192.0.2.255", ["1 error 192.0.2.255"]),
    ("ucast 192.0.2.1 192.0.2.2", ["1 error 192.0.2.1"]),
    ("keepalive 15", ["1 error keepalive"]),
    ("deadtime 2", ["1 error deadtime"]),
    ("initdead 29", ["1 error initdead"]),
    ("deadping 2", ["1 error deadping"]),
    ("ping 192.0.2", ["1 error 192.0.2"]),
    ("ping 224.0.0.1", ["1 error 224.0.0.1"]),
    ("ping gate/way", ["1 error gate/way"]),
    ("ping6 192.0.2.1", ["1 error 192.0.2.1"]),
    ("ping_group routers", ["1 error routers"]),
    ("ping_group !x 192.0.2.1", ["1 error !x"]),
    ("initdead soon", ["1 error soon"]),
    ("udpport 0", ["1 error 0"]),
    ("udpport 65536", ["1 error 65536"]),
    ("baud 12345", ["1 error 12345"]),
    ("bcast eth0:1", ["1 error eth0:1"]),
    ("mcast eth0 192.0.2.1 694 1 0", ["1 error 192.0.2.1"]),
    ("mcast eth0 ff02::1 694 1 0", ["1 error ff02::1"]),
    ("mcast6 eth0 225.0.0.1 694 1 0", ["1 error 225.0.0.1"]),
    ("mcast eth0 225.0.0.1 694 0 0", ["1 error 0"]),
    ("mcast eth0 225.0.0.1 694 256 0", ["1 error 256"]),
    ("mcast eth0 225.0.0.1 694 1", ["1 error 1"]),
    ("mcast eth0 225.0.0.1 694 1 0 0", ["1 error 0"]),
    ("mcast eth0 225.0.0.1 694 1 0\nmcast eth0 225.0.0.1 695 1 0", ["2 error eth0"]),
    ("ucast eth0", ["1 error eth0"]),
    ("ucast eth0 lb/2", ["1 error lb/2"]),
    ("ucast eth0 192.0.2.256", ["1 error 192.0.2.256"]),
    ("ucast6 eth0 lb2", ["1 error lb2"]),
    ("ucast6 eth0 192.0.2.1", ["1 error 192.0.2.1"]),
    ("serial ttyS0", ["1 error ttyS0"]),
    ("node lb/1", ["1 error lb/1"]),
    ("auto_failback maybe", ["1 error maybe"]),
    ("hopfudge 256", ["1 error 256"]),
    ("rtprio 0", ["1 error 0"]),
    ("logfile ha-log", ["1 error ha-log"]),
    ("logfacility locla0", ["1 error locla0"]),
    ("debug -1", ["1 error -1"]),
    ("watchdog watchdog", ["1 error watchdog"]),
    ("respawn root", ["1 error root"]),
    ("respawn /usr/bin/x", ["1 error /usr/bin/x"]),
    ("respawn 0 /usr/bin/x", ["1 error 0"]),
    ("respawn root bin/x", ["1 error bin/x"]),
    ("compression lzma", ["1 error lzma"]),
    ("deadtime\u200b5", ["1 error U+200B"]),
    ("deadtime 5\x00", ["1 error U+0000"]),
]


@pytest.mark.parametrize(("line", "field", "value"), DONE)
def test_a_directive_that_is_carried_out_has_its_value(line, field, value):
    assert getattr(loaded(line + REST), field) == value


@pytest.mark.parametrize(("line", "problems"), NOTICED)
def test_a_line_that_changes_nothing_is_noticed_or_asks_for_what_happens_anyway(line, problems):
    ha, found = parse_ha_cf(line + REST)
    assert marks(found) == problems
    assert ha is not None
    assert ha.deadtime_ms == 30_000


@pytest.mark.parametrize(("line", "problems"), REFUSED)
def test_a_line_that_is_wrong_or_dangerous_refuses_the_file(line, problems):
    ha, found = parse_ha_cf(line + REST)
    assert ha is None
    errors = [problem for problem in found if problem.severity.value == "error"]
    assert marks(found)[: len(problems)] == problems
    assert all(problem.remedy for problem in errors)
    assert len(errors) == sum(" error " in mark for mark in problems), "one fault, one error"


@pytest.mark.parametrize("path", ["/usr/lib64/heartbeat/dopd", "/usr/libexec/heartbeat/hbagent", "/ccm"])
def test_a_program_that_only_the_old_daemon_can_run_is_kept_with_a_warning(path):
    ha, problems = parse_ha_cf(f"respawn hacluster {path} -x{REST}")
    assert ha.respawn == (Respawn("hacluster", path, ("-x",)),)
    assert marks(problems) == ["1 warning hacluster"]
    assert "is not started: it needs the client interface" in str(problems[0])


@pytest.mark.parametrize("directory", ["/usr/lib/heartbeat", "/usr/libexec/heartbeat", "/nowhere"])
def test_ipfail_is_built_in_wherever_it_was(directory):
    ha, problems = parse_ha_cf(f"respawn hacluster {directory}/ipfail{REST}")
    assert ha is not None
    assert marks(problems) == ["1 warning hacluster"]
    assert "is not started: what it does is built in" in str(problems[0])


def test_every_directive_of_the_table_is_tried_above():
    tried = {line.split()[0] for line, *_ in (*DONE, *NOTICED, *REFUSED) if line.strip()}
    assert set(BY_NAME) <= tried


def test_all_problems_are_found_at_once_in_the_order_of_lines():
    ha, problems = parse_ha_cf("deadtme 5\nudpport x\nstonith a b\nnode lb1\nbcast eth0\nwarntime 40\n")
    assert ha is None
    assert [str(problem) for problem in problems] == [
        (
            "ha.cf: warning: auto_failback is not given, so it is legacy: groups always return, planned moves are "
            "refused: write auto_failback on or auto_failback off"
        ),
        "ha.cf:1: deadtme is not a directive: did you mean deadtime?",
        "ha.cf:2: udpport: x is not a number from 1 to 65535: write 1 to 65535",
        (
            "ha.cf:3: stonith a is not supported (fencing: a dead node is powered off before its resources are "
            "taken): use a cluster manager with fencing, or remove the line and accept that two separated nodes both serve"
        ),
    ]


def test_a_relation_names_both_lines():
    _, problems = parse_ha_cf("keepalive 1\ndeadtime 2" + REST)
    assert str(problems[0]) == (
        "ha.cf:2: deadtime 2s is not above twice the keepalive of 1s (ha.cf:1): "
        "write deadtime 4 or more, or a shorter keepalive"
    )


def test_deadtime_just_above_twice_keepalive_is_enough():
    assert loaded("keepalive 1\ndeadtime 2001ms" + REST).deadtime_ms == 2001


@pytest.mark.parametrize(
    ("deadtime", "initdead_ms"),
    [
        ("100ms", 12_000),
        ("5999ms", 12_000),
        ("6", 12_000),
        ("8", 16_000),
        ("10", 20_000),
        ("10001ms", 10_001),
        ("30", 30_000),
    ],
)
def test_initdead_follows_deadtime(deadtime, initdead_ms):
    assert loaded(f"keepalive 10ms\ndeadtime {deadtime}{REST}").initdead_ms == initdead_ms


def test_warntime_is_half_of_deadtime():
    assert loaded("deadtime 9" + REST).warntime_ms == 4500


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("nice_failback off", AutoFailback.ON),
        ("nice_failback on", AutoFailback.OFF),
        ("auto_failback YES", AutoFailback.ON),
        ("auto_failback Legacy", AutoFailback.LEGACY),
        ("auto_failback on\nnice_failback on", AutoFailback.ON),
    ],
)
def test_failback_in_its_old_and_new_spelling(lines, expected):
    assert loaded(f"{lines}\nbcast eth0\nnode a b\n").auto_failback is expected


def test_nice_failback_beside_auto_failback_is_noticed_when_it_contradicts():
    _, problems = parse_ha_cf("nice_failback off" + REST)
    assert [problem.message for problem in problems] == [
        "nice_failback is an old name",
        "nice_failback contradicts auto_failback (ha.cf:4), which counts",
    ]


def test_a_late_udpport_applies_to_all_links_with_a_warning():
    ha, problems = parse_ha_cf(
        "bcast eth0\nucast eth0 192.0.2.2\nmcast eth0 225.0.0.1 7 1 0\nudpport 999\nnode a\nauto_failback on"
    )
    assert [link.port for link in ha.links] == [999, 999, 7]
    assert marks(problems) == ["4 warning 999"]


@pytest.mark.parametrize(
    "lines", ["udpport 999\nbcast eth0", "bcast eth0\nudpport 694", "mcast eth0 225.0.0.1 7 1 0\nudpport 999"]
)
def test_a_udpport_that_heartbeat_understands_the_same_way_is_not_warned_of(lines):
    _, problems = parse_ha_cf(lines + "\nnode a\nauto_failback on")
    assert problems == []


def test_a_late_baud_applies_to_all_serial_lines():
    assert loaded("serial /dev/ttyS0\nbaud 115200" + REST).links[0] == SerialLink("/dev/ttyS0", 115_200)


@pytest.mark.parametrize(
    ("text", "word"),
    [("bcast eth0\nauto_failback on\n", "node"), ("node a\nauto_failback on\nping 192.0.2.1\n", "link")],
)
def test_a_file_without_nodes_or_links_is_refused(text, word):
    ha, problems = parse_ha_cf(text)
    assert ha is None
    assert f"0 error {word}" in marks(problems)


@pytest.mark.parametrize("line", ["bcast eth0/1", "node a/b", "nodee a\nbcast eth0"])
def test_what_could_not_be_read_is_not_reported_as_missing_too(line):
    text = f"{line}\nauto_failback on\n" + ("node a" if line.startswith("b") else "bcast eth1")
    _, problems = parse_ha_cf(text)
    assert len([problem for problem in problems if problem.severity.value == "error"]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "node a\r\nbcast eth0\r\nauto_failback on\r\n",
        "node a\nbcast eth0\nauto_failback on",
        "\ufeffnode a\nbcast eth0 # \u4e3b\u7cfb\nauto_failback on#x",
        "# \udcff broken bytes \x00 \u2028 stay in comments\n\tnode a\n  bcast,eth1\n".replace(
            "bcast,eth1", "bcast\t,eth0 ,"
        )
        + "auto_failback on",
    ],
)
def test_line_ends_marks_and_comments_of_all_kinds_are_read(text):
    ha, problems = parse_ha_cf(text)
    assert problems == []
    assert ha.nodes == ("a",)
    assert ha.links == (BroadcastLink("eth0", 694),)


ALPHABET = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    *BY_NAME,
                    "\n",
                    "\n",
                    " ",
                    ",",
                    "#",
                    "\r\n",
                    "\\",
                    "eth0",
                    "192.0.2.1",
                    "1",
                    "0",
                    "500ms",
                    "on",
                    "\u00a0",
                ]
            ),
            st.text(max_size=4),
        ),
        max_size=40,
    ).map(" ".join),
)


@given(ALPHABET)
def test_no_text_makes_the_parser_raise(text):
    ha, problems = parse_ha_cf(text)
    assert (ha is None) == has_errors(problems)
    lines = text.count("\n") + 1
    assert all(0 <= problem.line <= lines and str(problem).isprintable() for problem in problems)
