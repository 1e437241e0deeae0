# ruff: noqa: E501 - whole messages are compared, each on a line of its own
from __future__ import annotations

import re

from ultramonkey_heartbeat.config.configuration import assemble
from ultramonkey_heartbeat.config.directive import Treatment
from ultramonkey_heartbeat.config.directives import BY_NAME, DIRECTIVES
from ultramonkey_heartbeat.config.explain import explain
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


def test_a_configuration_is_explained_in_sentences():
    loaded = assemble(
        "node lb1 lb2 lb3\nbcast eth0\nkeepalive 500ms\ndeadtime 5\nauto_failback off\n",
        "lb2 192.0.2.10 httpd\n",
        "auth 1\n1 sha1 0123456789abcdef\n",
        0o600,
        "lb1",
    )
    assert explain(loaded.required()) == [
        "This is node lb1 of lb1, lb2, lb3.",
        "Every 500ms a heartbeat goes out over bcast eth0.",
        "A node that is silent for 5s is dead, and its groups are taken over.",
        "While this node starts, it waits 12s for the others.",
        "A group stays where it is until its node leaves or somebody moves it.",
        "There is one link only: when it breaks, all nodes serve at once.",
        "Group 192.0.2.10 runs on lb2; without it, on the first of lb1, lb3 that is alive: starts 192.0.2.10, then httpd.",
    ]
