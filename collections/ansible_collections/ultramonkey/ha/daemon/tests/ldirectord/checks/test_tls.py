"""Services inside TLS: right, broken, and with a certificate that is not good."""

from __future__ import annotations

import asyncio
import shutil
import ssl

import peers
import pytest
from ultramonkey_ldirectord.checks.checker import Checker

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")

RIGHT = {"https": peers.http(), "pops": peers.POP, "imaps": peers.IMAP, "ldaps": peers.ldap(b"dc=x")}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(peers.certificate(tmp_path_factory.mktemp("tls")))
    return made


def perform(service, peer, context=None, **values):
    async def go():
        async with peers.serve(peer, ssl=context) as port:
            return await Checker().perform(peers.probe(service, port, **values))

    return asyncio.run(go())


@pytest.mark.parametrize("service", RIGHT)
def test_a_server_with_any_certificate_is_up(service, context):
    outcome = perform(service, RIGHT[service], context)
    assert outcome.ok, outcome.reason


@pytest.mark.parametrize("service", RIGHT)
def test_a_certificate_that_is_not_good_counts_when_it_is_to_be_verified(service, context):
    outcome = perform(service, RIGHT[service], context, verify_tls=True)
    assert (outcome.ok, outcome.reason) == (
        False,
        "TLS: the certificate is not good: self-signed certificate",
    )


def test_the_name_of_the_virtual_host_is_asked_for(context):
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    try:
        assert perform("https", peers.http(), context, virtualhost="www.example.com").ok
        assert perform("https", peers.http(), context).ok
    finally:
        context.sni_callback = None
    # An address is never asked for by name.
    assert names == ["www.example.com", None]


@pytest.mark.parametrize("service", RIGHT)
@pytest.mark.parametrize(
    "peer",
    [peers.garbage, peers.endless, peers.closing, peers.SMTP],
    ids=["garbage", "endless", "closing", "plain"],
)
def test_a_server_without_tls_is_down_and_not_waited_for(service, peer):
    reason = perform(service, peer).reason
    assert reason.startswith(("TLS: ", "closed", "connection reset", "broken pipe")), reason


@pytest.mark.parametrize("service", RIGHT)
def test_a_server_that_is_silent_in_the_handshake_is_down_when_its_time_is_up(service):
    assert perform(service, peers.silent, deadline_ms=peers.SILENT_MS).reason == "no answer within 0.15 s"
