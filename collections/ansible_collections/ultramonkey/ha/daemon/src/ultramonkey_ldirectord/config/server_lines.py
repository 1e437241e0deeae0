"""The lines that name servers: `virtual`, `real` and `fallback`.

Host and service names are looked up by whoever reads the file: the names' meaning comes in as a `Resolver`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Protocol

from ultramonkey_heartbeat.config.problems import nearest, shown
from ultramonkey_heartbeat.config.values import BadValueError

from .model import Fallback, Forward, Real, host_text
from .pattern import check_pattern

IPV4, IPV6 = 4, 6
PORT_MAX = 65_535
MARK_MAX = 2**32 - 1
WEIGHT_MAX = 65_535
# More servers than this in one range are a typing mistake.
RANGE_MAX = 1_024

_HOST_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^\s:\[\]]+)(?::(?P<port>[0-9A-Za-z_-]+))?\Z")
_REQUEST_RECEIVE = re.compile(r'"([^"]*)"(?:\s*,\s*|\s+)"(.*)"(?=\s|$)')
_THRESHOLD = re.compile(r"([lu]):([0-9]{1,9})\Z")


class Resolver(Protocol):
    """Looks names up. Both give None for an unknown name."""

    def address(self, name: str, version: int) -> str | None:
        """The first address of a host, of this IP version."""

    def port(self, name: str, protocol: str) -> int | None:
        """The port of a service in the services database."""


@dataclass(frozen=True)
class Place:
    """Address and port (0: none given) of one line, and the port as it is written."""

    address: str
    port: int
    written_port: str = ""


def read_virtual(text: str, version: int, resolver: Resolver) -> Place | int:
    """Where a virtual service is: a place, or a firewall mark."""
    keyword = "virtual" if version == IPV4 else "virtual6"
    if text.isascii() and text.isdigit():
        if not 1 <= int(text[:12]) <= MARK_MAX:
            raise BadValueError(text, f"{shown(text)} is not a firewall mark", f"write 1 to {MARK_MAX}")
        return int(text)
    _refuse_other_version(text, keyword, version)
    place = read_place(text, version, resolver)
    if not place.port:
        example = "192.0.2.1:80" if version == IPV4 else "[2001:db8::1]:80"
        raise BadValueError(
            text, f"{shown(text)} has no port", f"write {keyword}={example}, or a firewall mark"
        )
    return place


def read_place(text: str, version: int, resolver: Resolver, protocol: str = "tcp") -> Place:
    """`HOST`, `HOST:PORT`, `[IPV6]:PORT`; port 0 when there is none. Raises BadValueError."""
    match = _HOST_PORT.match(text)
    if match is None:
        example = "192.0.2.1:80" if version == IPV4 else "[2001:db8::1]:80"
        raise BadValueError(text, f"{shown(text)} is not an address and port", f"write it as {example}")
    written = match["port"] or ""
    return Place(
        _address(match["host"], version, resolver),
        _port(written, resolver, protocol) if written else 0,
        written,
    )


def _address(host: str, version: int, resolver: Resolver) -> str:
    bare = host[1:-1] if host.startswith("[") else host
    try:
        address = ipaddress.ip_address("" if "%" in bare else bare)
    except ValueError:
        address = None
    if address is not None and address.version == version and host.startswith("[") == (version == IPV6):
        return str(address)
    if (
        address is None
        and re.fullmatch(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)", host)
        and not _looks_like_ipv4(host)
    ):
        found = resolver.address(host, version)
        if found is None:
            raise BadValueError(
                host,
                f"the host {shown(host)} has no IPv{version} address",
                "write an address, or mend its name",
            )
        return found
    example = "192.0.2.1" if version == IPV4 else "[2001:db8::1]"
    raise BadValueError(host, f"{shown(host)} is not an IPv{version} address", f"write one such as {example}")


def _looks_like_ipv4(host: str) -> bool:
    return re.fullmatch(r"[0-9.]+", host) is not None


def _port(text: str, resolver: Resolver, protocol: str) -> int:
    if text.isascii() and text.isdigit():
        port: int | None = int(text[:6])
    else:
        port = resolver.port(text, protocol)
    if port is None or not 1 <= port <= PORT_MAX:
        raise BadValueError(
            text, f"{shown(text)} is not a port", "write 1 to 65535, or a name of /etc/services"
        )
    return port


def _refuse_other_version(text: str, keyword: str, version: int) -> None:
    if version == IPV4 and text.startswith("["):
        raise BadValueError(text, f"{keyword} has an IPv6 address", f"write {keyword}6={text}")


def read_fallback(text: str, version: int, resolver: Resolver) -> Fallback:
    """`HOST[:PORT] [gate|masq|ipip]`. Raises BadValueError."""
    words = text.split()
    if not words:
        raise BadValueError(text, "no server is named", "write fallback=127.0.0.1:80 gate")
    place = read_place(words[0], version, resolver)
    if len(words) > 2:  # noqa: PLR2004 - server and method
        raise BadValueError(
            words[2], f"{shown(words[2])} is too much", "a fallback is a server and a method; its weight is 1"
        )
    return Fallback(place.address, place.port, _forward(words[1]) if len(words) > 1 else Forward.GATE)


@dataclass(frozen=True)
class RealWords:
    """A `real` line taken apart, each word as it is written; None or 0 for what is not given."""

    server: str
    forward: str
    weight: int | None = None
    request: str | None = None
    receive: str | None = None
    lower: int = 0
    upper: int = 0


def split_real(text: str) -> RealWords:
    """`HOST[->HOST][:PORT] METHOD [WEIGHT] ["REQUEST" "RECEIVE"] [l:N] [u:N]`. Raises BadValueError."""
    text, request, receive = _request_receive(text)
    # Blanks around the arrow are harmless.
    words = re.sub(r"\s*->\s*", "->", text).split()
    if len(words) < 2:  # noqa: PLR2004 - server and method
        raise BadValueError(
            text, "the forwarding method is missing", "write gate, masq or ipip after the server"
        )
    rest = words[2:]
    weight = None
    if rest and re.fullmatch(r"[0-9]{1,9}", rest[0]):
        weight = int(rest.pop(0))
        if weight > WEIGHT_MAX:
            raise BadValueError(words[2], f"weight {weight} is too large", f"write 0 to {WEIGHT_MAX}")
    limits = _thresholds(rest)
    return RealWords(words[0], words[1], weight, request, receive, limits["l"], limits["u"])


def read_real(text: str, version: int, resolver: Resolver, line: int) -> list[Real]:
    """The servers of a `real` line: one, or a range. Raises BadValueError."""
    words = split_real(text)
    places = _places(words.server, version, resolver)
    forward = _forward(words.forward)
    weight = 1 if words.weight is None else words.weight
    return [
        Real(
            place.address,
            place.port,
            forward,
            weight,
            words.request,
            words.receive,
            words.lower,
            words.upper,
            line,
        )
        for place in places
    ]


def _request_receive(text: str) -> tuple[str, str | None, str | None]:
    if '"' not in text:
        return text, None, None
    match = _REQUEST_RECEIVE.search(text)
    if match is None:
        raise BadValueError(text, "there is one text in quotes", 'write two, "request" "receive", or none')
    if not match[1] or not match[2]:
        raise BadValueError(text, "request or receive is empty", "write both, or none of them")
    return text[: match.start()] + text[match.end() :], match[1], check_pattern(match[2])


def _thresholds(words: list[str]) -> dict[str, int]:
    limits = {"l": 0, "u": 0}
    for word in words:
        match = _THRESHOLD.match(word)
        if match is None:
            raise BadValueError(word, f"{shown(word)} is too much in this line", _remedy(word))
        limits[match[1]] = int(match[2])
    if limits["l"] > limits["u"]:
        raise BadValueError(
            f"l:{limits['l']}", "the lower threshold is above the upper one", "write l:N u:M with N at most M"
        )
    return limits


def _remedy(word: str) -> str:
    if word.startswith("-"):
        return "the weight stands alone after the method: gate 1"
    return 'after the method come a weight, "request" "receive", l:N and u:N'


def _forward(word: str) -> Forward:
    try:
        return Forward(word)
    except ValueError:
        guess = nearest(word, [method.value for method in Forward])
        remedy = f"did you mean {guess}?" if guess else "write gate, masq or ipip"
        raise BadValueError(word, f"{shown(word)} is not a forwarding method", remedy) from None


def _places(text: str, version: int, resolver: Resolver) -> list[Place]:
    first, arrow, last = text.partition("->")
    if not arrow:
        return [read_place(text, version, resolver)]
    if version == IPV6:
        raise BadValueError(text, "a range of IPv6 addresses", "write a line for each server")
    end = read_place(last, version, resolver)
    start = read_place(first, version, resolver)
    if start.port:
        raise BadValueError(first, "the first address of a range has a port", f"write it once, after {last}")
    low, high = (int(ipaddress.IPv4Address(place.address)) for place in (start, end))
    if not 0 <= high - low < RANGE_MAX:
        raise BadValueError(
            text,
            f"{shown(text)} is not a range from a lower to a higher address",
            f"write the lower one first, and at most {RANGE_MAX} servers",
        )
    return [
        Place(str(ipaddress.IPv4Address(number)), end.port, end.written_port)
        for number in range(low, high + 1)
    ]


def place_text(address: str, port: int) -> str:
    """Address and port as the file has them."""
    return f"{host_text(address)}:{port}" if port else address
