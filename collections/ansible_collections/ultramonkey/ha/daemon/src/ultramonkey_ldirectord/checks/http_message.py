"""HTTP/1.1 as far as asking one question needs it: a request as bytes, and a response as it arrives. Pure.

The reader is fed and says whether it has enough; so byte by byte or all at once are the same to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Beyond these a server is not believed to be one.
HEAD_MAX = 64 * 1024
# What is searched for `receive`; a page may be longer.
BODY_MAX = 1024 * 1024

_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9]{2})(?: |$)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHUNK_LINE_MAX = 4096
_NO_BODY = (204, 304)


class HttpError(ValueError):
    """Not a response. The text says why."""


@dataclass(frozen=True)
class Response:
    """A response: the status, the header fields in lower case, and as much of the body as is looked at."""

    status: int
    fields: dict[str, str]
    body: bytes


def request(method: str, target: str, host: str) -> bytes:
    """A request after which the connection ends."""
    lines = (
        f"{method} {target} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: ldirectord",
        "Accept: */*",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


class ResponseReader:
    """Takes bytes until a response is whole."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._data = bytearray()
        self._head: tuple[int, dict[str, str], int] | None = None

    def feed(self, data: bytes) -> Response | None:
        """More bytes; the response once it is whole. Raises HttpError."""
        self._data += data
        return self._response(ended=False)

    def end(self) -> Response:
        """The stream has ended. Raises HttpError when it should not have."""
        response = self._response(ended=True)
        if response is None:
            raise HttpError("closed in the middle of the answer" if self._data else "closed the connection")
        return response

    def _response(self, *, ended: bool) -> Response | None:
        if self._head is None:
            self._head = self._read_head()
        if self._head is None:
            return None
        status, fields, start = self._head
        if self._method == "HEAD" or status in _NO_BODY:
            return Response(status, fields, b"")
        body = self._body(fields, start, ended=ended)
        return None if body is None else Response(status, fields, body)

    def _read_head(self) -> tuple[int, dict[str, str], int] | None:
        """Status, fields and where the body begins; None while the head is not whole."""
        if self._data and not b"HTTP/".startswith(bytes(self._data[:5])):
            raise HttpError("the answer is not HTTP")
        # RFC 9112 2.2: a lone line feed may be taken for a line end.
        match = re.search(rb"\r?\n\r?\n", self._data)
        if match is None:
            if len(self._data) > HEAD_MAX:
                raise HttpError(f"the header is longer than {HEAD_MAX} bytes")
            return None
        lines = bytes(self._data[: match.start()]).split(b"\n")
        status = _STATUS.match(lines[0].rstrip(b"\r"))
        if status is None:
            raise HttpError("the answer is not HTTP/1")
        if status[1].startswith(b"1"):
            # 100 Continue and its like come before the answer.
            del self._data[: match.end()]
            return self._read_head()
        return int(status[1]), _fields(lines[1:]), match.end()

    def _body(self, fields: dict[str, str], start: int, *, ended: bool) -> bytes | None:
        if fields.get("transfer-encoding", "").lower().endswith("chunked"):
            return self._chunks(start)
        length = fields.get("content-length")
        body = bytes(self._data[start : start + BODY_MAX])
        if length is None:
            return body if ended or len(body) >= BODY_MAX else None
        if not (length.isascii() and length.isdigit()):
            raise HttpError("the length of the answer is not a number")
        wanted = min(int(length[:12]), BODY_MAX)
        return body[:wanted] if len(body) >= wanted else None

    def _chunks(self, start: int) -> bytes | None:
        body = bytearray()
        position = start
        while len(body) < BODY_MAX:
            size = _CHUNK.match(self._data, position)
            if size is None:
                if len(self._data) - position > _CHUNK_LINE_MAX or b"\n" in self._data[position:]:
                    raise HttpError("the answer has a malformed chunk")
                return None
            length = int(size[1], 16)
            if length == 0:
                break
            if len(self._data) < min(size.end() + length, start + 2 * BODY_MAX):
                return None
            body += self._data[size.end() : size.end() + length]
            position = size.end() + length
            position += 2 if self._data[position : position + 1] == b"\r" else 1
        return bytes(body[:BODY_MAX])


def _fields(lines: list[bytes]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields
