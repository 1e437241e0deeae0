"""When checks are made, and in which order a combined one asks."""

from __future__ import annotations

import asyncio
from random import Random

import peers
from ultramonkey_ldirectord.checks.outcome import Outcome
from ultramonkey_ldirectord.config.model import Kind
from ultramonkey_ldirectord.daemon.schedule import Schedule


class Checker:
    """Answers from a list; `asked` has (probe, only_connect, when)."""

    def __init__(self, answers=(), delay_s=0.0):
        self.asked = []
        self._answers = list(answers)
        self._delay_s = delay_s

    async def perform(self, probe, *, only_connect=False):
        self.asked.append((probe, only_connect, asyncio.get_running_loop().time()))
        await asyncio.sleep(self._delay_s)
        return Outcome(ok=self._answers.pop(0) if self._answers else True, reason="")


def run(checker, probes, until, verdicts=None):
    async def go():
        schedule = Schedule(checker, verdicts or (lambda *_: None), Random(1))
        schedule.set(probes)
        while not until(checker):  # noqa: ASYNC110 - what is waited for differs
            await asyncio.sleep(0.001)
        await schedule.stop()

    asyncio.run(asyncio.wait_for(go(), 10))


def probe(**values):
    return peers.probe("http", 80, **{"interval_ms": 20, **values})


def flags(checker):
    return [only_connect for _, only_connect, _ in checker.asked]


def test_a_combined_check_negotiates_then_connects_so_many_times():
    checker = Checker()
    run(checker, [probe(kind=Kind.COMBINED, connects=2)], lambda c: len(c.asked) >= 6)
    assert flags(checker)[:6] == [False, True, True, False, True, True]


def test_a_failed_connect_makes_the_next_one_a_negotiation():
    checker = Checker([True, False, True])
    run(checker, [probe(kind=Kind.COMBINED, connects=3)], lambda c: len(c.asked) >= 3)
    assert flags(checker)[:3] == [False, True, False]


def test_a_combined_check_of_none_always_negotiates():
    checker = Checker()
    run(checker, [probe(kind=Kind.COMBINED)], lambda c: len(c.asked) >= 3)
    assert flags(checker)[:3] == [False, False, False]


def test_a_slow_server_delays_nobody_and_its_own_checks_never_overlap():
    slow = probe(address="127.0.0.2")
    at_work = []

    class Slow(Checker):
        async def perform(self, probe, *, only_connect=False):
            if probe == slow:
                assert probe not in at_work
                at_work.append(probe)
                await asyncio.sleep(0.3)
                at_work.remove(probe)
            return await super().perform(probe, only_connect=only_connect)

    checker = Slow()
    run(checker, [slow, probe()], lambda c: sum(p == slow for p, *_ in c.asked) >= 2)
    assert sum(p != slow for p, *_ in checker.asked) > 4


def test_the_distance_of_two_checks_is_the_interval():
    checker = Checker()
    run(checker, [probe(interval_ms=100)], lambda c: len(c.asked) >= 6)
    times = [when for *_, when in checker.asked]
    gaps = [later - earlier for earlier, later in zip(times[1:], times[2:])]
    assert min(gaps) > 0.09


def test_what_is_checked_before_and_after_a_change_is_not_disturbed():
    checker = Checker(delay_s=0.05)

    async def go():
        schedule = Schedule(checker, lambda *_: None, Random(1))
        kept, gone, new = (probe(address=f"127.0.0.{number}") for number in (1, 2, 3))
        schedule.set([kept, gone])
        task = schedule._tasks[kept]
        schedule.set([kept, new])
        assert schedule._tasks[kept] is task
        assert set(schedule._tasks) == {kept, new}
        await schedule.stop()

    asyncio.run(go())
