"""The lines of the control socket: what is one, and what is said about those that are none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ultramonkey_heartbeat.control import schema


def line(**changes):
    request = {"schema": 1, "id": "7", "command": "move", "arguments": {"groups": ["all"]}, **changes}
    return json.dumps({key: value for key, value in request.items() if value is not ...}).encode()


def test_a_request_comes_back_from_its_line():
    arguments = {"groups": ["a", "b"], "target": None, "timeout_ms": 5}
    request = schema.parse_request(schema.request_line("é\n", "move", arguments))
    assert request == schema.Request("é\n", "move", arguments)
    assert schema.parse_move(request) == schema.MoveArguments(("a", "b"), None, 5)


def test_a_line_has_one_line_end_whatever_is_in_it():
    encoded = schema.encode(schema.answer("a\nb\u2028", "completed", {"result": {"text": "x\r\ny"}}))
    assert encoded.count(b"\n") == 1
    assert encoded.endswith(b"\n")
    assert encoded.isascii()
    assert schema.parse_answer(encoded)["id"] == "a\nb\u2028"


def test_arguments_may_be_left_out():
    assert schema.parse_request(line(command="status", arguments=...)).arguments == {}


def test_a_move_has_an_ordinary_time_to_finish():
    assert schema.parse_move(schema.parse_request(line())).timeout_ms == schema.DEFAULT_TIMEOUT_MS


BAD_REQUESTS = {
    "nothing": (b"", "not a line of JSON", ""),
    "no JSON": (b"status", "not a line of JSON", ""),
    "half a line": (b'{"schema": 1', "not a line of JSON", ""),
    "two values": (b"{} {}", "not a line of JSON", ""),
    "no UTF-8": (b'{"schema": 1, "id": "\xff"}', "not a line of JSON", ""),
    "too deep": (b"[" * 60_000, "not a line of JSON", ""),
    "a list": (b"[]", "not a JSON object", ""),
    "a number": (b"1", "not a JSON object", ""),
    "null": (b"null", "not a JSON object", ""),
    "no id": (line(id=...), '"id" must be a text', ""),
    "id is a number": (line(id=7), '"id" must be a text', ""),
    "no schema": (line(schema=...), '"schema" must be 1, not None', "7"),
    "later schema": (line(schema=2), '"schema" must be 1, not 2', "7"),
    "schema is a text": (line(schema="1"), "\"schema\" must be 1, not '1'", "7"),
    "schema is true": (line(schema=True), '"schema" must be 1, not True', "7"),
    "no command": (line(command=...), '"command" must be a text', "7"),
    "command is a list": (line(command=["status"]), '"command" must be a text', "7"),
    "arguments are a list": (line(arguments=[]), '"arguments" an object', "7"),
    "arguments are null": (line(arguments=None), '"arguments" an object', "7"),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_bad_request_is_refused_with_what_would_be_right(case):
    text, message, request_id = BAD_REQUESTS[case]
    with pytest.raises(schema.SchemaError, match=re.escape(message)) as caught:
        schema.parse_request(text)
    assert caught.value.request_id == request_id


BAD_MOVES = {
    "no groups": ({}, "groups"),
    "groups are empty": ({"groups": []}, "groups"),
    "groups are one text": ({"groups": "all"}, "groups"),
    "a group is a number": ({"groups": ["a", 1]}, "groups"),
    "a group is null": ({"groups": [None]}, "groups"),
    "target is a number": ({"groups": ["a"], "target": 1}, "target"),
    "target is a list": ({"groups": ["a"], "target": ["lb1"]}, "target"),
    "no time": ({"groups": ["a"], "timeout_ms": 0}, "timeout_ms"),
    "time before now": ({"groups": ["a"], "timeout_ms": -1}, "timeout_ms"),
    "half a millisecond": ({"groups": ["a"], "timeout_ms": 0.5}, "timeout_ms"),
    "time is true": ({"groups": ["a"], "timeout_ms": True}, "timeout_ms"),
    "time is a text": ({"groups": ["a"], "timeout_ms": "60"}, "timeout_ms"),
    "time is null": ({"groups": ["a"], "timeout_ms": None}, "timeout_ms"),
    "for ever": ({"groups": ["a"], "timeout_ms": schema.TIMEOUT_MS_MAX + 1}, "timeout_ms"),
}


@pytest.mark.parametrize("case", BAD_MOVES)
def test_a_bad_move_is_refused_with_the_argument_that_is_wrong(case):
    arguments, wrong = BAD_MOVES[case]
    with pytest.raises(schema.SchemaError, match=f'"{wrong}" must be') as caught:
        schema.parse_move(schema.Request("7", "move", arguments))
    assert caught.value.request_id == "7"


@pytest.mark.parametrize("text", [b"{}", b'{"schema": 2}', b'{"schema": true}', b'{"schema": "1"}'])
def test_an_answer_of_another_schema_is_not_read(text):
    with pytest.raises(schema.SchemaError, match="the daemon speaks schema"):
        schema.parse_answer(text)


GOLDEN = Path(__file__).parents[1] / "golden"


def test_the_golden_answers_are_of_this_schema(golden):
    for name in sorted(path.stem for path in GOLDEN.glob("*.json")):
        answer = schema.parse_answer(golden(name).encode())
        assert answer["phase"] in schema.LAST_PHASES
        assert ("error" in answer) == (answer["phase"] == "refused")
