"""The conversation with a heartbeat 3.0.6 where it is out of the ordinary."""

from __future__ import annotations

import random

import pytest
from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.core.sequence import BEHIND_MAX, ReceiveWindow
from ultramonkey_heartbeat.wire.message import Message, binary, decimal, hexadecimal, string
from world import LINK, World

GENERATION = 7


class OldPeer:
    """The other node as a 3.0.6: says what it is told to, and its heartbeats by itself. Its name is bob."""

    def __init__(self, failback="off"):
        self.world = World(failback=failback)
        for name in ("alice", "bob"):
            self.world.add_node(name)
            self.world.add_group(f"of-{name}", name)
        self.alice = self.world.hosts["alice"]
        self.seq = 0
        self.heard = []
        self.world._send = lambda _, message: self.heard.append(message)
        self.world.start("alice")
        self.silent = False
        self._beat()

    def _beat(self):
        if not self.silent:
            self.say(string("t", "status"), string("st", "active"), hexadecimal("dt", 5000))
        self.world.later(1000, self._beat)

    def say(self, *fields, seq=None):
        """Send a message; `seq` for one that is repeated."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        common = (
            string("src", "bob"),
            binary("srcuuid", b"bob............."),
            hexadecimal("seq", seq),
            hexadecimal("hg", GENERATION),
            hexadecimal("ts", 1),
            decimal("ttl", 3),
        )
        message = Message((*fields, *common))
        self.world.give(self.alice, ev.MessageReceived(LINK, message))

    def holds(self, word, info=None):
        more = [] if info is None else [string("info", info)]
        self.say(
            string("t", "resource"),
            string("rsc_hold", word),
            string("rtype", "full"),
            string("isstable", "1"),
            *more,
        )

    def takes_over(self):
        """What its takeover says at its end."""
        self.say(string("t", "resource"), string("rsc_hold", "foreign"), string("info", "mach_down"))

    def standby(self, word, info):
        self.say(string("t", "ask_resources"), string("rsc_hold", word), string("info", info))

    def said(self):
        """What alice said since the last call, as short words, without heartbeats and acknowledgements."""
        found, self.heard = self.heard, []
        names = ("t", "rsc_hold", "info")
        return [
            " ".join(message.text(name) for name in names if message.text(name) is not None)
            for message in found
            if message.text("t") not in ("status", "NS_ackmsg")
        ]

    def settle(self, word):
        """Both have met, and bob holds that."""
        self.world.advance(2000)
        assert "starting" in self.said()
        self.holds(word)
        self.world.advance(2000)


@pytest.fixture
def peer():
    return OldPeer()


def test_what_is_ours_and_free_is_taken_without_ten_seconds(peer):
    peer.settle("local")
    assert peer.world.holders("of-alice") == ["alice"]
    assert peer.world.holders("of-bob") == []
    assert "resource local" in peer.said()


def test_a_part_of_ours_that_the_peer_claims_as_well_is_given_up(peer):
    """A 3.0.6 would only log it, and both would serve on."""
    peer.settle("local")
    assert peer.world.holders("of-alice") == ["alice"]
    peer.holds("all")
    peer.world.advance(1000)
    assert peer.world.holders("of-alice") == []
    assert peer.said()[-1] == "resource none"


def test_a_peer_that_says_it_declared_us_dead_is_met_under_a_new_generation(peer):
    peer.settle("local")
    generation = peer.alice.node.transmitter.generation
    peer.say(string("t", "stonith"), string("node", "alice"), string("result", "good"))
    peer.world.advance(2500)
    assert peer.alice.node.transmitter.generation == generation + 1
    assert "starting" in peer.said()


def test_a_declaration_that_arrives_after_the_peer_has_met_us_again_is_old_news(peer):
    peer.settle("local")
    late = peer.seq = peer.seq + 1
    peer.say(string("t", "stonith"), string("node", "alice"), string("result", "good"))
    peer.world.advance(2500)
    peer.holds("local")
    generation = peer.alice.node.transmitter.generation
    peer.said()
    peer.say(string("t", "stonith"), string("node", "alice"), string("result", "good"), seq=late)
    peer.world.advance(3000)
    assert peer.alice.node.transmitter.generation == generation
    assert "starting" not in peer.said()


def test_a_move_in_the_midst_of_which_we_began_anew_is_brought_to_its_end(peer):
    peer.settle("all")
    peer.standby("foreign", "me")
    peer.world.advance(10)
    assert "ask_resources foreign other" in peer.said()
    peer.say(string("t", "stonith"), string("node", "alice"), string("result", "good"))
    peer.world.advance(2500)
    assert "starting" in peer.said()
    peer.holds("local")
    peer.standby("foreign", "done")
    peer.world.advance(2500)
    # It would wait for this for an hour, and refuse every other move.
    assert "ask_resources foreign done" in peer.said()
    assert peer.world.holders("of-alice") == ["alice"]


@pytest.mark.parametrize(("failback", "asks"), [("on", True), ("off", False)])
def test_what_a_busy_peer_forgot_to_give_back_is_asked_for(failback, asks):
    peer = OldPeer(failback)
    peer.settle("all")
    peer.world.advance(6000)
    assert ("hb_takeover local" in peer.said()) is asks


def test_what_was_moved_away_afterwards_is_not_asked_for():
    peer = OldPeer("on")
    peer.settle("local")
    asked = peer.world.move("alice", ["of-alice"], "bob")
    peer.world.advance(10)
    assert "ask_resources local me" in peer.said()
    peer.standby("local", "other")
    peer.world.advance(1000)
    peer.standby("local", "done")
    peer.holds("all")
    peer.world.advance(20_000)
    assert "hb_takeover local" not in peer.said()
    assert [reply.phase for reply in peer.world.replies[asked]] == ["accepted", "completed"]


def test_a_move_that_the_peer_did_not_notice_is_asked_for_again(peer):
    peer.settle("all")
    asked = peer.world.move("alice", ["of-alice"], "alice", timeout_ms=20_000)
    peer.world.advance(12_000)
    assert peer.said().count("hb_takeover local") == 3
    peer.standby("foreign", "me")
    peer.world.advance(1000)
    peer.standby("foreign", "done")
    peer.world.advance(10_000)
    assert "hb_takeover local" not in peer.said()
    assert peer.world.replies[asked][-1].phase == "completed"


@pytest.mark.parametrize("when", ["before it gives", "while we start"])
def test_what_a_peer_took_over_while_it_gave_it_to_us_it_is_made_to_release(when):
    """Seen live: its takeover of us was not over when we returned, and both held the group from then on."""
    peer = OldPeer("on")
    peer.settle("all")
    peer.standby("foreign", "me")
    peer.world.advance(10)
    if when == "before it gives":
        peer.takes_over()
    peer.standby("foreign", "done")
    if when == "while we start":
        peer.takes_over()
    peer.world.advance(1000)
    peer.holds("local")
    peer.world.advance(1000)
    assert peer.said()[-1] == "hb_takeover local"
    peer.world.advance(5000)
    # It did not notice.
    assert peer.said() == ["hb_takeover local"]
    peer.standby("foreign", "me")
    peer.world.advance(10)
    peer.standby("foreign", "done")
    peer.world.advance(10)
    peer.holds("local")
    peer.world.advance(20_000)
    told = peer.said()
    assert told[:2] == ["ask_resources foreign other", "ask_resources foreign done"]
    assert "hb_takeover local" not in told
    assert peer.world.holders("of-alice") == ["alice"]
    starts = [line for line in peer.world.log if "start of-alice" in line]
    assert len(starts) == 1
    # The other was the last to tell the neighbours where it is.
    assert [line for line in peer.world.log if "announce of-alice" in line]


def test_what_nobody_waits_for_any_more_is_not_asked_for(peer):
    peer.settle("all")
    asked = peer.world.move("alice", ["of-alice"], "alice", timeout_ms=3000)
    peer.world.advance(20_000)
    assert peer.said().count("hb_takeover local") == 1
    assert peer.world.replies[asked][-1].result["error"]["code"] == "timeout"


def test_what_answers_a_question_of_before_we_began_anew_is_no_answer(peer):
    peer.settle("local")
    peer.say(string("t", "stonith"), string("node", "alice"), string("result", "good"))
    # It does not know our new generation yet, and waits for our question in it.
    peer.holds("all")
    assert "resource none" not in peer.said()
    peer.world.advance(2500)
    assert "starting" in peer.said()


def test_the_status_says_that_the_peer_is_busy(peer):
    codes = lambda: [problem["code"] for problem in peer.world.status("alice")["problems"]]  # noqa: E731
    peer.world.advance(2000)
    assert "not-settled" in codes()
    peer.holds("local")
    peer.world.advance(100)
    assert "not-settled" not in codes()


# -- what is lost and asked for again ------------------------------------------------------------------


def numbers_of(peer, kind, info=None):
    """The numbers under which alice said that."""
    return [
        message.hexadecimal("seq")
        for message in peer.heard
        if message.text("t") == kind and (info is None or message.text("info") == info)
    ]


def again(peer, number):
    """What alice answers when she is asked for one of her messages, as fields; it has the number it had."""
    peer.heard.clear()
    ask = (string("t", "NS_rexmit"), string("dest", "alice"))
    which = (decimal("firstseq", number), decimal("lastseq", number))
    peer.world.give(
        peer.alice,
        ev.MessageReceived(LINK, Message((*ask, *which, string("src", "bob"), hexadecimal("ts", 1)))),
    )
    (answer,) = [message for message in peer.heard if message.hexadecimal("seq") == number]
    return {name: answer.text(name) for name in ("t", "rsc_hold", "isstable", "info")}


def give_local(peer):
    """Alice gives bob what prefers her, up to her `done`."""
    peer.heard.clear()
    peer.world.move("alice", ["of-alice"], "bob")
    peer.world.advance(10)
    peer.standby("local", "other")
    peer.world.advance(1000)
    assert "ask_resources local done" in [
        f"{message.text('t')} {message.text('rsc_hold')} {message.text('info')}" for message in peer.heard
    ]


def test_a_report_that_is_no_longer_true_is_repeated_as_what_is_true_now(peer):
    peer.settle("local")
    give_local(peer)
    moving = numbers_of(peer, "resource")
    peer.standby("local", "done")
    peer.holds("all")
    peer.world.advance(10)
    # It takes in what comes late as if it were new, and would wait for us for ever.
    for number in moving:
        assert again(peer, number) == {"t": "resource", "rsc_hold": "none", "isstable": "1", "info": None}


def test_who_is_about_to_give_is_still_stable(peer):
    peer.settle("local")
    reports = numbers_of(peer, "resource")
    peer.world.move("alice", ["of-alice"], "bob")
    peer.world.advance(10)
    # Were it told otherwise before it hears of the move, it would refuse it: "Other side is in flux".
    assert again(peer, reports[-1]) == {"t": "resource", "rsc_hold": "local", "isstable": "1", "info": None}


def test_a_step_of_a_move_is_repeated_while_it_is_due_and_not_afterwards(peer):
    peer.settle("local")
    give_local(peer)
    (number,) = numbers_of(peer, "ask_resources", "me")
    (done,) = numbers_of(peer, "ask_resources", "done")
    assert again(peer, number)["t"] == "resource"
    assert again(peer, done)["info"] == "done"
    peer.world.advance(1000)
    peer.standby("local", "done")
    peer.holds("all")
    peer.world.advance(10)
    assert again(peer, done)["t"] == "resource"


def test_the_end_of_a_move_in_which_we_took_is_repeated_until_the_next_move(peer):
    peer.settle("all")
    peer.standby("foreign", "me")
    peer.world.advance(10)
    peer.standby("foreign", "done")
    peer.world.advance(1000)
    (done,) = numbers_of(peer, "ask_resources", "done")
    peer.holds("local")
    peer.world.advance(10)
    # It waits for this for an hour.
    assert again(peer, done) == {
        "t": "ask_resources",
        "rsc_hold": "foreign",
        "isstable": None,
        "info": "done",
    }
    peer.world.advance(1000)
    peer.world.move("alice", ["of-alice"], "bob")
    peer.world.advance(10)
    assert again(peer, done)["t"] == "resource"


def test_a_question_that_was_answered_is_not_asked_again(peer):
    peer.world.advance(2000)
    (asked, *_) = numbers_of(peer, "starting")
    assert again(peer, asked)["t"] == "starting"
    peer.holds("local")
    peer.world.advance(1000)
    assert again(peer, asked)["t"] == "resource"


def test_a_wish_that_was_granted_is_not_repeated(peer):
    peer.settle("all")
    peer.world.move("alice", ["of-alice"], "alice", timeout_ms=20_000)
    peer.world.advance(10)
    (wish,) = numbers_of(peer, "hb_takeover")
    assert again(peer, wish)["t"] == "hb_takeover"
    peer.standby("foreign", "me")
    peer.world.advance(300)
    assert again(peer, wish) == {"t": "resource", "rsc_hold": "none", "isstable": "1", "info": None}


def test_a_taker_that_reports_what_it_took_has_taken_it_though_its_done_is_lost(peer):
    peer.settle("local")
    give_local(peer)
    late = peer.seq = peer.seq + 1
    peer.holds("all")
    peer.world.advance(10)
    assert peer.said()[-1] == "resource none"
    assert "not-settled" not in [problem["code"] for problem in peer.world.status("alice")["problems"]]
    # When it does come it ends nothing, and begins nothing.
    peer.say(string("t", "ask_resources"), string("rsc_hold", "local"), string("info", "done"), seq=late)
    peer.world.advance(1000)
    assert [word for word in peer.said() if word.startswith(("ask", "resource"))] == []
    assert peer.world.holders("of-alice") == []


def test_what_a_3_0_6_said_is_asked_for_until_it_comes_or_is_long_past():
    window = ReceiveWindow(random.Random(1), 250)
    window.accept(1, 0)
    window.accept(3, 0)
    asked_at = [now_ms for now_ms in range(0, 60_000, 50) if window.due(now_ms)]
    first, last = asked_at[0], asked_at[-1]
    assert 50 <= first <= 250
    assert last > 59_000
    # First often, then so that many together are no storm.
    assert [later - earlier for earlier, later in zip(asked_at, asked_at[1:])][:9] == [250] * 7 + [1000] * 2
    window.accept(3 + BEHIND_MAX, 60_000)
    assert 2 not in window.due(70_000)
