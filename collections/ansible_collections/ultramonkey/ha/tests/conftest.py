"""Makes the collection importable by its full name, and the laboratory as `lab`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).resolve().parent
COLLECTION = TESTS.parent
GOLDEN = COLLECTION / "daemon" / "tests" / "golden"

# .../collections/ansible_collections/ultramonkey/ha -> .../collections
for directory in (COLLECTION.parents[2], TESTS):
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


@pytest.fixture
def documented():
    """Asserts that a module's answer has what its documentation says, and nothing else."""

    def check(module, answer):
        # Every module may have these; Ansible documents them.
        assert set(answer) - {"changed", "diff"} == set(yaml.safe_load(module.RETURN)), module.__name__

    return check


@pytest.fixture
def golden():
    """A reader of the golden answers that the daemon's tests share with us."""

    def read(name):
        return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    return read
