"""Links over a serial line: two pseudo terminals, and somebody between them who spoils what passes."""

from __future__ import annotations

import asyncio
import os
import random
import time

import pytest
import serial
from cable import Cable
from ultramonkey_heartbeat.config.model import SerialLink
from ultramonkey_heartbeat.links.device_lock import lock_path
from ultramonkey_heartbeat.links.factory import make_link
from ultramonkey_heartbeat.wire.auth import Key, KeyRing
from ultramonkey_heartbeat.wire.codec import TEXT, Codec
from ultramonkey_heartbeat.wire.errors import WireError
from ultramonkey_heartbeat.wire.message import Field, Message

DEADLINE_SECONDS = 8.0
FAST = 460_800


def frame(number, size=400):
    """A frame of exactly this size that says its number."""
    head = b">>>\nt=status\nnumber=%06d\nfill=" % number
    return head + b"x" * (size - len(head) - 5) + b"\n<<<\n"


def number_of(data):
    return int(data.split(b"number=")[1][:6])


class End:
    """A link, and what it reported."""

    def __init__(self, device, baud, loop):
        self.frames = []
        self.changes = []
        self.link = make_link(SerialLink(str(device), baud), self, loop)
        self.link.open()

    def frame_received(self, link, data):
        assert link == self.link.name
        self.frames.append(data)

    def link_changed(self, link, up, reason):
        assert link == self.link.name
        self.changes.append((up, reason))


@pytest.fixture
def cable(tmp_path, loop):
    one = Cable(tmp_path, loop)
    one.plug_in()
    yield one
    one.unplug()


@pytest.fixture
def end(loop):
    ends = []

    def make(device, baud=FAST):
        ends.append(End(device, baud, loop))
        return ends[-1]

    yield make
    for one in ends:
        one.link.close()


@pytest.fixture
def until(loop):
    """Run the event loop until the condition holds."""

    async def waiting(condition):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "it did not come true"
            await asyncio.sleep(0.002)

    return lambda condition: loop.run_until_complete(waiting(condition))


@pytest.fixture
def spend(loop):
    """Run the event loop for some time."""
    return lambda seconds: loop.run_until_complete(asyncio.sleep(seconds))


def test_whole_frames_pass_in_both_directions(cable, end, until):
    a, b = end(cable.a), end(cable.b)
    assert a.link.form == TEXT
    assert a.changes == [(True, f"{cable.a}: open at {FAST} baud")]
    for number in range(3):
        a.link.send(frame(number))
        b.link.send(frame(100 + number))
    until(lambda: len(a.frames) == len(b.frames) == 3)
    assert b.frames == [frame(number) for number in range(3)]
    assert a.frames == [frame(100 + number) for number in range(3)]
    # And the newline that every opened line begins with.
    assert (a.link.counters.sent, a.link.counters.sent_bytes) == (3, 1201)
    assert (b.link.counters.received, b.link.counters.received_bytes) == (3, 1201)
    assert (a.link.counters.send_errors, b.link.counters.receive_errors) == (0, 0)


def test_no_byte_means_anything_to_the_line(cable, end, until):
    a, b = end(cable.a), end(cable.b)
    # All but NUL, newline and carriage return, which the text form does not carry; among them the
    # bytes that stop, start, interrupt and end terminals.
    awkward = bytes(byte for byte in range(1, 256) if byte not in b"\r\n")
    sent = b">>>\nvalue=" + awkward + b"\n<<<\n"
    a.link.send(sent)
    until(lambda: b.frames)
    assert b.frames == [sent]


class Disturber:
    """Damages some frames in one byte each, and remembers which."""

    def __init__(self, seed, share):
        self._rng = random.Random(seed)
        self._share = share
        self._kept = b""
        self._count = -1
        self.damaged = []

    def __call__(self, data):
        *frames, self._kept = (self._kept + data).split(b"<<<\n")
        return b"".join(self._pass_on(one + b"<<<\n") for one in frames)

    def _pass_on(self, data):
        self._count += 1
        if self._rng.random() >= self._share:
            return data
        self.damaged.append(self._count)
        # Only the final newline may be doubled without harm.
        at = self._rng.randrange(4, len(data) - 1)
        changed = bytes([data[at] ^ (1 << self._rng.randrange(8))])
        put = self._rng.choice((b"", changed, data[at : at + 1] * 2))
        return data[:at] + put + data[at + 1 :]


