"""Every frame that two real nodes of heartbeat 3.0.6 sent to each other, as recorded.

Each is decoded and verified with the key of the node that sent it, both signatures are computed again,
and the message is encoded again, to the same bytes.
"""

from __future__ import annotations

import json
import pathlib
import zlib
from dataclasses import dataclass

import pytest
from ultramonkey_heartbeat.wire import compression, netstring, text
from ultramonkey_heartbeat.wire.auth import Key, KeyRing
from ultramonkey_heartbeat.wire.codec import Codec
from ultramonkey_heartbeat.wire.errors import UnknownKeyError, WrongSignatureError
from ultramonkey_heartbeat.wire.message import Message, string
from ultramonkey_heartbeat.wire.stream import StreamDecoder

CAPTURES = {
    path.stem: path
    for path in sorted((pathlib.Path(__file__).parent.parent / "golden/captures").glob("*.jsonl"))
}


@dataclass
class Recorded:
    """One frame, and the node that sent it."""

    node: str
    kind: str
    data: bytes


@dataclass
class Capture:
    """One scenario: the key lines of each node, and all frames in order of time."""

    authkeys: dict[str, str]
    frames: list[Recorded]


def records_of(name: str) -> list[dict]:
    """The header, then all records."""
    return [json.loads(line) for line in CAPTURES[name].read_text("utf-8").split("\n")[:-1]]


def load(name: str) -> Capture:
    header, *records = records_of(name)
    frames = []
    lines = {}
    for record in records:
        kind = record.get("k")
        if kind in ("hb", "icmp"):
            frames.append(Recorded(record["node"], kind, record["raw"].encode("latin-1")))
        elif kind == "serial":
            line = lines.setdefault(record["node"], StreamDecoder())
            found = line.feed(record["raw"].encode("latin-1"))
            assert b"".join(found) == record["raw"].encode("latin-1"), "the recorded lines carry nothing else"
            frames += [Recorded(record["node"], kind, frame) for frame in found]
    return Capture(header["authkeys"], frames)


def keys_of(authkeys: str) -> tuple[list[Key], int]:
    """Just enough of a reader for the headers' authkeys; the real one is tested elsewhere."""
    auth, *lines = authkeys.split("\n")[:-1]
    keys = []
    for line in lines:
        index, method, *secret = line.split()
        keys.append(Key(int(index), method, "".join(secret).encode()))
    return keys, int(auth.split()[1])


def codec(authkeys: str, current: int | None = None) -> Codec:
    keys, auth = keys_of(authkeys)
    return Codec(KeyRing(keys, auth if current is None else current))


def index_of(frame: Recorded) -> int:
    """The key index that the frame carries."""
    decoded = (text if frame.kind == "serial" else netstring).decode(frame.data)
    return decoded.signature.key_index


def assert_reproduced(frame: Recorded, authkeys: str) -> None:
    """Decode, verify and encode the frame; check both signatures."""
    signing = codec(authkeys, index_of(frame))
    if frame.kind == "serial":
        message = signing.decode(frame.data)
        assert signing.encode(message, "text") == frame.data
        assert signing.encode(without_auth(message), "text") == frame.data
        return
    # Not through the codec, which would unpack a compressed message.
    message = netstring.decode(frame.data).message
    assert signing.encode(message, "netstring") == frame.data
    if compression.is_wrapper(message):
        return
    assert signing.decode(frame.data) == message
    if message.find("auth") is not None:
        assert signing.encode(without_auth(message), "netstring", inner_auth=True) == frame.data


def without_auth(message: Message) -> Message:
    assert message.fields[-1].name == "auth"
    return Message(message.fields[:-1])


@pytest.mark.parametrize("name", CAPTURES)
def test_every_recorded_frame_is_reproduced_to_the_byte(name):
    recorded = load(name)
    assert recorded.frames
    for frame in recorded.frames:
        assert_reproduced(frame, recorded.authkeys[frame.node])


def test_all_of_the_recorded_traffic_was_seen():
    """The numbers that the captures had when they were made: a reader that skips must not pass."""
    kinds = [frame.kind for name in CAPTURES for frame in load(name).frames]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"hb": 2293, "icmp": 96, "serial": 69}


