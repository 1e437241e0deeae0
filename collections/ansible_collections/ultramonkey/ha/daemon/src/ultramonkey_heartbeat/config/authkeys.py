"""authkeys: text in, the key ring and every problem out.

No secret ever reaches a problem. Since a missing blank or a missing index puts a secret where another word
belongs, only words that are known not to be secrets are repeated: `auth`, an index, the name of a method.
"""

from __future__ import annotations

import re

from .lines import COMMENT, numbered_lines, words_of
from .model import AuthKey, AuthKeys
from .problems import Problem, Severity, has_errors
from .values import BadValueError, integer

# crc is a checksum, which anybody can compute; the others are HMACs with the key.
UNKEYED_METHOD = "crc"
METHODS = (UNKEYED_METHOD, "md5", "sha1", "sha256")
INDEX_MAX = 15
# Shorter keys can be found by trying, from one recorded packet.
SECRET_LENGTH_MIN = 16

_READABLE_BY_OTHERS = 0o044
_WRITABLE_BY_OTHERS = 0o022
_FORM = "write INDEX METHOD KEY, as in: 1 sha256 and a key"
_LONG_KEY = "write a key of 32 random characters"
_KEYED = "write sha256, or sha1 while heartbeat 3.0.6 is in the cluster, and a key of 32 random characters"

_QUOTES = "\"'"

_read_index = integer(0, INDEX_MAX)


def parse_authkeys(
    text: str, mode: int | None, file: str = "authkeys"
) -> tuple[AuthKeys | None, list[Problem]]:
    """The key ring, or None if the text has an error; and every problem, in the order of lines.

    `mode` are the file's permission bits, or None when they do not matter.
    """
    reader = _Reader(file)
    reader.check_mode(mode)
    for number, line in numbered_lines(text):
        words = words_of(line)
        if not words or words[0].startswith(COMMENT):
            continue
        if words[0].startswith("a"):
            reader.read_auth(number, words)
        else:
            reader.read_key(number, words)
    current = reader.current_key()
    problems = sorted(reader.problems, key=lambda problem: problem.line)
    if current is None or has_errors(problems):
        return None, problems
    return AuthKeys(current=current, keys=tuple(reader.keys.values())), problems


