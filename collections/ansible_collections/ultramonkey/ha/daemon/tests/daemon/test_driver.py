"""The driver: every event reaches the node, and the one timer is always early enough."""

from __future__ import annotations

import asyncio

import pytest
from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.daemon.driver import Driver


class Clock(asyncio.SelectorEventLoop):
    """A loop in which time passes only when the test says so."""

    def __init__(self):
        super().__init__()
        self.now_s = 1000.0
        self.timers = []

    def time(self):
        return self.now_s

    def call_at(self, when, callback, *arguments, context=None):
        handle = asyncio.TimerHandle(when, callback, arguments, self, context)
        self.timers.append(handle)
        return handle

    @property
    def armed(self):
        """The instants, in milliseconds, of the timers that will fire."""
        return [round((timer.when()) * 1000, 3) for timer in self.timers if not timer.cancelled()]

    def advance(self, seconds):
        """Let time pass, and call what is due then."""
        self.now_s += seconds
        due = [timer for timer in self.timers if not timer.cancelled() and timer.when() <= self.now_s]
        self.timers = [timer for timer in self.timers if timer not in due]
        for timer in due:
            timer._run()


class FakeNode:
    """Wants to be called when the test says so, and has one effect for each event."""

    def __init__(self):
        self.deadline_ms = None
        self.handled = []

    def handle(self, event, now_ms):
        self.handled.append((type(event).__name__, now_ms))
        return [f"effect {len(self.handled)}"]

    def next_deadline(self):
        return self.deadline_ms


@pytest.fixture
def clock():
    loop = Clock()
    yield loop
    loop.close()


@pytest.fixture
def node():
    return FakeNode()


@pytest.fixture
def effects():
    return []


@pytest.fixture
def driver(node, clock, effects):
    return Driver(node, effects.append, clock)


STARTED = ev.Started(0)


def test_an_event_is_handled_now_and_its_effects_carried_out(driver, node, effects):
    driver.give(STARTED)
    assert node.handled == [("Started", 1_000_000)]
    assert effects == [["effect 1"]]


def test_without_a_deadline_no_timer_is_armed(driver, clock):
    driver.give(STARTED)
    assert clock.armed == []


def test_at_the_deadline_the_node_is_called_and_never_before_it(driver, node, clock):
    node.deadline_ms = 1_000_100
    driver.give(STARTED)
    assert clock.armed == [1_000_100.5]
    clock.advance(0.1)
    assert len(node.handled) == 1
    node.deadline_ms = None
    clock.advance(0.001)
    assert node.handled[1] == ("DeadlineReached", 1_000_101)
    assert clock.armed == []


def test_an_earlier_deadline_moves_the_timer(driver, node, clock):
    node.deadline_ms = 1_000_500
    driver.give(STARTED)
    node.deadline_ms = 1_000_020
    driver.give(STARTED)
    assert clock.armed == [1_000_020.5]


def test_nobody_is_woken_at_a_deadline_that_is_no_more(driver, node, clock):
    node.deadline_ms = 1_000_100
    driver.give(STARTED)
    node.deadline_ms = 1_000_200
    driver.give(STARTED)
    assert clock.armed == [1_000_200.5]


def test_the_same_deadline_is_armed_once(driver, node, clock):
    node.deadline_ms = 1_000_100
    driver.give(STARTED)
    timer = driver._timer
    driver.give(STARTED)
    assert driver._timer is timer


def test_a_deadline_in_the_past_is_due_at_once(driver, node, clock):
    node.deadline_ms = 999_000
    driver.give(STARTED)
    node.deadline_ms = None
    clock.advance(0)
    assert node.handled[1] == ("DeadlineReached", 1_000_000)


def test_after_a_deadline_that_vanished_a_new_one_is_armed(driver, node, clock):
    node.deadline_ms = 1_000_100
    driver.give(STARTED)
    node.deadline_ms = None
    driver.give(STARTED)
    assert clock.armed == []
    node.deadline_ms = 1_000_300
    driver.give(STARTED)
    assert clock.armed == [1_000_300.5]


def test_closed_it_gives_no_more_events_by_time(driver, node, clock):
    node.deadline_ms = 1_000_100
    driver.give(STARTED)
    driver.close()
    driver.close()
    clock.advance(1)
    assert len(node.handled) == 1
