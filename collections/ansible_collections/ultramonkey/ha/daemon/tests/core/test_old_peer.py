"""The conversation with a heartbeat 3.0.6 where it is out of the ordinary."""

from __future__ import annotations

import random

import pytest
from old_peer import OldPeer
from ultramonkey_heartbeat.core import effects as fx
from ultramonkey_heartbeat.core.sequence import BEHIND_MAX, ReceiveWindow


@pytest.fixture
def peer():
    return OldPeer()


def test_what_is_ours_and_free_is_taken_without_ten_seconds(peer):
    peer.join()
    assert peer.runs == {"mine"}


def test_a_question_that_comes_late_does_not_undo_the_answers(peer):
    """It was lost, and is sent once more when both know who holds what; nothing else is said again."""
    peer.status()
    late = peer.seq = peer.seq + 1
    peer.join()
    peer.say("starting", seq=late)
    peer.advance(1000)
    assert peer.lines() == ["resource local"]
    asked = peer.move("real")
    peer.advance(10)
    assert "ask_resources local me" in peer.lines()
    assert [reply.phase for reply in peer.replies(asked)] == ["accepted"]


def test_a_part_of_ours_that_the_peer_claims_as_well_is_given_up(peer):
    """A 3.0.6 would only log it, and both would serve on."""
    peer.join()
    assert peer.runs == {"mine"}
    peer.resource("all")
    peer.advance(1000)
    assert peer.runs == set()
    assert peer.lines()[-1] == "resource none"


def test_a_peer_that_says_it_declared_us_dead_is_met_under_a_new_generation(peer):
    peer.join()
    generation = peer.node.transmitter.generation
    peer.declare_dead()
    peer.advance(2500)
    assert peer.node.transmitter.generation == generation + 1
    assert "starting" in peer.lines()


def test_a_declaration_that_arrives_after_the_peer_has_met_us_again_is_old_news(peer):
    peer.join()
    late = peer.seq = peer.seq + 1
    peer.declare_dead()
    peer.advance(2500)
    peer.resource("local")
    generation = peer.node.transmitter.generation
    peer.lines()
    peer.declare_dead(seq=late)
    peer.advance(3000)
    assert peer.node.transmitter.generation == generation
    assert "starting" not in peer.lines()


def test_a_move_in_the_midst_of_which_we_began_anew_is_brought_to_its_end(peer):
    peer.join("all")
    peer.standby("foreign", "me")
    peer.advance(10)
    assert "ask_resources foreign other" in peer.lines()
    peer.declare_dead()
    peer.advance(2500)
    assert "starting" in peer.lines()
    peer.resource("local")
    peer.standby("foreign", "done")
    peer.advance(2500)
    # It would wait for this for an hour, and refuse every other move.
    assert "ask_resources foreign done" in peer.lines()
    assert peer.runs == {"mine"}


def test_a_move_that_the_peer_has_given_up_does_not_stand_in_the_way_of_the_next(peer):
    """Our consent did not reach it within its ten seconds: it keeps what it holds, and says so."""
    peer.join()
    peer.standby("local", "me")
    peer.advance(10_000)
    assert "ask_resources local other" in peer.lines()
    peer.resource("local")
    peer.advance(5000)
    peer.standby("local", "me")
    peer.advance(1000)
    assert "ask_resources local other" in peer.lines()


def test_a_move_that_the_peer_had_given_up_when_we_heard_of_it_is_over_soon(peer):
    """Its question was lost, and comes after the report by which it returned to normal."""
    peer.join()
    late = peer.seq = peer.seq + 1
    peer.advance(10_000)
    peer.resource("local")
    peer.standby("local", "me", seq=late)
    peer.advance(11_000)
    peer.lines()
    asked = peer.move("real")
    peer.advance(1000)
    assert "ask_resources local me" in peer.lines()
    assert [reply.phase for reply in peer.replies(asked)] == ["accepted"]


@pytest.mark.parametrize("meanwhile", ["nothing", "we want to give ours"])
def test_a_move_goes_on_though_the_peer_reported_before_it_knew_of_our_consent(peer, meanwhile):
    """And its report that it lets go was lost: that it has stopped the group is enough."""
    peer.join()
    peer.standby("local", "me")
    peer.resource("local")
    if meanwhile != "nothing":
        peer.move("real")
    peer.seq += 1
    peer.standby("local", "done")
    peer.advance(1000)
    assert peer.runs == {"mine", "theirs"}
    assert "ask_resources local done" in peer.lines()


