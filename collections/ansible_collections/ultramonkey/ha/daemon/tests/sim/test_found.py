"""Found by the simulator; a transcript cannot tell of clocks that stand still, or timers before frames."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ultramonkey_heartbeat.config.model import AutoFailback, Group, Resource
from ultramonkey_heartbeat.sim.draw import draw
from ultramonkey_heartbeat.sim.left_behind import LeftBehind
from ultramonkey_heartbeat.sim.plan import Fault, MediumPlan
from ultramonkey_heartbeat.sim.run import simulate


def two(policy, old, faults):
    """Alice and bob, one of them a 3.0.6, on one line without losses."""
    plan = draw(1, 2, 1000, old=True)
    return replace(
        plan,
        policy=policy,
        old=(old,),
        core=plan.nodes,
        groups=tuple(Group(f"of-{name}", name, (Resource("IPaddr", (), "ip"),)) for name in plan.nodes),
        benign=False,
        codec="",
        deadtime_ms=3001,
        initdead_ms=9503,
        media=(MediumPlan("bcast eth0", plan.nodes),),
        script_ms=100,
        script_ms_max=100,
        drift_ppm=(),
        last_wish=None,
        faults=faults,
    )


@pytest.mark.parametrize("policy", [AutoFailback.LEGACY, AutoFailback.OFF])
def test_a_heartbeat_3_0_6_that_was_restarted_while_we_did_not_know_that_we_slept_is_asked_anew(policy):
    faults = (
        Fault(0, 160_000, "stop", "alice", other="bob", lasts_ms=3000),
        Fault(1, 160_300, "blackout", "bob", other="alice", lasts_ms=33_000, detail="frames lost"),
    )
    verdict = simulate(two(policy, "alice", faults))
    assert not verdict.failed, verdict.violations[0]


def test_a_heartbeat_3_0_6_in_legacy_mode_is_given_its_group_though_it_never_asks():
    """It was paused, gives up, and starts its group once more because of an answer that lay in its socket.

    After its restart it asks only for what does not run (hbsim, seed 696127894 of an earlier draw).
    """
    pause = Fault(0, 117_430, "pause", "bob", other="alice", lasts_ms=40_644, detail="timers first")
    verdict = simulate(two(AutoFailback.LEGACY, "bob", (pause,)))
    assert not verdict.failed, verdict.violations[0]


@pytest.mark.parametrize("seed", range(4))
def test_who_has_lost_its_generation_file_never_has_a_clock_that_is_behind_as_well(seed):
    """Nothing is promised then, and so nothing may be judged (hbsim, seed 508510406)."""
    faults = (
        Fault(0, 170_000, "lost-generation", "bob", other="alice", lasts_ms=2000),
        Fault(1, 171_000, "clock", "bob", other="alice"),
    )
    plan = replace(two(AutoFailback.LEGACY, "bob", faults), seed=seed, old=())
    verdict = simulate(plan)
    assert not verdict.failed, verdict.violations[0]


def test_what_was_left_running_under_maintenance_on_a_node_that_is_gone_is_nobodys(monkeypatch):
    """Nobody may start it, so nobody is asked to hold it (hbsim, seed 2050120)."""
    faults = (
        Fault(0, 160_000, "maintenance", "bob", other="alice", lasts_ms=60_000, detail="cluster"),
        Fault(1, 165_000, "stop", "alice", other="bob", lasts_ms=60_000),
    )
    plan = replace(two(AutoFailback.OFF, "bob", faults), old=(), core=("bob",))
    verdict = simulate(plan)
    assert not verdict.failed, verdict.violations[0]
    # Because it was so, and not because bob believes it.
    monkeypatch.setattr(LeftBehind, "left_running", lambda *_: False)
    assert {violation.checker for violation in simulate(plan).violations} == {"HeldOnce"}
