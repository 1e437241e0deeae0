"""Single values of ldirectord.cf, read strictly: each reader returns the value or raises BadValueError."""

from __future__ import annotations

import re
import shlex
from typing import Callable

from ultramonkey_heartbeat.config.problems import nearest, shown
from ultramonkey_heartbeat.config.values import BadValueError, choice, integer, read_path

from .model import Kind
from .pattern import check_pattern
from .services import PORTS, SCHEDULER_FLAGS, SCHEDULERS

# A day; longer ones are typing mistakes.
SECONDS_MAX = 86_400
_NUMBER = re.compile(r"[0-9]{1,6}\Z")
_CHECK_N = re.compile(r"(?:check)?([0-9]{1,4})\Z")
_KINDS = ("connect", "negotiate", "ping", "off", "on", "external", "external-perl")
_WHEN = ("all", "none", "starting", "running", "stopping", "reloading")
_QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")

read_count = integer(1, 10_000)
read_protocol = choice("tcp", "udp", "fwm")


def read_seconds_ms(text: str) -> int:
    """Whole seconds from 1, in milliseconds."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= SECONDS_MAX:
        raise BadValueError(
            text,
            f"{shown(text)} is not a number of seconds",
            f"write whole seconds from 1 to {SECONDS_MAX}, without a unit",
        )
    return int(text) * 1000


def read_yes_no(text: str) -> bool:
    """`yes` or `no`."""
    if text.lower() not in ("yes", "no"):
        raise BadValueError(text, f"{shown(text)} is neither yes nor no", "write yes or no")
    return text.lower() == "yes"


def read_text(text: str) -> str:
    """Anything that is not empty."""
    if not text:
        raise BadValueError(text, "the value is empty", "write a value, or leave the line out")
    return text


def read_timeouts(text: str) -> str:
    """Three numbers of seconds: how long IPVS remembers idle connections; 0 leaves one as it is."""
    words = text.replace(",", " ").split()
    good = all(_NUMBER.match(word) and int(word) <= SECONDS_MAX for word in words)
    if len(words) != len(("tcp", "tcpfin", "udp")) or not good:
        remedy = (
            f"write three numbers of seconds up to {SECONDS_MAX}, as in 900 120 300; 0 leaves one as it is"
        )
        raise BadValueError(text, f"{shown(text)} is not TCP, TCPFIN and UDP", remedy)
    return " ".join(str(int(word)) for word in words)


def read_logfile(text: str) -> str:
    """An absolute path, or a syslog facility."""
    return read_path(text) if "/" in text else _facility(text)


_facility = choice(
    *("auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp"),
    *(f"local{number}" for number in range(8)),
)


def read_kind(text: str) -> tuple[Kind, int]:
    """The kind of check, and for the combined one how many connects come before a negotiation."""
    combined = _CHECK_N.match(text)
    if combined:
        return Kind.COMBINED, int(combined[1])
    word = choice(*_KINDS)(text) if text.isascii() else text
    return Kind("external" if word == "external-perl" else word), 0


def is_perl(text: str) -> bool:
    """Whether the external command is a program in Perl that need not be executable."""
    return text.lower() == "external-perl"


def read_service(text: str) -> str:
    """The name of a service that can be negotiated with."""
    if text not in PORTS:
        guess = nearest(text, PORTS)
        remedy = f"did you mean {guess}? " if guess else ""
        raise BadValueError(
            text,
            f"{shown(text)} is not a service that can be checked",
            f"{remedy}write one of {', '.join(PORTS)}, or checktype=external with checkcommand",
        )
    return text


def read_scheduler(text: str) -> str:
    """A scheduler of the kernel."""
    return choice(*SCHEDULERS)(text)


def read_flags(text: str) -> tuple[str, ...]:
    """Flags of a scheduler, with commas between them."""
    return tuple(choice(*SCHEDULER_FLAGS)(word) for word in text.split(","))


def read_netmask(text: str) -> str:
    """A dotted quad whose ones are on the left, or a prefix length of IPv6."""
    if text.isascii() and text.isdigit():
        return str(integer(1, 128)(text))
    bits = "".join(f"{int(part):08b}" for part in text.split(".")) if _QUAD.match(text) else ""
    if len(bits) != 32 or "01" in bits or "1" not in bits:  # noqa: PLR2004 - of IPv4
        raise BadValueError(
            text, f"{shown(text)} is not a netmask", "write 255.255.255.255 or, for IPv6, 1 to 128"
        )
    return text


def read_command(text: str) -> tuple[str, ...]:
    """A program by its absolute path, and arguments that come before the four of the check."""
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        words = ()
    if not words:
        raise BadValueError(text, f"{shown(text)} is not a command", "write the path of a program")
    read_path(words[0])
    return words


def read_request(text: str) -> str:
    """What the server is asked for."""
    return read_text(text)


def read_receive(text: str) -> str:
    """A regular expression that the answer must contain."""
    return check_pattern(read_text(text))


def read_when(text: str) -> tuple[str, ...]:
    """The states of the daemon in which mail is sent."""
    words = tuple(choice(*_WHEN)(word.strip()) for word in text.split(","))
    if "none" in words and len(words) > 1:
        raise BadValueError(text, "none stands beside other states", "write none alone")
    return words


def read_method(text: str) -> str:
    """GET or HEAD."""
    return choice("get", "head")(text).upper()


Reader = Callable[[str], object]
