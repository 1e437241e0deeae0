"""Each checker speaks up when its promise is broken, and its excuses reach no further than what happened."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ultramonkey_heartbeat.config.model import AutoFailback
from ultramonkey_heartbeat.core import effects as fx
from ultramonkey_heartbeat.core.admin import Desk
from ultramonkey_heartbeat.core.requests import refusal
from ultramonkey_heartbeat.core.switches import CLUSTER, NOTHING_TURNED, Kept, Switch
from ultramonkey_heartbeat.sim.answers import EveryRequestAnswered
from ultramonkey_heartbeat.sim.checkers import HeldOnce, LeftAlone, NoStorm, StaysPut
from ultramonkey_heartbeat.sim.draw import draw
from ultramonkey_heartbeat.sim.holding import OneHolder, StuckStays
from ultramonkey_heartbeat.sim.left_behind import LeftBehind
from ultramonkey_heartbeat.sim.network import Parcel
from ultramonkey_heartbeat.sim.plan import Fault
from ultramonkey_heartbeat.sim.run import simulate

PLAN = replace(draw(1, 2, 1000, old=False), policy=AutoFailback.ON, core=("alice", "bob"), last_wish=None)


class Stage:
    """A world in which a test says what happens: alice and bob, whose daemons run."""

    def __init__(self, checker, plan=PLAN):
        self.now_ms = self.order = self.reading = 0
        self.listeners = []
        self.groups = plan.groups
        self.machines = {name: self.machine(name) for name in plan.nodes}
        self.checker = checker(self, plan)

    def machine(self, name):
        scripts = SimpleNamespace(running={})
        host = SimpleNamespace(name=name, scripts=scripts, member=object(), runs=1, awake=True, heard={})
        host.switches, host.media, host.sent, host.now_ms = NOTHING_TURNED, [], 0, 0
        return host

    def at(self, now_ms):
        self.now_ms = now_ms
        for machine in self.machines.values():
            machine.now_ms = now_ms

    def ran(self, name, key, state, what):
        running = self.machines[name].scripts.running
        if state is None:
            running.pop(key, None)
        else:
            running[key] = state
        self.checker.ran(self.machines[name], key, what)

    def changed(self, name, what):
        self.checker.changed(self.machines[name], what)

    def status(self, sender, receiver, at_ms, order=None):
        """A status that takes one millisecond."""
        self.now_ms = at_ms + 1
        self.order = self.order + 1 if order is None else order
        parcel = Parcel(sender, at_ms, None, None, status=True, order=self.order)
        heard = self.machines[receiver].heard
        if sender not in heard or at_ms > heard[sender][0]:
            heard[sender] = (at_ms, self.now_ms)
        self.reading = self.order = self.order + 1
        for listener in self.listeners:
            listener.heard(parcel, self.machines[receiver])

    @property
    def broken(self):
        return [violation.text for violation in self.checker.violations]


# -- one holder --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_two_that_serve_one_group_may_read_two_statuses_in_turn_and_not_three(first):
    stage = Stage(OneHolder)
    second = {"alice": "bob", "bob": "alice"}[first]
    stage.ran("alice", "web", "starting", "start begins")
    stage.ran("bob", "web", "starting", "start begins")
    stage.status(first, second, 10)
    stage.status(second, first, 20)
    assert not stage.broken
    stage.status(first, second, 30)
    assert len(stage.broken) == 1


def test_what_was_under_way_before_the_one_before_was_read_is_not_in_turn():
    """Both send within one millisecond: alice when she has not read bob's yet."""
    stage = Stage(OneHolder)
    stage.ran("alice", "web", "starting", "start begins")
    stage.ran("bob", "web", "starting", "start begins")
    stage.status("alice", "bob", 10, order=5)
    stage.status("bob", "alice", 20, order=10)
    stage.status("alice", "bob", 20, order=9)
    assert not stage.broken
    stage.status("alice", "bob", 20, order=11)
    assert len(stage.broken) == 1


def test_a_third_that_is_heard_again_lets_the_count_begin_anew_once():
    stage = Stage(OneHolder, replace(PLAN, nodes=("alice", "bob", "carol")))
    stage.ran("alice", "web", "starting", "start begins")
    stage.ran("bob", "web", "starting", "start begins")
    stage.status("alice", "bob", 10)
    stage.status("bob", "alice", 20)
    stage.status("carol", "bob", 30)
    stage.status("alice", "bob", 40)
    stage.status("bob", "alice", 50)
    # A replay of what is known, and a second status, bring nothing back.
    stage.status("carol", "bob", 30)
    stage.status("carol", "bob", 60)
    assert not stage.broken
    stage.status("alice", "bob", 70)
    assert len(stage.broken) == 1


