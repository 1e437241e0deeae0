"""Values are read as text and numbers strictly: the first field of a name, and no more than the format."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.wire.errors import MalformedFieldError
from ultramonkey_heartbeat.wire.message import Field, Message, binary, decimal, hexadecimal, string


def one(value: bytes) -> Message:
    return Message((Field("n", value),))


@pytest.mark.parametrize(
    ("value", "number"), [(b"0", 0), (b"1b58", 7000), (b"1B58", 7000), (b"00a", 10), (b"f" * 16, 2**64 - 1)]
)
def test_hexadecimal_numbers(value, number):
    assert one(value).hexadecimal("n") == number


@pytest.mark.parametrize(("value", "number"), [(b"0", 0), (b"-1", -1), (b"007", 7), (b"9" * 18, 10**18 - 1)])
def test_decimal_numbers(value, number):
    assert one(value).decimal("n") == number


NO_NUMBERS = [
    b"", b" 1", b"1 ", b"1\n", b"+1", b"0x1", b"1_0", b"1.0", b"--1", b"-",
    b"1\0", "\u0661".encode(), "\uff11".encode(), b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_int_would_accept_or_refuse_in_its_own_way_is_refused(value):
    with pytest.raises(MalformedFieldError, match="field n has the value"):
        one(value).hexadecimal("n")
    with pytest.raises(MalformedFieldError, match="field n has the value"):
        one(value).decimal("n")


def test_numbers_are_bounded():
    with pytest.raises(MalformedFieldError):
        one(b"f" * 17).hexadecimal("n")
    with pytest.raises(MalformedFieldError):
        one(b"-1").hexadecimal("n")
    with pytest.raises(MalformedFieldError):
        one(b"9" * 19).decimal("n")


def test_an_absent_field_is_none_and_of_two_the_first_counts():
    message = Message((string("t", "first"), string("t", "second"), binary("u", b"\0")))
    assert message.text("t") == "first"
    assert message.binary("u") == b"\0"
    for read in (message.text, message.binary, message.hexadecimal, message.decimal, message.find):
        assert read("absent") is None


def test_text_that_is_not_utf8_survives():
    assert string("n", one(b"\xff\xc3\xa9").text("n")) == Field("n", b"\xff\xc3\xa9")


def test_numbers_are_written_as_they_are_read():
    assert hexadecimal("n", 7000).value == b"1b58"
    assert decimal("n", -7).value == b"-7"
