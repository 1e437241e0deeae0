"""Files that nobody would write: parsers give a value or problems, no exception, and what they read renders.

A file is made of lines that mean something, with accidents in them: so it reaches deep into the parsers.
`GENERATED_INPUTS` says how many there are of each kind (`make properties`: 100,000). The number of an input
is the seed that makes it again: `generated(random.Random(f"ha.cf {number}"), HA_CF)`.
"""

from __future__ import annotations

import os
import random

from ultramonkey_heartbeat.config.authkeys import parse_authkeys
from ultramonkey_heartbeat.config.configuration import assemble
from ultramonkey_heartbeat.config.directive import Treatment
from ultramonkey_heartbeat.config.directives import DIRECTIVES
from ultramonkey_heartbeat.config.explain import explain, second_thoughts
from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.haresources import parse_haresources
from ultramonkey_heartbeat.config.problems import Severity
from ultramonkey_heartbeat.config.render import render_authkeys, render_ha_cf, render_haresources

INPUTS = int(os.environ.get("GENERATED_INPUTS", "400"))
NODES = ("lb1", "lb2")

GOOD_HA_CF = ("node lb1", "node lb2", "bcast eth0", "auto_failback on", "keepalive 1", "deadtime 10")
HA_CF = (
    *GOOD_HA_CF,
    *("node lb1 lb2 lb3.example.com", "bcast eth0 eth1", "udp eth0", "serial /dev/ttyS0", "baud 19200"),
    *("mcast eth0 225.0.0.1 694 1 0", "mcast6 eth0 ff02::1 694 1 0", "ucast eth0 192.0.2.2"),
    *(
        "ucast6 eth0 2001:db8::2",
        "udpport 694",
        "keepalive 500ms",
        "deadtime 2s",
        "warntime 5",
        "initdead 30",
    ),
    *("ping 192.0.2.1 gw", "ping6 2001:db8::1", "ping_group g 192.0.2.1 192.0.2.2", "deadping 10"),
    *("nice_failback on", "auto_failback legacy", "respawn hacluster /usr/lib/heartbeat/ipfail -x 'a b'"),
    *("apiauth ipfail uid=hacluster", "logfacility local0", "logfile /var/log/ha-log", "debug 1"),
    *(
        "crm off",
        "autojoin none",
        "stonith_host * x y z",
        "watchdog /dev/watchdog",
        "realtime on",
        "rtprio 5",
    ),
    *("hbgenmethod time", "uuidfrom nodename", "coredumps on", "max_rexmit_delay 250", "hopfudge 1"),
    *(f"{row.name} {row.syntax}" for row in DIRECTIVES if row.treatment is not Treatment.REFUSED),
)
HARESOURCES = (
    *(
        "lb1 192.0.2.10",
        "lb2 192.0.2.11/24",
        "lb1 192.0.2.12/24/eth0",
        "lb1 192.0.2.13/24/eth0:0/192.0.2.255",
    ),
    *("lb1 IPaddr2::192.0.2.14/24/eth0 httpd", "lb2 Filesystem::/dev/sda1::/srv::ext4::noatime,rw"),
    *("lb1 drbddisk::r0 \\", "  Filesystem::/dev/drbd0::/srv mysql", "lb2 IPv6addr::2001:db8::10/64/eth0"),
    *("lb1 systemd::nginx", "lb1 ocf::heartbeat::IPaddr2", "lb3 a", "lb1"),
)
AUTHKEYS = (
    *("auth 1", "1 sha1 a-secret-of-some-length", "2 md5 another", "3 crc", "4 sha256 0123456789abcdef"),
    *("auth 3", "auth 2", "15 sha1 x", "16 sha1 x", "1 md5"),
)
BASES = {HA_CF: GOOD_HA_CF, AUTHKEYS: AUTHKEYS[:3]}
# What accidents put into a line.
DEBRIS = (
    *(
        "#",
        " #",
        "\\",
        "\t",
        ",",
        "::",
        ":",
        "/",
        "%",
        "\r",
        "\0",
        "\x1b[31m",
        "'",
        '"',
        "=",
        "-1",
        "0",
        "99999999999",
    ),
    *(
        "\u00e4",
        "\u2028",
        "\u3000",
        "\ufeff",
        "\U0001f600",
        "\udce4",
        "1e9",
        "0x10",
        "_",
        ".",
        "..",
        "*",
        "1s",
        "on",
    ),
    *("eth0", "lb1", "192.0.2.10", "2001:db8::1", "ff02::1", "999.1.1.1", "x" * 300),
)


