"""Single words of the configuration files, read strictly.

Each reader takes a word and returns its value, or raises `BadValueError`, which says what is wrong with the
word and what would be right. The parsers add file and line. `int()` and `float()` are never asked what a
number is: they accept underscores, blanks and digits of other scripts.
"""

from __future__ import annotations

import ipaddress
import re
from fractions import Fraction
from typing import Callable, Union

from .problems import nearest, shown

# No timer of a cluster is longer than a day; a larger number is a typing mistake or a wrong unit.
TIME_MAX_MS = 24 * 60 * 60 * 1000
# The kernel's IFNAMSIZ less its final zero byte.
INTERFACE_LENGTH_MAX = 15
# Longest host name the kernel knows (uname's nodename).
NODE_LENGTH_MAX = 64

# As resolvers take it.
HOST_LENGTH_MAX = 253

IpAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_TIME = re.compile(r"([0-9]{0,12})(?:\.([0-9]{0,12}))?([a-z]*)\Z")
_UNITS_IN_MS = {
    "": Fraction(1000),
    "s": Fraction(1000),
    "sec": Fraction(1000),
    "ms": Fraction(1),
    "msec": Fraction(1),
    "us": Fraction(1, 1000),
    "usec": Fraction(1, 1000),
}
_NUMBER = re.compile(r"[0-9]{1,12}\Z")
_NODE = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\Z")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\Z")
_LOOKS_NUMERIC = re.compile(r"[0-9.]+\Z|.*:")
# Printable ASCII without the slash (forbidden by the kernel) and the colon (it begins an alias label).
_INTERFACE = re.compile(r"[!-.0-9;-~]+\Z")

_BOOLEANS = {
    **dict.fromkeys(("true", "on", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "off", "no", "n", "0"), False),
}


class BadValueError(ValueError):
    """A word that is not what its place asks for."""

    def __init__(self, word: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.word = word
        self.message = message
        self.remedy = remedy


_UNIT_NAMES = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "usec", "usecs", "microsecond", "microseconds"), "us"),
}


def unit_of(word: str) -> str | None:
    """The unit of time that a word names by itself, in its short form."""
    return _UNIT_NAMES.get(word.lower())


def read_time_ms(word: str) -> int:
    """A duration above zero, rounded to whole milliseconds: `2`, `0.5`, `1s`, `500ms`, `2000us`, `1sec`."""
    example = "write seconds (2 or 0.5) or milliseconds (500ms)"
    if word in _UNITS_IN_MS:
        raise BadValueError(
            word, f"{word} is a unit without a number", "write the unit without a blank, as in 500ms"
        )
    match = _TIME.match(word)
    if match is None or not (match[1] or match[2]):
        raise BadValueError(word, f"{shown(word)} is not a time", example)
    if match[3] not in _UNITS_IN_MS:
        raise BadValueError(word, f"{shown(word)} has the unknown unit {shown(match[3])}", example)
    fraction = match[2] or ""
    amount = Fraction(int((match[1] or "0") + fraction), 10 ** len(fraction)) * _UNITS_IN_MS[match[3]]
    # To the nearest, as 3.0.6 does.
    milliseconds = int(amount + Fraction(1, 2))
    if not 0 < milliseconds <= TIME_MAX_MS:
        raise BadValueError(
            word,
            f"{shown(word)} is out of range",
            "a time is at least half a millisecond and at most one day",
        )
    return milliseconds


def human_time(milliseconds: int) -> str:
    """A duration for people: `2s`, `1.5s`, `500ms`."""
    seconds = f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{milliseconds}ms" if seconds.startswith("0") else f"{seconds}s"


