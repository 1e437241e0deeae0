"""Shared by the tests of both ends of the control socket."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def golden():
    """The text of a golden file."""
    return lambda name: (GOLDEN / f"{name}.json").read_text()


@pytest.fixture
def path():
    """The path of a socket that is not there yet, short enough for one, open to all users."""
    directory = Path(tempfile.mkdtemp(prefix="um-"))
    directory.chmod(0o755)
    yield str(directory / "control.sock")
    shutil.rmtree(directory)
