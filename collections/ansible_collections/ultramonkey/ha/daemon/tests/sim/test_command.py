"""What `hbsim` says to somebody who mistypes: one line that tells what is wrong, and the exit code 2."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.sim import main as hbsim


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("run --seeds abc", "'abc' is not a seed, 0 or more"),
        ("run --seeds 9-3", "'3' is not a last seed, 9 or more"),
        ("run --seeds 5-", "'' is not a last seed, 5 or more"),
        ("run --seeds fresh:0", "'0' is not a number, 1 or more"),
        ("run --seeds new:3", "'new:3' is not a seed, 0 or more"),
        ("run --seeds 1 --jobs 0", "'0' is not a number, 1 or more"),
        ("run --seeds 1 --failures 0", "'0' is not a number, 1 or more"),
        ("run --seeds 1 --seconds -1", "'-1' is not a number of seconds"),
        ("run --seeds 1 --keepalive 0", "'0' is not a number of milliseconds, 10 or more"),
        ("run --seeds 1 --nodes 9", "invalid choice: 9"),
        ("run --seeds 1 --old --nodes 3", "--old and --nodes 3 exclude each other"),
        ("run --seeds 1 --record {there}", "Is a directory"),
        ("run --seeds 1 --record {there}/no/file", "No such file or directory"),
        ("sum {there}/nothing", "No such file or directory"),
        ("sum {there}/text", "nothing is recorded in"),
        ("sum {there}/json", "not written by `hbsim run --record`"),
        ("replay abc", "'abc' is not a seed, 0 or more"),
        ("replay -1", "'-1' is not a seed, 0 or more"),
        ("replay 3 --until nan", "'nan' is not a number of seconds"),
        ("replay 3 --without x", "'x' is not a fault, 0 or more"),
        ("replay 3 --without 999", "seed 3 draws no fault 999"),
        ("shrink 3 --without 1,,2", "'' is not a fault, 0 or more"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(arguments, told, tmp_path, capsys):
    (tmp_path / "text").write_text("no line of a record\n")
    (tmp_path / "json").write_text('{"a": 1}\n')
    words = [word.replace("{there}", str(tmp_path)) for word in arguments.split()]
    try:
        code = hbsim.main(words)
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr()
    assert code == 2
    assert told in said.err.splitlines()[-1]
    assert not said.out


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", [3]), ("3,7-9", [3, 7, 8, 9]), ("0-0", [0]), ("2,1", [2, 1])]
)
def test_faults_are_named_by_numbers_and_ranges(text, numbers):
    assert list(hbsim._faults(text)) == numbers


def test_a_fault_that_is_left_out_does_not_happen(capsys):
    assert hbsim.main(["replay", "3", "--until", "0", "--without", "0-15"]) == 0
    faults = [line for line in capsys.readouterr().out.splitlines() if line[2:5].strip().isdigit()]
    assert [line.split()[0] for line in faults] == ["16"]