def verified_number(codec, data):
    try:
        return int(codec.decode(data).text("number"))
    except WireError:
        return None


@pytest.mark.parametrize("seed", range(3))
def test_damage_loses_only_the_damaged_message(cable, end, until, seed):
    cable.disturb = Disturber(seed, share=0.2)
    a, b = end(cable.a), end(cable.b)
    codec = Codec(KeyRing([Key(1, "sha256", b"secret")], 1))
    count = 80
    frames = [
        codec.encode(Message((Field("number", b"%d" % number), Field("fill", b"x" * 200))), TEXT)
        for number in range(count)
    ]
    for one in frames:
        a.link.send(one)
    until(lambda: b.frames[-1:] == frames[-1:] or len(b.frames) >= count)
    heard = [number for number in (verified_number(codec, data) for data in b.frames) if number is not None]
    assert cable.disturb.damaged
    assert heard == [number for number in range(count) if number not in cable.disturb.damaged]


def test_bytes_that_are_no_frame_are_counted_as_damage(cable, end, until):
    a, b = end(cable.a), end(cable.b)
    until(lambda: b.link.counters.received_bytes == 1)
    cable.disturb = lambda data: data[5:]
    a.link.send(frame(1))
    until(lambda: b.link.counters.receive_errors == 1)
    cable.disturb = lambda data: data
    a.link.send(frame(2))
    until(lambda: b.frames)
    assert b.frames == [frame(2)]
    assert b.link.counters.receive_errors == 1


def test_a_device_that_vanishes_is_opened_again_when_it_returns(cable, end, until):
    a, b = end(cable.a), end(cable.b)
    cable.unplug()
    until(lambda: not a.link.up and not b.link.up)
    assert a.changes[1] == (False, f"{cable.a}: the device has gone")
    a.link.send(frame(1))
    assert a.link.counters.send_errors == 1
    until(lambda: a.changes[-1] == (False, f"{cable.a}: no such device"))
    cable.bytes_passed["a"] = b""
    cable.plug_in()
    until(lambda: a.link.up and b.link.up)
    a.link.send(frame(2))
    until(lambda: b.frames)
    assert b.frames == [frame(2)]
    # What a cut left behind at the other side ends here.
    assert cable.bytes_passed["a"] == b"\n" + frame(2)
    assert [up for up, _ in a.changes] == [True, False, False, True]


