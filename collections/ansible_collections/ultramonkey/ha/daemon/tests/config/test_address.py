from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.address import address_of, parse_address
from ultramonkey_heartbeat.config.haresources import parse_resource
from ultramonkey_heartbeat.config.model import Address
from ultramonkey_heartbeat.config.values import BadValueError


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        ("192.0.2.1", Address("192.0.2.1")),
        ("192.0.2.1/24", Address("192.0.2.1", 24)),
        ("192.0.2.1/255.255.255.240", Address("192.0.2.1", 28)),
        ("192.0.2.1/24/eth0", Address("192.0.2.1", 24, "eth0")),
        ("192.0.2.1/24/eth0:0", Address("192.0.2.1", 24, "eth0", "0")),
        ("192.0.2.1/24/eth0:web/192.0.2.255", Address("192.0.2.1", 24, "eth0", "web", "192.0.2.255")),
        ("192.0.2.1/24/192.0.2.255", Address("192.0.2.1", 24, None, None, "192.0.2.255")),
        ("192.0.2.1/24/eth0/", Address("192.0.2.1", 24, "eth0")),
        ("192.0.2.1/24//eth0", Address("192.0.2.1", 24, "eth0")),
        ("192.0.2.1/", Address("192.0.2.1")),
        ("2001:DB8:0::10/64/eth0", Address("2001:db8::10", 64, "eth0")),
        ("2001:db8::10", Address("2001:db8::10")),
    ],
)
def test_each_form_of_an_address_is_read(argument, address):
    assert parse_address(argument) == address


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("", ""),
        ("/24", ""),
        ("192.0.2", "192.0.2"),
        ("192.0.2.300", "192.0.2.300"),
        ("192.0.2.010", "192.0.2.010"),
        ("0.0.0.0", "0.0.0.0"),
        ("224.0.0.1/24", "224.0.0.1"),
        ("ff02::1", "ff02::1"),
        ("192.0.2.1/33", "33"),
        ("192.0.2.1/0", "0"),
        ("192.0.2.1/eth0", "eth0"),
        ("192.0.2.1/eth0/24", "eth0"),
        ("192.0.2.1/255.0.255.0", "255.0.255.0"),
        ("192.0.2.1/0.0.0.0", "0.0.0.0"),
        ("192.0.2.1/24/eth0:", "eth0:"),
        ("192.0.2.1/24/eth0:much-too-long", "eth0:much-too-long"),
        ("192.0.2.1/24/sixteen-letters-", "sixteen-letters-"),
        ("192.0.2.1/24/192.0.2.255/eth0", "eth0"),
        ("192.0.2.1/24/eth0/192.0.2", "192.0.2"),
        ("192.0.2.1/24/eth0/192.0.2.255/x", "192.0.2.1/24/eth0/192.0.2.255/x"),
        ("2001:db8::1/129", "129"),
        ("2001:db8::1/255.255.255.0", "255.255.255.0"),
        ("2001:db8::1/64/eth0/192.0.2.255", "192.0.2.255"),
        ("fe80::1%eth0/64", "fe80::1%eth0"),
    ],
)
def test_an_error_names_the_word_at_fault(argument, word):
    with pytest.raises(BadValueError) as caught:
        parse_address(argument)
    assert caught.value.word == word
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("192.0.2.1/24/eth0", Address("192.0.2.1", 24, "eth0")),
        ("2001:db8::1/64/eth0", Address("2001:db8::1", 64, "eth0")),
        ("IPaddr::192.0.2.1", Address("192.0.2.1")),
        ("IPaddr2::192.0.2.1/24", Address("192.0.2.1", 24)),
        ("IPaddr2::2001:db8::1/64", Address("2001:db8::1", 64)),
        ("IPv6addr::2001:db8::1/64/eth0", Address("2001:db8::1", 64, "eth0")),
        ("IPv6addr::::1/128", Address("::1", 128)),
        ("IPAddr::192.0.2.1", Address("192.0.2.1")),
        ("Filesystem::/dev/sda1::/srv", None),
        ("systemd::nginx", None),
    ],
)
def test_the_address_of_a_resource_is_known_for_our_scripts_only(word, address):
    assert address_of(parse_resource(word)) == address


@pytest.mark.parametrize(
    "word", ["IPaddr", "IPaddr::2001:db8::1", "IPv6addr::192.0.2.1", "IPaddr2::", "IPaddr::192.0.2.1::eth0"]
)
def test_an_argument_that_the_script_does_not_take_is_an_error(word):
    with pytest.raises(BadValueError):
        address_of(parse_resource(word))


@given(st.one_of(st.text(), st.text(alphabet="0123456789./:abcdefeth%")))
def test_any_argument_gives_an_address_or_the_one_error(argument):
    try:
        address = parse_address(argument)
    except BadValueError:
        return
    assert parse_address(address.address).address == address.address
