"""Ping nodes: what is told of them, who sees more, and for how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.model import PingNode
from ultramonkey_heartbeat.core.pings import Comparison, PingNodes
from ultramonkey_heartbeat.core.reach import NOTHING, from_word, perhaps_fewer, ranks, surely_more, to_word

NAMES = st.sampled_from(["gw", "192.0.2.1", "2001:db8::1", "routers", "a.b.c"])
REACHES = st.lists(st.tuples(NAMES, st.sampled_from(["", "!", "?"])), unique_by=lambda item: item[0]).map(
    lambda items: from_word(" ".join(f"{mark}{name}" for name, mark in items))
)
GATEWAY = (PingNode("ping", "gw", ("192.0.2.1",)),)


@given(REACHES)
def test_what_is_told_is_read_back(reach):
    assert from_word(to_word(reach)) == reach


@given(REACHES, REACHES)
def test_two_nodes_never_both_see_more_than_the_other(one, other):
    assert not (surely_more(one, other) and surely_more(other, one))
    assert not surely_more(one, one)


@pytest.mark.parametrize(
    ("theirs", "ours", "more", "fewer"),
    [
        ("gw", "!gw", True, False),
        ("!gw", "gw", False, True),
        ("!gw", "!gw", False, False),
        # Nothing is concluded from what is not known yet, except that one who comes must first know.
        ("gw", "?gw", False, False),
        ("?gw", "gw", False, True),
        # Each sees one that the other does not: as many.
        ("gw !router", "!gw router", False, False),
        ("gw router", "!gw router", True, False),
        # What only one of them is configured with does not count.
        ("gw router", "gw", False, False),
        ("", "!gw", False, False),
        ("router", "!gw", False, False),
    ],
)
def test_who_sees_more(theirs, ours, more, fewer):
    assert surely_more(from_word(theirs), from_word(ours)) is more
    assert perhaps_fewer(from_word(theirs), from_word(ours)) is fewer


def test_candidates_are_ranked_by_the_ping_nodes_that_all_have():
    assert ranks([from_word("a b"), from_word("!a b"), from_word("a ?b")]) == [2, 1, 2]
    assert ranks([from_word("a b"), NOTHING]) == [0, 0]
    assert ranks([]) == []


def test_a_difference_counts_after_it_has_stood_for_two_keepalives_and_so_does_its_end():
    comparison = Comparison(1000)
    seen, lost = from_word("gw"), from_word("!gw")
    comparison.look(lost, {"bob": seen}, 10_000)
    assert comparison.more_since("bob") is None
    assert comparison.next_deadline() == 12_000
    comparison.look(lost, {"bob": seen}, 12_000)
    assert comparison.more_since("bob") == 10_000
    assert comparison.next_deadline() is None
    comparison.look(seen, {"bob": lost}, 13_000)
    assert comparison.more_since("bob") is None
    assert comparison.fewer("bob")
    comparison.look(seen, {"bob": seen}, 20_000)
    assert comparison.fewer("bob")
    assert comparison.next_deadline() == 22_000
    comparison.look(seen, {"bob": seen}, 22_000)
    assert not comparison.fewer("bob")


def test_whoever_is_gone_is_forgotten():
    comparison = Comparison(1000)
    comparison.look(from_word("!gw"), {"bob": from_word("gw")}, 0)
    comparison.look(from_word("!gw"), {}, 1000)
    comparison.look(from_word("!gw"), {"bob": from_word("gw")}, 2000)
    assert comparison.next_deadline() == 4000


def test_at_short_keepalives_a_hiccup_is_no_difference():
    comparison = Comparison(20)
    comparison.look(from_word("!gw"), {"bob": from_word("gw")}, 0)
    assert comparison.next_deadline() == 500


def test_a_pause_of_ours_is_not_the_silence_of_a_ping_node():
    pings = PingNodes(GATEWAY, 5000, 0)
    assert len(pings.answered("gw", 1000)) == 1
    pings.discount(60_000)
    assert pings.expire(61_000) == []
    assert pings.next_deadline() == 66_000


def test_a_ping_node_that_cannot_be_asked_is_never_lost_and_said_once():
    pings = PingNodes(GATEWAY, 5000, 0)
    assert len(pings.impossible("gw", "not permitted", 0)) == 1
    assert pings.impossible("gw", "not permitted", 0) == []
    assert pings.expire(60_000) == []
    assert pings.cannot() == [("gw", "not permitted")]
    assert to_word(pings.reach()) == "?gw"
    assert pings.impossible("gw", "", 61_000) == []
    assert pings.cannot() == []
    assert pings.next_deadline() == 66_000
    assert len(pings.answered("gw", 62_000)) == 1
