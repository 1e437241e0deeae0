"""The codec lets in what a key of the ring signed, and nothing else."""

from __future__ import annotations

import zlib

import pytest
from ultramonkey_heartbeat.wire import netstring, text
from ultramonkey_heartbeat.wire.auth import Key, KeyRing
from ultramonkey_heartbeat.wire.codec import Codec
from ultramonkey_heartbeat.wire.errors import (
    AuthenticationError,
    MalformedError,
    NotSignedError,
    TooLargeError,
    UnencodableError,
    UnknownKeyError,
    WireError,
    WrongSignatureError,
)
from ultramonkey_heartbeat.wire.limits import MESSAGE_BYTES_MAX, UNCOMPRESSED_BYTES_MAX
from ultramonkey_heartbeat.wire.message import Field, FieldType, Message, binary, string

RING = KeyRing([Key(1, "sha1", b"secret"), Key(2, "crc")], 1)
CODEC = Codec(RING)
OTHER = Codec(KeyRing([Key(1, "sha1", b"other")], 1))
STATUS = Message((string("t", "status"), string("src", "lb1"), binary("srcuuid", bytes(16))))
FORMS = [("netstring", False), ("netstring", True), ("text", False), ("text", True)]


@pytest.fixture(
    params=FORMS, ids=["netstring", "netstring with inner auth", "text", "text, inner auth asked"]
)
def frame_by(request):
    form, inner_auth = request.param
    return lambda codec, message=STATUS: codec.encode(message, form, inner_auth=inner_auth)


def test_what_is_encoded_is_decoded(frame_by):
    message = CODEC.decode(frame_by(CODEC))
    assert message.fields[:3] == STATUS.fields
    assert [field.name for field in message.fields[3:]] in ([], ["auth"])


def test_the_inner_signature_is_the_last_field_and_the_same_in_both_forms():
    expected = Field("auth", RING.sign(b"t=status\nsrc=lb1\n(1)srcuuid=AAAAAAAAAAAAAAAAAAAAAA==\n"))
    for form, inner_auth in (("netstring", True), ("text", False)):
        assert CODEC.decode(CODEC.encode(STATUS, form, inner_auth=inner_auth)).fields[3] == expected
    assert CODEC.decode(CODEC.encode(STATUS, "netstring")) == STATUS


def test_an_inner_signature_that_is_there_is_kept():
    signed = Message((string("auth", "7 0123"), *STATUS.fields))
    for form, inner_auth in FORMS:
        assert b"7 0123" in CODEC.encode(signed, form, inner_auth=inner_auth)
    assert CODEC.encode(signed, "netstring", inner_auth=True) == CODEC.encode(signed, "netstring")
    assert CODEC.encode(signed, "text") == text.encode(signed)


def test_a_form_that_does_not_exist_is_a_programming_error():
    with pytest.raises(ValueError, match="no form 'xml'"):
        CODEC.encode(STATUS, "xml")


def test_a_message_that_a_form_cannot_carry_is_not_encoded():
    with pytest.raises(UnencodableError):
        CODEC.encode(Message((string("a", "\x13"),)), "text")
    with pytest.raises(UnencodableError):
        CODEC.encode(Message(()), "netstring")


def test_a_frame_signed_with_another_secret_is_refused_and_names_whom_it_claims_to_be_from(frame_by):
    with pytest.raises(WrongSignatureError) as refused:
        CODEC.decode(frame_by(OTHER))
    assert refused.value.claimed_source == "lb1"
    assert refused.value.index == 1


def test_a_frame_signed_with_a_key_that_we_do_not_have_is_refused(frame_by):
    with pytest.raises(UnknownKeyError) as refused:
        CODEC.decode(frame_by(Codec(KeyRing([Key(9, "crc")], 9))))
    assert refused.value.index == 9


def test_a_frame_signed_with_any_key_of_the_ring_is_accepted(frame_by):
    assert CODEC.decode(frame_by(Codec(KeyRing([Key(2, "crc")], 2)))).text("src") == "lb1"


def test_a_frame_without_signature_is_refused():
    for frame in (
        netstring.encode(STATUS),
        text.encode(STATUS),
        netstring.encode(Message((string("a", ""),))),
    ):
        with pytest.raises(NotSignedError):
            CODEC.decode(frame)


def test_a_datagram_is_verified_by_its_outer_signature_only():
    """As in 3.0.6: a wrong inner one does not hurt, a good inner one does not help."""
    wrong_inside = Message((*STATUS.fields, string("auth", "1 00")))
    assert CODEC.decode(CODEC.encode(wrong_inside, "netstring")) == wrong_inside
    right_inside = OTHER.encode(CODEC.decode(CODEC.encode(STATUS, "text")), "netstring")
    with pytest.raises(WrongSignatureError):
        CODEC.decode(right_inside)


