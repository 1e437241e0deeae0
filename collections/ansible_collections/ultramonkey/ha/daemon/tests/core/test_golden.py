"""What the core answers has the shape of the golden answers, which the modules' tests read, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ultramonkey_heartbeat.core import events as ev
from world import World

COUNTED = ("frames_sent", "frames_received", "frames_dropped", "bytes_sent", "bytes_received", "load")
GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())["result"]


def shape(value):
    """Keys and kinds; the first element stands for a list."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[-1:]]
    return type(value).__name__


@pytest.fixture
def world():
    world = World()
    world.add_ping("192.0.2.254")
    for name in ("lb1", "lb2"):
        world.add_node(name)
    world.add_group("web", "lb2")
    world.start("lb1")
    world.start("lb2")
    world.advance(2000)
    return world


def answered(world, request_id):
    world.advance(1000)
    reply = world.replies[request_id][-1]
    assert reply.phase == "completed"
    return reply.result["result"]


def test_a_move(world):
    result = answered(world, world.move("lb1", ["web"], "lb1"))
    assert shape(result) == shape(golden("move-completed"))
    assert result["moved"][0]["phases_ms"] == {"grant": 2, "stop": 10, "start": 10}


def test_the_status(world):
    answered(world, world.move("lb1", ["web"], "lb1"))
    told, wanted = shape(world.status("lb1")), shape(golden("status-two-nodes"))
    # By the names of the nodes and of the settings.
    assert list(told["config"].pop("parameters")) == list(wanted["config"].pop("parameters"))
    # What passed over the links is added outside the core.
    for link in wanted["links"]:
        for key in COUNTED:
            del link[key]
    assert told == wanted


@pytest.mark.parametrize(
    ("name", "event", "arguments"),
    [("maintenance", ev.MaintenanceRequested, (True,)), ("standby", ev.StandbyRequested, (True, "lb2"))],
    ids=["maintenance", "standby"],
)
def test_a_switch(world, name, event, arguments):
    result = answered(world, world.ask("lb1", event, *arguments))
    assert shape(result) == shape(golden(f"{name}-completed"))


def test_a_cleanup(world):
    world.hosts["lb1"].fails["web", "start"] = "exit code 1"
    world.move("lb1", ["web"], "lb1")
    world.advance(1000)
    result = answered(world, world.ask("lb1", ev.CleanupRequested, ()))
    assert shape(result) == shape(golden("cleanup-completed"))
