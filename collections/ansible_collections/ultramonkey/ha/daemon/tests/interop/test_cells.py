"""The part of the matrix that the gate runs has all pairs of values; what is played again."""

from __future__ import annotations

from dataclasses import astuple
from itertools import combinations
from types import SimpleNamespace

import pytest

from interop.cell import every_cell, pairwise
from interop.matrix import TRIES, Matrix, Result, Row
from interop.scenarios import SCENARIOS


def pairs(cells):
    """Every two values that some cell has together, each with its column."""
    return {pair for cell in cells for pair in combinations(enumerate(astuple(cell)), 2)}


def test_every_two_values_meet_in_some_cell():
    assert pairs(pairwise()) == pairs(every_cell())


def test_no_cell_comes_twice():
    assert len(set(pairwise())) == len(pairwise()) == 12
    assert len(set(every_cell())) == 72


@pytest.mark.parametrize(
    ("fails", "lost", "played", "word"),
    [
        # How often it fails, in how many of these cases 3.0.6 says that it lost a message to itself.
        (1, 1, 2, "1.0"),
        (1, 0, 1, "FAIL"),
        (TRIES, TRIES, TRIES, "FAIL"),
        (2, 1, 2, "FAIL"),
    ],
)
def test_a_scenario_is_played_again_only_if_3_0_6_lost_a_message(monkeypatch, fails, lost, played, word):
    plays = []

    def play(_matrix, _pair, _scenario, *, at_home):
        plays.append(at_home)
        return Result(1.0, ["it went wrong"] if len(plays) <= fails else [])

    monkeypatch.setattr(Matrix, "_play", play)
    row = Row(pairwise()[0])
    calm = next(scenario for scenario in SCENARIOS if scenario.code == "calm")
    Matrix([row.cell], [calm])._play_row(SimpleNamespace(lost_in_pipe=lambda: len(plays) <= lost), row)
    assert (len(plays), row.results["calm"].word) == (played, word)
