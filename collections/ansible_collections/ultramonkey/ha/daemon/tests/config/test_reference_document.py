"""docs/CONFIGURATION.md says of the directives what the table says, and its examples are a configuration.

After a change of the table run with REWRITE=1 and review the difference like prose.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ultramonkey_heartbeat.config.configuration import AUTHKEYS, HA_CF, HARESOURCES, assemble
from ultramonkey_heartbeat.config.reference import markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "CONFIGURATION.md"
GENERATED = re.compile(
    r"(?P<begin><!-- directives: begin\b[^\n]*-->\n).*?(?P<end><!-- directives: end -->\n)", re.DOTALL
)


def with_present_table(text):
    assert len(GENERATED.findall(text)) == 1, "the marks around the generated part are gone"
    return GENERATED.sub(lambda match: f"{match['begin']}\n{markdown()}{match['end']}", text)


def example(name):
    [block] = re.findall(
        rf"^```{re.escape(name)}\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return block


def test_the_document_has_the_table_of_directives_as_it_is_now():
    text = DOCUMENT.read_text("utf-8")
    present = with_present_table(text)
    if os.environ.get("REWRITE"):
        DOCUMENT.write_text(present, "utf-8")
    assert text == present or os.environ.get("REWRITE")


def test_the_examples_are_a_configuration_without_a_problem():
    loaded = assemble(example(HA_CF), example(HARESOURCES), example(AUTHKEYS), 0o600, "lb1")
    assert [str(problem) for problem in loaded.problems] == []
    assert [group.key for group in loaded.required().groups] == ["192.0.2.10/24/eth0", "192.0.2.11/24/eth0"]