def test_no_bit_of_a_frame_can_be_changed(frame_by):
    frame = frame_by(CODEC)
    for position in range(len(frame)):
        for bit in range(8):
            damaged = bytearray(frame)
            damaged[position] ^= 1 << bit
            with pytest.raises(WireError):
                CODEC.decode(bytes(damaged))


def test_a_frame_cut_anywhere_is_refused(frame_by):
    frame = frame_by(CODEC)
    for length in range(len(frame)):
        with pytest.raises(WireError):
            CODEC.decode(frame[:length])


@pytest.mark.parametrize("extra", [b"\n", b" ", b"x", b"###\n", b"\0\0"])
def test_bytes_after_a_frame_are_refused(frame_by, extra):
    with pytest.raises(MalformedError):
        CODEC.decode(frame_by(CODEC) + extra)


def test_the_text_form_may_end_with_one_nul():
    frame = CODEC.encode(STATUS, "text")
    assert CODEC.decode(frame + b"\0") == CODEC.decode(frame)
    with pytest.raises(MalformedError):
        CODEC.decode(CODEC.encode(STATUS, "netstring") + b"\0")


def test_fields_that_follow_the_inner_signature_are_covered_as_well():
    frame = CODEC.encode(STATUS, "text")
    with pytest.raises(WrongSignatureError):
        CODEC.decode(frame.replace(b"<<<\n", b"st=dead\n<<<\n"))


def test_of_a_name_that_occurs_twice_the_first_counts():
    twice = Message((string("t", "status"), string("t", "shutdone")))
    for form, inner_auth in FORMS:
        assert CODEC.decode(CODEC.encode(twice, form, inner_auth=inner_auth)).text("t") == "status"


def wrapper(payload: bytes, algorithm: str = "zlib") -> Message:
    return Message((binary("_compressed_payload", payload), string("_compression_algorithm", algorithm)))


@pytest.mark.parametrize("form", ["netstring", "text"])
@pytest.mark.parametrize(
    "inside",
    [
        text.encode(STATUS) + b"\0",
        text.encode(STATUS),
        netstring.encode(STATUS),
        CODEC.encode(STATUS, "netstring"),
    ],
    ids=["text with NUL", "text", "netstring", "signed netstring"],
)
def test_a_compressed_message_is_unpacked(form, inside):
    assert CODEC.decode(CODEC.encode(wrapper(zlib.compress(inside)), form)) == STATUS


def test_a_compressed_message_is_verified_before_it_is_unpacked():
    with pytest.raises(AuthenticationError):
        CODEC.decode(OTHER.encode(wrapper(b"damaged"), "netstring"))


@pytest.mark.parametrize(
    ("payload", "algorithm", "what"),
    [
        (zlib.compress(text.encode(STATUS)), "bz2", "only zlib is understood"),
        (b"no zlib stream", "zlib", "is damaged"),
        (b"", "zlib", "is cut off"),
        (zlib.compress(text.encode(STATUS))[:-1], "zlib", "is cut off"),
        (zlib.compress(text.encode(STATUS)) + b"\0", "zlib", "1 bytes follow the compressed payload"),
        (zlib.compress(b"no message"), "zlib", "does not begin with"),
        (zlib.compress(b""), "zlib", "does not begin with"),
        (
            zlib.compress(netstring.encode(wrapper(zlib.compress(text.encode(STATUS))))),
            "zlib",
            "a compressed message inside a compressed message",
        ),
    ],
)
def test_a_compressed_message_that_cannot_be_unpacked_is_refused(payload, algorithm, what):
    with pytest.raises(MalformedError, match=what):
        CODEC.decode(CODEC.encode(wrapper(payload, algorithm), "netstring"))


def test_a_compressed_message_without_algorithm_is_refused():
    with pytest.raises(MalformedError, match="compressed with None"):
        CODEC.decode(CODEC.encode(Message((binary("_compressed_payload", b""),)), "netstring"))


def test_a_string_of_that_name_is_not_a_compressed_message():
    message = Message((string("_compressed_payload", "x"),))
    assert CODEC.decode(CODEC.encode(message, "netstring")) == message


def test_a_compressed_bomb_is_refused():
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)
    assert len(bomb) < MESSAGE_BYTES_MAX
    with pytest.raises(TooLargeError, match=f"becomes more than {UNCOMPRESSED_BYTES_MAX} bytes"):
        CODEC.decode(CODEC.encode(wrapper(bomb), "netstring"))


def test_a_compressed_message_may_be_larger_than_one_on_the_wire():
    overhead = len(text.encode(Message((string("a", ""),))))
    value = b"x" * (UNCOMPRESSED_BYTES_MAX - overhead)
    for extra, error in ((b"", None), (b"x", TooLargeError)):
        frame = CODEC.encode(wrapper(zlib.compress(b">>>\na=" + value + extra + b"\n<<<\n")), "netstring")
        if error is None:
            assert CODEC.decode(frame).fields == (Field("a", value, FieldType.STRING),)
        else:
            with pytest.raises(error):
                CODEC.decode(frame)