def test_frames_of_a_node_with_another_key_are_refused_by_the_other():
    """Scenario 15: same index and method, another secret."""
    recorded = load("15-bad-auth-key")
    own = {node: codec(authkeys) for node, authkeys in recorded.authkeys.items()}
    other = {"node1": "node2", "node2": "node1"}
    senders = set()
    for frame in recorded.frames:
        assert own[frame.node].decode(frame.data).text("src") == frame.node
        with pytest.raises(WrongSignatureError) as refused:
            own[other[frame.node]].decode(frame.data)
        assert refused.value.claimed_source == frame.node
        senders.add(frame.node)
    assert senders == {"node1", "node2"}


def test_while_a_key_is_changed_both_keys_verify():
    """Scenario 30: node1 ends up signing with key 2, node2 with key 1. 3.0.6 cuts itself off here."""
    recorded = load("30-key-rotation-sighup")
    node1, node2 = (codec(recorded.authkeys[node]) for node in ("node1", "node2"))
    before = codec("auth 1\n1 sha1 hb306-lab-key\n")
    seen = []
    for frame in recorded.frames:
        assert node1.decode(frame.data) == node2.decode(frame.data)
        index = index_of(frame)
        if (frame.node, index) not in seen:
            seen.append((frame.node, index))
        if index == 2:
            with pytest.raises(UnknownKeyError):
                before.decode(frame.data)
        else:
            assert before.decode(frame.data) == node1.decode(frame.data)
    assert sorted(seen) == [("node1", 1), ("node1", 2), ("node2", 1)]
    assert seen[-1] == ("node1", 2)


def test_the_compressed_message_unpacks_to_the_text_form_with_its_own_signature():
    """Scenario 32."""
    recorded = load("32-compression")
    reader = codec(recorded.authkeys["node2"])
    [frame] = [frame for frame in recorded.frames if b"_compressed_payload" in frame.data]
    message = reader.decode(frame.data)
    assert message.fields[:2] == (string("t", "bigtest"), string("f0", "abcdefghij" * 30))
    inside = reader.encode(without_auth(message), "text")
    assert compression.unpack(netstring.decode(frame.data).message) == inside + b"\0"
    wrapped = netstring.decode(frame.data).message
    assert zlib.decompress(wrapped.binary("_compressed_payload")) == inside + b"\0"


def test_frames_without_inner_signature_are_those_of_msgfmt_netstring():
    """Scenario 24, and no other."""
    without = set()
    for name in CAPTURES:
        for frame in load(name).frames:
            if b"auth=" not in frame.data and b"_compressed_payload" not in frame.data:
                without.add(name)
    assert without == {"24-startup-msgfmt-netstring"}


def test_pings_carry_a_message_as_if_the_pinged_host_had_sent_it():
    """Scenarios 25 and 26."""
    sources = {}
    for name in ("25-ping-ipfail", "26-ping-group"):
        recorded = load(name)
        for frame in recorded.frames:
            if frame.kind == "icmp":
                message = codec(recorded.authkeys["node1"]).decode(frame.data)
                assert (message.text("t"), message.text("st")) == ("NS_st", "ping")
                sources.setdefault(message.text("info"), set()).add(message.text("src"))
    assert set(sources) == {"ping", "ping_group"}


def test_serial_bytes_cut_and_disturbed_give_the_same_frames():
    """Scenario 21, as a real line would deliver it: in pieces, with carriage returns and noise."""
    name = "21-startup-serial"
    for node in ("node1", "node2"):
        frames = [frame.data for frame in load(name).frames if frame.node == node]
        raw = "".join(
            r["raw"] for r in records_of(name) if r.get("k") == "serial" and r["node"] == node
        ).encode("latin-1")
        assert b"".join(frames) == raw
        noisy = b"\0\xff" + raw.replace(b"\n", b"\r\n").replace(b"<<<\r\n", b"<<<\r\n\0~")
        for size in (1, 7, 64, 512, len(noisy)):
            line = StreamDecoder()
            found = []
            for start in range(0, len(noisy), size):
                found += line.feed(noisy[start : start + size])
            assert found == frames