def test_a_third_that_was_heard_all_the_time_changes_nothing():
    stage = Stage(OneHolder, replace(PLAN, nodes=("alice", "bob", "carol")))
    stage.status("carol", "bob", 0)
    stage.ran("alice", "web", "starting", "start begins")
    stage.ran("bob", "web", "starting", "start begins")
    stage.status("alice", "bob", 10)
    stage.status("bob", "alice", 20)
    stage.status("carol", "bob", 30)
    stage.status("alice", "bob", 40)
    assert len(stage.broken) == 1


def test_a_daemon_that_takes_over_what_was_left_running_begins_to_serve_it():
    stage = Stage(OneHolder)
    stage.ran("bob", "web", "held", "start succeeds")
    stage.ran("alice", "web", "held", "adopted")
    stage.changed("alice", "daemon begins")
    for number, (sender, receiver) in enumerate([("alice", "bob"), ("bob", "alice"), ("alice", "bob")]):
        stage.status(sender, receiver, 10 * (number + 1))
    assert len(stage.broken) == 1


# -- a stop that failed ------------------------------------------------------------------------------


def stuck():
    stage = Stage(StuckStays)
    stage.ran("bob", "web", "debris", "stop fails")
    stage.status("bob", "alice", 10)
    return stage


def test_who_knows_that_a_stop_has_failed_may_not_start_the_group():
    stage = stuck()
    stage.ran("alice", "web", "starting", "start begins")
    assert len(stage.broken) == 1


def test_nor_when_the_next_daemon_there_could_not_stop_it_either():
    stage = stuck()
    stage.changed("alice", "daemon begins")
    stage.machines["alice"].runs += 1
    stage.machines["bob"].runs += 1
    stage.changed("bob", "daemon begins")
    stage.status("bob", "alice", 20)
    stage.ran("alice", "web", "starting", "start begins")
    assert len(stage.broken) == 1


@pytest.mark.parametrize("awake", [True, False])
def test_who_vouches_must_have_been_asked_to(awake):
    stage = stuck()
    stage.machines["alice"].awake = awake
    stage.checker.broke(Fault(0, 0, "cleanup", "alice", group="web"))
    stage.ran("alice", "web", "starting", "start begins")
    assert bool(stage.broken) is not awake


# -- requests ----------------------------------------------------------------------------------------


def test_a_machine_that_sleeps_answers_later_by_its_sleep_and_no_more():
    """It was excused for as long as the run had lasted, which was nearly always to its end."""
    stage = Stage(EveryRequestAnswered)
    stage.now_ms = 100_000
    stage.checker.asked(stage.machines["alice"], "r1", 20_000)
    stage.now_ms = 101_000
    stage.changed("alice", "sleeps")
    stage.now_ms = 106_000
    stage.changed("alice", "wakes")
    stage.now_ms = 126_000
    stage.checker.at_end()
    assert not stage.broken
    stage.now_ms = 127_000
    stage.checker.at_end()
    assert stage.broken == ["alice has never answered r1"]


@pytest.fixture
def last_wish():
    """A seed whose last wish is a move to another node."""
    seed = next(seed for seed in range(100) if moves(draw(seed, 2, 1000, old=False)))
    return draw(seed, 2, 1000, old=False)


def moves(plan):
    wish = plan.last_wish
    return wish and len(plan.core) == 2 and not plan.faults[5:] and plan.policy is AutoFailback.OFF


def test_in_a_healthy_cluster_a_move_is_not_refused(last_wish, monkeypatch):
    assert not simulate(last_wish).failed

    def refuse(desk, event, _phase, _now_ms):
        desk._emit(refusal(event.request_id, "no-other-node", "not today", "ask tomorrow"))

    monkeypatch.setattr(Desk, "move", refuse)
    assert [v.checker for v in simulate(last_wish).violations] == ["LastWishDone"]


def test_in_a_healthy_cluster_what_is_said_to_be_done_is_done(last_wish, monkeypatch):
    def lie(desk, event, _phase, _now_ms):
        result = {"moved": [], "unchanged": [], "failed": []}
        desk._emit(fx.AdminReply(event.request_id, "completed", {"result": result}))

    monkeypatch.setattr(Desk, "move", lie)
    plans = [replace(last_wish, last_wish=(last_wish.last_wish[0], name)) for name in last_wish.core]
    assert "LastWishDone" in [v.checker for plan in plans for v in simulate(plan).violations]


