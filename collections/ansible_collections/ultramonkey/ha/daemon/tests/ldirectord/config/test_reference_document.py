"""The manual has the table of directives as it is, and names every command."""

from __future__ import annotations

from pathlib import Path

from ultramonkey_ldirectord.cli.arguments import COMMANDS
from ultramonkey_ldirectord.config.reference import help_text, markdown

MANUAL = (Path(__file__).resolve().parents[4] / "docs/LDIRECTORD.md").read_text()


def test_the_table_of_directives_in_the_manual_is_the_one_that_is_used():
    assert MANUAL.endswith(markdown())


def test_every_command_is_in_the_manual():
    assert [name for name in COMMANDS if f"`{name}`" not in MANUAL] == []


def test_the_help_names_every_directive_once():
    assert help_text().count("  checktimeout=SECONDS  (both)") == 1
