"""The stories in `transcripts/` leave out no row of the tables in docs/PROTOCOL.md ("Ownership", "R1")."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
import world as _world
from stories import STORIES, play
from ultramonkey_heartbeat.sim import coverage, old_coverage

# What a 3.0.6 does only with another peer: we begin a new generation before it would notice that we were
# parted, and never speak under an older one.
NOT_WITH_US = {"returning after partition: gives everything up", "an earlier generation is dropped"}
OF_TABLES = [*coverage.OWNERSHIP, *old_coverage.SAID, *old_coverage.HEARD, *old_coverage.STATES]


@pytest.fixture(scope="module")
def taken():
    """The rows of docs/PROTOCOL.md ("Ownership" and "R1") that some story takes."""
    ours, theirs, said = coverage.Coverage(SimpleNamespace(old=())), Counter(), set()

    class Watched(_world.World):
        def __init__(self):
            super().__init__()
            self.rows = theirs

        def _carry_out(self, host, effect):
            if isinstance(effect, _world.Notice) and not host.old:
                ours.noticed(host, effect)
            super()._carry_out(host, effect)

        def _tell_conversation(self, host, message):
            kind = message.text("t")
            step = f" {message.text('info')}" if kind == "ask_resources" else ""
            said.add(f"3.0.6: we {'hear' if host.old else 'say'} {kind}{step}")
            super()._tell_conversation(host, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_world, "World", Watched)
        for path in STORIES:
            play(path.read_text())
    return {*ours.rules, *theirs, *said}


@pytest.mark.parametrize("row", [row for row in OF_TABLES if row not in NOT_WITH_US])
def test_every_row_of_the_tables_is_in_a_story(row, taken):
    assert row in taken
