"""The brief form of a status: its size, its signature, and that nothing else can be signed so."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.config.line_budget import BRIEF_BYTES
from ultramonkey_heartbeat.wire.auth import Key, KeyRing
from ultramonkey_heartbeat.wire.brief import TOKEN_DIGITS, brief, digest
from ultramonkey_heartbeat.wire.codec import NETSTRING, TEXT, Codec
from ultramonkey_heartbeat.wire.errors import AuthenticationError, WireError
from ultramonkey_heartbeat.wire.message import Field, Message, decimal, string

REPORT = (string("um_v", "1"), string("um_phase", "active"))
TTL = decimal("ttl", 9)


def codec(method="sha256"):
    return Codec(KeyRing([Key(1, method, b"" if method == "crc" else b"secret")], 1))


def message(name="lb1", seq=0xABCDEF, ttl=None):
    return brief(string("src", name), seq, 0x6992E507, REPORT, ttl)


def test_a_year_of_beats_of_a_node_with_a_long_name_fits_into_what_the_budget_counts_with():
    beats = 31_536_000 * 5
    assert len(codec().encode(message("a" * 16, beats), TEXT)) == BRIEF_BYTES
    assert len(codec().encode(message("a" * 10, beats, TTL), TEXT)) == BRIEF_BYTES


@pytest.mark.parametrize("form", [TEXT, NETSTRING])
@pytest.mark.parametrize("method", ["sha256", "sha1", "md5", "crc"])
def test_it_is_verified_in_both_forms_with_every_method(form, method):
    decoded = codec(method).decode(codec(method).encode(message(), form))
    assert (decoded.text("t"), decoded.hexadecimal("seq"), decoded.text("is")) == (
        "same",
        0xABCDEF,
        digest(REPORT),
    )


def test_every_byte_of_it_is_signed():
    frame = codec().encode(message(), TEXT)
    for at in range(4, len(frame) - 5):
        for bit in range(8):
            changed = frame[:at] + bytes([frame[at] ^ (1 << bit)]) + frame[at + 1 :]
            with pytest.raises(WireError):
                codec().decode(changed)


@pytest.mark.parametrize("digits", [0, 1, TOKEN_DIGITS - 1, TOKEN_DIGITS + 1, 64])
def test_a_token_of_another_length_is_refused(digits):
    short = KeyRing([Key(1, "sha256", b"secret")], 1)
    covered = b"".join(b"%s=%s\n" % (field.name.encode(), field.value) for field in message().fields)
    token = short.sign(covered)[: 2 + digits]
    frame = b">>>\n%sauth=%s\n<<<\n" % (covered, token)
    with pytest.raises(WireError):
        codec().decode(frame)


def test_a_full_status_signed_in_brief_is_refused():
    status = Message((string("t", "status"), string("src", "lb1")))
    frame = codec().encode(status, TEXT)
    at = frame.index(b"auth=1 ") + len(b"auth=1 ")
    assert codec().decode(frame).text("t") == "status"
    with pytest.raises(AuthenticationError):
        codec().decode(frame[: at + TOKEN_DIGITS] + frame[at + 64 :])


def test_a_datagram_has_its_whole_signature():
    frame = codec().encode(message(), NETSTRING)
    covered, _, signature = frame.rpartition(b"66:")
    with pytest.raises(AuthenticationError):
        codec().decode(covered + b"%d:%s," % (2 + TOKEN_DIGITS, signature[: 2 + TOKEN_DIGITS]))


def test_the_digest_is_of_names_and_values_in_their_order():
    assert digest(REPORT) == digest(tuple(Field(*field) for field in REPORT))
    others = (REPORT[::-1], REPORT[:1], (string("um_v", "2"), REPORT[1]), (string("um_w", "1"), REPORT[1]))
    assert len({digest(report) for report in (REPORT, *others)}) == 5
