"""docs/MIGRATION.md points to tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TEXT = (HERE.parents[1] / "docs" / "MIGRATION.md").read_text("utf-8")
TESTS = sorted(set(re.findall(r"`tests/([a-z_/]+\.py)::(test_\w+)`", TEXT)))
TRANSCRIPTS = sorted(set(re.findall(r"`transcripts/([a-z-]+\.txt)`", TEXT)))


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_that_is_named_exists(file, name):
    assert f"\ndef {name}(" in (HERE / file).read_text("utf-8")


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_that_is_named_exists(name):
    assert (HERE / "core" / "transcripts" / name).exists()


def test_each_line_of_both_tables_names_what_shows_it():
    for title in ("Where 3.0.6 is wrong", "Its failure cases"):
        rows = TEXT.partition(f"## {title}")[2].partition("\n## ")[0].split("\n")
        told = [row for row in rows if row.startswith("| ") and "shown by" not in row]
        assert len(told) >= 11
        assert [row for row in told if "tests/" not in row and "transcripts/" not in row] == []