def test_a_slow_move_whose_beginning_came_late_is_brought_to_its_end(peer):
    peer.join()
    late = peer.seq = peer.seq + 1
    peer.resource("local")
    peer.standby("local", "me", seq=late)
    peer.resource("none", stable="0", info="standby")
    peer.advance(30_000)
    peer.standby("local", "done")
    peer.advance(1000)
    assert peer.runs == {"mine", "theirs"}
    assert "ask_resources local done" in peer.lines()


@pytest.mark.parametrize(("failback", "asks"), [("on", True), ("off", False)])
def test_what_a_busy_peer_forgot_to_give_back_is_asked_for(failback, asks):
    peer = OldPeer(failback)
    peer.join("all")
    peer.advance(6000)
    assert ("hb_takeover local" in peer.lines()) is asks


def test_what_was_moved_away_afterwards_is_not_asked_for():
    peer = OldPeer("on")
    peer.join()
    asked = peer.move("real")
    peer.advance(10)
    assert "ask_resources local me" in peer.lines()
    peer.standby("local", "other")
    peer.advance(1000)
    peer.standby("local", "done")
    peer.resource("all")
    peer.advance(20_000)
    assert "hb_takeover local" not in peer.lines()
    assert [reply.phase for reply in peer.replies(asked)] == ["accepted", "completed"]


def test_a_move_that_the_peer_did_not_notice_is_asked_for_again(peer):
    peer.join("all")
    asked = peer.move("ours", timeout_ms=20_000)
    peer.advance(12_000)
    assert peer.lines().count("hb_takeover local") == 3
    peer.standby("foreign", "me")
    peer.advance(1000)
    peer.standby("foreign", "done")
    peer.advance(10_000)
    assert "hb_takeover local" not in peer.lines()
    assert peer.replies(asked)[-1].phase == "completed"


@pytest.mark.parametrize(("failback", "asks"), [("on", ["hb_takeover local"]), ("off", [])])
def test_what_a_peer_took_over_after_it_had_given_it_to_us_is_asked_for_again(failback, asks):
    """Seen live: its takeover of us went on through its whole failback, and ended when that had ended."""
    peer = OldPeer(failback)
    peer.join("all")
    peer.standby("foreign", "me")
    peer.advance(10)
    peer.standby("foreign", "done")
    peer.advance(20)
    peer.resource("local")
    assert peer.runs == {"mine"}
    peer.lines()
    peer.take_over()
    peer.advance(100)
    assert peer.runs == set()
    assert peer.lines() == ["resource none"]
    peer.advance(5000)
    assert peer.lines() == asks


@pytest.mark.parametrize("when", ["before it gives", "while we start"])
def test_what_a_peer_took_over_while_it_gave_it_to_us_it_is_made_to_release(when):
    """Seen live: its takeover of us was not over when we returned, and both held the group from then on."""
    peer = OldPeer("on")
    peer.join("all")
    peer.standby("foreign", "me")
    peer.advance(10)
    if when == "before it gives":
        peer.take_over()
    peer.standby("foreign", "done")
    if when == "while we start":
        peer.take_over()
    peer.advance(1000)
    peer.resource("local")
    peer.advance(1000)
    assert peer.lines()[-1] == "hb_takeover local"
    peer.advance(5000)
    # It did not notice.
    assert peer.lines() == ["hb_takeover local"]
    peer.standby("foreign", "me")
    peer.advance(10)
    peer.standby("foreign", "done")
    peer.advance(10)
    peer.resource("local")
    peer.advance(20_000)
    told = peer.lines()
    assert told[:2] == ["ask_resources foreign other", "ask_resources foreign done"]
    assert "hb_takeover local" not in told
    assert peer.runs == {"mine"}
    starts = [effect for effect in peer.notices if isinstance(effect, fx.StartGroup)]
    assert len(starts) == 1
    # The other was the last to tell the neighbours where it is.
    assert [effect for effect in peer.notices if isinstance(effect, fx.Announce)]


def test_what_nobody_waits_for_any_more_is_not_asked_for(peer):
    peer.join("all")
    asked = peer.move("ours", timeout_ms=3000)
    peer.advance(20_000)
    assert peer.lines().count("hb_takeover local") == 1
    assert peer.replies(asked)[-1].result["error"]["code"] == "timeout"


