"""The runner: order, failure, breaking off, and that everything asked is reported once."""

from __future__ import annotations

import asyncio

import pytest
from ultramonkey_heartbeat.config.model import Group, Resource
from ultramonkey_heartbeat.core.events import AddressLost, ResourceFinished
from ultramonkey_heartbeat.resources.agent import Agent, MissingResourceError, ResourceError
from ultramonkey_heartbeat.resources.runner import Runner, StopRetries


def group(key, *words):
    words = (key, *words)
    return Group(key, "lb1", tuple(Resource(word, (), word) for word in words))


def started(key, **fields):
    return ResourceFinished(key, "start", **{"ok": True, **fields})


def stopped(key, **fields):
    return ResourceFinished(key, "stop", **{"ok": True, **fields})


class FakeAgent(Agent):
    """Does what the stage says: `plan["ip start"]` may be an exception, or an event to wait for."""

    def __init__(self, name, stage):
        super().__init__(name)
        self.stage = stage

    async def start(self):
        await self._play("start")
        self.stage.running.add(self.name)

    async def stop(self):
        await self._play("stop")
        self.stage.running.discard(self.name)

    async def status(self):
        await self._play("status")
        return self.name in self.stage.running

    def announce(self):
        self.stage.log.append(f"{self.name} announce")

    @property
    def addresses(self):
        return (self.name,) if self.name[0].isdigit() else ()

    async def _play(self, operation):
        step = f"{self.name} {operation}"
        self.stage.log.append(step)
        planned = self.stage.plan.get(step)
        if isinstance(planned, list):
            planned = planned.pop(0) if planned else None
        if isinstance(planned, asyncio.Event):
            try:
                await planned.wait()
            except asyncio.CancelledError:
                self.stage.log.append(f"{step} broken off")
                raise
        elif planned is not None:
            raise planned


class Stage:
    """A runner with fake agents on an event loop, and what happened."""

    def __init__(self, loop):
        self.loop = loop
        self.log = []
        self.plan = {}
        self.running = set()
        self.reports = []
        self.on_report = lambda _event: None
        self.runner = Runner(lambda resource: FakeAgent(resource.text, self), self._report, StopRetries(3, 1))

    def _report(self, event):
        self.reports.append(event)
        self.on_report(event)

    def run(self, *calls):
        """Make calls with a turn of the loop after each, then wait until nothing is under way."""

        async def scenario():
            for call in calls:
                call()
                for _ in range(5):
                    await asyncio.sleep(0)
            while any(entry.operation for entry in self.runner._entries.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.001)

        self.loop.run_until_complete(asyncio.wait_for(scenario(), 8))

    def start(self, one):
        return lambda: self.runner.start(one)

    def stop(self, one):
        return lambda: self.runner.stop(one)


@pytest.fixture
def stage(loop):
    return Stage(loop)


ALL = group("ip", "disk", "web")


def test_resources_start_left_to_right_and_stop_right_to_left(stage):
    stage.run(stage.start(ALL))
    stage.run(stage.stop(ALL))
    assert stage.log == ["ip start", "disk start", "web start", "web stop", "disk stop", "ip stop"]
    assert stage.reports == [started("ip"), stopped("ip")]


def test_groups_do_not_wait_for_each_other(stage):
    stage.plan["a start"] = gate = asyncio.Event()
    stage.run(stage.start(group("a")), stage.start(group("b")), gate.set)
    assert stage.reports == [started("b"), started("a")]


def test_a_start_that_fails_is_rolled_back_in_reverse_and_reported_with_the_reason(stage):
    stage.plan["disk start"] = ResourceError("disk: no such device")
    stage.run(stage.start(ALL))
    # What failed may have begun, so it is stopped, too; what was not tried is left alone.
    assert stage.log == ["ip start", "disk start", "disk stop", "ip stop"]
    assert stage.reports == [started("ip", ok=False, reason="disk: no such device")]
    assert stage.running == set()


def test_a_resource_without_script_fails_the_start_and_is_not_stopped(stage):
    stage.plan["web start"] = MissingResourceError("web: no script")
    stage.run(stage.start(ALL))
    assert stage.log[-2:] == ["disk stop", "ip stop"]
    assert "web stop" not in stage.log
    assert stage.reports == [started("ip", ok=False, reason="web: no script")]


def test_a_roll_back_that_fails_is_not_clean(stage):
    stage.plan["web start"] = ResourceError("web: broken")
    stage.plan["disk stop"] = ResourceError("disk: busy")
    stage.run(stage.start(ALL))
    assert stage.reports == [started("ip", ok=False, reason="web: broken; then disk: busy", clean=False)]
    assert stage.running == {"ip", "disk"}


