"""A simulator that finds nothing proves nothing: deliberate bugs are caught. All of them: `make mutants`."""

from __future__ import annotations

import random

import mutation
import pytest

# Caught within seconds by the simulator alone.
QUICK = ("starts-beside-another", "restart-changes-nothing", "keeps-what-is-anothers")
QUICK_SEEDS = 20
# So many others, drawn anew in each run of the suite, are tried until something catches them.
FRESH = 2


def test_every_patch_still_fits(tmp_path):
    for name in mutation.names():
        root = tmp_path / name
        mutation.shutil.copytree(mutation.SOURCES / "ultramonkey_heartbeat" / "core", root / "core")
        mutation.apply(mutation.MUTANTS / f"{name}.patch", root)


@pytest.mark.parametrize("name", QUICK)
def test_the_simulator_catches_it(name):
    caught = mutation.attempt(name, QUICK_SEEDS, transcripts=False)
    assert caught.seed is not None


def test_some_others_are_caught(capsys):
    names = random.SystemRandom().sample(mutation.names(), FRESH)
    with capsys.disabled():
        print(f" {' '.join(names)}", end="")
    away = [name for name in names if not mutation.attempt(name, first=True).at_all]
    assert not away, f"neither a story nor {mutation.SEEDS} seeds catch {away}: mutation.py {' '.join(away)}"
