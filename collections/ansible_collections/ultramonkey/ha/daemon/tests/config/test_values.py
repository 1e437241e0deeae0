from __future__ import annotations

import pytest
from ultramonkey_heartbeat.config.values import (
    BadValueError,
    human_time,
    read_boolean,
    read_interface,
    read_node,
    read_peer,
    read_time_ms,
    written_time,
)


@pytest.mark.parametrize(
    ("word", "milliseconds"),
    [
        ("1", 1000),
        ("1s", 1000),
        ("1sec", 1000),
        ("0.5", 500),
        (".25", 250),
        ("2.", 2000),
        ("1.5s", 1500),
        ("500ms", 500),
        ("1msec", 1),
        ("2000us", 2),
        ("3000usec", 3),
        ("1499us", 1),
        ("1500us", 2),
        ("0.0005", 1),
        ("0.3333", 333),
        ("86400", 86_400_000),
    ],
)
def test_a_time_is_whole_milliseconds(word, milliseconds):
    assert read_time_ms(word) == milliseconds


@pytest.mark.parametrize(
    "word",
    [
        "",
        ".",
        "0",
        "0ms",
        "200us",
        "0.0001",
        "-1",
        "+1",
        "1e3",
        "1 s",
        "1m",
        "1h",
        "1S",
        "٣",
        "1_000",
        "86401",
        "ms",
        "NaN",
    ],
)
def test_what_is_no_time_is_refused_with_the_word(word):
    with pytest.raises(BadValueError) as caught:
        read_time_ms(word)
    assert caught.value.word == word
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("milliseconds", "human", "written"),
    [
        (1000, "1s", "1"),
        (500, "500ms", "500ms"),
        (2500, "2.5s", "2500ms"),
        (30_000, "30s", "30"),
        (1, "1ms", "1ms"),
    ],
)
def test_a_time_is_shown_to_people_and_written_for_heartbeat(milliseconds, human, written):
    assert human_time(milliseconds) == human
    assert written_time(milliseconds) == written
    assert read_time_ms(human) == read_time_ms(written) == milliseconds


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((w, True) for w in ("true", "ON", "Yes", "y", "1")),
        *((w, False) for w in ("false", "off", "NO", "n", "0")),
    ],
)
def test_a_boolean_is_any_of_the_documented_words(word, value):
    assert read_boolean(word) is value


@pytest.mark.parametrize("word", ["2", "onn", "", "ja"])
def test_any_other_word_is_no_boolean(word):
    with pytest.raises(BadValueError):
        read_boolean(word)


def test_a_node_name_becomes_lower_case():
    assert read_node("Server_1.Example.COM") == "server_1.example.com"


@pytest.mark.parametrize("word", ["-a", "a.", "a/b", "ä", "a" * 65, "a::b", ""])
def test_a_bad_node_name_is_refused(word):
    with pytest.raises(BadValueError, match="not a node name"):
        read_node(word)


@pytest.mark.parametrize("word", ["eth0", "bond0.10", "enp1s0f1np1", "br-0a1b2c3d4e5f"])
def test_an_interface_name_is_what_the_kernel_allows(word):
    assert read_interface(word) == word


@pytest.mark.parametrize("word", ["eth0:1", "a/b", "sixteen-letters-", "..", "", "eth\u0660"])
def test_a_bad_interface_name_is_refused(word):
    with pytest.raises(BadValueError):
        read_interface(word)


@pytest.mark.parametrize(
    "word",
    [
        "224.0.0.1",
        "0.0.0.0",
        "::",
        "ff02::1",
        "255.255.255.255",
        "1.2.3",
        "1.2.3.256",
        "fe80::1%eth0",
        "1.2.3.4/24",
    ],
)
def test_what_is_not_one_machine_is_no_peer(word):
    with pytest.raises(BadValueError):
        read_peer(word)
