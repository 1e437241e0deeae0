"""The part of the matrix that the gate runs has all pairs of values."""

from __future__ import annotations

from dataclasses import astuple
from itertools import combinations

from interop.cell import every_cell, pairwise


def pairs(cells):
    """Every two values that some cell has together, each with its column."""
    return {pair for cell in cells for pair in combinations(enumerate(astuple(cell)), 2)}


def test_every_two_values_meet_in_some_cell():
    assert pairs(pairwise()) == pairs(every_cell())


def test_no_cell_comes_twice():
    assert len(set(pairwise())) == len(pairwise()) == 12
    assert len(set(every_cell())) == 72
