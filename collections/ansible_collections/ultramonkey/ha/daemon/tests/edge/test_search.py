"""Units that a resource names, as systemd knows them."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.config.haresources import parse_haresources
from ultramonkey_heartbeat.resources.search import missing

SYSTEMCTL = """#!/bin/sh
# As `systemctl show --property=LoadState --value -- UNIT...` answers; only for units that are asked for so.
[ "$1 $2 $3 $4" = "show --property=LoadState --value --" ] || exit 1
shift 4
echo "$@" >>"$0.asked"
for unit in "$@"; do
  case "$unit" in
    *@@*) exit 1;;
    web.service) echo loaded;;
    off.service) echo masked;;
    broken.mount) echo bad-setting;;
    *) echo not-found;;
  esac
  [ $# = 1 ] || echo
done
"""


@pytest.fixture
def told(tmp_path):
    """What is missing of the resources of one group, as text."""
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)

    def of(words, runs=tmp_path, program=systemctl, **options):
        groups, _ = parse_haresources(f"lb1 {words}\n", ["lb1", "lb2"])
        found = missing(groups, [tmp_path / "none"], systemctl=str(program), systemd_runs=runs, **options)
        return [str(problem) for problem in found]

    return of


def test_what_is_built_in_or_loaded_is_there(told):
    assert told("192.0.2.1 IPaddr2::192.0.2.2 2001:db8::1 LVSSyncDaemonSwap::master web.service") == []


@pytest.mark.parametrize(
    ("word", "because"),
    [
        (
            "gone.service",
            "gone.service cannot be started on this machine: systemd finds no unit of that name",
        ),
        ("systemd::gone", "gone cannot be started on this machine: systemd finds no unit of that name"),
        (
            "off.service",
            "off.service cannot be started on this machine: systemd calls the unit masked: systemctl unm",
        ),
        (
            "broken.mount",
            "broken.mount cannot be started on this machine: systemd calls the unit bad-setting: see ",
        ),
    ],
)
def test_a_unit_that_cannot_be_started_is_told_with_its_line(told, word, because):
    [problem] = told(f"192.0.2.1 web.service \\\n {word}")
    assert problem.startswith(f"haresources:2: {because}")


def test_what_will_be_installed_yet_is_not_searched(told):
    assert told("gone.service script::argument", later=["gone.service", "script"]) == []


def test_without_systemd_there_are_no_units(told, tmp_path):
    [problem] = told("web.service", runs=tmp_path / "not-there")
    assert "systemd does not run here" in problem


def test_when_systemd_does_not_answer_nothing_is_claimed(told, tmp_path):
    assert told("gone.service", program=tmp_path / "not-there") == []


def test_systemd_is_asked_once_for_all_units(told, tmp_path):
    problems = told("web.service off.service systemd::gone broken.mount")
    assert (tmp_path / "systemctl.asked").read_text() == "broken.mount gone off.service web.service\n"
    assert [text.partition(" cannot")[0] for text in problems] == [
        "haresources:1: off.service",
        "haresources:1: gone",
        "haresources:1: broken.mount",
    ]


def test_a_name_that_no_unit_can_have_does_not_hide_the_others(told):
    [problem] = told("systemd::a@@b systemd::gone web.service")
    assert "gone cannot be started" in problem