def test_what_answers_a_question_of_before_we_began_anew_is_no_answer(peer):
    peer.join()
    peer.declare_dead()
    # It does not know our new generation yet, and waits for our question in it.
    peer.resource("all")
    assert "resource none" not in peer.lines()
    peer.advance(2500)
    assert "starting" in peer.lines()


def test_the_status_says_that_the_peer_is_busy(peer):
    peer.alive = True
    peer.advance(2000)
    assert "not-settled" in peer.problems()
    peer.resource("local")
    peer.advance(100)
    assert "not-settled" not in peer.problems()


# -- what is lost and asked for again ------------------------------------------------------------------


def again(peer, number):
    """What we answer when it asks for one of our messages once more."""
    answer = peer.ask_again(number)
    return {name: answer.text(name) for name in ("t", "rsc_hold", "isstable", "info")}


def give_local(peer):
    """We give what prefers us, up to our `done`."""
    peer.said.clear()
    peer.move("real")
    peer.advance(10)
    peer.standby("local", "other")
    peer.advance(1000)
    assert peer.numbers("ask_resources", rsc_hold="local", info="done")


def test_a_report_that_is_no_longer_true_is_repeated_as_what_is_true_now(peer):
    peer.join()
    give_local(peer)
    moving = peer.numbers("resource")
    peer.standby("local", "done")
    peer.resource("all")
    peer.advance(10)
    # It takes in what comes late as if it were new, and would wait for us for ever.
    for number in moving:
        assert again(peer, number) == {"t": "resource", "rsc_hold": "none", "isstable": "1", "info": None}


def test_who_is_about_to_give_is_still_stable(peer):
    peer.join()
    peer.say("starting")
    reports = peer.numbers("resource")
    peer.move("real")
    peer.advance(10)
    # Were it told otherwise before it hears of the move, it would refuse it: "Other side is in flux".
    assert again(peer, reports[-1]) == {"t": "resource", "rsc_hold": "local", "isstable": "1", "info": None}


def test_a_step_of_a_move_is_repeated_while_it_is_due_and_not_afterwards(peer):
    peer.join()
    give_local(peer)
    (number,) = peer.numbers("ask_resources", info="me")
    (done,) = peer.numbers("ask_resources", info="done")
    assert again(peer, number)["t"] == "resource"
    assert again(peer, done)["info"] == "done"
    peer.advance(1000)
    peer.standby("local", "done")
    peer.resource("all")
    peer.advance(10)
    assert again(peer, done)["t"] == "resource"


def test_the_end_of_a_move_in_which_we_took_is_repeated_until_the_next_move(peer):
    peer.join("all")
    peer.standby("foreign", "me")
    peer.advance(10)
    peer.standby("foreign", "done")
    peer.advance(1000)
    (done,) = peer.numbers("ask_resources", info="done")
    peer.resource("local")
    peer.advance(10)
    # It waits for this for an hour.
    assert again(peer, done) == {
        "t": "ask_resources",
        "rsc_hold": "foreign",
        "isstable": None,
        "info": "done",
    }
    peer.advance(1000)
    peer.move("real")
    peer.advance(10)
    assert again(peer, done)["t"] == "resource"


def test_a_question_that_was_answered_is_not_asked_again(peer):
    peer.alive = True
    peer.advance(2000)
    (asked, *_) = peer.numbers("starting")
    assert again(peer, asked)["t"] == "starting"
    peer.resource("local")
    peer.advance(1000)
    assert again(peer, asked)["t"] == "resource"


def test_a_wish_that_was_granted_is_not_repeated(peer):
    peer.join("all")
    peer.move("ours", timeout_ms=20_000)
    peer.advance(10)
    (wish,) = peer.numbers("hb_takeover")
    assert again(peer, wish)["t"] == "hb_takeover"
    peer.standby("foreign", "me")
    peer.advance(300)
    assert again(peer, wish) == {"t": "resource", "rsc_hold": "none", "isstable": "1", "info": None}


def test_a_taker_that_reports_what_it_took_has_taken_it_though_its_done_is_lost(peer):
    peer.join()
    give_local(peer)
    late = peer.seq = peer.seq + 1
    peer.resource("all")
    peer.advance(10)
    assert peer.lines()[-1] == "resource none"
    assert "not-settled" not in peer.problems()
    # When it does come it ends nothing, and begins nothing.
    peer.standby("local", "done", seq=late)
    peer.advance(1000)
    assert [word for word in peer.lines() if word.startswith(("ask", "resource"))] == []
    assert peer.runs == set()


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
