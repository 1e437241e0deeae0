"""Data to a file and back: what is written is what was meant, or it is refused with its place."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from names import Names
from ultramonkey_ldirectord.cli.ldirectord import main
from ultramonkey_ldirectord.config.as_data import HIDDEN, as_data, without_secrets
from ultramonkey_ldirectord.config.configuration import parse
from ultramonkey_ldirectord.config.data import from_data
from ultramonkey_ldirectord.config.directives import DIRECTIVES

WEB = {"virtual": "192.0.2.100:80", "reals": [{"server": "192.0.2.11:80", "forward": "gate"}]}
CHECKED = {**WEB, "checktype": "connect"}
QUIET = {"quiescent": False}


def made(*services, **common):
    """The text and what is said of it."""
    data = {"globals": {**QUIET, **common}, "services": list(services)}
    text, problems = from_data(data, lambda text: parse(text, "ld.cf", Names()).problems)
    return text, [str(problem) for problem in problems]


EVERYTHING = {
    "globals": {
        "checkinterval": 5,
        "autoreload": True,
        "callback": "/usr/bin/tell all",
        "logfile": "local0",
        "quiescent": True,
        "fallback": {"server": "127.0.0.1:80", "forward": "gate"},
        "fallback6": {"server": "[::1]:80"},
    },
    "services": [
        {
            "virtual": "192.0.2.100:80",
            "reals": [
                {"server": "192.0.2.11->192.0.2.13:80", "forward": "gate", "weight": 2},
                {"server": "192.0.2.14:80", "forward": "gate", "request": "a b", "receive": 'c "d'},
                {"server": "192.0.2.15", "forward": "ipip", "lower": 1, "upper": 9},
            ],
            "fallback": {"server": "127.0.0.1"},
            "checktype": 3,
            "service": "http",
            "request": "index.html",
            "receive": "7",
            "virtualhost": "www.example.com",
            "scheduler": "sh",
            "schedflags": ["sh-port", "sh-fallback"],
            "persistent": 600,
            "netmask": "255.255.255.0",
        },
        {
            "virtual": "[2001:db8::100]:3306",
            "reals": [{"server": "[2001:db8::11]:3306", "forward": "masq"}],
            "checktype": "external",
            "checkcommand": "/usr/bin/check -v",
        },
        {
            "virtual": 7,
            "version": 6,
            "reals": [{"server": "[2001:db8::1]", "forward": "gate"}],
            "checktype": "ping",
        },
        {
            "virtual": 8,
            "checktype": False,
            "reals": [{"server": "192.0.2.11", "forward": "gate", "weight": 0}],
        },
    ],
}

EVERYTHING_TEXT = """\
checkinterval=5
autoreload=yes
callback="/usr/bin/tell all"
logfile="local0"
quiescent=yes
fallback=127.0.0.1:80 gate
fallback6=[::1]:80

virtual=192.0.2.100:80
\treal=192.0.2.11->192.0.2.13:80 gate 2
\treal=192.0.2.14:80 gate "a b" "c "d"
\treal=192.0.2.15 ipip l:1 u:9
\tfallback=127.0.0.1
\tchecktype=3
\tservice=http
\trequest="index.html"
\treceive="7"
\tvirtualhost=www.example.com
\tscheduler=sh
\tschedflags=sh-port,sh-fallback
\tpersistent=600
\tnetmask=255.255.255.0

virtual6=[2001:db8::100]:3306
\treal6=[2001:db8::11]:3306 masq
\tchecktype=external
\tcheckcommand="/usr/bin/check -v"

virtual6=7
\treal6=[2001:db8::1] gate
\tchecktype=ping

