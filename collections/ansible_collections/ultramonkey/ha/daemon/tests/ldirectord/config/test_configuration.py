# ruff: noqa: E501 - whole messages are compared, each on a line of its own
"""ldirectord.cf: what loads and what it then means."""

from __future__ import annotations

import pytest
from names import Names
from ultramonkey_ldirectord.config.configuration import parse
from ultramonkey_ldirectord.config.model import Fallback, Forward, Kind

GLOBALS = "quiescent=no\n"
REAL = "\treal=192.0.2.1:80 gate\n"


def load(text):
    loaded = parse(text, "ld.cf", Names())
    assert loaded.configuration is not None, [str(problem) for problem in loaded.problems]
    return loaded.configuration


def section(lines="", head="virtual=192.0.2.100:80", real=REAL, common=GLOBALS):
    body = "".join(f"\t{line}\n" for line in lines.splitlines())
    return load(f"{common}{head}\n{real}{body}").virtuals[0]


def problems(text):
    return [str(problem) for problem in parse(text, "ld.cf", Names()).problems]


def test_an_empty_file_is_a_configuration_without_services():
    assert load("").virtuals == ()


def test_the_defaults_are_those_of_the_original():
    virtual = section()
    assert (virtual.scheduler, virtual.quiescent, virtual.cleanstop, virtual.failurecount) == (
        "wrr",
        False,
        True,
        1,
    )
    assert (virtual.check.kind, virtual.check.service, virtual.check.interval_ms) == (
        Kind.NEGOTIATE,
        "http",
        10_000,
    )
    assert (virtual.check.checktimeout_ms, virtual.check.negotiatetimeout_ms) == (5_000, 30_000)
    assert virtual.reals[0].weight == 1


@pytest.mark.parametrize(
    ("common", "own", "expected"),
    [
        ("checktimeout=3\n", "", (3, 3)),
        ("negotiatetimeout=20\n", "", (20, 20)),
        ("checktimeout=3\nnegotiatetimeout=20\n", "", (3, 20)),
        ("checktimeout=3\nnegotiatetimeout=20\n", "negotiatetimeout=7", (7, 7)),
        ("checktimeout=3\n", "checktimeout=4\nnegotiatetimeout=5", (4, 5)),
    ],
)
def test_the_two_timeouts_are_defaults_of_each_other(common, own, expected):
    check = section(own, common=GLOBALS + common).check
    assert (check.checktimeout_ms // 1000, check.negotiatetimeout_ms // 1000) == expected


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("virtual=192.0.2.100:80", "tcp:192.0.2.100:80"),
        ("virtual=192.0.2.100:http", "tcp:192.0.2.100:80"),
        ("virtual=192.0.2.100:53", "udp:192.0.2.100:53"),
        ("virtual=192.0.2.100:domain", "udp:192.0.2.100:53"),
        ("virtual=localhost:80", "tcp:127.0.0.1:80"),
        ("virtual = 192.0.2.100:80", "tcp:192.0.2.100:80"),
        ("virtual=7", "fwm:7"),
    ],
)
def test_a_virtual_service_is_an_address_and_port_or_a_mark(head, text):
    assert str(section("checktype=ping", head=head).key) == text


def test_ipv6_has_keywords_of_its_own():
    virtual = section(
        head="virtual6=[2001:db8:0::99]:80", real="\treal6=[2001:db8::1]:80 masq\n\treal6=web1:80 masq\n"
    )
    assert str(virtual.key) == "tcp:[2001:db8::99]:80"
    # web1 has the same address, so it is the same server.
    assert [real.address for real in virtual.reals] == ["2001:db8::1"]
    assert str(section("checktype=ping", head="virtual6=7", real="").key) == "fwm6:7"


def test_a_range_of_servers_is_that_many_servers():
    virtual = section(real='\treal=web1->web3:80 masq 5 "/a" "b" l:1 u:10\n')
    assert [(r.address, r.weight, r.request, r.receive, r.lower, r.upper) for r in virtual.reals] == [
        (f"192.0.2.{number}", 5, "/a", "b", 1, 10) for number in (1, 2, 3)
    ]


def test_a_fallback_of_all_takes_the_port_of_each():
    common = GLOBALS + "fallback=127.0.0.1 masq\n"
    assert section(common=common).fallback == Fallback("127.0.0.1", 80, Forward.MASQ)
    assert section("fallback=127.0.0.1:8080 masq", common=common).fallback.port == 8080
    # With gate the kernel sends to the port of the virtual service, whatever is written.
    assert section("fallback=127.0.0.1:8080").fallback == Fallback("127.0.0.1", 80, Forward.GATE)


