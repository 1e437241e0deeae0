"""What goes wrong between nodes: the failure cases of the protocol of heartbeat 3.0.6, and its numbering.

Those that need real processes, files or keys are in tests/system; docs/MIGRATION.md lists all of them.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from old_peer import DEADTIME_MS, LINK, OldPeer
from ultramonkey_heartbeat.core import effects as fx
from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.core.notices import NodeStateChanged
from ultramonkey_heartbeat.core.sequence import GAP_MAX, HISTORY_MAX, ReceiveWindow, Verdict
from ultramonkey_heartbeat.wire.message import Message, binary, decimal, hexadecimal, string


@pytest.fixture
def peer():
    """The real one holds its own group, we hold ours, and both are stable."""
    made = OldPeer()
    made.join()
    assert made.runs == {"mine"}
    return made


# -- who holds what ----------------------------------------------------------------------------------


def test_when_both_claim_a_group_we_let_go_because_3_0_6_would_only_log_it(peer):
    peer.resource("all")
    peer.advance(100)
    assert peer.runs == set()
    assert peer.heard("resource")[-1]["rsc_hold"] == "none"


def test_a_peer_that_restarts_within_its_dead_time_changes_nothing_and_is_told_what_we_hold(peer):
    peer.generation += 1
    peer.seq = 0
    peer.status("init", dt=f"{DEADTIME_MS + 2000:x}")
    peer.status("up")
    peer.status("active")
    peer.said.clear()
    peer.say("starting")
    assert peer.heard("resource") == [
        {"t": "resource", "rsc_hold": "local", "rtype": "full", "isstable": "1"},
    ]
    peer.resource("none", stable="0")
    peer.resource("local")
    peer.advance(3000)
    assert peer.runs == {"mine"}


def test_a_peer_that_restarts_itself_announces_a_longer_dead_time_and_is_waited_for(peer):
    # As 3.0.6 does before it executes itself again.
    peer.status(dt=f"{DEADTIME_MS + 30_000:x}")
    peer.alive = False
    peer.advance(20_000)
    assert peer.runs == {"mine"}
    peer.advance(16_000)
    assert peer.runs == {"mine", "theirs"}


# -- clocks, generations, names ----------------------------------------------------------------------


@pytest.mark.parametrize("stamps", [(2_000_000_000, 5), (5, 2_000_000_000)], ids=["back", "forth"])
def test_a_clock_of_the_peer_that_jumps_means_nothing(peer, stamps):
    before = len(peer.notices)
    for stamp in stamps:
        peer.seq += 1
        own = [string("t", "status"), string("st", "active"), string("dt", "1388"), string("protocol", "1")]
        rest = [string("src", "real"), hexadecimal("seq", peer.seq), hexadecimal("hg", peer.generation)]
        message = Message((*own, *rest, hexadecimal("ts", stamp), decimal("ttl", 3)))
        peer.give(ev.MessageReceived(LINK, message))
    peer.advance(500)
    assert peer.notices[before:] == []
    assert peer.runs == {"mine"}


def test_a_peer_that_lost_its_generation_file_is_named_until_its_number_is_higher_again(peer):
    """It begins at the time of day, which is lower only where the clock had been wrong."""
    rejected = peer.node.complaints.rejected
    peer.generation -= 100
    peer.seq = 0
    peer.status("init")
    assert peer.node.complaints.rejected == rejected + 1
    assert "earlier generation of real" in peer.notices[-1].reason
    peer.generation += 101
    peer.seq = 0
    peer.status("active")
    assert peer.node.membership.peers["real"].generation == peer.generation


def test_a_uuid_that_was_cloned_with_a_disk_renames_nobody(peer):
    """3.0.6 looks a node up by its uuid first, and takes the clone for the original."""
    peer.seq += 1
    own = [string("t", "status"), string("st", "active"), string("dt", "1388"), string("protocol", "1")]
    rest = [hexadecimal("seq", peer.seq), hexadecimal("hg", peer.generation), hexadecimal("ts", 1)]
    fields = (*own, string("src", "real"), binary("srcuuid", b"o" * 16), *rest, decimal("ttl", 3))
    peer.give(ev.MessageReceived(LINK, Message(fields)))
    assert not peer.node.complaints.duplicate_name
    assert peer.node.membership.peers["real"].status_seq == peer.seq


def test_a_third_node_that_nobody_knows_is_named_once_and_changes_nothing(peer):
    before = len(peer.notices)
    for number in range(1, 20):
        fields = (string("t", "status"), string("src", "stranger"), hexadecimal("seq", number))
        peer.give(ev.MessageReceived(LINK, Message((*fields, hexadecimal("hg", 1), hexadecimal("ts", 1)))))
    assert [type(notice).__name__ for notice in peer.notices[before:]] == ["UnknownNode"]
    assert peer.runs == {"mine"}


# -- numbers -----------------------------------------------------------------------------------------


def test_what_comes_over_two_links_counts_once_and_both_links_are_heard(peer):
    peer.said.clear()
    peer.seq += 1
    fields = [string("t", "hb_takeover"), string("rsc_hold", "foreign"), string("src", "real")]
    numbers = [hexadecimal("seq", peer.seq), hexadecimal("hg", peer.generation), hexadecimal("ts", 1)]
    message = Message((*fields, *numbers, decimal("ttl", 3)))
    peer.give(ev.MessageReceived(LINK, message))
    peer.give(ev.MessageReceived("bcast eth1", message))
    assert [each["info"] for each in peer.heard("ask_resources")] == ["me"]
    assert set(peer.node.membership.peers["real"].links) == {LINK, "bcast eth1"}


def test_a_status_that_comes_late_says_nothing_about_now(peer):
    peer.seq += 10
    peer.status("active")
    before = len(peer.notices)
    peer.say("status", ("st", "up"), ("dt", "1"), ("protocol", "1"), seq=peer.seq - 5)
    assert not [n for n in peer.notices[before:] if isinstance(n, NodeStateChanged)]
    assert peer.node.membership.peers["real"].deadtime_ms == DEADTIME_MS


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_out_of_order_by_up_to_200_everything_is_taken_once_and_nothing_is_missing_at_the_end(seed, reach):
    rng = random.Random(seed)
    numbers = sorted(range(1, 601), key=lambda number: number + rng.random() * reach)
    # The first that is heard is where we came in.
    numbers = [1, *(number for number in numbers if number != 1)]
    window = ReceiveWindow(random.Random(1), 250)
    verdicts = [window.accept(number, 0) for number in numbers]
    assert Verdict.DUPLICATE not in verdicts
    assert window.complete
    assert {window.accept(number, 0) for number in numbers} == {Verdict.DUPLICATE}


def test_a_gap_that_is_too_large_is_forgotten_and_not_asked_for():
    window = ReceiveWindow(random.Random(1), 250)
    window.accept(1, 0)
    assert window.accept(GAP_MAX + 3, 0) is Verdict.GAP
    assert window.due(60_000) == []


def test_what_we_no_longer_have_is_refused_by_number_and_what_we_have_is_repeated(peer):
    peer.advance((HISTORY_MAX + 20) * 1000)
    last = peer.node.transmitter.history.last_seq
    assert last > HISTORY_MAX
    peer.said.clear()
    fields = [string("t", "NS_rexmit"), string("dest", "ours"), decimal("firstseq", 3), decimal("lastseq", 3)]
    peer.give(ev.MessageReceived(LINK, Message((*fields, string("src", "real"), hexadecimal("ts", 1)))))
    assert peer.heard("NS_nak_rexmit") == [
        {"t": "NS_nak_rexmit", "firstseq": "3", "dest": "real", "info": "no longer kept"}
    ]
    fields = [
        string("t", "NS_rexmit"),
        string("dest", "ours"),
        decimal("firstseq", last),
        decimal("lastseq", last),
    ]
    ask = ev.MessageReceived(LINK, Message((*fields, string("src", "real"), hexadecimal("ts", 1))))
    [again] = [e.message for e in peer.node.handle(ask, peer.now_ms) if isinstance(e, fx.SendMessage)]
    assert again.hexadecimal("seq") == last


def test_what_the_peer_no_longer_has_is_asked_for_no_more(peer):
    missing = range(peer.seq + 1, peer.seq + 4)
    peer.seq += 3
    peer.status()
    peer.advance(400)
    assert {each["firstseq"] for each in peer.heard("NS_rexmit")} == {str(number) for number in missing}
    for number in missing:
        fields = [string("t", "NS_nak_rexmit"), string("dest", "ours"), hexadecimal("firstseq", number)]
        peer.give(ev.MessageReceived(LINK, Message((*fields, string("src", "real"), hexadecimal("ts", 1)))))
    peer.advance(3000)
    assert peer.heard("NS_rexmit") == []
