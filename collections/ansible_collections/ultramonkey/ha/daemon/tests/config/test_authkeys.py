# ruff: noqa: E501 - whole messages are compared, each on a line of its own
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.authkeys import parse_authkeys
from ultramonkey_heartbeat.config.model import AuthKey, AuthKeys

SAMPLES = Path(__file__).parent / "samples"
SECRET = "s3cr3t-0123456789abcdef"


def marks(problems):
    return [f"{problem.line} {problem.severity.value} {problem.word}" for problem in problems]


def test_the_sample_file_loads_completely():
    authkeys, problems = parse_authkeys((SAMPLES / "authkeys").read_text(encoding="utf-8"), 0o600)
    assert marks(problems) == ["4 warning 1"]
    assert authkeys == AuthKeys(
        current=2,
        keys=(
            AuthKey(2, "sha256", b"4f1c9d8e7b6a59483726150f0e1d2c3b"),
            AuthKey(1, "sha1", b'"quotes#and$dollars-belong-to-it"'),
        ),
    )


@pytest.mark.parametrize(
    ("text", "current", "keys"),
    [
        (f"auth 1\n1 sha1 {SECRET}\n", 1, [(1, "sha1")]),
        (f"1 md5 {SECRET}\nauth 1", 1, [(1, "md5")]),
        (f" auth\t0 \r\n  0 sha256 {SECRET}\r\n", 0, [(0, "sha256")]),
        (f"# c\n\nauth 15\n#1 crc\n15 md5 {SECRET} # a comment\n", 15, [(15, "md5")]),
    ],
)
def test_a_sound_file_loads_without_a_word(text, current, keys):
    authkeys, problems = parse_authkeys(text, 0o600)
    assert problems == []
    assert authkeys.current == current
    assert [(key.index, key.method) for key in authkeys.keys] == keys
    assert authkeys.keys[0].secret == SECRET.encode()


@pytest.mark.parametrize(
    ("text", "method", "problems"),
    [
        ("auth 1\n1 crc", "crc", ["2 warning 1"]),
        ("auth 1\n1 crc # no key", "crc", ["2 warning 1"]),
        ("auth 1\n1 sha1 short", "sha1", ["2 warning 1"]),
        (f"auth1\n1 sha1 {SECRET}", "sha1", ["1 warning auth"]),
        (f"auth 1\n1 sha1{SECRET}", "sha1", ["2 warning 1"]),
        (f"auth 1\n1 sha1 '{SECRET}'", "sha1", ["2 warning 1"]),
        (f"auth 1\n1 sha1 {SECRET} more", "sha1", ["2 warning 1"]),
        (f"auth 2\nauth 1\n1 sha1 {SECRET}", "sha1", ["2 warning auth"]),
        (f"auth 1\n1 md5 {SECRET}\n1 sha1 {SECRET}", "sha1", ["3 warning 1"]),
    ],
)
def test_a_weak_or_doubtful_file_loads_with_a_warning(text, method, problems):
    authkeys, found = parse_authkeys(text, 0o600)
    assert marks(found) == problems
    assert authkeys.current == 1
    assert [(key.index, key.method) for key in authkeys.keys] == [(1, method)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ": no auth line says which key is used for sending: write auth 1 as first line"),
        (f"3 sha1 {SECRET}", ": no auth line says which key is used for sending: write auth 3 as first line"),
        (
            "auth 1",
            ":1: auth names key 1, and there is no such key: write a line such as: 1 sha256 and a key",
        ),
        (
            f"auth 1\n2 sha1 {SECRET}",
            ":1: auth names key 1, and there is no such key: write a line such as: 1 sha256 and a key",
        ),
        (
            f"auth: 1\n1 sha1 {SECRET}",
            ":1: the line begins like an auth line and is none: write auth and the index of a key",
        ),
        (
            f"auth\n1 sha1 {SECRET}",
            ":1: auth is not followed by the index of a key, which is 0 to 15: write auth 1",
        ),
        (
            f"auth 16\n16 sha1 {SECRET}",
            ":1: auth is not followed by the index of a key, which is 0 to 15: write auth 1",
        ),
        (f"auth 1\n1 sha1{SECRET} x", ":2: key 1: a blank is missing after sha1: write 1 sha1 and the key"),
        (
            f"auth 1\n1 SHA1 {SECRET}",
            ":2: key 1: methods are written in lower case: write 1 sha1 and the key",
        ),
        (f"auth 1\n1 {SECRET}", ":2: key 1 has an unknown method: write one of crc, md5, sha1, sha256"),
        (
            "auth 1\n1",
            ":2: key 1 has no method: write 1 METHOD KEY, where METHOD is one of crc, md5, sha1, sha256",
        ),
        ("auth 1\n1 sha1", ":2: key 1: sha1 needs a key: write 1 sha1 and a key"),
        (
            f"auth 1\n1 sha1 {SECRET}\u00a0",
            ":2: key 1 contains a character that cannot be seen: type the line again",
        ),
        (
            f"auth 1\n{SECRET}",
            (
                ":2: the line does not begin with auth or an index from 0 to 15: write INDEX METHOD KEY, as in: 1 sha256 "
                "and a key"
            ),
        ),
    ],
)
def test_a_wrong_file_is_refused_with_what_would_be_right(text, problem):
    authkeys, found = parse_authkeys(text, 0o600)
    assert authkeys is None
    errors = [str(error) for error in found if error.severity.value == "error"]
    assert problem in {error[len("authkeys") :] for error in errors}
    if not text.startswith("auth 16"):
        assert len(errors) == 1


