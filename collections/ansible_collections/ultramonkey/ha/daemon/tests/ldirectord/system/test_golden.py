"""The answers that the collection's modules are tested with are of the shape that a real daemon gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from directors import wait_until

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "ldirectord"


def shape(value):
    """Keys, all the way down; of a list what its members have in common."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        shapes = [shape(each) for each in value]
        assert all(each == shapes[0] for each in shapes)
        return shapes[:1]
    return None


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.fixture
def answers(director):
    """What a daemon says while a server is down, to a wrong request, and after its end."""
    up, down = director.server(1), director.server(2)
    down.down()
    director.write([up, down])
    # The modules do not read warnings; the file has none.
    director.must("start")
    wait_until(lambda: director.json("status")["servers"]["down"] == 1, "the verdict")
    told = {"active": director.json("status"), "refused": director.json("drain", "127.0.1.9")}
    director.must("stop")
    return {**told, "stopped": director.json("status")}


def test_the_golden_answers_are_of_the_shape_of_real_ones(answers):
    for name, answer in answers.items():
        assert shape(golden(name)) == shape(answer), name
        assert golden(name)["exit_code"] == answer["exit_code"]
    assert {problem["code"] for problem in answers["active"]["problems"]} == {"server-down"}
    assert answers["active"]["healthy"] is False
