"""`receive`: a regular expression in Perl's language, searched for by Python's.

Most patterns mean the same in both. Those that do not are refused by name rather than guessed.
"""

from __future__ import annotations

import re

from ultramonkey_heartbeat.config.values import BadValueError

# What Perl's language has and Python's has not, or has with another meaning.
_PERL_ONLY: tuple[tuple[str, str, str], ...] = (
    (r"\\[zZ]", "\\z or \\Z", "$"),
    (r"\\[hH]", "\\h", "[ \\t]"),
    (r"\\[RXNCGK]", "\\R, \\X, \\N, \\C, \\G or \\K", "a pattern without it"),
    (r"\\[QE]", "\\Q...\\E", "a backslash before each special character"),
    (r"\\[lLuUF]", "a change of case", "the letters themselves"),
    (r"\\[pP]", "a Unicode property", "a class such as [A-Za-z]"),
    (r"\\[xoN]\{", "a character by its number in braces", "\\xHH"),
    (r"\\[gk][{<'\d-]", "a reference to a group by \\g or \\k", "\\1"),
    (r"\[\[?\^?:\w+:\]", "a class by name", "a class such as [A-Za-z0-9]"),
    (r"\(\?<\w", "a named group", "a group without a name"),
    (r"\(\?'", "a named group", "a group without a name"),
    (r"\(\?\??\{", "embedded code", "a pattern without it"),
    (r"\(\?[R+&|>\d]", "recursion, a branch reset or an atomic group", "a pattern without it"),
    (r"\(\?-\d", "recursion", "a pattern without it"),
    (r"\(\*[A-Z]", "a verb", "a pattern without it"),
    (r"(?<!\\)[*+?}]\+", "a possessive quantifier", "a pattern without the second +"),
)
_FOREIGN = tuple(
    (re.compile(rf"(?<!\\)(?:\\\\)*{expression}"), name, instead) for expression, name, instead in _PERL_ONLY
)


def check_pattern(pattern: str) -> str:
    """The pattern, if it can be searched for. Raises BadValueError."""
    for expression, name, instead in _FOREIGN:
        if expression.search(pattern):
            raise BadValueError(pattern, f"receive has {name}, which only Perl knows", f"write {instead}")
    try:
        compiled(pattern)
    except (re.error, OverflowError) as error:
        raise BadValueError(
            pattern, f"receive is not a regular expression: {error}", "put \\ before characters meant as such"
        ) from None
    return pattern


def compiled(pattern: str) -> re.Pattern[bytes]:
    """The pattern as it is searched for, in bytes, as answers have no encoding. The module caches it."""
    return re.compile(pattern.encode("utf-8", "surrogateescape"))