def test_a_stop_that_fails_is_tried_again(stage):
    stage.plan["web stop"] = [ResourceError("web: busy"), ResourceError("web: busy")]
    stage.run(stage.start(ALL))
    stage.log.clear()
    stage.run(stage.stop(ALL))
    assert stage.log[:5] == ["web stop", "web status", "web stop", "web status", "web stop"]
    assert stage.reports[-1] == stopped("ip")


def test_what_will_not_stop_ends_the_stopping_there(stage):
    stage.plan["disk stop"] = ResourceError("disk: busy")
    stage.run(stage.start(ALL))
    stage.run(stage.stop(ALL))
    assert stage.log.count("disk stop") == 3
    assert stage.reports[-1] == stopped("ip", ok=False, reason="disk: busy", clean=False)
    assert stage.running == {"ip", "disk"}


def test_a_failed_stop_of_what_does_not_run_is_no_failure(stage):
    stage.plan["web stop"] = ResourceError("web: exit code 1")
    stage.run(stage.stop(ALL))
    assert stage.reports == [stopped("ip")]


def test_a_resource_of_unknown_status_counts_as_running(stage):
    stage.plan["web stop"] = ResourceError("web: hangs")
    stage.plan["web status"] = ResourceError("web: hangs")
    stage.run(stage.stop(ALL))
    assert stage.reports == [stopped("ip", ok=False, reason="web: hangs", clean=False)]


def test_a_missing_script_does_not_block_a_stop_unless_it_was_started(stage):
    gone = MissingResourceError("web: no script")
    stage.plan["web stop"] = stage.plan["web status"] = gone
    stage.run(stage.stop(ALL))
    assert stage.reports == [stopped("ip")]
    stage.run(stage.start(ALL))
    stage.run(stage.stop(ALL))
    assert stage.reports[-1] == stopped("ip", ok=False, reason="web: no script", clean=False)


def test_a_stop_breaks_off_a_start_and_only_the_stop_is_reported(stage):
    stage.plan["disk start"] = asyncio.Event()
    stage.run(stage.start(ALL), stage.stop(ALL))
    assert stage.log == [
        "ip start",
        "disk start",
        "disk start broken off",
        "web stop",
        "disk stop",
        "ip stop",
    ]
    assert stage.reports == [stopped("ip")]


def test_a_stop_before_the_start_has_done_anything(stage):
    stage.run(lambda: (stage.runner.start(ALL), stage.runner.stop(ALL)))
    assert stage.reports == [stopped("ip")]
    assert "ip start" not in stage.log


def test_a_stop_at_the_very_end_of_a_start(stage):
    """Every number of turns between the two: the last one asked for is the one that counts."""

    async def scenario(turns):
        stage.runner.start(ALL)
        for _ in range(turns):
            await asyncio.sleep(0)
        stage.runner.stop(ALL)

    for turns in range(8):
        stage.reports.clear()
        stage.loop.run_until_complete(scenario(turns))
        stage.run()
        assert stage.reports in ([stopped("ip")], [started("ip"), stopped("ip")])
        assert stage.running == set()


def test_a_stop_lets_a_roll_back_finish(stage):
    stage.plan["web start"] = ResourceError("web: broken")
    stage.plan["disk stop"] = [gate := asyncio.Event()]
    stage.run(stage.start(ALL), stage.stop(ALL), gate.set)
    assert "disk stop broken off" not in stage.log
    assert stage.reports == [stopped("ip")]


def test_a_start_during_a_stop_comes_afterwards(stage):
    stage.run(stage.start(ALL))
    stage.plan["disk stop"] = [gate := asyncio.Event()]
    stage.run(stage.stop(ALL), stage.start(ALL), gate.set)
    assert stage.reports == [started("ip"), stopped("ip"), started("ip")]
    assert stage.running == {"ip", "disk", "web"}


def test_start_stop_start_ends_started(stage):
    stage.plan["disk start"] = [asyncio.Event()]
    stage.run(stage.start(ALL), lambda: (stage.runner.stop(ALL), stage.runner.start(ALL)))
    assert stage.reports == [stopped("ip"), started("ip")]
    assert stage.running == {"ip", "disk", "web"}


def test_start_during_stop_then_stop_ends_stopped(stage):
    stage.run(stage.start(ALL))
    stage.plan["disk stop"] = [gate := asyncio.Event()]
    stage.run(stage.stop(ALL), stage.start(ALL), stage.stop(ALL), gate.set)
    assert stage.reports == [started("ip"), stopped("ip")]
    assert stage.running == set()


def test_asking_twice_is_reported_once(stage):
    stage.plan["ip start"] = [gate := asyncio.Event()]
    stage.run(stage.start(ALL), stage.start(ALL), gate.set)
    assert stage.reports == [started("ip")]


