"""Ping nodes beside a heartbeat 3.0.6, whose ipfail has a language of its own (capture 25)."""

from __future__ import annotations

import pytest
from old_peer import DEADTIME_MS, OldPeer

IPFAIL = {"dest": "real", "from_id": "ipfail", "to_id": "ipfail", "client_gen": "0"}
WORDS = ("num_ping_nodes", "you_are_dead", "abort_giveup", "ask_resources")


@pytest.fixture
def talk():
    def begin(**options):
        peer = OldPeer(**{"pings": ("gw",), **options})
        peer.join()
        assert peer.runs == {"mine"}
        return peer

    return begin


def test_the_peer_is_told_how_many_ping_nodes_we_see_when_it_comes_and_when_that_changes():
    peer = OldPeer(pings=("gw", "router"))
    peer.alive = True
    peer.advance(100)
    peer.resource("local")
    peer.advance(3000)
    assert peer.heard(*WORDS) == [{"t": "num_ping_nodes", "num_ping": "2", **IPFAIL}]
    peer.answering.discard("gw")
    peer.advance(DEADTIME_MS + 1000)
    assert peer.heard(*WORDS) == [{"t": "num_ping_nodes", "num_ping": "1", **IPFAIL}]


def test_told_that_we_are_cut_off_we_give_everything_away_when_that_has_stood_for_a_while(talk):
    peer = talk()
    peer.answering.clear()
    peer.advance(DEADTIME_MS + 1000)
    assert [each["t"] for each in peer.heard(*WORDS)] == ["num_ping_nodes"]
    peer.say("you_are_dead", *IPFAIL.items())
    # Two keepalives, and what a 3.0.6 may be late.
    peer.advance(3200)
    assert peer.heard(*WORDS) == []
    peer.advance(100)
    assert peer.heard(*WORDS) == [{"t": "ask_resources", "rsc_hold": "local", "info": "me"}]
    peer.say("ask_resources", ("rsc_hold", "local"), ("info", "other"))
    peer.advance(100)
    assert peer.runs == set()


def test_when_both_lose_the_same_nobody_gives_anything_away(talk):
    peer = talk()
    peer.answering.clear()
    peer.advance(DEADTIME_MS + 1000)
    peer.say("you_are_dead", *IPFAIL.items())
    peer.say("num_ping_nodes", ("num_ping", "0"), *IPFAIL.items())
    assert [each["t"] for each in peer.heard(*WORDS)] == ["num_ping_nodes", "abort_giveup"]
    peer.advance(10_000)
    assert peer.heard(*WORDS) == []
    assert peer.runs == {"mine"}


def test_a_peer_that_sees_fewer_is_told_so_and_its_groups_are_taken(talk):
    peer = talk()
    peer.say("num_ping_nodes", ("num_ping", "0"), *IPFAIL.items())
    assert peer.heard(*WORDS) == []
    peer.advance(1300)
    assert peer.heard(*WORDS) == [{"t": "you_are_dead", **IPFAIL}]
    # As capture 25 has it.
    peer.say("ask_resources", ("rsc_hold", "all"), ("info", "me"), ("from_id", "ipfail"), ("to_id", "ipfail"))
    assert peer.heard(*WORDS) == [{"t": "ask_resources", "rsc_hold": "all", "info": "other"}]


def test_what_was_lost_and_comes_late_undoes_nothing_that_was_said_after_it(talk):
    peer = talk()
    late = peer.seq = peer.seq + 1
    peer.say("num_ping_nodes", ("num_ping", "1"), *IPFAIL.items())
    assert peer.heard(*WORDS) == [{"t": "abort_giveup", **IPFAIL}]
    peer.say("num_ping_nodes", ("num_ping", "0"), *IPFAIL.items(), seq=late)
    peer.advance(10_000)
    assert peer.heard(*WORDS) == []


def test_a_peer_that_lost_what_we_are_about_to_lose_is_not_told_that_it_sees_fewer(talk):
    peer = talk()
    peer.answering.clear()
    peer.advance(DEADTIME_MS - 1500)
    peer.heard()
    peer.say("num_ping_nodes", ("num_ping", "0"), *IPFAIL.items())
    peer.advance(3000)
    assert [(each["t"], each.get("num_ping")) for each in peer.heard(*WORDS)] == [("num_ping_nodes", "0")]
    peer.answering.add("gw")
    peer.advance(10_000)
    # That difference is new, and for the peer to find out.
    assert [(each["t"], each.get("num_ping")) for each in peer.heard(*WORDS)] == [("num_ping_nodes", "1")]


def test_a_peer_that_sees_more_is_given_everything(talk):
    peer = talk()
    peer.answering.clear()
    peer.advance(DEADTIME_MS + 1000)
    peer.heard()
    peer.say("num_ping_nodes", ("num_ping", "1"), *IPFAIL.items())
    peer.advance(3300)
    assert [each["t"] for each in peer.heard(*WORDS)] == ["ask_resources"]


@pytest.mark.parametrize(("failback", "given"), [("on", ["ask_resources"]), ("off", [])])
def test_with_failback_a_peer_that_sees_as_much_again_gets_its_groups_back(failback, given):
    peer = OldPeer(failback=failback, pings=("gw",))
    peer.join()
    # It gave all away when it was cut off.
    peer.say("ask_resources", ("rsc_hold", "local"), ("info", "me"), ("from_id", "ipfail"))
    peer.resource("none", stable="0", info="standby")
    peer.say("ask_resources", ("rsc_hold", "local"), ("info", "done"))
    peer.resource("none")
    peer.advance(3000)
    assert peer.runs == {"mine", "theirs"}
    peer.heard()
    peer.say("num_ping_nodes", ("num_ping", "1"), *IPFAIL.items())
    assert [each["t"] for each in peer.heard(*WORDS)] == ["abort_giveup"]
    peer.advance(3300)
    told = peer.heard(*WORDS)
    assert [each["t"] for each in told] == given
    assert all(each["rsc_hold"] == "foreign" for each in told)


def test_in_legacy_mode_or_without_ping_nodes_nothing_of_this_is_said():
    for options in ({"failback": "legacy", "pings": ("gw",)}, {"pings": ()}):
        peer = OldPeer(**options)
        peer.join()
        peer.say("num_ping_nodes", ("num_ping", "7"), *IPFAIL.items())
        peer.say("you_are_dead", *IPFAIL.items())
        peer.advance(10_000)
        assert peer.heard(*WORDS) == []


@pytest.mark.parametrize(("client", "word"), [("ipfail", "online"), ("dopd", "offline")])
def test_clientstatus_of_the_other_node_is_answered(talk, client, word):
    peer = talk()
    peer.say("query-cstatus", ("dest", "ours"), ("cn", client), ("from_id", "4711"))
    assert peer.heard("respond-cstatus") == [
        {"t": "respond-cstatus", "dest": "real", "result": "OK", "cn": client, "to_id": "4711", "cs": word}
    ]