# -- once everything is well -------------------------------------------------------------------------


@pytest.mark.parametrize(("wished", "broken"), [((), 2), (("web",), 0), (("mail",), 2)])
def test_in_the_calm_only_what_is_asked_for_moves(wished, broken):
    stage = Stage(StaysPut)
    stage.checker.calm_begins(wished)
    stage.ran("alice", "web", "stopping", "stop begins")
    stage.ran("bob", "web", "starting", "start begins")
    assert len(stage.broken) == broken
    stage.ran("bob", "web", "stopping", "stop begins")
    assert len(stage.broken) == broken + 1


@pytest.mark.parametrize(("phase", "broken"), [("completed", True), ("refused", False)])
def test_under_maintenance_nothing_begins_unless_it_was_refused(phase, broken):
    stage = Stage(LeftAlone, replace(PLAN, upkeep_ms=(60_000, 170_000)))
    stage.at(60_000)
    stage.checker.replied(stage.machines["alice"], fx.AdminReply("r1", phase, {}))
    stage.at(64_999)
    stage.ran("alice", "web", "stopping", "stop begins")
    assert not stage.broken
    stage.at(65_000)
    stage.ran("alice", "web", "starting", "start begins")
    assert bool(stage.broken) is broken


@pytest.mark.parametrize(("timeout_ms", "broken"), [(0, True), (20_000, False)])
def test_only_who_asks_for_a_move_keeps_a_group_away_from_home(timeout_ms, broken):
    stage = Stage(HeldOnce)
    key, home = PLAN.groups[0].key, PLAN.groups[0].preferred
    away = next(name for name in PLAN.nodes if name != home)
    stage.groups = PLAN.groups[:1]
    stage.checker.asked(stage.machines[home], "r1", timeout_ms)
    stage.ran(away, key, "held", "start succeeds")
    stage.checker.at_end(frozenset())
    assert bool(stage.broken) is broken


def test_a_start_that_failed_at_home_counts_until_one_there_succeeds():
    stage = Stage(HeldOnce)
    group = PLAN.groups[0]
    stage.ran(group.preferred, group.key, None, "start fails")
    assert not stage.checker._can_be_at_home(group)
    stage.ran(group.preferred, group.key, "held", "start succeeds")
    assert stage.checker._can_be_at_home(group)


def test_what_nobody_may_start_is_not_half_there_either():
    stage = Stage(HeldOnce)
    stage.groups = PLAN.groups[:1]
    key = PLAN.groups[0].key
    stage.checker.at_end(frozenset((key,)))
    assert not stage.broken
    stage.ran("alice", key, "debris", "stop fails")
    stage.checker.at_end(frozenset((key,)))
    assert len(stage.broken) == 1


def test_in_the_calm_there_is_nothing_to_ask_a_3_0_6_for():
    stage = Stage(NoStorm, replace(PLAN, old=("bob",)))
    stage.machines["alice"].sent = 500
    stage.checker.look()
    assert not stage.broken
    stage.machines["alice"].sent = 1000
    stage.checker.calm = True
    stage.checker.look()
    assert len(stage.broken) == 1


# -- what was left behind ----------------------------------------------------------------------------


def left_behind():
    return Stage(lambda *_: LeftBehind())


def test_a_failed_stop_is_behind_until_a_stop_succeeds():
    stage = left_behind()
    assert not stage.checker.stuck("bob", "web", 0)
    for at_ms, state, what in [(100, "debris", "stop fails"), (200, "stopping", "stop begins")]:
        stage.at(at_ms)
        stage.ran("bob", "web", state, what)
        assert stage.checker.stuck("bob", "web", 10_000)
    stage.at(300)
    stage.ran("bob", "web", None, "stop succeeds")
    assert stage.checker.stuck("bob", "web", 300)
    assert not stage.checker.stuck("bob", "web", 301)


@pytest.mark.parametrize("on", [True, False])
def test_what_ran_on_when_a_daemon_ended_is_behind_under_maintenance_only(on):
    stage = left_behind()
    stage.machines["bob"].switches = Kept({CLUSTER: Switch(1, on)}, {})
    stage.ran("bob", "web", "held", "start succeeds")
    stage.changed("bob", "daemon ends")
    assert stage.checker.left_running("bob", "web", 5000) is on
    stage.at(6000)
    stage.changed("bob", "daemon begins")
    assert not stage.checker.left_running("bob", "web", 6001)