def test_the_listener_may_ask_for_more_while_it_is_told(stage):
    stage.on_report = lambda event: stage.runner.stop(ALL) if event == started("ip") else None
    stage.run(stage.start(ALL))
    assert stage.reports == [started("ip"), stopped("ip")]


def test_a_bug_in_an_agent_is_a_failure_that_is_not_clean(stage, caplog):
    stage.plan["disk start"] = ZeroDivisionError("oops")
    stage.run(stage.start(ALL))
    assert stage.reports == [started("ip", ok=False, reason="ZeroDivisionError('oops')", clean=False)]
    assert "failed unexpectedly" in caplog.text


def test_announcing_is_for_held_groups(stage):
    stage.runner.announce(ALL)
    stage.run(stage.start(ALL))
    stage.log.clear()
    stage.runner.announce(ALL)
    assert stage.log == ["ip announce", "disk announce", "web announce"]
    stage.run(stage.stop(ALL))
    stage.log.clear()
    stage.runner.announce(ALL)
    assert stage.log == []


def test_everything_is_stopped_at_once_at_shutdown(stage):
    a, b, c = group("a"), group("b"), group("c")
    stage.plan["b start"] = asyncio.Event()
    stage.plan["c stop"] = ResourceError("c: busy")
    stage.run(stage.start(a), stage.start(c))
    stage.runner._entry(group("never touched"))

    async def scenario():
        stage.runner.start(b)
        await asyncio.sleep(0)
        return await stage.runner.stop_all()

    outcome = stage.loop.run_until_complete(scenario())
    expected = {stopped("a"), stopped("b"), stopped("c", ok=False, reason="c: busy", clean=False)}
    assert set(outcome) == expected
    assert set(stage.reports[-3:]) == expected


def test_what_was_left_behind_is_stopped_only_where_it_runs(stage):
    stage.running |= {"disk"}
    stage.plan["web status"] = MissingResourceError("web: no script")
    outcome = stage.loop.run_until_complete(stage.runner.release_now([ALL, group("other")]))
    assert outcome == (stopped("ip"), stopped("other"))
    assert [step for step in stage.log if step.endswith("stop")] == ["disk stop"]
    assert stage.reports == []


def test_what_was_left_behind_and_will_not_stop_is_told(stage):
    stage.running |= {"ip", "web"}
    stage.plan["web stop"] = ResourceError("web: busy")
    outcome = stage.loop.run_until_complete(stage.runner.release_now([ALL]))
    assert outcome == (stopped("ip", ok=False, reason="web: busy", clean=False),)
    assert stage.running == {"web"}


def test_what_was_left_on_purpose_is_taken_over_untouched_where_it_runs(stage):
    stage.running |= {"web"}
    stage.plan["odd status"] = ResourceError("odd: no answer")
    groups = [ALL, group("other"), group("odd")]
    assert stage.loop.run_until_complete(stage.runner.adopt(groups)) == ("ip", "odd")
    assert {step.split()[1] for step in stage.log} == {"status"}
    # From now on it is as if we had started it.
    stage.run(stage.stop(ALL))
    assert stage.reports == [stopped("ip")]
    assert stage.running == set()


def test_an_address_lost_is_reported_for_held_groups_only(stage):
    vip = group("10.0.0.1", "web")
    stage.run(lambda: stage.runner.address_removed("10.0.0.1"))
    stage.run(stage.start(vip))
    # Gone and back again, as when somebody reloads the network's configuration.
    stage.run(lambda: stage.runner.address_removed("10.0.0.1"))
    assert stage.reports == [started("10.0.0.1")]
    stage.running.discard("10.0.0.1")
    stage.run(lambda: stage.runner.address_removed("10.0.0.9"))
    stage.run(lambda: stage.runner.address_removed("10.0.0.1"))
    assert stage.reports[1:] == [AddressLost("10.0.0.1", "10.0.0.1")]
    stage.run(stage.runner.check_addresses)
    assert stage.reports[2:] == [AddressLost("10.0.0.1", "10.0.0.1")]


def test_an_address_that_goes_while_its_group_is_being_started_is_missed(stage):
    """As when somebody flushes an interface: what was put back meanwhile goes, too."""

    def flush():
        stage.running.discard("10.0.0.1")
        stage.runner.address_removed("10.0.0.1")

    vip = group("10.0.0.1", "web")
    stage.plan["web start"] = gate = asyncio.Event()
    stage.run(stage.start(vip), flush, gate.set)
    assert stage.reports == [started("10.0.0.1"), AddressLost("10.0.0.1", "10.0.0.1")]
    # One that is there in the end is not.
    gate.clear()
    stage.run(stage.start(vip), lambda: stage.runner.address_removed("10.0.0.1"), gate.set)
    assert stage.reports[2:] == [started("10.0.0.1")]
