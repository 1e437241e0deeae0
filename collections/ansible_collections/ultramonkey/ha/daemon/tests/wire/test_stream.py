"""Frames are found on a serial line however it cuts, loses and invents bytes."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ultramonkey_heartbeat.wire.limits import STREAM_CANDIDATES_MAX, STREAM_FRAME_BYTES_MAX
from ultramonkey_heartbeat.wire.stream import StreamDecoder

ONE = b">>>\nt=status\nauth=1 ab\n<<<\n"
TWO = b">>>\nt=resource\ninfo=more>>>\nauth=1 cd\n<<<\n"


def feed_in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """What a decoder delivers when the bytes arrive in pieces that end at `cuts`."""
    decoder = StreamDecoder()
    frames = []
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        frames += decoder.feed(data[start:cut])
        start = cut
    return frames


@pytest.mark.parametrize("pieces", ["whole", "byte by byte"])
@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (b"", []),
        (ONE, [ONE]),
        (ONE + ONE, [ONE, ONE]),
        (ONE[:-1], []),
        (b"noise" + ONE, [ONE]),
        (b"noise\n" + ONE, [ONE]),
        (b"\0" + ONE, [ONE]),
        (b">" + ONE, [ONE]),
        (b">>>" + ONE, [ONE]),
        (b"<<<\n" + ONE, [ONE]),
        (b"\n<<<\n" + ONE, [ONE]),
        (ONE + b"noise" + ONE, [ONE, ONE]),
        (ONE.replace(b"\n", b"\r\n"), [ONE]),
        (b"\r" + b"\r\r".join(ONE[i : i + 1] for i in range(len(ONE))), [ONE]),
        # A frame that lost its end is dropped for the sake of the next.
        (ONE[:-4] + ONE, [ONE]),
        # With noise on the beginning, and for a value that ends like one, there are two candidates.
        (ONE[:10] + ONE, [ONE[:10] + ONE, ONE]),
        (TWO, [TWO, b">>>\nauth=1 cd\n<<<\n"]),
        # An empty frame is delivered; that it is no message is the codec's business.
        (b">>>\n<<<\n", [b">>>\n<<<\n"]),
    ],
)
def test_frames_are_found(data, frames, pieces):
    cuts = list(range(len(data))) if pieces == "byte by byte" else []
    assert feed_in_pieces(data, cuts) == frames


NOISE = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b">", b"<", b"\n", b"\r", b"=", b">>>", b"<<<", b">>>\n", b"<<<\n", b"\n<<<\n", b"a>>>\n"]
        ),
        # The beginning or the end of a frame
        st.builds(lambda n: ONE[:n], st.integers(0, len(ONE) - 1)),
        st.builds(lambda n: TWO[n:], st.integers(1, len(TWO))),
    ),
    max_size=8,
).map(b"".join)

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\x13"), max_size=12)
FRAMES = st.lists(st.tuples(st.sampled_from(["t", "info", "auth"]), VALUES), min_size=1, max_size=5).map(
    lambda fields: ">>>\n{}<<<\n".format("".join(f"{name}={value}\n" for name, value in fields)).encode()
)


@given(st.data())
def test_no_undamaged_frame_is_lost_whatever_stands_between_and_however_it_is_cut(data):
    parts = data.draw(st.lists(st.one_of(FRAMES.map(lambda f: (f, True)), NOISE.map(lambda n: (n, False)))))
    stream = b"".join(part for part, _ in parts)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    delivered = iter(feed_in_pieces(stream, cuts))
    for part, is_frame in parts:
        if is_frame:
            assert part in delivered, "lost, or delivered out of order"


@given(NOISE, st.lists(st.integers(0, 200), max_size=10))
@example(ONE[:10] + TWO + b"x" + ONE, [5, 17, 18, 40])
def test_what_is_delivered_does_not_depend_on_the_cuts(stream, cuts):
    assert feed_in_pieces(stream, cuts) == feed_in_pieces(stream, [])


@given(NOISE)
def test_whatever_is_delivered_has_both_marks_and_no_carriage_return(stream):
    for frame in StreamDecoder().feed(stream):
        assert frame.startswith(b">>>\n")
        assert frame.endswith(b"\n<<<\n")
        assert b"\r" not in frame


@pytest.mark.parametrize("noise", [b"x", b"\n", b">>>\n", b">>>\na=b\n", b"a>>>\n"])
def test_endless_noise_takes_bounded_memory_and_the_next_frame_is_found(noise):
    decoder = StreamDecoder()
    chunk = noise * (4096 // len(noise))
    for _ in range(3 * STREAM_FRAME_BYTES_MAX // 4096):
        assert decoder.feed(chunk) == []
        assert decoder.buffered_bytes <= STREAM_FRAME_BYTES_MAX
    # The noise sticks to its first line, so every `>>>` before may be its beginning.
    frames = decoder.feed(b"x" + ONE)
    assert frames[-1] == ONE
    assert len(frames) <= STREAM_CANDIDATES_MAX + 1
    assert decoder.buffered_bytes == 0


@pytest.mark.parametrize("noise", [b"x", b">>>\n", b"\n<<<\n", b"a>>>\n" * 8 + b"<<<\n"])
def test_the_work_grows_with_the_noise_and_not_with_its_square(noise):
    def seconds(size):
        data = noise * (size // len(noise))
        begin = time.process_time()
        decoder = StreamDecoder()
        for start in range(0, len(data), 1024):
            decoder.feed(data[start : start + 1024])
        return time.process_time() - begin

    small, large = (min(seconds(size) for _ in range(3)) for size in (40_000, 640_000))
    # Sixteen times as much, and on a bad day twice that; a square would be 256.
    assert large < 48 * max(small, 0.0005)


def test_a_frame_full_of_lines_that_look_like_its_beginning_is_delivered_first():
    frame = b">>>\n" + b"a=>>>\n" * (2 * STREAM_CANDIDATES_MAX) + b"<<<\n"
    for before in (b"", b"noise\n"):
        frames = StreamDecoder().feed(before + frame)
        assert frames[0] == frame
        assert len(frames) == STREAM_CANDIDATES_MAX + 1


def test_the_longest_frame_passes_after_noise_and_a_longer_one_is_lost():
    longest = b">>>\na=" + b"x" * (STREAM_FRAME_BYTES_MAX - 11) + b"\n<<<\n"
    assert len(longest) == STREAM_FRAME_BYTES_MAX
    for cuts in ([], list(range(0, 70_000, 512))):
        assert feed_in_pieces(b"noise" + longest + ONE, cuts) == [longest, ONE]
        assert feed_in_pieces(longest.replace(b"=x", b"=xx") + ONE, cuts) == [ONE]
