"""Every way of being wrong has its own error, and says what and where."""

from __future__ import annotations

import re

import pytest
from ultramonkey_heartbeat.wire import netstring, text
from ultramonkey_heartbeat.wire.errors import MalformedError, TooLargeError, WireError
from ultramonkey_heartbeat.wire.limits import FIELDS_MAX, MESSAGE_BYTES_MAX

NETSTRING_CASES = {
    # Marks
    "nothing": (b"", "does not begin with"),
    "another start mark": (b"##!\n5:(0)t=,%%%\n", "does not begin with"),
    "only the start mark": (b"###\n", "at byte 4: the data end where"),
    "no end mark": (b"###\n5:(0)t=,", "at byte 12: the data end where"),
    "half an end mark": (b"###\n5:(0)t=,%%", "is not a length and a colon"),
    "no fields": (b"###\n%%%\n", "without fields"),
    # Lengths
    "no length": (b"###\n:(0)t=,%%%\n", "is not a length and a colon"),
    "a negative length": (b"###\n-5:(0)t=,%%%\n", "is not a length and a colon"),
    "a signed length": (b"###\n+5:(0)t=,%%%\n", "is not a length and a colon"),
    "a length with a leading zero": (b"###\n05:(0)t=,%%%\n", "is not a length and a colon"),
    "a length of zero": (b"###\n0:,%%%\n", "is not a length and a colon"),
    "a length with a blank": (b"###\n5 :(0)t=,%%%\n", "is not a length and a colon"),
    "a length with an underscore": (b"###\n1_1:(0)t=status,%%%\n", "is not a length and a colon"),
    "a hexadecimal length": (b"###\nb:(0)t=status,%%%\n", "is not a length and a colon"),
    "a length in Arabic-Indic digits": (
        b"###\n" + "\u0665".encode() + b":(0)t=,%%%\n",
        "is not a length and a colon",
    ),
    "a length in fullwidth digits": (b"###\n" + "\uff15".encode() + b":(0)t=,%%%\n", "is not a length and"),
    "a length of eight digits": (b"###\n10000000:(0)t=,%%%\n", "is not a length and a colon"),
    "a length beyond the data": (b"###\n99:(0)t=,%%%\n", "item of 99 bytes is cut off"),
    "a length up to the end": (b"###\n10:(0)t=,%%%\n", "item of 10 bytes is cut off"),
    "a length one too small": (b"###\n4:(0)t=,%%%\n", "no comma after 4 bytes"),
    "a length one too large": (b"###\n6:(0)t=,%%%\n", "no comma after 6 bytes"),
    "a length inside the name, at a comma": (b"###\n4:(0)a,b=,%%%\n", "is not (TYPE)NAME=VALUE"),
    # Type and name
    "no type": (b"###\n2:t=,%%%\n", "is not (TYPE)NAME=VALUE"),
    "a type that does not exist": (b"###\n5:(6)t=,%%%\n", "is not (TYPE)NAME=VALUE"),
    "a type of two digits": (b"###\n6:(00)t=,%%%\n", "is not (TYPE)NAME=VALUE"),
    "a type that is a letter": (b"###\n5:(x)t=,%%%\n", "is not (TYPE)NAME=VALUE"),
    "no name": (b"###\n5:(0)=t,%%%\n", "is not (TYPE)NAME=VALUE"),
    "no equals sign": (b"###\n4:(0)t,%%%\n", "is not (TYPE)NAME=VALUE"),
    "a blank in a name": (b"###\n7:(0)a b=,%%%\n", "is not (TYPE)NAME=VALUE"),
    "a name that is not ASCII": (b"###\n6:(0)\xc3\xa9=,%%%\n", "is not (TYPE)NAME=VALUE"),
    "a name that is too long": (b"###\n69:(0)" + b"n" * 65 + b"=,%%%\n", "is not (TYPE)NAME=VALUE"),
    # Values
    "a NUL in a string": (b"###\n7:(0)t=a\0,%%%\n", "string field t has a NUL byte"),
    # What follows
    "a byte after the end mark": (b"###\n5:(0)t=,%%%\n\0", "is not a length and a colon"),
    "a signature without length": (b"###\n5:(0)t=,%%%\n1 ab,", "is not a length and a colon"),
    "a signature without comma": (b"###\n5:(0)t=,%%%\n4:1 ab", "item of 4 bytes is cut off"),
    "a signature of another length": (b"###\n5:(0)t=,%%%\n3:1 ab,", "no comma after 3 bytes"),
    "a byte after the signature": (b"###\n5:(0)t=,%%%\n4:1 ab,\n", "1 bytes follow the signature"),
    "a second message after the first": (
        b"###\n5:(0)t=,%%%\n4:1 ab,###\n5:(0)t=,%%%\n4:1 ab,",
        "23 bytes follow the signature",
    ),
}

