"""Arbitrary messages come back whole; arbitrary bytes are refused with a WireError and nothing else."""

from __future__ import annotations

import zlib

from hypothesis import example, given
from hypothesis import strategies as st
from ultramonkey_heartbeat.wire import netstring, text
from ultramonkey_heartbeat.wire.auth import Key, KeyRing
from ultramonkey_heartbeat.wire.codec import Codec
from ultramonkey_heartbeat.wire.errors import WireError
from ultramonkey_heartbeat.wire.limits import FIELD_NAME_BYTES_MAX
from ultramonkey_heartbeat.wire.message import Field, FieldType, Message, binary, string

CODECS = [
    Codec(KeyRing([Key(15, "crc")], 15)),
    Codec(KeyRing([Key(0, "md5", b"k")], 0)),
    Codec(KeyRing([Key(1, "sha1", b"k" * 100)], 1)),
    Codec(KeyRing([Key(10, "sha256", b"k")], 10)),
]

NAME_CHARACTERS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "()<=>")
# Wire marks and syntax, to make collisions likely.
PIECES = st.sampled_from(
    [b"###\n", b"%%%\n", b">>>\n", b"<<<\n", b"(1)", b"=", b",", b":", b"\n", b"5:(0)t=,"]
)


def joined(pieces):
    return st.lists(pieces, max_size=6).map(b"".join)


names = st.one_of(
    st.sampled_from(["t", "src", "seq", "auth", "srcuuid"]),
    st.text(NAME_CHARACTERS, min_size=1, max_size=FIELD_NAME_BYTES_MAX),
    # Such a message would not come back itself, but what is inside. Hypothesis does find the name.
).filter(lambda name: name != "_compressed_payload")
anything = joined(st.one_of(st.binary(max_size=20), PIECES))
strings = anything.map(lambda value: value.translate(None, b"\0"))
text_strings = anything.map(lambda value: value.translate(None, b"\0\r\x13"))
opaque_types = st.sampled_from([kind for kind in FieldType if kind is not FieldType.STRING])


def messages(*fields):
    return st.lists(st.one_of(*fields), min_size=1, max_size=20).map(lambda listed: Message(tuple(listed)))


netstring_messages = messages(
    st.builds(Field, names, strings, st.just(FieldType.STRING)),
    st.builds(Field, names, anything, opaque_types),
)
text_messages = messages(
    st.builds(Field, names, text_strings, st.just(FieldType.STRING)), st.builds(binary, names, anything)
)
unsigned_text_messages = text_messages.map(
    lambda message: Message(tuple(field for field in message.fields if field.name != "auth"))
).filter(lambda message: message.fields)
codecs = st.sampled_from(CODECS)

STATUS = Message((string("t", "status"), string("src", "lb1"), binary("srcuuid", bytes(range(16)))))
FRAMES = [codec.encode(STATUS, form, inner_auth=True) for codec in CODECS for form in ("netstring", "text")]
FRAMES.append(
    CODECS[0].encode(
        Message(
            (
                binary("_compressed_payload", zlib.compress(text.encode(STATUS))),
                string("_compression_algorithm", "zlib"),
            )
        ),
        "netstring",
    )
)


@given(codecs, netstring_messages)
def test_any_message_comes_back_from_a_datagram(codec, message):
    assert codec.decode(codec.encode(message, "netstring")) == message


@given(codecs, unsigned_text_messages)
def test_any_message_comes_back_from_the_text_form_with_its_signature_last(codec, message):
    decoded = codec.decode(codec.encode(message, "text"))
    assert decoded.fields[:-1] == message.fields
    assert decoded.fields[-1].name == "auth"


@given(codecs, unsigned_text_messages)
def test_both_forms_carry_the_same_inner_signature(codec, message):
    by_datagram = codec.decode(codec.encode(message, "netstring", inner_auth=True))
    assert by_datagram == codec.decode(codec.encode(message, "text"))


@given(codecs, anything)
@example(CODECS[0], b">>>\nauth=15 ffffffff\n<<<\n")
def test_arbitrary_bytes_are_refused(codec, data):
    try:
        message = codec.decode(data)
    except WireError:
        return
    # Only crc can be met by chance, with what an empty message would be signed with.
    assert codec is CODECS[0]
    assert [field.name for field in message.fields] == ["auth"]


def mutated(draw) -> bytes:
    """A good frame after a few small accidents."""
    data = draw(st.sampled_from(FRAMES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 4)))
        data = data[:start] + draw(st.one_of(st.binary(max_size=3), PIECES)) + data[end:]
    return data


@given(codecs, st.composite(mutated)())
def test_a_mutated_frame_is_refused_unless_it_is_unchanged(codec, data):
    try:
        codec.decode(data)
    except WireError:
        return
    assert data.rstrip(b"\0") in FRAMES


@given(st.one_of(st.composite(mutated)(), anything))
def test_what_is_accepted_without_its_signature_is_encoded_to_the_same_bytes(data):
    for form in (netstring, text):
        try:
            decoded = form.decode(data)
        except WireError:
            continue
        encoded = form.encode(decoded.message)
        if form is text:
            assert encoded == data
            assert decoded.covered == text.covered_bytes(decoded.message)
        else:
            assert encoded == decoded.covered
            assert data.startswith(encoded)
            if decoded.signature is not None:
                index, token = decoded.signature
                assert data == netstring.append_signature(encoded, b"%d %s" % (index, token))
