"""Slow lines: brief messages where everybody understands them, full ones whenever they are needed."""

from __future__ import annotations

import pytest
from lines import CODEC, pair
from ultramonkey_heartbeat.config.line_budget import BRIEF_BYTES
from ultramonkey_heartbeat.core import effects as fx
from ultramonkey_heartbeat.core import events as ev
from ultramonkey_heartbeat.core.transmit import FULL_EVERY_MS
from ultramonkey_heartbeat.wire.message import Message

FAST = {"keepalive_ms": 200, "deadtime_ms": 1000}


def is_brief(frame):
    return b"\nt=same\n" in b"\n" + frame.split(b">>>\n")[-1]


def recorded(world, name):
    """The frames that arrive at the other end of a node's line, from now on."""
    direction = world.directions[name, "/dev/ttyS0"]
    frames, before = [], direction.disturb

    def note(frame):
        frames.append(frame)
        return before(frame)

    direction.disturb = note
    return frames


def test_five_beats_a_second_at_9600_baud_leave_a_third_of_the_line():
    world = pair(**FAST)
    world.seconds(10)
    frames = recorded(world, "alice")
    world.seconds(60)
    brief = [frame for frame in frames if is_brief(frame)]
    assert len(frames) == 300
    assert len(brief) == 300 - 60_000 // FULL_EVERY_MS
    assert max(map(len, brief)) <= BRIEF_BYTES
    assert sum(map(len, frames)) / 60 < 960 * 2 / 3
    assert world.deaths() == []
    assert "late" not in "".join(world.log)


def test_one_in_a_hundred_frames_damaged_kills_nobody_in_two_hours():
    world = pair(corrupted=0.01, keepalive_ms=1000, deadtime_ms=10_000)
    world.seconds(7200)
    assert world.deaths() == []
    assert world.hosts["bob"].node.complaints.damaged["serial /dev/ttyS0"] > 30


def test_what_changes_is_said_in_full_and_moves_work_over_a_bad_line():
    world = pair(corrupted=0.1, **FAST)
    world.seconds(15)
    assert world.holders("web") == ["alice"]
    for target in ("bob", "alice") * 5:
        request = world.move("alice", ["web"], target)
        world.seconds(15)
        assert [reply.phase for reply in world.replies[request]] == ["accepted", "completed"]
        assert world.holders("web") == [target]
    assert world.violations == []


def test_a_dead_node_is_replaced_in_its_dead_time_and_returns():
    world = pair(**FAST)
    world.seconds(10)
    world.kill("alice")
    world.advance(1250)
    assert world.holders("web") == ["bob"]
    world.start("alice")
    world.seconds(15)
    assert world.status("bob")["healthy"]
    assert world.status("alice")["healthy"]


def test_who_missed_the_full_status_asks_for_it_and_believes_that_its_sender_lives_meanwhile():
    world = pair(**FAST)
    world.seconds(15)
    direction = world.directions["alice", "/dev/ttyS0"]
    direction.disturb = lambda frame: frame if is_brief(frame) else b""
    request = world.move("alice", ["web"], "bob", timeout_ms=60_000)
    world.seconds(20)
    assert world.deaths() == []
    # All that was in full was lost, so bob has not been told.
    assert world.holders("web") == []
    questions = recorded(world, "bob")
    direction.disturb = lambda frame: frame
    world.advance(2500)
    assert any(b"t=NS_full\n" in frame for frame in questions)
    assert world.holders("web") == ["bob"]
    assert world.replies[request][-1].phase == "completed"


def test_a_restarted_node_that_hears_only_brief_messages_learns_the_rest_by_asking():
    world = pair(**FAST)
    world.seconds(10)
    world.kill("bob")
    world.advance(500)
    lost = []
    world.directions["alice", "/dev/ttyS0"].disturb = lambda frame: (
        lost.append(frame) or b"" if not is_brief(frame) and len(lost) < 2 else frame
    )
    world.start("bob")
    world.seconds(8)
    assert len(lost) == 2
    assert world.status("bob")["nodes"][0]["state"] == "active"


def test_a_brief_message_of_somebody_unknown_is_no_sign_of_life():
    world = pair(**FAST)
    world.seconds(10)
    frames = recorded(world, "alice")
    world.seconds(5)
    world.kill("bob")
    world.kill("alice")
    world.start("bob")
    brief = next(frame for frame in frames if is_brief(frame))
    world.give(world.hosts["bob"], ev.FrameReceived("serial /dev/ttyS0", brief))
    (alice, _) = world.status("bob")["nodes"]
    assert alice["state"] == "unknown"


def test_a_replayed_brief_message_changes_nothing():
    world = pair(**FAST)
    world.seconds(10)
    frames = recorded(world, "alice")
    world.seconds(5)
    world.kill("alice")
    for _ in range(20):
        for frame in frames:
            world.give(world.hosts["bob"], ev.FrameReceived("serial /dev/ttyS0", frame))
        world.advance(100)
    assert len(world.deaths()) == 1
    assert world.holders("web") == ["bob"]


def sent_by(world, name):
    """What a node sends in the next minute, as effects."""
    host, sent = world.hosts[name], []
    carry_out = world._carry_out

    def note(who, effect):
        if who is host and isinstance(effect, fx.SendMessage):
            sent.append(effect)
        carry_out(who, effect)

    world._carry_out = note
    world.seconds(60)
    return sent


def without(frame, gone):
    """A frame without the fields whose names begin so, signed anew."""
    kept = (field for field in CODEC.decode(frame).fields if not field.name.startswith(gone))
    return CODEC.encode(Message(tuple(field for field in kept if field.name != "auth")), "text")


@pytest.mark.parametrize("gone", ["um_can", "um_"])
def test_who_does_not_say_that_he_understands_it_is_never_sent_a_brief_message(gone):
    """A release of ours before there were any, and heartbeat 3.0.6, of which we make a report ourselves."""
    world = pair(running=False, keepalive_ms=1000, deadtime_ms=5000)
    world.directions["bob", "/dev/ttyS0"].disturb = lambda frame: without(frame, gone)
    for name in world.hosts:
        world.start(name)
    sent = sent_by(world, "alice")
    assert len(sent) > 50
    assert {effect.brief for effect in sent} == {None}


def test_while_a_node_was_never_heard_nothing_is_brief():
    world = pair(running=False, **FAST)
    world.start("alice")
    assert {effect.brief for effect in sent_by(world, "alice")} == {None}