def test_crc_takes_no_key():
    authkeys, found = parse_authkeys(f"auth 1\n1 crc {SECRET}", 0o600)
    assert authkeys is None
    assert found[0].message == "key 1: crc takes no key"


@pytest.mark.parametrize(
    ("mode", "problems"),
    [
        (None, []),
        (0o600, []),
        (0o100600, []),
        (0o400, []),
        (0o700, []),
        (0o640, ["0 error 640"]),
        (0o604, ["0 error 604"]),
        (0o644, ["0 error 644"]),
        (0o620, ["0 warning 620"]),
        (0o602, ["0 warning 602"]),
    ],
)
def test_a_file_that_others_can_read_is_refused(mode, problems):
    authkeys, found = parse_authkeys(f"auth 1\n1 sha1 {SECRET}", mode)
    assert marks(found) == problems
    assert (authkeys is None) == any("error" in mark for mark in problems)
    assert all("chmod 600" in problem.remedy for problem in found)


LINES = [
    "auth 1",
    "auth {s}",
    "auth{s}",
    "a{s}",
    "{s}",
    "1 {s}",
    "1 sha1{s}",
    "1 sha1 {s}",
    "1 sha1 {s} {s}",
    "1 crc {s}",
    "99 sha1 {s}",
    "sha1 {s}",
    "1  SHA1{s}",
    "2 md5 \x01{s}",
]


@given(st.lists(st.sampled_from(LINES), max_size=6))
def test_no_secret_reaches_a_problem_or_a_repr(lines):
    secret = "Xyzzy-plugh"
    authkeys, problems = parse_authkeys("\n".join(lines).replace("{s}", secret), 0o644)
    said = (
        repr(authkeys)
        + "".join(map(repr, problems))
        + "".join(str(problem.as_data()) for problem in problems)
    )
    assert secret not in said
    assert secret not in repr(parse_authkeys("\n".join(lines).replace("{s}", secret), 0o600))


@given(st.one_of(st.text(), st.text(alphabet="auth 0123456789\nshacrmd5#\r\t")))
def test_no_text_makes_the_parser_raise(text):
    authkeys, problems = parse_authkeys(text, None)
    assert (authkeys is None) == any(problem.severity.value == "error" for problem in problems)
    assert all(str(problem).isprintable() for problem in problems)
