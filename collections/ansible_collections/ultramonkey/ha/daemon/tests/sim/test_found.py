"""What the simulator has found and a transcript cannot tell, because it needs a clock that stood still."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ultramonkey_heartbeat.config.model import AutoFailback
from ultramonkey_heartbeat.sim.draw import draw
from ultramonkey_heartbeat.sim.plan import Fault, MediumPlan
from ultramonkey_heartbeat.sim.run import simulate


@pytest.mark.parametrize("policy", [AutoFailback.LEGACY, AutoFailback.OFF])
def test_a_heartbeat_3_0_6_that_was_restarted_while_we_did_not_know_that_we_slept_is_asked_anew(policy):
    plan = draw(1, 2, 1000, old=True)
    plan = replace(
        plan,
        policy=policy,
        old=("alice",),
        core=plan.nodes,
        benign=False,
        codec="",
        deadtime_ms=3001,
        initdead_ms=9503,
        media=(MediumPlan("bcast eth0", plan.nodes),),
        drift_ppm=(),
        last_wish=None,
        faults=(
            Fault(0, 160_000, "stop", "alice", other="bob", lasts_ms=3000),
            Fault(1, 160_300, "blackout", "bob", other="alice", lasts_ms=33_000, detail="frames lost"),
        ),
    )
    verdict = simulate(plan)
    assert not verdict.failed, verdict.violations[0]