virtual=8
\treal=192.0.2.11 gate 0
\tchecktype=off
"""


def judged(text):
    return parse(text, "ld.cf", Names()).problems


def test_every_kind_of_value_is_written_as_the_file_has_it_and_found_again():
    text, problems = from_data(EVERYTHING, judged)
    assert text == EVERYTHING_TEXT, problems
    again = as_data(text, "ld.cf")
    assert from_data(again, judged)[0] == text
    # What YAML has two words for is told as the file has it.
    assert again["services"][3]["checktype"] == "off"
    assert again["services"][0]["schedflags"] == "sh-port,sh-fallback"
    assert again["services"][0]["receive"] == "7"
    assert again["globals"] == EVERYTHING["globals"]


def test_the_order_of_keys_means_nothing():
    turned = {
        "services": [dict(reversed(list(service.items()))) for service in EVERYTHING["services"]],
        "globals": dict(reversed(list(EVERYTHING["globals"].items()))),
    }
    assert from_data(turned, judged)[0] == EVERYTHING_TEXT


REFUSED = [
    ({**CHECKED, "virtual": "192.0.2.100"}, "services[0].virtual: virtual: 192.0.2.100 has no port"),
    ({"reals": []}, "services[0].virtual: the value is missing: give a value"),
    ({**CHECKED, "version": 5}, "services[0].version: 5 is no version of IP: write 4 or 6"),
    (
        {**CHECKED, "shceduler": "rr"},
        "services[0].shceduler: shceduler is not known: did you mean scheduler?",
    ),
    ({**CHECKED, "scheduler": "rrr"}, "services[0].scheduler: scheduler: rrr is not"),
    (
        {**CHECKED, "checkinterval": "5s"},
        "services[0].checkinterval: checkinterval: 5s is not a number of seconds",
    ),
    ({**CHECKED, "checkinterval": 1.5}, "services[0].checkinterval: this is neither text nor a whole number"),
    ({**CHECKED, "virtualhost": "a\n\treal=192.0.2.66 gate"}, "services[0].virtualhost: a\\u000a"),
    ({**CHECKED, "servicename": "web # one"}, "services[0].servicename: web # one cannot stand in the file"),
    ({**CHECKED, "request": " x "}, None),
    ({**CHECKED, "servicename": " x"}, "services[0].servicename:  x cannot stand in the file"),
    (
        {**WEB, "service": "mysql", "login": "u", "request": "q", "passwd": "geheim\nx"},
        "services[0].passwd: the value cannot stand in the file",
    ),
    (
        {**CHECKED, "reals": [{"server": "192.0.2.11:80"}]},
        "services[0].reals[0].forward: the value is missing",
    ),
    (
        {**CHECKED, "reals": [{"server": "192.0.2.11:80", "forward": "gate", "request": "x"}]},
        "services[0].reals[0]: one of request and receive is missing",
    ),
    (
        {
            **CHECKED,
            "reals": [{"server": "192.0.2.11:80", "forward": "gate", "request": 'a" "b', "receive": "c"}],
        },
        "services[0].reals[0]: the line would say something else",
    ),
    (
        {**CHECKED, "reals": [{"server": "192.0.2.300:80", "forward": "gate"}]},
        "services[0].reals[0]: real: 192.0.2.300 is not an IPv4 address",
    ),
    (
        {**CHECKED, "reals": [{"server": "192.0.2.11:80", "forward": "gate", "weight": -1}]},
        "services[0].reals[0].weight: -1 is not a whole number",
    ),
    ({**CHECKED, "reals": "192.0.2.11"}, "services[0].reals: text stands where a list belongs"),
    ({**CHECKED, "fallback": "127.0.0.1"}, "services[0].fallback: text stands where a mapping belongs"),
    (7, "services[0]: a number stands where a mapping belongs"),
]


@pytest.mark.parametrize(("service", "said"), REFUSED, ids=[str(case[1]) for case in REFUSED])
def test_what_cannot_be_is_refused_with_its_place(service, said):
    text, problems = made(service)
    if said is None:
        assert text
        return
    assert text == ""
    assert any(line.startswith(said) for line in problems), problems
    assert "geheim" not in "".join(problems)


def test_a_second_service_of_the_same_address_names_the_first_by_its_place():
    _, problems = made(CHECKED, CHECKED)
    (problem,) = problems
    assert problem.startswith(
        "services[1].virtual: tcp:192.0.2.100:80 is there already, in services[0].virtual: put all"
    )


def test_what_concerns_the_file_is_said_of_the_globals():
    _, problems = from_data({"services": [CHECKED]}, judged)
    assert str(problems[0]).startswith("globals.quiescent: warning: quiescent is not given")


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
NAMES = st.sampled_from([d.name for d in DIRECTIVES])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.lists(TEXTS, max_size=2))
REALS = st.fixed_dictionaries(
    {"server": st.just("192.0.2.11:80"), "forward": st.just("masq")},
    optional={"request": TEXTS, "receive": TEXTS, "weight": VALUES, "lower": VALUES, "upper": VALUES},
)


@given(
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.lists(REALS, max_size=2),
)
def test_whatever_is_given_the_file_says_the_same_or_is_refused(common, own, reals):
    data = {"globals": common, "services": [{**own, "virtual": "192.0.2.100:80", "reals": reals}]}
    text, problems = from_data(data, judged)
    if not text:
        assert problems
        return
    again = as_data(text, "ld.cf")
    assert from_data(again, judged)[0] == text
    (service,) = again["services"]
    for name, value in own.items():
        if isinstance(value, str):
            assert str(service[name]) == value
    for written, meant in zip(service.get("reals", ()), reals):
        for name in ("request", "receive"):
            assert written.get(name) == meant.get(name)


@pytest.mark.parametrize("secret", ["passwd", "secret"])
def test_passwords_are_not_shown(secret):
    text, _ = made({**CHECKED, secret: "geheim", "login": "me"})
    shown = without_secrets(text)
    assert "geheim" not in shown
    assert f'\t{secret}="{HIDDEN}"\n' in shown
    assert "geheim" not in without_secrets(f"  {secret} = geheim")


def answered(monkeypatch, capsys, words, data=""):
    monkeypatch.setattr("sys.stdin", io.StringIO(data))
    code = main(["--json", *words])
    answer = json.loads(capsys.readouterr().out)
    assert (answer["schema"], answer["exit_code"]) == (1, code)
    return answer


def test_the_commands_that_need_no_daemon(monkeypatch, capsys, tmp_path):
    path = tmp_path / "ld.cf"
    data = {"globals": QUIET, "services": [{**CHECKED, "login": "me", "passwd": "geheim"}]}
    rendered = answered(monkeypatch, capsys, ["render"], json.dumps(data))
    path.write_text(rendered["result"]["text"])
    checked = answered(monkeypatch, capsys, [str(path), "check"])
    assert (checked["exit_code"], checked["problems"]) == (0, [])
    assert checked["result"]["shown"] == rendered["result"]["shown"]
    assert "geheim" not in json.dumps(checked)
    assert answered(monkeypatch, capsys, [str(path), "show"])["result"]["data"] == data


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [(("risecount=2", "redirects=no"), ["redirects", "risecount"]), (("checkcount=2", "ops=no"), [])],
)
def test_check_names_what_the_original_would_refuse(monkeypatch, capsys, tmp_path, lines, wanted):
    path = tmp_path / "ld.cf"
    common, line = lines
    path.write_text(f"quiescent=no\n{common}\nvirtual=192.0.2.1:80\n\treal=192.0.2.2:80 gate\n\t{line}\n")
    checked = answered(monkeypatch, capsys, [str(path), "check"])
    assert checked["result"]["uses"]["native_only"] == wanted


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("render", "{"), 1, "standard input is not JSON"),
        (("render", "[]"), 2, "a list stands where a mapping belongs"),
        (("/nowhere/ld.cf show", ""), 1, "No such file"),
    ],
)
def test_what_they_refuse(monkeypatch, capsys, words, code, said):
    words, data = words[0].split(), words[1]
    answer = answered(monkeypatch, capsys, words, data)
    assert answer["exit_code"] == code
    assert said in json.dumps(answer)


def test_a_file_with_errors_is_shown_but_not_as_data(monkeypatch, capsys, tmp_path):
    path = Path(tmp_path / "ld.cf")
    path.write_text("nonsense\npasswd=geheim\n")
    assert answered(monkeypatch, capsys, [str(path), "show"])["exit_code"] == 2
    checked = answered(monkeypatch, capsys, [str(path), "check"])
    assert checked["exit_code"] == 2
    assert checked["result"]["shown"] == 'nonsense\npasswd="(hidden)"\n'
