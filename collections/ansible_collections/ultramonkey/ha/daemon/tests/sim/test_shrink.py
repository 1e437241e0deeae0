"""A failure is found again with fewer faults."""

from __future__ import annotations

from ultramonkey_heartbeat.sim import shrink as shrinking
from ultramonkey_heartbeat.sim.checker import Violation
from ultramonkey_heartbeat.sim.draw import draw
from ultramonkey_heartbeat.sim.run import Verdict


def test_only_the_faults_that_are_needed_are_left(monkeypatch):
    plan = next(plan for plan in map(draw, range(100)) if len(plan.faults) > 20)
    needed = {plan.faults[3].number, plan.faults[17].number}

    def simulate(tried):
        there = needed <= {fault.number for fault in tried.faults}
        return Verdict(tried.seed, 0, [Violation(1, "OneHolder", "")] if there else [])

    monkeypatch.setattr(shrinking, "simulate", simulate)
    smaller = shrinking.shrink(plan, lambda *_: None)
    assert {fault.number for fault in smaller.faults} == needed


def test_what_does_not_fail_is_not_made_smaller(monkeypatch):
    monkeypatch.setattr(shrinking, "simulate", lambda plan: Verdict(plan.seed, 0))
    assert shrinking.shrink(draw(1), lambda *_: None) is None
