"""Clusters drawn from seeds keep the promises of docs/ARCHITECTURE.md. More of them: `make soak`."""

from __future__ import annotations

import random
import time

import pytest
from ultramonkey_heartbeat.sim import main as hbsim
from ultramonkey_heartbeat.sim.draw import draw
from ultramonkey_heartbeat.sim.main import words
from ultramonkey_heartbeat.sim.run import simulate

# So many are always the same, and so many are new in each run of the suite, as long as time allows.
FIXED = 10
FRESH_SECONDS = 5


def judge(seed, **wanted):
    verdict = simulate(draw(seed, **wanted))
    text = "\n".join(str(violation) for violation in verdict.violations)
    options = "".join(f" --{name.replace('_ms', '')} {value}" for name, value in wanted.items() if value)
    assert not verdict.failed, f"{text}\nhbsim replay {seed}{options} --trace"
    return verdict


@pytest.mark.parametrize("seed", range(FIXED))
def test_every_promise_is_kept(seed):
    judge(seed)


@pytest.mark.parametrize("seed", range(3))
def test_every_promise_is_kept_beside_a_heartbeat_3_0_6(seed):
    verdict = simulate(draw(seed, old=True))
    assert not verdict.failed, f"{verdict.violations[0]}\nhbsim replay {seed} --old --trace"


def test_every_promise_is_kept_for_seeds_that_nobody_has_seen(capsys):
    first = random.SystemRandom().randrange(2**31)
    begun, seed = time.monotonic(), first
    while time.monotonic() - begun < FRESH_SECONDS:
        judge(seed)
        seed += 1
    with capsys.disabled():
        print(f" seeds {first}-{seed - 1}", end="")


def test_a_heartbeat_3_0_6_is_never_put_beside_more_than_one_node():
    plans = [draw(seed, nodes) for seed in range(60) for nodes in (None, 2, 5)]
    assert all(len(plan.nodes) == 2 for plan in plans if plan.old)
    assert any(plan.old for plan in plans)


def test_a_run_is_a_function_of_its_seed():
    once, again = (simulate(draw(7), words=words) for _ in range(2))
    assert once.lines == again.lines


def test_bytes_and_objects_are_the_same_to_a_cluster():
    """The codec in the middle changes nothing of the story."""
    plan = next(plan for plan in map(draw, range(200)) if plan.codec and not any(m.baud for m in plan.media))
    plan = hbsim.replace(plan, media=tuple(hbsim.replace(medium, garble=0.0) for medium in plan.media))
    as_objects = hbsim.replace(plan, codec="")
    assert simulate(plan, words=words).lines == simulate(as_objects, words=words).lines


def test_a_failure_names_the_command_that_repeats_it(capsys, monkeypatch):
    monkeypatch.setattr("ultramonkey_heartbeat.sim.checkers.HeldOnce._can_be_at_home", lambda *_: True)
    monkeypatch.setattr("ultramonkey_heartbeat.sim.checkers.NoStorm.FOR_EACH_NODE", -100)
    assert hbsim.main(["run", "--seeds", "3", "--nodes", "2", "--no-old"]) == 1
    assert "hbsim replay 3 --nodes 2 --no-old --trace" in capsys.readouterr().out


def test_the_story_of_a_run_can_be_told(capsys):
    assert hbsim.main(["replay", "3", "--trace", "--until", "5"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("seed 3: ")
    assert "daemon begins" in told
