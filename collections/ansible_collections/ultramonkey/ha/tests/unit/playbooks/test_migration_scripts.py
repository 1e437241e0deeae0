"""The scripts by which a node is emptied and a cluster waited for, beside commands that answer as told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[3] / "playbooks/files"

# Answers line after line of a file, the last one for ever.
CL_STATUS = """#!/bin/sh
answers=$(dirname "$0")/$1$2
sed -n 1p "$answers"
[ "$(wc -l <"$answers")" = 1 ] || sed -i 1d "$answers"
"""
HB_STANDBY = """#!/bin/sh
echo "$1" >>"$(dirname "$0")/asked"
"""


@pytest.fixture
def run(tmp_path):
    """The script, with what the commands answer; gives exit code, output, errors, and what was asked for."""
    for name, text in (("cl_status", CL_STATUS), ("hb_standby", HB_STANDBY)):
        (tmp_path / name).write_text(text, encoding="ascii")
        (tmp_path / name).chmod(0o755)

    def script(name, arguments, answers, refused=""):
        text = (FILES / name).read_text("utf-8").replace("/usr/share/heartbeat", str(tmp_path))
        if refused:
            (tmp_path / "hb_standby").write_text(f'{HB_STANDBY}[ "$1" != {refused} ]\n', encoding="ascii")
        for question, lines in answers.items():
            (tmp_path / question).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        done = subprocess.run(
            ["sh", "-c", text, name, *arguments],
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        asked = tmp_path / "asked"
        requests = asked.read_text("ascii").split() if asked.exists() else []
        return done.returncode, done.stdout.split("\n")[:-1], done.stderr, requests

    return script


def test_what_prefers_others_is_given_first_and_then_the_rest(run):
    answers = {"rscstatus": ["all", "transition", "", "local", "local", "transition", "none"]}
    assert run("give.sh", ["30"], answers) == (0, ["foreign", "all"], "", ["foreign", "all"])


def test_a_node_that_holds_its_own_is_asked_once(run):
    assert run("give.sh", ["30"], {"rscstatus": ["local", "local", "transition", "none"]})[3] == ["all"]


def test_a_node_that_holds_nothing_is_not_asked(run):
    assert run("give.sh", ["30"], {"rscstatus": ["none"]}) == (0, [], "", [])


def test_where_nothing_prefers_others_all_of_it_is_one_part(run):
    answers = {"rscstatus": ["all", "all", "transition", "none"]}
    code, _, _, requests = run("give.sh", ["30"], answers, refused="foreign")
    assert (code, requests) == (0, ["foreign", "all"])


def test_a_node_that_keeps_what_it_holds_is_told(run):
    code, _, said, _ = run("give.sh", ["1"], {"rscstatus": ["local"]})
    assert (code, said) == (1, "hb_standby all was asked for, and this node still holds: local\n")


def test_a_refusal_ends_it(run):
    assert run("give.sh", ["30"], {"rscstatus": ["local"]}, refused="all")[0] == 1


def test_a_cluster_is_whole_when_all_are_active_and_nothing_moves(run):
    answers = {
        "nodestatuslb1": ["active"],
        "nodestatuslb2": ["up", "active"],
        "rscstatus": ["transition", "local"],
    }
    assert run("whole.sh", ["30", "lb1", "lb2"], answers)[:3] == (0, ["local"], "")


@pytest.mark.parametrize(
    ("node", "holds", "said"),
    [
        ("dead", "all", "lb2 is dead\n"),
        ("", "all", "lb2 is not known\n"),
        ("active", "transition", "it says that it holds: transition\n"),
    ],
)
def test_what_is_missing_is_told(run, node, holds, said):
    answers = {"nodestatuslb1": ["active"], "nodestatuslb2": [node], "rscstatus": [holds]}
    assert run("whole.sh", ["0", "lb1", "lb2"], answers)[:3] == (1, [], said)
