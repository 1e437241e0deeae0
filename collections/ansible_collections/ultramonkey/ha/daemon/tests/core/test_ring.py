"""More than two nodes on serial lines: everybody hears everybody, and nothing goes round for ever."""

from __future__ import annotations

import pytest
from lines import ring
from ultramonkey_heartbeat.config.model import BroadcastLink, SerialLink
from ultramonkey_heartbeat.core.ring import Ring
from ultramonkey_heartbeat.wire.message import Message, decimal, hexadecimal, string

A, B, NET = (SerialLink("/dev/ttyS0", 9600), SerialLink("/dev/ttyS1", 9600), BroadcastLink("eth0", 694))
SLOW = {"baud": 115_200, "keepalive_ms": 500, "deadtime_ms": 3000}


def message(seq=1, ttl=3, generation=7, **more):
    fields = [string("t", "status"), string("src", "bob"), hexadecimal("hg", generation)]
    fields += [hexadecimal("seq", seq)] if seq else []
    fields += [decimal("ttl", ttl)] if ttl is not None else []
    return Message((*fields, *(string(name, value) for name, value in more.items())))


def node(*links, nodes=("alice", "bob", "carol")):
    return Ring("alice", links, nodes)


def passed(one, what, link=A.name):
    return one.pass_on("bob", link, what)


def test_what_comes_over_one_line_goes_out_over_the_others_with_a_lower_ttl_and_a_signature_of_our_own():
    onward = passed(node(NET, A, B), message(auth="1 abc"))
    assert onward.links == (B.name,)
    assert onward.message == message(ttl=2)


@pytest.mark.parametrize("ttl", [1, 0, -1, None])
def test_what_has_travelled_far_enough_ends_here(ttl):
    assert passed(node(A, B), message(ttl=ttl)) is None


def test_the_second_copy_is_dropped_whichever_line_brings_it():
    one = node(A, B)
    assert passed(one, message(seq=5)) is not None
    assert passed(one, message(seq=5, ttl=2), B.name) is None
    assert passed(one, message(seq=4)) is None
    assert passed(one, message(seq=6)) is not None
    # A new generation begins to count anew.
    assert passed(one, message(seq=1, generation=8)) is not None
    assert passed(one, message(seq=9, generation=7)) is None


def test_what_is_for_us_ends_here_and_a_question_for_another_goes_on():
    one = node(A, B)
    assert passed(one, message(seq=None, dest="Alice")) is None
    assert passed(one, message(seq=None, dest="carol")) is not None
    assert passed(one, message(seq=None)) is None


def test_two_nodes_with_two_lines_do_not_tell_each_other_their_own_words():
    assert passed(node(A, B, nodes=("alice", "bob")), message()) is None


def test_media_that_reach_everybody_are_left_out():
    assert passed(node(NET, A, B), message(), NET.name) is None
    assert passed(node(NET, A), message()) is None


@pytest.mark.parametrize("closed", [True, False])
def test_in_a_ring_or_chain_of_four_everybody_is_known_to_everybody(closed):
    names = ("alice", "bob", "carol", "dave")
    world = ring(*names, closed=closed, **SLOW)
    world.seconds(20)
    for name in names:
        assert [node["state"] for node in world.status(name)["nodes"]] == ["active"] * 4
    before = {end: direction.frames for end, direction in world.directions.items()}
    world.seconds(60)
    # No more than each message once: the own ones and those of three others, two beats a second.
    for end, direction in world.directions.items():
        assert direction.frames - before[end] <= 4 * 125
    assert world.deaths() == []


def test_a_ring_bears_one_cut_and_two_cuts_part_it():
    world = ring("alice", "bob", "carol", **SLOW)
    world.seconds(20)
    assert world.holders("web") == ["alice"]
    world.cut("alice", "/dev/ttyS0")
    world.seconds(20)
    assert world.deaths() == []
    world.cut("carol", "/dev/ttyS0")
    world.seconds(20)
    assert world.holders("web") == ["alice", "bob"]
    world.cut("alice", "/dev/ttyS0", on=False)
    world.seconds(20)
    assert world.holders("web") == ["bob"]


def test_a_death_in_the_ring_is_seen_by_all_and_its_groups_taken():
    world = ring("alice", "bob", "carol", **SLOW)
    world.seconds(20)
    world.kill("alice")
    world.seconds(10)
    assert world.holders("web") == ["bob"]
    assert len(world.deaths()) == 2
