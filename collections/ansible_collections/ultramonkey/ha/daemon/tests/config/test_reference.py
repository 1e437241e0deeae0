from __future__ import annotations

import re

from ultramonkey_heartbeat.config.directive import Treatment
from ultramonkey_heartbeat.config.directives import BY_NAME, DIRECTIVES
from ultramonkey_heartbeat.config.reference import help_text, markdown


def test_every_directive_is_explained_once():
    assert len(BY_NAME) == len(DIRECTIVES)
    for text, pattern in ((help_text(), r"^  (\S+) "), (markdown(), r"^\| `(\S+) ")):
        assert sorted(re.findall(pattern, text, re.MULTILINE)) == sorted(BY_NAME)


def test_what_is_not_carried_out_names_the_way_out():
    assert [row.name for row in DIRECTIVES if row.treatment is not Treatment.DONE and not row.remedy] == []


def test_a_row_of_the_help_says_syntax_meaning_and_bounds():
    assert (
        "  deadtime TIME\n"
        "      how long a node is silent before it is declared dead\n"
        "      default: 30\n"
        "      unit: seconds, or with ms or us\n"
        "      allowed: more than twice keepalive\n"
    ) in help_text()


def test_markdown_cells_are_not_broken_by_choices():
    assert "| `auto_failback on\\|off\\|legacy` |" in markdown()
