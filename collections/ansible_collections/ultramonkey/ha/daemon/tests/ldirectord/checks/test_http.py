# ruff: noqa: E501 - a case of a table is a line
"""Web pages: framing, redirections, names, proxies."""

from __future__ import annotations

import asyncio
import contextlib

import peers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_ldirectord.checks.checker import Checker
from ultramonkey_ldirectord.checks.http_message import BODY_MAX, HttpError, ResponseReader


def perform(peer, service="http", **values):
    async def go():
        async with peers.serve(peer) as port:
            return await Checker().perform(peers.probe(service, port, **values)), port

    return asyncio.run(go())


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_page_is_whole_however_it_is_framed(framing):
    outcome, _ = perform(peers.http(framing=framing), receive="^hello world$")
    assert outcome.ok, outcome.reason


def test_the_request_names_host_and_page():
    peer = peers.http()
    perform(peer, request="index.html", virtualhost="www.example.com")
    assert peer.asked[0].startswith("GET /index.html HTTP/1.1\r\nHost: www.example.com\r\n")
    peer = peers.http()
    perform(peer)
    assert peer.asked[0].startswith("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")


def test_head_has_no_body_to_wait_for():
    assert perform(peers.http(), http_method="HEAD")[0].ok


def test_a_proxy_is_asked_for_the_whole_address():
    peer = peers.http()
    perform(peer, "http_proxy", request="/http://www.example.com/x")
    assert peer.asked[0].startswith("GET http://www.example.com/x HTTP/1.1\r\nHost: www.example.com\r\n")


def test_a_redirection_is_followed_on_the_same_server_when_it_names_the_same_host():
    moved = (b"302 Found", b"", b"Location: http://www.example.com:%d/there?a=b\r\n")

    async def go():
        pages = []
        peer = peers.http(pages=pages)
        async with peers.serve(peer) as port:
            pages.append((b"/", (moved[0], moved[1], moved[2] % port)))
            outcome = await Checker().perform(peers.probe("http", port, virtualhost="www.example.com"))
            return outcome, [head.split(" ")[1] for head in peer.asked]

    outcome, asked = asyncio.run(go())
    assert (outcome.ok, asked) == (True, ["/", "/there?a=b"])


def test_redirections_can_be_refused_and_never_go_round_for_ever():
    peer = peers.http(b"301 Moved", b"", b"Location: /again\r\n")
    assert perform(peer)[0].reason == "more than 7 redirections"
    assert perform(peer, redirects=False)[0].reason == "status 301"


def test_a_redirection_to_what_cannot_be_asked_is_a_failure():
    peer = peers.http(b"301 Moved", b"", b"Location: ftp://example.com/x\r\n")
    assert perform(peer)[0].reason == "sent to 'ftp://example.com/x', which cannot be asked"


def test_a_request_may_be_a_whole_address():
    async def go():
        peer = peers.http()
        async with peers.serve(peer) as port:
            request = f"http://127.0.0.1:{port}/x"
            outcome = await Checker().perform(peers.probe("http", 1, request=request))
            return outcome, peer.asked

    outcome, asked = asyncio.run(go())
    assert outcome.ok, outcome.reason
    assert asked[0].startswith("GET /x ")


def test_a_page_that_never_ends_is_looked_at_so_far():
    async def forever(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhere it is ")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    assert perform(forever, receive="here it is")[0].ok
    assert "does not contain" in perform(forever, receive="nowhere")[0].reason


def feed(data, method="GET", step=None):
    reader = ResponseReader(method)
    for start in range(0, len(data), step or len(data) or 1):
        response = reader.feed(data[start : start + (step or len(data))])
        if response is not None:
            return response
    return reader.end()


@pytest.mark.parametrize("step", [None, 1, 2, 7])
def test_it_makes_no_difference_how_the_bytes_arrive(step):
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x\r\ndefg\r\n0\r\n\r\n"
    response = feed(data, step=step)
    assert (response.status, response.fields["a"], response.body) == (200, "b", b"abcdefg")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "closed the connection"),
        (b"HTT", "closed in the middle of the answer"),
        (b"SSH-2.0-x\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 999 x\r\n\r\n", "the answer is not HTTP/1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "the length of the answer is not a number"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the answer has a malformed chunk"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "closed in the middle of the answer",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000, "the header is longer than 65536 bytes"),
    ],
)
def test_what_is_no_response_is_named(data, reason):
    with pytest.raises(HttpError, match=f"^{reason}$"):
        feed(data)


def test_a_length_beyond_all_reason_is_not_waited_for():
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * BODY_MAX
    assert len(feed(data).body) == BODY_MAX


@given(st.binary(max_size=300), st.integers(1, 50))
def test_garbage_gives_a_response_or_a_reason(data, step):
    for beginning in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with contextlib.suppress(HttpError):
            feed(beginning + data, step=step)
