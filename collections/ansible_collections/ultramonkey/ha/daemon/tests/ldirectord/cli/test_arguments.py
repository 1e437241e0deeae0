"""The command line: the original's words, in the original's order and in any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from ultramonkey_ldirectord.cli.arguments import Arguments, UsageError, parse
from ultramonkey_ldirectord.reading import instance, locate


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("start", Arguments("start")),
        ("ldirectord.cf status", Arguments("status", "ldirectord.cf")),
        ("-d /etc/ha.d/x.cf start", Arguments("start", "/etc/ha.d/x.cf", debug=True)),
        ("x.cf status --json", Arguments("status", "x.cf", json=True)),
        ("-- x.cf reload", Arguments("reload", "x.cf")),
        ("drain 192.0.2.1:80", Arguments("drain", server="192.0.2.1:80")),
        (
            "x.cf drain [2001:db8::1]:80 --wait 5",
            Arguments("drain", "x.cf", server="[2001:db8::1]:80", wait=5),
        ),
        ("weight 192.0.2.1 -1", Arguments("weight", server="192.0.2.1", weight=-1)),
        ("x.cf weight 192.0.2.1 7", Arguments("weight", "x.cf", server="192.0.2.1", weight=7)),
        (
            "normal 192.0.2.1 --service fwm:1",
            Arguments("normal", server="192.0.2.1", service="fwm:1"),
        ),
        ("x.cf render", Arguments("render", "x.cf")),
        # A configuration may be called like a command.
        ("start stop", Arguments("stop", "start")),
        ("-h", Arguments("help")),
        ("x.cf -v", Arguments("version")),
    ],
)
def test_a_command_line_means(words, meant):
    assert parse(words.split()) == meant


@pytest.mark.parametrize(
    "words", ["", "x.cf", "-x start", "x.cf start now", "drain", "weight 192.0.2.1", "weight 192.0.2.1 x"]
)
def test_a_command_line_that_means_nothing_is_refused(words):
    with pytest.raises(UsageError):
        parse(words.split())


def test_a_configuration_is_found_where_the_original_looks(tmp_path):
    (tmp_path / "conf").mkdir()
    elsewhere = tmp_path / "elsewhere.cf"
    for path in (tmp_path / "a.cf", tmp_path / "conf" / "b.cf", elsewhere):
        path.touch()
    assert locate("a.cf", tmp_path) == tmp_path / "a.cf"
    assert locate("b.cf", tmp_path) == tmp_path / "conf" / "b.cf"
    assert locate(str(elsewhere), tmp_path / "none") == elsewhere
    assert locate(None, tmp_path) == tmp_path / "ldirectord.cf"
    assert locate("gone.cf", tmp_path) == tmp_path / "gone.cf"


def test_one_file_is_one_daemon_however_it_is_named():
    directory = Path("/etc/ha.d")
    assert instance(locate(None)) == instance(locate("/etc/ha.d/ldirectord.cf")) == "ldirectord.cf"
    assert instance(Path("/a/x.cf"), directory) != instance(Path("/b/x.cf"), directory)
    # The kernel limits the address of a socket.
    assert len(instance(Path("/a") / ("x" * 200), directory)) < 60