class _Reader:
    """What has been read so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.keys: dict[int, AuthKey] = {}
        self.current: int | None = None
        self.current_line = 0
        self.broken = False

    def error(self, line: int, word: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, word, message, remedy))

    def warn(self, line: int, word: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, word, message, remedy, Severity.WARNING))

    def check_mode(self, mode: int | None) -> None:
        if mode is None:
            return
        shown_mode = f"{mode & 0o777:03o}"
        if mode & _READABLE_BY_OTHERS:
            self.error(
                0,
                shown_mode,
                f"the mode {shown_mode} lets others read the keys",
                f"run chmod 600 on {self.file}",
            )
        elif mode & _WRITABLE_BY_OTHERS:
            self.warn(
                0,
                shown_mode,
                f"the mode {shown_mode} lets others change the keys",
                f"run chmod 600 on {self.file}",
            )

    def read_auth(self, line: int, words: tuple[str, ...]) -> None:
        index = words[1] if len(words) > 1 else ""
        glued = re.fullmatch(r"auth([0-9]{1,2})", words[0])
        if glued:
            # As 3.0.6 reads it.
            index = glued[1]
            self.warn(
                line,
                "auth",
                f"a blank is missing between auth and {index}",
                f"write auth {index}, with a blank",
            )
        elif words[0] != "auth":
            self.broken = True
            remedy = "write auth and the index of a key"
            self.error(line, "auth", "the line begins like an auth line and is none", remedy)
            return
        try:
            number = _read_index(index)
        except BadValueError:
            self.broken = True
            self.error(
                line,
                "auth",
                f"auth is not followed by the index of a key, which is 0 to {INDEX_MAX}",
                "write auth 1",
            )
            return
        if self.current is not None:
            self.warn(
                line,
                "auth",
                f"auth is given again (first at {self.file}:{self.current_line}); the last one counts",
                "remove one of the lines",
            )
        self.current, self.current_line = number, line

    def read_key(self, line: int, words: tuple[str, ...]) -> None:
        try:
            index = _read_index(words[0])
        except BadValueError:
            self.broken = True
            self.error(
                line, "", f"the line does not begin with auth or an index from 0 to {INDEX_MAX}", _FORM
            )
            return
        method = words[1] if len(words) > 1 else ""
        glued = _glued_method(words)
        if glued:
            method = glued
            words = (words[0], method, words[1][len(method) :])
            self.warn(
                line,
                str(index),
                f"key {index}: a blank is missing after {method}; heartbeat 3.0.6 refuses the line",
                f"write {index} {method} and the key",
            )
        if method not in METHODS:
            self.broken = True
            self.error(line, str(index), *_unknown_method(index, method))
            return
        secret = self._secret(line, index, method, words[2:])
        if secret is None:
            self.broken = True
            return
        if index in self.keys:
            self.warn(
                line,
                str(index),
                f"key {index} is given again; the last one counts",
                "remove one of the lines",
            )
        self.keys[index] = AuthKey(index, method, secret)

    def current_key(self) -> int | None:
        """The index that `auth` names, if there is such a key."""
        if self.broken:
            return self.current
        if self.current is None:
            example = next(iter(self.keys), 1)
            self.error(
                0,
                "auth",
                "no auth line says which key is used for sending",
                f"write auth {example} as first line",
            )
        elif self.current not in self.keys:
            self.error(
                self.current_line,
                str(self.current),
                f"auth names key {self.current}, and there is no such key",
                f"write a line such as: {self.current} sha256 and a key",
            )
        return self.current

    def _secret(self, line: int, index: int, method: str, words: tuple[str, ...]) -> bytes | None:
        if method == UNKEYED_METHOD:
            if words and not words[0].startswith(COMMENT):
                self.error(line, str(index), f"key {index}: crc takes no key", _KEYED)
                return None
            self.warn(
                line,
                str(index),
                f"key {index}: crc protects from accidents only, not from forgery",
                _KEYED,
            )
            return b""
        if not words:
            self.error(
                line, str(index), f"key {index}: {method} needs a key", f"write {index} {method} and a key"
            )
            return None
        if not words[0].isprintable():
            self.error(
                line,
                str(index),
                f"key {index} contains a character that cannot be seen",
                "type the line again",
            )
            return None
        if len(words) > 1 and not words[1].startswith(COMMENT):
            self.warn(
                line,
                str(index),
                f"key {index} ends at the first blank; the rest of the line is not used",
                "write the key without blanks",
            )
        if len(words[0]) > 1 and words[0][0] == words[0][-1] and words[0][0] in _QUOTES:
            self.warn(
                line,
                str(index),
                f"key {index} is in quotes, which are part of the key",
                "leave them out on all nodes, or let them be on all nodes",
            )
        if len(words[0]) < SECRET_LENGTH_MIN:
            self.warn(
                line,
                str(index),
                f"key {index} is shorter than {SECRET_LENGTH_MIN} characters and can be found by trying",
                _LONG_KEY,
            )
        return words[0].encode("utf-8", "surrogateescape")


def _glued_method(words: tuple[str, ...]) -> str:
    """The method that the key follows without a blank, if that is all that is wrong with the line."""
    if len(words) != 2 or words[1] in METHODS:  # noqa: PLR2004 - an index, and the two that have become one
        return ""
    # No method begins with another one, so there is one way to read it.
    return next((name for name in METHODS if name != UNKEYED_METHOD and words[1].startswith(name)), "")


def _unknown_method(index: int, method: str) -> tuple[str, str]:
    known = ", ".join(METHODS)
    if not method:
        return f"key {index} has no method", f"write {index} METHOD KEY, where METHOD is one of {known}"
    # The word is not repeated: it may be a secret, or a method and a secret without a blank between.
    if method.lower() in METHODS:
        return (
            f"key {index}: methods are written in lower case",
            f"write {index} {method.lower()} and the key",
        )
    glued = next((name for name in reversed(METHODS) if method.startswith(name)), "")
    if glued:
        return f"key {index}: a blank is missing after {glued}", f"write {index} {glued} and the key"
    return f"key {index} has an unknown method", f"write one of {known}"
