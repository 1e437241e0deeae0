"""Another process takes over from one that leaves, or has died, with the table as it is."""

from __future__ import annotations

import pytest
from directors import wait_until


@pytest.fixture
def serving(director):
    server = director.server(1)
    director.write([server])
    return director


def touched(director, since):
    return [line for line in director.changes()[since:] if "remove" in line or "add" in line]


@pytest.mark.parametrize("first", ["start", "standby"])
def test_renewed_the_table_is_left_as_it_is(serving, first):
    serving.must(first)
    serving.must("start")
    before, done = serving.json("status"), len(serving.changes())
    serving.must("renew")
    after = serving.json("status")
    assert after["pid"] != before["pid"]
    assert (after["state"], after["resident"]) == ("active", first == "standby")
    assert touched(serving, done) == []
    assert serving.weights() == {f"127.0.1.1:{serving.servers[0].port}": 1}
    serving.must("stop")
    assert serving.weights() is None


def test_renewed_what_stands_by_stands_by(serving):
    serving.must("standby")
    before = serving.json("status")
    serving.must("renew")
    after = serving.json("status")
    assert after["pid"] != before["pid"]
    assert (after["state"], after["resident"]) == ("standby", True)
    assert serving.changes() == []


def test_with_a_wrong_configuration_nothing_is_renewed(serving):
    serving.must("start")
    before = serving.json("status")
    serving.file.write_text("nonsense\n")
    assert serving.command("renew").returncode == 2
    assert serving.json("status")["pid"] == before["pid"]


def test_renew_where_nothing_runs_starts_nothing(serving):
    serving.must("renew")
    assert serving.json("status")["state"] == "stopped"


def test_started_again_after_its_death_it_is_active_as_it_was(serving):
    """What systemd starts again stands by; the table must not wait for heartbeat, which does not look."""
    serving.must("standby")
    serving.must("start")
    done = len(serving.changes())
    serving.kill()
    serving.must("standby")
    wait_until(lambda: serving.json("status")["state"] == "active", "an active daemon")
    assert touched(serving, done) == []
    # And heartbeat, which would have stopped it first, finds it standing by.
    serving.must("stop")
    assert serving.json("status")["state"] == "standby"
    assert serving.weights() is None


def test_stopped_after_its_death_it_stands_by_when_it_is_started_again(serving):
    serving.must("standby")
    serving.must("start")
    serving.kill()
    serving.must("stop")
    serving.must("standby")
    assert serving.json("status")["state"] == "standby"
    assert serving.weights() is None


def test_the_configuration_in_force_is_named_and_another_one_on_disk_is_a_problem(serving):
    serving.must("start")
    first = serving.json("status")["digest"]
    assert first == serving.json("check")["result"]["digest"]
    serving.write(serving.servers, more="scheduler=rr")
    told = lambda: [problem["code"] for problem in serving.json("status")["problems"]]  # noqa: E731
    wait_until(lambda: "not-reloaded" in told(), "the problem")
    serving.must("reload")
    status = serving.json("status")
    assert (status["healthy"], status["digest"] != first) == (True, True)
