# ruff: noqa: E501 - a case of a table is a line
"""Every service that is negotiated with by TCP, against servers that are right and wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import peers
import pytest
from ultramonkey_ldirectord.checks.checker import Checker
from ultramonkey_ldirectord.checks.dns_message import A

LOGIN = {"login": "joe", "password": "secret"}
# Name -> a server that is right, and what makes the check succeed with it.
RIGHT = {
    "http": (peers.http(), {"receive": "w.rld"}),
    "http_proxy": (peers.http(), {"request": "http://www.example.com/x"}),
    "smtp": (peers.SMTP, {}),
    "submission": (peers.OLD_SMTP, {}),
    "pop": (peers.POP, LOGIN),
    "imap": (peers.IMAP, LOGIN),
    "nntp": (peers.NNTP, {}),
    "ftp": (peers.ftp(), {**LOGIN, "request": "/x", "receive": "^welcome"}),
    "ldap": (peers.ldap(b"dc=example"), {"request": "dc=example", "receive": "example"}),
    "simpletcp": (peers.echo, {"request": "/one\\ntwo", "receive": "^tw"}),
    "dns": (peers.dns((A, b"\x0a\0\0\1")), {"request": "www.example.com", "receive": r"10\.0\.0\.1"}),
    "sip": (peers.sip(), {}),
}
# Name -> a server that is not as it should be, what is asked, and what is said of it.
WRONG = {
    "http": [
        (peers.http(), {"receive": "moon"}, "the page does not contain 'moon': 'hello world'"),
        (peers.http(b"500 Oh"), {}, "status 500"),
        (peers.http(b"404 No"), {}, "status 404"),
        (peers.http(b"200 OK", b"x", framing="close", extra=b"Content-Length: 9\r\n"), {}, "closed in the middle of the answer"),
        (peers.http(b"2xx OK"), {}, "the answer is not HTTP/1"),
    ],
    "smtp": [
        (peers.lines(b"554 go away\r\n"), {}, "greeting: '554 go away'"),
        (peers.lines(b"220 a\r\n", (b"", b"502 what\r\n")), {}, "HELO: '502 what'"),
    ],
    "pop": [
        (peers.POP, {"login": "joe", "password": "wrong"}, "PASS: '-ERR no'"),
        (peers.lines(b"-ERR busy\r\n"), {}, "greeting: '-ERR busy'"),
    ],
    "imap": [
        (peers.IMAP, {"login": "joe", "password": "wrong"}, "LOGIN: 'a1 NO bad'"),
        (peers.lines(b"* BYE full\r\n"), {}, "greeting: '* BYE full'"),
    ],
    "nntp": [(peers.lines(b"400 no\r\n"), {}, "greeting: '400 no'")],
    "ftp": [
        (peers.ftp(), {"login": "joe", "password": "wrong"}, "PASS: '530 no'"),
        (peers.ftp(), {**LOGIN, "request": "/x", "receive": "moon"}, "the file does not contain 'moon': 'welcome, all'"),
    ],
    "ldap": [
        (peers.ldap(), {"request": "dc=x"}, "no entry found"),
        (peers.ldap(b"a", b"b"), {"request": "dc=x"}, "more than one entry found"),
        (peers.ldap(b"dc=y"), {"request": "dc=x", "receive": "x"}, "the name of the entry does not contain 'x': 'dc=y'"),
        (peers.ldap(code=49), LOGIN, "bind: error 49 why"),
    ],
    "simpletcp": [(peers.echo, {"request": "one", "receive": "three"}, "the answer does not contain 'three': 'you said:\\none'")],
    "dns": [
        (peers.dns((A, b"\x0a\0\0\1")), {"request": "a.b", "receive": "10.9"}, "the answer does not contain '10.9': '10.0.0.1'"),
        (peers.dns(code=3), {"request": "a.b"}, "no such name"),
        (peers.dns(), {"request": "a.b"}, "the answer has no record"),
    ],
    "sip": [(peers.sip(b"503 Busy"), {}, "answered 'SIP/2.0 503 Busy'")],
}  # fmt: skip


def perform(service, peer, **values):
    async def go():
        checker = Checker()
        async with peers.serve(peer) as port:
            return await checker.perform(peers.probe(service, port, **values))

    return asyncio.run(go())


@pytest.mark.parametrize("service", RIGHT)
def test_a_server_that_is_right_is_up(service):
    peer, values = RIGHT[service]
    outcome = perform(service, peer, **values)
    assert outcome.ok, outcome.reason


@pytest.mark.parametrize("service", RIGHT)
def test_a_server_that_is_slow_and_in_time_is_up(service):
    peer, values = RIGHT[service]
    outcome = perform(service, peers.trickling(peer, 0), **values)
    assert outcome.ok, outcome.reason


@pytest.mark.parametrize(
    ("service", "case"), [(service, case) for service, cases in WRONG.items() for case in range(len(cases))]
)
def test_a_server_that_is_wrong_is_down_and_the_reason_says_so(service, case):
    peer, values, reason = WRONG[service][case]
    outcome = perform(service, peer, **values)
    assert (outcome.ok, outcome.reason) == (False, reason)


def all_at_once(peer, *, deadline_ms=peers.PATIENT_MS, connection=None):
    """Ask this server as every service at once; the reasons of failure, None for success."""

    async def go():
        checker = Checker()
        async with peers.serve(connection or peer) as port:
            probes = {
                name: replace(peers.probe(name, port, **values), deadline_ms=deadline_ms)
                for name, (_, values) in RIGHT.items()
            }
            outcomes = await asyncio.gather(*map(checker.perform, probes.values()))
            return {name: None if o.ok else o.reason for name, o in zip(probes, outcomes)}

    return asyncio.run(go())


def test_a_server_that_accepts_and_stays_silent_is_down_when_its_time_is_up():
    reasons = all_at_once(peers.silent, deadline_ms=peers.SILENT_MS)
    assert reasons == dict.fromkeys(RIGHT, "no answer within 0.15 s")


def test_a_server_that_answers_too_slowly_is_down_when_its_time_is_up():
    async def go():
        checker, reasons = Checker(), {}
        for name, (peer, values) in RIGHT.items():
            async with peers.serve(peers.trickling(peer, 0.2)) as port:
                probe = replace(peers.probe(name, port, **values), deadline_ms=peers.SILENT_MS)
                reasons[name] = (await checker.perform(probe)).reason
        return reasons

    assert asyncio.run(go()) == dict.fromkeys(RIGHT, "no answer within 0.15 s")


def test_a_server_that_closes_is_down():
    for name, reason in all_at_once(peers.closing).items():
        # A server may close so early that the kernel still had something to send.
        assert reason in ("closed the connection", "connection reset by peer", "broken pipe"), name


@pytest.mark.parametrize(
    "peer", [peers.endless, peers.endless_lines, peers.garbage, peers.cut], ids=lambda p: p.__name__
)
def test_a_server_that_talks_nonsense_is_down_long_before_its_time_is_up(peer):
    for name, reason in all_at_once(peer).items():
        assert reason, name
        assert "no answer within" not in reason, name
        assert "the check broke" not in reason, name


def test_a_port_where_nobody_listens_is_refused():
    async def go():
        async with peers.serve(peers.closing) as port:
            pass
        return await Checker().perform(peers.probe("http", port))

    assert asyncio.run(go()).reason == "connection refused"