def test_an_absent_device_is_asked_for_ever_less_often(cable, end, spend, loop):
    cable.unplug()
    a = end(cable.a)
    waits = []
    for _ in range(7):
        waits.append(a.link._open_again.when() - loop.time())
        a.link.open()
    assert [round(wait, 1) for wait in waits] == [0.2, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert a.changes == [(False, f"{cable.a}: no such device")]


def test_a_full_line_drops_the_old_before_the_new(cable, end, until, spend):
    a, b = end(cable.a, 9600), end(cable.b, 9600)
    for number in range(20):
        a.link.send(frame(number))
    # 9600 baud carry 960 bytes a second: two frames wait, and one is on its way.
    assert a.link.counters.send_errors == 17
    begin = time.monotonic()
    until(lambda: len(b.frames) == 3)
    assert [number_of(data) for data in b.frames] == [0, 18, 19]
    assert time.monotonic() - begin > 0.7
    assert b.frames == [frame(number) for number in (0, 18, 19)]
    assert b.link.counters.receive_errors == 0


def test_a_line_that_is_held_does_not_hold_the_loop_and_says_the_newest_afterwards(
    cable, end, until, spend, loop
):
    a, b = end(cable.a), end(cable.b)
    a.link.send(frame(0))
    until(lambda: b.frames)
    # Until the line must be idle, so that the next frame is begun at once, and held.
    spend(0.05)
    cable.hold("a")
    begin = time.process_time()
    for number in range(1, 400):
        a.link.send(frame(number))
    spend(0.5)
    assert time.process_time() - begin < 0.25, "the loop spins"
    assert b.frames == [frame(0)]
    cable.go_on("a")
    until(lambda: b.frames[-1] == frame(399))
    # The frame that was begun is finished; after it come the newest, in order and whole.
    numbers = [number_of(data) for data in b.frames]
    assert numbers[:2] == [0, 1]
    assert numbers[2:] == list(range(numbers[2], 400))
    assert numbers[2] > 200
    assert b.frames == [frame(number) for number in numbers]


def test_a_line_that_is_held_for_ever_can_be_closed(cable, end, spend):
    a = end(cable.a)
    cable.hold("a")
    for number in range(10):
        a.link.send(frame(number))
    begin = time.monotonic()
    a.link.close()
    assert time.monotonic() - begin < 2.0


def test_the_last_words_leave_before_the_line_is_closed(cable, end, until):
    a, b = end(cable.a, 19_200), end(cable.b, 19_200)
    for number in range(3):
        a.link.send(frame(number))
    a.link.close()
    a.link.close()
    until(lambda: len(b.frames) == 3)
    assert b.frames == [frame(number) for number in range(3)]


def as_nobody(action):
    """What a child process that is not root gets, which may open the device by its mode."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(65534, 65534, 65534)
            action()
            os.write(writer, b"0")
        except OSError as error:
            os.write(writer, b"%d" % error.errno)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    number = int(os.read(reader, 16))
    os.close(reader)
    os.close(writer)
    if number:
        raise OSError(number, os.strerror(number))


def test_a_line_is_for_one_program(cable, end, until):
    a = end(cable.a)
    other = end(cable.a)
    assert other.changes == [(False, f"{cable.a}: in use by this daemon itself")]
    # Who does not know the lock files meets flock or, not being root, the exclusive use.
    lock_path(str(cable.a)).unlink()
    cable.a.chmod(0o666)
    with pytest.raises(OSError, match="exclusively lock"):
        serial.Serial(str(cable.a), exclusive=True)
    device = cable.a.resolve()
    with pytest.raises(OSError, match="busy"):
        as_nobody(lambda: os.open(device, os.O_RDWR | os.O_NOCTTY))
    a.link.close()
    until(lambda: other.link.up)


def test_another_program_is_left_the_line_before_anything_on_it_is_touched(cable, end, until):
    owner = os.getppid()
    lock_path(str(cable.a)).write_text(f"{owner:10d}\n")
    a = end(cable.a)
    ((up, reason),) = a.changes
    assert not up
    assert reason.endswith(f" (pid {owner})")
    assert cable.bytes_passed["a"] == b""
    lock_path(str(cable.a)).unlink()
    until(lambda: a.link.up)
    a.link.close()
    assert not lock_path(str(cable.a)).exists()


def test_the_load_of_a_line_is_what_passed_of_what_could_have(cable, end, until, spend):
    a, b = end(cable.a, 9600), end(cable.b, 9600)
    for number in range(2):
        a.link.send(frame(number, 480))
    until(lambda: len(b.frames) == 2)
    spend(1.0)
    assert (b.link.load(), a.link.load()) == (
        (pytest.approx(0, abs=0.001), pytest.approx(0.1, abs=0.01)),
        (
            pytest.approx(0.1, abs=0.01),
            pytest.approx(0, abs=0.001),
        ),
    )


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ("/dev/null", "this is not a serial line"),
        ("/dev", "this is not a serial line"),
        ("/dev/absent", "no such device"),
    ],
)
def test_what_cannot_work_says_why(end, device, reason):
    assert end(device).changes == [(False, f"{device}: {reason}")]
