"""The same configuration and the same failures to both: the steady states of the tables are compared."""

from __future__ import annotations

import pytest
from beside import CASES, compare, is_there
from directors import Director

pytestmark = pytest.mark.skipif(
    not is_there(), reason="there is no Perl ldirectord here: `make test-ldirectord` brings one"
)


@pytest.fixture
def director(tmp_path):
    made = Director(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_tables_come_to_be_the_same(director, tmp_path, case):
    compare(director, tmp_path, case)
