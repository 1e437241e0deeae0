"""dns, sip and radius by UDP."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib

import peers
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_ldirectord.checks import radius
from ultramonkey_ldirectord.checks.checker import Checker
from ultramonkey_ldirectord.checks.dns_message import AAAA, CNAME, PTR, A, DnsError, answer, question

SECRET = b"shared"


def perform(service, reply, **values):
    async def go():
        async with peers.serve_datagrams(reply) as port:
            return await Checker().perform(peers.probe(service, port, protocol="udp", **values))

    outcome = asyncio.run(go())
    return outcome.ok, outcome.reason


def silent(_data):
    return []


def garbage(_data):
    return [b"", b"\xff" * 5, bytes(range(200))]


def test_a_name_server_answers_with_the_record():
    reply = lambda data: [b"\0\0late", peers.dns_answer(data, (CNAME, b"\1a\0"), (A, b"\x0a\0\0\1"))]  # noqa: E731
    assert perform("dns", reply, request="www.example.com", receive="^10.0.0.1$|10.0.0.1") == (
        True,
        "answered a",
    )


def test_addresses_are_looked_up_backwards_and_ipv6_is_asked_for_when_expected():
    assert question("/192.0.2.1", "") == ("1.2.0.192.in-addr.arpa", PTR)
    assert question("www.example.com", "2001:db8::1") == ("www.example.com", AAAA)
    assert question("www.example.com.", "") == ("www.example.com", A)


def test_a_lost_datagram_is_asked_for_again():
    seen = []

    def reply(data):
        seen.append(data)
        return [] if len(seen) == 1 else [peers.dns_answer(data, (A, b"\x0a\0\0\1"))]

    assert perform("dns", reply, request="a.b") == (True, "answered 10.0.0.1")


def test_who_is_silent_is_down_when_the_time_is_up():
    late = {"deadline_ms": peers.SILENT_MS}
    for service, values in (("dns", {"request": "a.b"}), ("sip", {}), ("radius", {"secret": "shared"})):
        assert perform(service, silent, **values, **late) == (False, "no answer within 0.15 s")


def test_who_talks_nonsense_is_down():
    for service, values in (("dns", {"request": "a.b"}), ("sip", {}), ("radius", {"secret": "shared"})):
        ok, reason = perform(service, garbage, **values, deadline_ms=peers.SILENT_MS)
        assert not ok
        assert "broke" not in reason


def test_a_closed_port_is_refused():
    async def go():
        async with peers.serve_datagrams(silent) as port:
            pass
        return await Checker().perform(peers.probe("dns", port, protocol="udp", request="a.b"))

    assert asyncio.run(go()).reason == "connection refused"


def test_a_sip_server_answers_options():
    def reply(status):
        def say(data):
            call = next(line for line in data.split(b"\r\n") if line.startswith(b"Call-ID"))
            return [b"SIP/2.0 100 Trying\r\n" + call, b"SIP/2.0 " + status + b"\r\n" + call]

        return say

    assert perform("sip", reply(b"200 OK")) == (True, "answered 200")
    assert perform("sip", reply(b"404 Not Found")) == (False, "answered 'SIP/2.0 404 Not Found'")


def radius_server(code, secret=SECRET):
    """Accepts joe with his password; checks that the request is signed."""

    def say(data):
        authenticator = data[4:20]
        attributes, position = {}, 20
        while position < len(data):
            attributes[data[position]] = data[position + 2 : position + data[position + 1]]
            position += data[position + 1]
        assert attributes[1] == b"joe"
        assert attributes[2] == radius.hidden(b"a password of more than sixteen", authenticator, SECRET)
        assert len(attributes[80]) == 16
        head = bytes((code, data[1], 0, 20))
        return [head + hashlib.md5(head + authenticator + secret).digest()]

    return say


def test_a_radius_server_accepts_a_login():
    values = {"login": "joe", "password": "a password of more than sixteen", "secret": "shared"}
    assert perform("radius", radius_server(2), **values) == (True, "accepted")
    assert perform("radius", radius_server(3), **values) == (False, "the login was rejected")
    assert perform("radius", radius_server(2, b"other"), **values) == (
        False,
        "the answer is not signed with our secret",
    )


def test_a_password_is_hidden_as_the_protocol_has_it():
    """The example of RFC 2865 7.1."""
    authenticator = bytes.fromhex("0f403f9473978057bd83d5cb98f4227a")
    assert (
        radius.hidden(b"arctangent", authenticator, b"xyzzy5461").hex() == "0dbe708d93d413ce3196e43f782a0aee"
    )


@given(st.binary(max_size=120))
def test_garbage_is_an_error_of_dns_and_never_another(data):
    for beginning in (b"", b"\0\7\x81\x80\0\1\0\1\0\0\0\0", b"\0\7\x81\x80\0\0\0\3\0\0\0\0"):
        with contextlib.suppress(DnsError):
            answer(beginning + data, 7)