def written_time(milliseconds: int) -> str:
    """A duration for a file, in the form that heartbeat 3.0.6 reads as well (it does not know `2s`)."""
    return f"{milliseconds}ms" if milliseconds % 1000 else str(milliseconds // 1000)


def read_boolean(word: str) -> bool:
    """True, on, yes, y, 1 or false, off, no, n, 0, in any case."""
    try:
        return _BOOLEANS[word.lower()]
    except KeyError:
        raise BadValueError(word, f"{shown(word)} is neither on nor off", "write on or off") from None


def written_boolean(value: bool) -> str:  # noqa: FBT001 - the value is all there is
    """The value as the renderer writes it."""
    return "on" if value else "off"


def integer(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole decimal numbers from `low` to `high`."""

    def read(word: str) -> int:
        if not _NUMBER.match(word) or not low <= int(word) <= high:
            raise BadValueError(
                word, f"{shown(word)} is not a number from {low} to {high}", f"write {low} to {high}"
            )
        return int(word)

    return read


read_port = integer(1, 65535)


def choice(*words: str) -> Callable[[str], str]:
    """A reader of one of a few words, in any case; gives the word in lower case."""

    def read(word: str) -> str:
        if word.lower() not in words:
            guess = nearest(word, words)
            remedy = f"did you mean {guess}?" if guess else f"write one of {', '.join(words)}"
            raise BadValueError(word, f"{shown(word)} is not one of {', '.join(words)}", remedy)
        return word.lower()

    return read


def read_node(word: str) -> str:
    """A node name, in lower case, because names compare without regard to case."""
    if not _NODE.match(word) or len(word) > NODE_LENGTH_MAX:
        raise BadValueError(
            word,
            f"{shown(word)} is not a node name",
            f"at most {NODE_LENGTH_MAX} letters, digits and . _ -, as `uname -n` prints it",
        )
    return word.lower()


def read_interface(word: str) -> str:
    """The name of a network interface. Whether it exists is not asked here: it may appear later."""
    if ":" in word:
        base = word.partition(":")[0]
        raise BadValueError(
            word, f"{shown(word)} is an alias, not an interface", f"write the interface, {shown(base)}"
        )
    if _is_ip(word):
        raise BadValueError(
            word,
            f"{shown(word)} is an address, not an interface",
            "write the name of the interface, as `ip link` prints it",
        )
    if not _INTERFACE.match(word) or word in (".", "..") or len(word) > INTERFACE_LENGTH_MAX:
        raise BadValueError(
            word,
            f"{shown(word)} is not an interface name",
            f"a name as `ip link` prints it, at most {INTERFACE_LENGTH_MAX} characters",
        )
    return word


def _is_ip(word: str) -> bool:
    try:
        ipaddress.ip_address(word.partition("/")[0])
    except ValueError:
        return False
    return True


def read_ip(word: str) -> IpAddress:
    """An IPv4 or IPv6 address without prefix length and without zone (`%eth0`)."""
    try:
        # A zone is no part of the address; an invalid word stands in for it.
        return ipaddress.ip_address("" if "%" in word else word)
    except ValueError:
        raise BadValueError(
            word, f"{shown(word)} is not an IP address", "write an address such as 192.0.2.1 or 2001:db8::1"
        ) from None


def read_peer(word: str) -> str:
    """The address of one machine: not a group, not the unspecified address."""
    address = read_ip(word)
    if address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255":
        raise BadValueError(
            word, f"{shown(word)} is not the address of one machine", "write the peer's own address"
        )
    return str(address)


def looks_like_address(word: str) -> bool:
    """The word is meant as an address, right or wrong, and not as the name of a host."""
    return _LOOKS_NUMERIC.match(word) is not None


def is_host_name(word: str) -> bool:
    """A name as resolvers take it."""
    return _HOST.match(word) is not None and len(word) <= HOST_LENGTH_MAX


def read_host(word: str) -> str:
    """One machine, by its address or its name. Whether the name is known is not asked here."""
    if looks_like_address(word):
        return read_peer(word)
    if not is_host_name(word):
        raise BadValueError(
            word, f"{shown(word)} is neither an address nor a host name", "write an address, as in 192.0.2.1"
        )
    return word


def read_path(word: str) -> str:
    """An absolute path. Whether it exists is not asked here."""
    if not word.startswith("/"):
        raise BadValueError(word, f"{shown(word)} is not an absolute path", "begin the path with /")
    return word
