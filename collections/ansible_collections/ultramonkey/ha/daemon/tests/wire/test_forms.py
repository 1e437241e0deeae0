"""One table of messages and their bytes drives the encoders and the decoders of both forms."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.wire import netstring, text
from ultramonkey_heartbeat.wire.errors import UnencodableError
from ultramonkey_heartbeat.wire.limits import FIELD_NAME_BYTES_MAX, FIELDS_MAX, MESSAGE_BYTES_MAX
from ultramonkey_heartbeat.wire.message import Field, FieldType, Message, binary, decimal, hexadecimal, string

# name: fields, netstring form without signature, text form
CASES = {
    "one field": (
        [string("t", "status")],
        b"###\n11:(0)t=status,%%%\n",
        b">>>\nt=status\n<<<\n",
    ),
    "an empty value": (
        [string("t", "")],
        b"###\n5:(0)t=,%%%\n",
        b">>>\nt=\n<<<\n",
    ),
    "order is kept": (
        [string("dest", "b"), string("t", "repnodes"), string("delnodelist", " ")],
        b"###\n9:(0)dest=b,13:(0)t=repnodes,16:(0)delnodelist= ,%%%\n",
        b">>>\ndest=b\nt=repnodes\ndelnodelist= \n<<<\n",
    ),
    "numbers": (
        [hexadecimal("dt", 7000), decimal("ttl", 3)],
        b"###\n10:(0)dt=1b58,8:(0)ttl=3,%%%\n",
        b">>>\ndt=1b58\nttl=3\n<<<\n",
    ),
    "a binary value may hold anything": (
        [binary("srcuuid", b"\0\xff,%%%\n\r\n<<<\n>=(1)")],
        b"###\n29:(1)srcuuid=\0\xff,%%%\n\r\n<<<\n>=(1),%%%\n",
        b">>>\n(1)srcuuid=AP8sJSUlCg0KPDw8Cj49KDEp\n<<<\n",
    ),
    "an empty binary value": (
        [binary("a", b"")],
        b"###\n5:(1)a=,%%%\n",
        b">>>\n(1)a=\n<<<\n",
    ),
    "base64 padding": (
        [binary("a", b"x"), binary("b", b"xy")],
        b"###\n6:(1)a=x,7:(1)b=xy,%%%\n",
        b">>>\n(1)a=eA==\n(1)b=eHk=\n<<<\n",
    ),
    "a newline in a string": (
        [string("info", "two\nlines\n")],
        b"###\n18:(0)info=two\nlines\n,%%%\n",
        b">>>\ninfo=two\x13lines\x13\n<<<\n",
    ),
    "values that look like marks and syntax": (
        [string("info", ">>>"), string("st", "<<<"), string("x", "%%%"), string("y", "a=b,c:(1)d=e")],
        b"###\n11:(0)info=>>>,9:(0)st=<<<,8:(0)x=%%%,17:(0)y=a=b,c:(1)d=e,%%%\n",
        b">>>\ninfo=>>>\nst=<<<\nx=%%%\ny=a=b,c:(1)d=e\n<<<\n",
    ),
    "bytes that are not UTF-8": (
        [Field("info", b"\xff\xfe")],
        b"###\n10:(0)info=\xff\xfe,%%%\n",
        b">>>\ninfo=\xff\xfe\n<<<\n",
    ),
    "a name that occurs twice": (
        [string("t", "first"), string("t", "second")],
        b"###\n10:(0)t=first,11:(0)t=second,%%%\n",
        b">>>\nt=first\nt=second\n<<<\n",
    ),
    "the longest name": (
        [string("n" * FIELD_NAME_BYTES_MAX, "v")],
        b"###\n69:(0)" + b"n" * FIELD_NAME_BYTES_MAX + b"=v,%%%\n",
        b">>>\n" + b"n" * FIELD_NAME_BYTES_MAX + b"=v\n<<<\n",
    ),
    "names with the signs that clients use": (
        [string("_compression-algorithm.2:x", "v")],
        b"###\n31:(0)_compression-algorithm.2:x=v,%%%\n",
        b">>>\n_compression-algorithm.2:x=v\n<<<\n",
    ),
    "as many fields as there may be": (
        [string("a", "")] * FIELDS_MAX,
        b"###\n" + b"5:(0)a=," * FIELDS_MAX + b"%%%\n",
        b">>>\n" + b"a=\n" * FIELDS_MAX + b"<<<\n",
    ),
}

# Types that only the netstring form carries, unread.
NETSTRING_CASES = {
    "a struct": (
        [Field("s", b"###\n6:(0)a=b,%%%\n", FieldType.STRUCT)],
        b"###\n22:(2)s=###\n6:(0)a=b,%%%\n,%%%\n",
    ),
    "a list": ([Field("l", b"1:a,2:bc,", FieldType.LIST)], b"###\n14:(3)l=1:a,2:bc,,%%%\n"),
    "a compressed struct": ([Field("c", b"\0", FieldType.COMPRESSED)], b"###\n6:(4)c=\0,%%%\n"),
    "an uncompressed struct": ([Field("u", b"", FieldType.UNCOMPRESSED)], b"###\n5:(5)u=,%%%\n"),
    "what the text form cannot carry": ([Field("a", b"\x13\r")], b"###\n7:(0)a=\x13\r,%%%\n"),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    fields, netstring_bytes, text_bytes = request.param
    return Message(tuple(fields)), netstring_bytes, text_bytes


@pytest.fixture(params=NETSTRING_CASES.values(), ids=NETSTRING_CASES.keys())
def netstring_case(request):
    fields, netstring_bytes = request.param
    return Message(tuple(fields)), netstring_bytes


def test_the_netstring_form_of_a_message(case):
    message, netstring_bytes, _ = case
    assert netstring.encode(message) == netstring_bytes
    assert netstring.decode(netstring_bytes) == (message, netstring_bytes, None)


def test_the_netstring_form_carries_more_types(netstring_case):
    message, netstring_bytes = netstring_case
    assert netstring.encode(message) == netstring_bytes
    assert netstring.decode(netstring_bytes) == (message, netstring_bytes, None)


def test_the_text_form_of_a_message(case):
    message, _, text_bytes = case
    assert text.encode(message) == text_bytes
    assert text.decode(text_bytes) == (message, text.covered_bytes(message), None)


def test_the_inner_signature_covers_the_lines_between_the_marks(case):
    message, _, text_bytes = case
    assert text.covered_bytes(message) == text_bytes[len(">>>\n") : -len("<<<\n")]


def test_the_outer_signature_follows_the_end_mark_and_is_not_covered():
    data = netstring.append_signature(b"###\n5:(0)t=,%%%\n", b"15 0af9")
    assert data == b"###\n5:(0)t=,%%%\n7:15 0af9,"
    assert netstring.decode(data)[1:] == (b"###\n5:(0)t=,%%%\n", (15, b"0af9"))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_inner_signature_does_not_cover_itself_wherever_it_stands(place):
    fields = [string("a", "1"), binary("b", b"2")]
    fields.insert(place, string("auth", "1 abc"))
    message = Message(tuple(fields))
    assert text.covered_bytes(message) == b"a=1\n(1)b=Mg==\n"
    assert text.decode(text.encode(message)) == (message, b"a=1\n(1)b=Mg==\n", (1, b"abc"))


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (form, fields)
        for form in (netstring, text)
        for fields in (
            [],
            [string("a", "")] * (FIELDS_MAX + 1),
            [string("a", "x" * MESSAGE_BYTES_MAX)],
            [string("", "v")],
            [string("n" * (FIELD_NAME_BYTES_MAX + 1), "v")],
            [string("a=b", "v")],
            [string("(1)a", "v")],
            [string("a b", "v")],
            [string("a\n", "v")],
            [string("a\0", "v")],
            [string("<<<", "v")],
            [string("é", "v")],
            [string("\udcff", "v")],
            [string("a", "NUL\0")],
        )
    ]
    + [
        (text, [string("a", "carriage\rreturn")]),
        (text, [string("a", "byte \x13")]),
        (text, [string("auth", "1 ab"), string("auth", "1 ab")]),
        (text, [Field("a", b"1:a,", FieldType.LIST)]),
        (text, [Field("a", b"###\n%%%\n", FieldType.STRUCT)]),
    ],
)
def test_what_a_form_cannot_carry_is_not_encoded(form, fields):
    with pytest.raises(UnencodableError):
        form.encode(Message(tuple(fields)))


def test_the_largest_message_passes_and_one_byte_more_does_not():
    empty = Message((string("a", ""),))
    for form, overhead in ((netstring, len(netstring.encode(empty)) + 5), (text, len(text.encode(empty)))):
        room = MESSAGE_BYTES_MAX - overhead
        largest = Message((string("a", "x" * room),))
        encoded = form.encode(largest)
        assert len(encoded) == MESSAGE_BYTES_MAX
        assert form.decode(encoded).message == largest
        with pytest.raises(UnencodableError):
            form.encode(Message((string("a", "x" * (room + 1)),)))
