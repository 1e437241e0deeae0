"""A simulator that finds nothing proves nothing: deliberate bugs are caught. All of them: `make mutants`."""

from __future__ import annotations

import mutation
import pytest

# Caught within seconds by the simulator alone.
QUICK = ("starts-beside-another", "restart-changes-nothing", "keeps-what-is-anothers")
QUICK_SEEDS = 20


def test_every_patch_still_fits(tmp_path):
    for name in mutation.names():
        root = tmp_path / name
        mutation.shutil.copytree(mutation.SOURCES / "ultramonkey_heartbeat" / "core", root / "core")
        mutation.apply(mutation.MUTANTS / f"{name}.patch", root)


@pytest.mark.parametrize("name", QUICK)
def test_the_simulator_catches_it(name):
    caught = mutation.attempt(name, QUICK_SEEDS, transcripts=False)
    assert caught.seed is not None
