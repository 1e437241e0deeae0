from __future__ import annotations

import json

import pytest
from ultramonkey_heartbeat.config.problems import (
    SHOWN_MAX,
    ConfigurationError,
    Problem,
    Severity,
    has_errors,
    nearest,
    shown,
)

ERROR = Problem("ha.cf", 14, "deadtime", "deadtime is too short", "write 10")
WARNING = Problem("authkeys", 0, "644", "others can read it", severity=Severity.WARNING)


def test_a_problem_is_one_line_with_position_reason_and_remedy():
    assert str(ERROR) == "ha.cf:14: deadtime is too short: write 10"
    assert str(WARNING) == "authkeys: warning: others can read it"


def test_an_error_carries_all_problems():
    caught = ConfigurationError([ERROR, WARNING])
    assert caught.problems == (ERROR, WARNING)
    assert str(caught).splitlines() == [str(ERROR), str(WARNING)]


def test_only_errors_refuse():
    assert has_errors([WARNING, ERROR])
    assert not has_errors([WARNING])


def test_a_problem_is_data_for_programs():
    assert json.loads(json.dumps(ERROR.as_data())) == {
        "file": "ha.cf",
        "line": 14,
        "word": "deadtime",
        "message": "deadtime is too short",
        "remedy": "write 10",
        "severity": "error",
        "text": "ha.cf:14: deadtime is too short: write 10",
    }


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("plain", "plain"),
        ("a\x1b[31m", "a\\u001b[31m"),
        ("x" * 100, "x" * SHOWN_MAX + "..."),
        ("\udcff", "\\udcff"),
    ],
)
def test_a_word_is_shown_printable_and_short(word, text):
    assert shown(word) == text


def test_the_nearest_word_is_found_in_any_case():
    assert nearest("DEADTME", ["keepalive", "deadtime"]) == "deadtime"
    assert nearest("quite different", ["keepalive"]) == ""
