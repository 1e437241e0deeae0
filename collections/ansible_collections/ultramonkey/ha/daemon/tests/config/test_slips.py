# ruff: noqa: E501 - whole messages are compared, each on a line of its own
"""Slips of the pen that can only mean one thing: read so, and said. What could mean two things is refused."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.config.configuration import assemble

HA_CF = "bcast eth0\nauto_failback off\nnode lb1\nnode lb2\n"
AUTHKEYS = "auth 1\n1 sha1 0123456789abcdef0123456789abcdef\n"


def load(ha_cf=HA_CF, haresources="lb1 httpd\n"):
    loaded = assemble(ha_cf, haresources, AUTHKEYS, 0o600, "lb1")
    return loaded.configuration, [str(problem) for problem in loaded.problems]


HA_CF_SLIPS = [
    ("Keepalive 3", "Keepalive is read as keepalive, and refused by heartbeat 3.0.6: write keepalive"),
    ("KEEPALIVE\t3", "KEEPALIVE is read as keepalive, and refused by heartbeat 3.0.6: write keepalive"),
    ("keepalive=3", "keepalive=3 is read as keepalive 3, and refused by heartbeat 3.0.6: write keepalive 3"),
    (
        "keepalive = 3",
        "keepalive = 3 is read as keepalive 3, and refused by heartbeat 3.0.6: write keepalive 3",
    ),
    (
        "Keepalive: 3",
        "Keepalive: 3 is read as keepalive 3, and refused by heartbeat 3.0.6: write keepalive 3",
    ),
    (
        "keepalive 3 s",
        "3 s is read as 3s; heartbeat 3.0.6 takes it as two values: write the unit without a blank",
    ),
    (
        "keepalive 3 Seconds",
        "3 Seconds is read as 3s; heartbeat 3.0.6 takes it as two values: write the unit",
    ),
    (
        "keepalive 3000 ms",
        "3000 ms is read as 3000ms; heartbeat 3.0.6 takes it as two values: write the unit",
    ),
    (
        'keepalive "3"',
        '"3" is read as 3; heartbeat 3.0.6 takes the quotes as part of it: leave the quotes out',
    ),
    ("keepalive \u201c3\u201d", "\u201c3\u201d is read as 3; heartbeat 3.0.6 takes the quotes as part of it"),
    (
        "keepalive\u00a03",
        "the character U+00A0 is read as a blank; heartbeat 3.0.6 takes it as part of a word",
    ),
    (
        "keepalive\u30003",
        "the character U+3000 is read as a blank; heartbeat 3.0.6 takes it as part of a word",
    ),
    (
        "keepalive 3\u00a0",
        "the character U+00A0 is read as a blank; heartbeat 3.0.6 takes it as part of a word",
    ),
]


@pytest.mark.parametrize(("line", "told"), HA_CF_SLIPS)
def test_a_slip_in_ha_cf_is_read_as_it_is_meant(line, told):
    configuration, problems = load(f"{line}\n{HA_CF}")
    assert [problem[: len(told) + 17] for problem in problems] == [
        f"ha.cf:1: warning: {told}"[: len(told) + 17]
    ]
    assert configuration.ha.keepalive_ms == 3000


def test_a_whole_file_in_quotes():
    configuration, problems = load(
        'bcast \'eth0\'\nauto_failback "off"\nnode "lb1" "lb2"\nlogfile "/var/log/ha"\n'
    )
    assert [link.name for link in configuration.ha.links] == ["bcast eth0"]
    assert configuration.ha.nodes == ("lb1", "lb2")
    assert configuration.ha.logging.logfile == "/var/log/ha"
    assert len([problem for problem in problems if "takes the quotes" in problem]) == 5


def test_the_words_of_a_command_are_left_alone():
    configuration, problems = load(f"respawn root /bin/watch 'a b' --list 1,2\n{HA_CF}")
    assert configuration.ha.respawn[0].command == "/bin/watch 'a b' --list 1,2"
    assert problems == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ping ::1", []),
        ("ping 2001:db8::1", []),
        ("env A=B", ["env is accepted and has no effect"]),
        ("ping_group 192.0.2.1 192.0.2.2", ["ping_group 192.0.2.1 192.0.2.2 has 192.0.2.1 as its name"]),
        ("debug off", []),
        ("debug ON", []),
        ("max_rexmit_delay 250ms", []),
        ("node 192.0.2.1", ["node 192.0.2.1 looks like an address: name the machine"]),
    ],
)
def test_what_looks_like_a_slip_and_is_none(line, told):
    configuration, problems = load(f"{line}\n{HA_CF}")
    assert configuration is not None
    assert [problem.partition("warning: ")[2][: len(start)] for problem, start in zip(problems, told)] == told
    assert len(problems) == len(told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("keepalive 3 m", "keepalive: m is not a time"),
        ("keepalive3x", "keepalive3x is not a directive: did you mean keepalive?"),
        (
            "node lb3 \\",
            "\\ ends with a backslash, and ha.cf has no continued lines: write all of it in one line, or node again",
        ),
        ("; old style", "; is not a directive"),
        ("keepalive =", "keepalive: = is not a time"),
        ("keepalive 3;", "keepalive: 3; is not a time"),
        ("keepalive \uff13", "keepalive: \uff13 is not a time"),
        ("deadtime 3\u200b", "the line contains the invisible character U+200B: type the line again"),
        (
            "bcast 192.0.2.255",
            "bcast: 192.0.2.255 is an address, not an interface: write the name of the interface",
        ),
        ("node {{ inventory_hostname }}", "node: {{ is not a node name"),
        ("node @NODE1@", "node: @NODE1@ is not a node name"),
        ("<cib/>", "<cib/> is not a directive"),
        ("node $(uname -n)", "node: $(uname is not a node name"),
        ("initdead 2m", "initdead: 2m has the unknown unit m"),
    ],
)
def test_what_could_mean_two_things_is_refused(line, told):
    configuration, problems = load(f"{HA_CF}{line}\n")
    assert configuration is None
    assert any(problem.startswith(f"ha.cf:5: {told}") for problem in problems), problems


def test_a_password_of_a_fencing_device_is_not_repeated():
    _, problems = load(f"stonith_host * baytech 10.0.0.3 admin sesame\n{HA_CF}")
    assert problems[0].startswith(
        "ha.cf:1: stonith_host * is not supported (fencing, with the device's arguments)"
    )
    assert "sesame" not in "".join(problems)


HARESOURCES = [
    ('lb1 "192.0.2.10" "httpd"', ["192.0.2.10", "httpd"], 2),
    ("lb1 192.0.2.10, httpd; mysql", ["192.0.2.10", "httpd", "mysql"], 2),
    ("lb1\u00a0192.0.2.10\u3000httpd", ["192.0.2.10", "httpd"], 1),
    (
        "lb1 192.0.2.10 filesystem::/dev/sda1::/mnt::ext3",
        ["192.0.2.10", "filesystem::/dev/sda1::/mnt::ext3"],
        1,
    ),
    ("lb1 lb2 192.0.2.10", ["lb2", "192.0.2.10"], 1),
    ("lb1 192.0.2.0/24/eth0 192.0.2.255/24/eth0", ["192.0.2.0/24/eth0", "192.0.2.255/24/eth0"], 2),
    ("lb1 IPaddr2::192.0.2.10/24/eth0:web-1.x", ["IPaddr2::192.0.2.10/24/eth0:web-1.x"], 0),
    (
        "lb1 Filesystem::LABEL=data::/mnt::ext4::rw,data=ordered",
        ["Filesystem::LABEL=data::/mnt::ext4::rw,data=ordered"],
        0,
    ),
    ("lb1 Filesystem::nfs:/export::/mnt::nfs", ["Filesystem::nfs:/export::/mnt::nfs"], 0),
    (
        "lb1 portblock::tcp::80::block 192.0.2.10 x@y.service a.sh",
        ["portblock::tcp::80::block", "192.0.2.10", "x@y.service", "a.sh"],
        0,
    ),
]


@pytest.mark.parametrize(("line", "resources", "warnings"), HARESOURCES)
def test_a_slip_in_haresources_is_read_as_it_is_meant(line, resources, warnings):
    configuration, problems = load(haresources=f"{line}\n")
    assert [resource.text for resource in configuration.groups[0].resources] == resources
    assert len(problems) == warnings, problems


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "lb1 IPaddr:192.0.2.10",
            "IPaddr:192.0.2.10 does not begin with the name of a script: write two colons: IPaddr::192.0.2.10",
        ),
        (
            "lb1 httpd,mysql",
            "httpd,mysql does not begin with the name of a script: separate resources by blanks",
        ),
        ("lb1 192.0.2.10 && httpd", "&& does not begin with the name of a script: write SCRIPT::ARGUMENT"),
        ("lb1 192.0.2.10 | httpd", "| does not begin with the name of a script: write SCRIPT::ARGUMENT"),
        ("lb1 -> 192.0.2.10", "-> does not begin with the name of a script: write SCRIPT::ARGUMENT"),
        ("lb1 $VIP", "$VIP does not begin with the name of a script: write SCRIPT::ARGUMENT"),
        (
            'lb1 MailTo::a@b::"fail over"',
            'over" does not begin with the name of a script: write SCRIPT::ARGUMENT',
        ),
        (
            "lb1 /etc/init.d/httpd",
            "/etc/init.d/httpd does not begin with the name of a script: write SCRIPT::ARGUMENT",
        ),
        ("lb1: 192.0.2.10", "lb1: is not a node of ha.cf: write one of: lb1, lb2"),
        ("{{ node }} 192.0.2.10", "{{ is not a node of ha.cf: write one of: lb1, lb2"),
    ],
)
def test_what_haresources_cannot_mean_is_refused(line, told):
    configuration, problems = load(haresources=f"{line}\n")
    assert configuration is None
    assert any(problem.startswith(f"haresources:1: {told}") for problem in problems), problems
