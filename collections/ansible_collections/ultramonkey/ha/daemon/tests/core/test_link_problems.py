"""What the status says of links: the counters that the core knows, and the link that nobody is heard over."""

from __future__ import annotations

import dataclasses

from ultramonkey_heartbeat.config.model import SerialLink, UnicastLink
from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.core.snapshot import UNHEARD_AFTER_MS
from world import LINK, World

SERIAL = SerialLink("/dev/ttyS0", 9600)
LOOPED = UnicastLink("eth0", "192.0.2.1", 694)


class TwoLinks(World):
    """A cluster whose serial lines and unicast links carry nothing."""

    def configuration(self, name):
        plain = super().configuration(name)
        links = (*plain.ha.links, SERIAL, LOOPED)
        return dataclasses.replace(plain, ha=dataclasses.replace(plain.ha, links=links))


def cluster():
    world = TwoLinks()
    world.add_node("alice")
    world.add_node("bob")
    for name, host in world.hosts.items():
        world.start(name)
        for link in (SERIAL, LOOPED):
            world.give(host, ev.LinkChanged(link.name, up=True, reason=""))
    return world


def codes(world):
    return [problem["code"] for problem in world.status("alice")["problems"]]


def link(world, name):
    return next(entry for entry in world.status("alice")["links"] if entry["name"] == name)


def test_a_link_over_which_nobody_was_ever_heard_is_a_problem_in_time():
    world = cluster()
    world.advance(UNHEARD_AFTER_MS - 1000)
    assert codes(world) == []
    world.advance(2000)
    (problem,) = world.status("alice")["problems"]
    assert problem["code"] == "link-unheard"
    assert problem["text"] == "no node was ever heard over serial /dev/ttyS0"
    assert "hbctl link test serial" in problem["remedy"]


def test_a_link_is_no_problem_while_no_node_is_there_to_be_heard():
    world = cluster()
    world.kill("bob")
    world.advance(60_000)
    assert "link-unheard" not in codes(world)


def test_a_link_that_has_just_come_up_is_given_time():
    world = cluster()
    world.give(world.hosts["alice"], ev.LinkChanged(SERIAL.name, up=False, reason="gone"))
    world.advance(60_000)
    assert codes(world) == ["link-down"]
    world.give(world.hosts["alice"], ev.LinkChanged(SERIAL.name, up=True, reason=""))
    world.advance(UNHEARD_AFTER_MS - 1)
    assert codes(world) == []
    world.advance(1)
    assert codes(world) == ["link-unheard"]


def test_the_time_since_the_last_good_frame_is_that_of_the_peer_heard_last():
    world = cluster()
    world.advance(60_000)
    assert link(world, SERIAL.name)["silent_ms"] is None
    assert link(world, LINK)["silent_ms"] < 1000
    world.kill("bob")
    world.advance(3000)
    assert 2000 < link(world, LINK)["silent_ms"] <= 4000