TEXT_CASES = {
    # Marks
    "nothing": (b"", "does not begin with"),
    "another start mark": (b">>\nt=\n<<<\n", "does not begin with"),
    "only the start mark": (b">>>\n", "does not end with"),
    "no end mark": (b">>>\nt=\n", "does not end with"),
    "an end mark without newline": (b">>>\nt=\n<<<", "does not end with"),
    "an end mark within a line": (b">>>\nt=<<<\n", "does not end with"),
    "a byte after the end mark": (b">>>\nt=\n<<<\n\0", "does not end with"),
    "no fields": (b">>>\n<<<\n", "without fields"),
    # Lines
    "a blank line": (b">>>\n\nt=\n<<<\n", "is not NAME=VALUE"),
    "no equals sign": (b">>>\nt\n<<<\n", "is not NAME=VALUE"),
    "no name": (b">>>\n=t\n<<<\n", "is not NAME=VALUE"),
    "a blank in a name": (b">>>\na b=\n<<<\n", "is not NAME=VALUE"),
    "a name that is not ASCII": (b">>>\n\xc3\xa9=\n<<<\n", "is not NAME=VALUE"),
    "a name that is too long": (b">>>\n" + b"n" * 65 + b"=\n<<<\n", "is not NAME=VALUE"),
    "a second message after the first": (b">>>\nt=\n<<<\n>>>\nt=\n<<<\n", "is not NAME=VALUE"),
    "a carriage return": (b">>>\nt=a\r\n<<<\n", r"a byte b'\\r'"),
    "a NUL in a string": (b">>>\nt=\0\n<<<\n", r"a byte b'\\x00'"),
    # Types
    "a string with its type": (b">>>\n(0)t=a\n<<<\n", "a type that the text form does not carry"),
    "a struct": (b">>>\n(2)t=a\n<<<\n", "a type that the text form does not carry"),
    "a type that does not exist": (b">>>\n(9)t=a\n<<<\n", "a type that the text form does not carry"),
    "a type that is a letter": (b">>>\n(x)t=a\n<<<\n", "is not NAME=VALUE"),
    # Base64
    "base64 without padding": (b">>>\n(1)a=eA\n<<<\n", "is not base64"),
    "base64 with too much padding": (b">>>\n(1)a=eA===\n<<<\n", "is not base64"),
    "base64 that goes on after its padding": (b">>>\n(1)a=eA==eA==\n<<<\n", "is not base64"),
    "base64 with a blank": (b">>>\n(1)a=eA ==\n<<<\n", "is not base64"),
    "base64 with bits that nobody encodes": (b">>>\n(1)a=eB==\n<<<\n", "is not base64"),
    "base64 of the other alphabet": (b">>>\n(1)a=_-8=\n<<<\n", "is not base64"),
    "base64 that is not ASCII": (b">>>\n(1)a=e\xc3\xa9==\n<<<\n", "is not base64"),
    # Signature
    "two signatures": (b">>>\nt=\nauth=1 ab\nauth=1 ab\n<<<\n", "auth occurs twice"),
    "a signature that is binary": (b">>>\nt=\n(1)auth=MSBhYg==\n<<<\n", "or is not a string"),
    "an empty signature": (b">>>\nt=\nauth=\n<<<\n", "is not a signature"),
}

SIGNATURES = {
    "empty but for a blank": b" ",
    "no index": b" abc",
    "no token": b"1 ",
    "no blank": b"1abc",
    "two blanks": b"1  abc",
    "a blank before": b" 1 abc",
    "a blank after": b"1 abc ",
    "a newline after": b"1 abc\n",
    "a leading zero": b"01 abc",
    "a sign": b"-1 abc",
    "three digits": b"100 abc",
    "upper case": b"1 ABC",
    "not hex": b"1 xyz",
    "other digits": "\u0661 abc".encode(),
    "a token that is too long": b"1 " + b"a" * 65,
}


@pytest.mark.parametrize(("data", "what"), NETSTRING_CASES.values(), ids=NETSTRING_CASES.keys())
def test_the_netstring_form_refuses(data, what):
    with pytest.raises(MalformedError, match=re.escape(what)):
        netstring.decode(data)


@pytest.mark.parametrize(("data", "what"), TEXT_CASES.values(), ids=TEXT_CASES.keys())
def test_the_text_form_refuses(data, what):
    with pytest.raises(MalformedError, match=what):
        text.decode(data)


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_both_forms_refuse_as_signature(signature):
    with pytest.raises(MalformedError, match="is not a signature"):
        netstring.decode(netstring.append_signature(b"###\n5:(0)t=,%%%\n", signature))
    with pytest.raises(MalformedError):
        text.decode(b">>>\nt=\nauth=" + signature + b"\n<<<\n")


def test_too_many_fields_are_refused():
    with pytest.raises(TooLargeError, match=f"more than {FIELDS_MAX} fields"):
        netstring.decode(b"###\n" + b"5:(0)a=," * (FIELDS_MAX + 1) + b"%%%\n")
    with pytest.raises(TooLargeError, match=f"more than {FIELDS_MAX} fields"):
        text.decode(b">>>\n" + b"a=\n" * (FIELDS_MAX + 1) + b"<<<\n")


@pytest.mark.parametrize("decode", [netstring.decode, text.decode])
def test_too_many_bytes_are_refused_unread(decode):
    with pytest.raises(TooLargeError, match=f"{MESSAGE_BYTES_MAX + 1} bytes, the limit is"):
        decode(b"#" * (MESSAGE_BYTES_MAX + 1))


def test_a_frame_that_is_cut_anywhere_is_refused():
    whole = b"###\n8:(1)u=\0,\n,11:(0)t=status,%%%\n6:1 abcd,"
    assert netstring.decode(whole).signature == (1, b"abcd")
    unsigned = len(b"###\n8:(1)u=\0,\n,11:(0)t=status,%%%\n")
    for length in range(len(whole)):
        if length == unsigned:
            assert netstring.decode(whole[:length]).signature is None
            continue
        with pytest.raises(WireError):
            netstring.decode(whole[:length])
    whole = b">>>\n(1)u=AA==\nt=status\nauth=1 abcd\n<<<\n"
    assert text.decode(whole).signature == (1, b"abcd")
    for length in range(len(whole)):
        with pytest.raises(WireError):
            text.decode(whole[:length])
