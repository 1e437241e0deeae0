"""A mistake of ours in the core ends the daemon; it never goes on in silence."""

from __future__ import annotations

import asyncio

from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.daemon.driver import Driver


class BrokenNode:
    def __init__(self):
        self.asked = 0

    def handle(self, event, now_ms):
        self.asked += 1
        raise KeyError("a mistake of ours")

    def next_deadline(self):
        return 0


def test_the_driver_tells_of_an_exception_once_and_asks_the_node_nothing_more():
    loop, node, told = asyncio.new_event_loop(), BrokenNode(), []
    try:
        driver = Driver(node, lambda effects: None, loop, told.append)
        driver.give(ev.DeadlineReached())
        driver.give(ev.DeadlineReached())
    finally:
        loop.close()
    assert [type(mistake) for mistake in told] == [KeyError]
    assert node.asked == 1
