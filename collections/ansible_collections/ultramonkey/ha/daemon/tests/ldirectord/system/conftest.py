from __future__ import annotations

import pytest
from directors import Director


@pytest.fixture
def director(tmp_path):
    made = Director(tmp_path)
    yield made
    made.close()
