"""Signatures against published vectors, against a naive CRC, and against frames of heartbeat 3.0.6."""

from __future__ import annotations

import base64
import hmac
import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.wire import netstring, text
from ultramonkey_heartbeat.wire.auth import Key, KeyRing, Signature, crc_token
from ultramonkey_heartbeat.wire.errors import UnknownKeyError, WrongSignatureError

VECTORS = json.loads(
    (pathlib.Path(__file__).parent.parent / "golden/captures/auth-vectors.json").read_text("utf-8")
)

# RFC 2202 (md5, sha1) and RFC 4231 (sha256): method, secret, data, digest
PUBLISHED = [
    ("md5", b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
    ("md5", b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
    (
        "md5",
        b"\xaa" * 80,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
    ),
    ("sha1", b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
    ("sha1", b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    (
        "sha1",
        b"\xaa" * 80,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    ),
    (
        "sha256",
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        "sha256",
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        "sha256",
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
]


def naive_crc_token(data: bytes) -> bytes:
    """The CRC of the format, bit by bit, as docs/PROTOCOL.md words it."""
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            carry = register & 0x80000000
            register = (register << 1) & 0xFFFFFFFF
            if carry:
                register ^= 0x04C11DB7
    return b"%x" % (register ^ 0xFFFFFFFF)


@pytest.mark.parametrize(("method", "secret", "data", "digest"), PUBLISHED)
def test_published_vectors(method, secret, data, digest):
    assert KeyRing([Key(3, method, secret)], 3).sign(data) == b"3 " + digest.encode()


@given(
    st.sampled_from(["md5", "sha1", "sha256"]), st.binary(min_size=1, max_size=150), st.binary(max_size=600)
)
def test_hmac_is_that_of_the_standard_library(method, secret, data):
    expected = hmac.new(secret, data, method).hexdigest().encode()
    assert KeyRing([Key(0, method, secret)], 0).sign(data) == b"0 " + expected


@given(st.binary(max_size=600))
def test_crc_is_that_of_the_naive_version(data):
    assert crc_token(data) == naive_crc_token(data)


def test_crc_has_no_leading_zeros():
    # The data were searched for: their CRCs have one and two leading zeros.
    assert crc_token(b"heartbeat 20") == naive_crc_token(b"heartbeat 20")
    shortest = min((crc_token(b"heartbeat %d" % n) for n in range(2000)), key=len)
    assert len(shortest) <= 6
    assert not shortest.startswith(b"0")


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["method"] for vector in VECTORS])
def test_recorded_frames_carry_the_signatures_that_we_compute(vector):
    frame = base64.b64decode(vector["frame_b64"])
    ring = KeyRing([Key(1, vector["method"], (vector["key"] or "").encode())], 1)
    message, covered, signature = netstring.decode(frame)
    assert len(covered) == vector["covered_len"]
    assert signature == Signature.parse(vector["outer"].encode())
    assert ring.sign(covered) == vector["outer"].encode()
    assert ring.sign(text.covered_bytes(message)) == vector["inner"].encode() == message.binary("auth")
    fields = {f.name: f.value.hex() if f.name == "srcuuid" else f.value.decode() for f in message.fields}
    assert fields == vector["fields"]
    assert list(fields) == list(vector["fields"])


def test_a_message_is_verified_with_the_key_of_its_index():
    old = KeyRing([Key(1, "sha1", b"old")], 1)
    both = KeyRing([Key(1, "sha1", b"old"), Key(2, "md5", b"new")], 2)
    new = KeyRing([Key(2, "md5", b"new")], 2)
    by_old, by_new = Signature.parse(old.sign(b"data")), Signature.parse(new.sign(b"data"))
    assert both.sign(b"data") == new.sign(b"data")
    both.verify(b"data", *by_old)
    both.verify(b"data", *by_new)
    with pytest.raises(UnknownKeyError, match="key 2, which authkeys does not have"):
        old.verify(b"data", *by_new)
    with pytest.raises(WrongSignatureError, match="does not match key 1"):
        both.verify(b"data", 1, by_new.token)


def test_a_token_counts_only_as_a_whole_and_as_it_is_written():
    ring = KeyRing([Key(1, "crc")], 1)
    token = Signature.parse(ring.sign(b"data")).token
    ring.verify(b"data", 1, token)
    for other in (b"", token[:-1], token + b"0", b"0" + token, token.upper() + b"A"):
        with pytest.raises(WrongSignatureError):
            ring.verify(b"data", 1, other)
    with pytest.raises(WrongSignatureError):
        ring.verify(b"dato", 1, token)


@pytest.mark.parametrize(
    ("keys", "current", "what"),
    [
        ([], 1, "no key 1 to sign with"),
        ([Key(1, "crc")], 2, "no key 2 to sign with"),
        ([Key(1, "crc"), Key(1, "sha1", b"x")], 1, "two keys with index 1"),
        ([Key(16, "crc")], 16, "16 is not between 0 and 15"),
        ([Key(-1, "crc")], -1, "-1 is not between 0 and 15"),
        ([Key(1, "SHA1", b"x")], 1, "'SHA1' is none of crc, md5, sha1, sha256"),
        ([Key(1, "sha512", b"x")], 1, "'sha512' is none of"),
        ([Key(1, "sha1")], 1, "sha1 needs a secret"),
        ([Key(1, "crc", b"x")], 1, "crc takes no secret"),
    ],
)
def test_a_key_ring_that_cannot_work_is_refused(keys, current, what):
    with pytest.raises(ValueError, match=what):
        KeyRing(keys, current)


def test_a_key_does_not_show_its_secret():
    assert "hush" not in repr(Key(1, "sha1", b"hush"))
    assert "hush" not in str(Key(1, "sha1", b"hush"))