@pytest.mark.parametrize(
    ("lines", "kind", "connects"),
    [
        ("checktype=connect", Kind.CONNECT, 0),
        ("checktype=connect\nprotocol=udp", Kind.PING, 0),
        ("checktype=3", Kind.COMBINED, 3),
        ("checktype=check3", Kind.COMBINED, 3),
        ("checktype=ping", Kind.PING, 0),
        ("checktype=on", Kind.ON, 0),
        ("checktype=off", Kind.OFF, 0),
        ("checktype=external\ncheckcommand=/bin/true", Kind.EXTERNAL, 0),
    ],
)
def test_each_kind_of_check_is_known(lines, kind, connects):
    check = section(lines).check
    assert (check.kind, check.connects) == (kind, connects)


def test_an_external_check_in_perl_is_run_by_perl():
    assert section('checktype=external-perl\ncheckcommand="/opt/x.pl -v"').check.command == (
        "perl",
        "/opt/x.pl",
        "-v",
    )


def test_a_negotiation_with_no_service_asks_at_least_whether_the_port_is_open():
    text = f"{GLOBALS}virtual=192.0.2.100:6666\n\treal=192.0.2.1:6666 masq\n"
    assert load(text).virtuals[0].check.kind is Kind.CONNECT
    assert problems(text) == [
        "ld.cf:2: warning: nothing says with which service to negotiate, so connect is checked: write service=NAME, or checktype=connect"
    ]
    assert section(head="virtual=7", real="\treal=192.0.2.1 gate\n").check.kind is Kind.PING


def test_comments_do_not_end_a_section_and_quotes_hide_nothing_else():
    text = (
        f"{GLOBALS}virtual=192.0.2.100:80\n# column 1\n    real=192.0.2.1:80 gate # one\n"
        '\t#real=192.0.2.9:80 gate\n\trequest="/x"# behind\n\treceive="a "b" c" # "last" quote\n'
    )
    virtual = load(text).virtuals[0]
    assert (len(virtual.reals), virtual.check.request, virtual.check.receive) == (1, "/x", 'a "b" c')


def test_a_hash_in_quotes_belongs_to_the_value_and_is_warned_of():
    text = f'{GLOBALS}virtual=192.0.2.100:80\n{REAL}\tpasswd="a#b"\n'
    assert load(text).virtuals[0].check.password == "a#b"
    assert problems(text) == [
        "ld.cf:4: warning: a # stands in quotes: the original cuts the line there: write it another way"
    ]


def test_what_is_sloppy_and_can_only_mean_one_thing_loads_with_a_warning():
    text = (
        "checkinterval=2\u3000\t# often\nautoreload=yes # x\nquiescent=no\nsupervised\n"
        'virtual=192.0.2.100:80\n  real=192.0.2.1:80 gate\n\trequest=/x\n\tscheduler="rr"'
    )
    configuration = load(text)
    assert (configuration.interval_ms, configuration.autoreload, configuration.supervised) == (
        2_000,
        True,
        True,
    )
    assert configuration.virtuals[0].check.request == "/x"
    assert problems(text) == [
        "ld.cf:1: warning: there is a strange blank, U+3000: write an ordinary blank",
        "ld.cf:1: warning: a comment stands behind a global value (and on 1 more): the original reads it as part of the value: put comments on lines of their own",
        "ld.cf:4: warning: supervised has no value: write supervised=yes",
        "ld.cf:6: warning: the line is indented by 2 blanks: the original wants four, or a tab",
        'ld.cf:7: warning: request stands without quotes: write request="TEXT"',
        "ld.cf:8: warning: the last line does not end with a newline: add one",
        "ld.cf:8: warning: scheduler stands in quotes: the original wants none",
    ]


def test_a_configuration_is_a_value():
    text = f"{GLOBALS}virtual=192.0.2.100:80\n{REAL}"
    assert load(text) == load(text)
    assert hash(load(text).virtuals[0]) == hash(load(text).virtuals[0])


def test_no_secret_is_in_the_representation_of_a_check():
    check = section('login="l"\npasswd="hidden1"\nsecret="hidden2"').check
    assert "hidden" not in repr(check)
