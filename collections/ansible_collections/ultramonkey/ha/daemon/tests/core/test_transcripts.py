"""Runs the stories in `transcripts/`: commands, four dashes, and the lines that must come out.

To write or change a story, run with REWRITE=1 and review the difference like prose.
"""

from __future__ import annotations

import os

import pytest
from stories import STORIES, play


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_goes_as_told(path):
    story = path.read_text()
    told = play(story)
    if os.environ.get("REWRITE"):
        path.write_text(told)
    assert told == story or os.environ.get("REWRITE")