def generated(rng, lines):
    """The text of one file."""
    chosen = [rng.choice(lines) for _ in range(rng.randint(0, 8))]
    if rng.random() < 0.8:
        # Something that loads, most likely, and little beside it.
        chosen = [*BASES.get(lines, ()), *chosen[: rng.choice([0, 1, 1, 2])]]
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 5])):
        if chosen:
            index = rng.randrange(len(chosen))
            chosen[index] = accident(rng, chosen[index])
    return rng.choice(["\n", "\n", "\n", "\r\n"]).join(chosen) + rng.choice(["\n", ""])


def accident(rng, line):
    """The line with something wrong in it, most likely."""
    words, start = line.split(" "), rng.randint(0, len(line))
    return rng.choice(
        (
            lambda: line[:start] + rng.choice(DEBRIS) + line[start:],
            lambda: line[:start] + line[start + rng.randint(1, 3) :],
            lambda: (
                line[:start] + chr(rng.choice([rng.randint(0, 127), rng.randint(0, 0x2FFF)])) + line[start:]
            ),
            lambda: " ".join(words[: rng.randint(0, len(words))]),
            lambda: " ".join([*words, rng.choice(DEBRIS)]),
            lambda: " ".join(rng.sample(words, len(words))),
            lambda: line + line,
            line.upper,
        )
    )()


def complain(problems, text):
    """Problems that cannot be told are no better than an exception."""
    for problem in problems:
        said = str(problem)
        assert problem.message, said
        assert "\n" not in said
        assert said.isprintable() or not problem.word.isprintable(), said
        assert 0 <= problem.line <= text.count("\n") + text.count("\r") + text.count("\u2028") + 1


def test_ha_cf_is_read_or_refused_and_what_is_read_renders_to_what_reads_the_same():
    read = 0
    for number in range(INPUTS):
        text = generated(random.Random(f"ha.cf {number}"), HA_CF)
        try:
            ha, problems = parse_ha_cf(text)
            complain(problems, text)
            assert (ha is None) == any(problem.severity is Severity.ERROR for problem in problems)
            if ha is None:
                continue
            read += 1
            rendered = render_ha_cf(ha)
            again, _ = parse_ha_cf(rendered)
            assert again == ha
            assert render_ha_cf(again) == rendered
        except Exception as error:
            raise AssertionError(f"input {number}: {text!r}") from error
    # Or the generator would not reach what it is for.
    assert INPUTS / 5 < read < INPUTS * 4 / 5, read


def test_haresources_are_read_or_refused_and_what_is_read_renders_to_what_reads_the_same():
    read = 0
    for number in range(INPUTS):
        text = generated(random.Random(f"haresources {number}"), HARESOURCES)
        try:
            groups, problems = parse_haresources(text, NODES)
            complain(problems, text)
            if any(problem.severity is Severity.ERROR for problem in problems):
                continue
            read += 1
            rendered = render_haresources(groups)
            again, _ = parse_haresources(rendered, NODES)
            assert unplaced(again) == unplaced(groups)
            assert render_haresources(again) == rendered
        except Exception as error:
            raise AssertionError(f"input {number}: {text!r}") from error
    assert read > INPUTS / 5, read


def unplaced(groups):
    return [(group.key, group.preferred, group.resources) for group in groups]


def test_authkeys_are_read_or_refused_and_what_is_read_renders_to_what_reads_the_same():
    read = 0
    for number in range(INPUTS):
        rng = random.Random(f"authkeys {number}")
        text = generated(rng, AUTHKEYS)
        try:
            keys, problems = parse_authkeys(text, rng.choice([None, 0o600, 0o644, 0o620]))
            complain(problems, text)
            if keys is None:
                continue
            read += 1
            rendered = render_authkeys(keys)
            again, _ = parse_authkeys(rendered, 0o600)
            assert again == keys
            assert render_authkeys(again) == rendered
        except Exception as error:
            raise AssertionError(f"input {number}: {text!r}") from error
    assert read > INPUTS / 5, read


def test_the_three_files_together_are_read_or_refused_and_can_be_explained():
    for number in range(INPUTS):
        rng = random.Random(f"all {number}")
        texts = [
            generated(rng, lines) if rng.random() < 0.9 else None for lines in (HA_CF, HARESOURCES, AUTHKEYS)
        ]
        try:
            loaded = assemble(*texts, rng.choice([None, 0o600]), rng.choice(["lb1", "LB2", "elsewhere"]))
            if loaded.configuration is not None:
                configuration = loaded.configuration
                explain(configuration, [*loaded.problems, *second_thoughts(configuration)])
        except Exception as error:
            raise AssertionError(f"input {number}: {texts!r}") from error
