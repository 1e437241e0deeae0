"""http, https and http_proxy: a page must come with a 2xx status, and contain what is wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from ..config.model import host_text
from ..core.probe import Probe
from . import http_message
from .outcome import CheckFailedError
from .stream import Stream, must_match

_READ_BYTES = 64 * 1024
_REDIRECTS_MAX = 7
_REDIRECTING = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class _Question:
    """Whom to connect to, and what to ask there."""

    tls: bool
    address: str
    port: int
    host: str
    target: str

    @property
    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.host}:{self.port}{self.target}"


async def check_http(probe: Probe) -> str:
    """Ask for the page, following redirections if that is wanted. Raises CheckFailedError, OSError."""
    question = _first(probe)
    for _ in range(_REDIRECTS_MAX + 1):
        response = await _ask(probe, question)
        location = response.fields.get("location", "")
        if response.status not in _REDIRECTING or not location or not probe.redirects:
            break
        question = _redirected(probe, question, location)
    else:
        raise CheckFailedError(f"more than {_REDIRECTS_MAX} redirections")
    if not 200 <= response.status <= 299:  # noqa: PLR2004 - success
        raise CheckFailedError(f"status {response.status}")
    must_match(probe.receive, response.body, "the page")
    return f"status {response.status}"


def _first(probe: Probe) -> _Question:
    tls = probe.service == "https"
    if probe.service == "http_proxy":
        # The request is a whole URL, which the server is asked to fetch.
        url = probe.request.lstrip("/")
        return _Question(
            tls=False, address=probe.address, port=probe.port, host=urlsplit(url).netloc, target=url
        )
    if probe.request.startswith(("http://", "https://")):
        return _of_url(probe, probe.request)
    host = probe.virtualhost or host_text(probe.address)
    return _Question(tls, probe.address, probe.port, host, "/" + probe.request.removeprefix("/"))


def _of_url(probe: Probe, url: str) -> _Question:
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if not port or not parts.hostname:
        raise CheckFailedError(f"sent to {url!r}, which cannot be asked")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # A name without a path of its own to it: the server that is checked has it.
    ours = parts.hostname in (probe.virtualhost.partition(":")[0], probe.address)
    address = probe.address if ours else parts.hostname
    return _Question(parts.scheme == "https", address, port, parts.hostname, target)


def _redirected(probe: Probe, question: _Question, location: str) -> _Question:
    if location.startswith("/") and not location.startswith("//"):
        return replace(question, target=location)
    return _of_url(probe, urljoin(question.url, location))


async def _ask(probe: Probe, question: _Question) -> http_message.Response:
    reader = http_message.ResponseReader(probe.http_method)
    named = replace(probe, virtualhost=question.host.strip("[]").partition(":")[0]) if question.tls else probe
    if question.tls and ":" in question.host:
        named = replace(probe, virtualhost="")
    try:
        async with Stream(named, tls=question.tls, address=question.address, port=question.port) as stream:
            stream.send(http_message.request(probe.http_method, question.target, question.host))
            while data := await stream.some(_READ_BYTES):
                response = reader.feed(data)
                if response is not None:
                    return response
            return reader.end()
    except http_message.HttpError as error:
        raise CheckFailedError(str(error)) from None
