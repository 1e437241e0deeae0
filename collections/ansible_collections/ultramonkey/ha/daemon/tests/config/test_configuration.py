# ruff: noqa: E501 - whole messages are compared, each on a line of its own
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.configuration import assemble, digest_of
from ultramonkey_heartbeat.config.haresources import parse_haresources
from ultramonkey_heartbeat.config.model import AutoFailback
from ultramonkey_heartbeat.config.problems import ConfigurationError

SAMPLES = Path(__file__).parent / "samples"
HA_CF = "node lb1\nnode lb2\nbcast eth0\nauto_failback off\n"
HARESOURCES = "lb1 192.0.2.10/24/eth0 httpd\n"
AUTHKEYS = "auth 1\n1 sha256 0123456789abcdef\n"


def said(loaded):
    return [str(problem) for problem in loaded.problems]


def sample(name):
    return (SAMPLES / name).read_text(encoding="utf-8")


def test_the_sample_files_make_a_configuration():
    loaded = assemble(sample("ha.cf"), sample("haresources"), sample("authkeys"), 0o600, "LB1.example.com")
    configuration = loaded.required()
    assert configuration.node == "lb1.example.com"
    assert [group.key for group in configuration.groups] == [
        "192.0.2.10/24/eth0",
        "IPaddr2::192.0.2.11/255.255.255.0/eth0:1/192.0.2.255",
    ]
    assert configuration.authkeys.current == 2
    # What nodes agree on is part of the protocol: this value may only change together with it.
    assert configuration.digest == "e492c1bc67f746da"
    assert said(loaded) == [
        "ha.cf:3: warning: comments stand behind a value (and on 1 more): put comments on lines of their own",
        "ha.cf:12: warning: comments have characters beyond ASCII: write them without, so that every program can show them",
        "ha.cf:17: warning: 2 nodes are named in one line: write a node line for each",
        "ha.cf:18: warning: respawn hacluster /usr/lib/heartbeat/ipfail is not started: what it does is built in: leave the line in for nodes that run heartbeat 3.0.6",
        "ha.cf:18: warning: ipfail compares how many ping nodes each node reaches, and no ping node is given: add a line such as ping and the address of the gateway, or remove this line",
        "authkeys:4: warning: key 1 is in quotes, which are part of the key: leave them out on all nodes, or let them be on all nodes",
    ]


def test_all_problems_of_all_files_come_at_once_by_file_and_line():
    loaded = assemble(
        "node lb1\nbcast eth0\nauto_failback on\nfoo 1\n", "lb3 a\nlb1\n", "1 crc x\n", 0o644, "lb9"
    )
    assert loaded.configuration is None
    assert said(loaded) == [
        (
            "ha.cf:1: this machine, lb9, is not in the node lines: add: node lb9 (a node's name is what `uname -n` "
            "prints on it)"
        ),
        "ha.cf:4: foo is not a directive: see the list of directives in the documentation",
        "haresources:1: lb3 is not a node of ha.cf: write one of: lb1",
        "haresources:2: the line names node lb1 and no resource: write lb1 192.0.2.10/24/eth0, or remove the line",
        "authkeys: the mode 644 lets others read the keys: run chmod 600 on authkeys",
        (
            "authkeys:1: key 1: crc takes no key: write sha256, or sha1 while heartbeat 3.0.6 is in the cluster, and a "
            "key of 32 random characters"
        ),
    ]
    with pytest.raises(ConfigurationError) as caught:
        loaded.required()
    assert caught.value.problems == loaded.problems


def test_a_name_that_differs_in_its_domain_only_is_to_be_replaced():
    loaded = assemble(HA_CF, HARESOURCES, AUTHKEYS, 0o600, "LB2.example.com")
    assert said(loaded) == [
        "ha.cf:1: this machine, lb2.example.com, is not in the node lines: write lb2.example.com instead of lb2 (a node's name is what `uname -n` prints on it)"
    ]


def test_missing_files_are_errors_with_a_remedy():
    loaded = assemble(None, None, None, None, "lb1")
    assert said(loaded) == [
        "ha.cf: the file does not exist: create it with the nodes, a link and auto_failback",
        (
            "haresources: the file does not exist: create it with one line for each group, or empty; it must be the "
            "same on all nodes"
        ),
        "authkeys: the file does not exist: create it with mode 600 and the same key on all nodes",
    ]


def test_an_empty_haresources_is_fine():
    assert assemble(HA_CF, "", AUTHKEYS, 0o600, "lb1").required().groups == ()


def test_a_service_address_cannot_be_a_peer():
    loaded = assemble(HA_CF + "ucast eth0 192.0.2.10\n", HARESOURCES, AUTHKEYS, 0o600, "lb1")
    assert said(loaded) == [
        (
            "ha.cf:5: 192.0.2.10 is the address of a service (haresources:1), not of a peer: write the address that "
            "the peer always has"
        )
    ]


def test_a_broken_node_line_does_not_make_other_nodes_unknown():
    loaded = assemble(
        "node lb1\nnode l/b2\nbcast eth0\nauto_failback on\n", "lb2 a\n", AUTHKEYS, 0o600, "lb2"
    )
    assert [(problem.file, problem.line) for problem in loaded.problems] == [("ha.cf", 2)]


def digest(ha_cf=HA_CF, haresources=HARESOURCES, authkeys=AUTHKEYS, node="lb1"):
    return assemble(ha_cf, haresources, authkeys, 0o600, node).required().digest


@pytest.mark.parametrize(
    "same",
    [
        {"node": "lb2"},
        {"authkeys": "auth 2\n2 md5 fedcba9876543210"},
        {"ha_cf": "# why\nbcast eth1\n" + HA_CF + "keepalive 2\n"},
        {"ha_cf": HA_CF.replace("lb1", "LB1")},
        {"haresources": "# why\n\nLB1   192.0.2.10/24/eth0 \\\n\thttpd"},
    ],
)
def test_the_digest_is_the_same_where_nodes_need_not_agree(same):
    assert digest(**same) == digest()


@pytest.mark.parametrize(
    "other",
    [
        {"ha_cf": HA_CF.replace("off", "on")},
        {"ha_cf": "node lb2\nnode lb1\n" + HA_CF.partition("node lb2\n")[2]},
        {"ha_cf": HA_CF + "node lb3\n"},
        {"haresources": HARESOURCES.replace("lb1", "lb2")},
        {"haresources": HARESOURCES.replace("httpd", "nginx")},
        {"haresources": HARESOURCES + "lb2 postfix\n"},
        {"haresources": ""},
    ],
)
def test_the_digest_differs_where_nodes_must_agree(other):
    assert digest(**other) != digest()


def test_words_cannot_move_between_groups_without_changing_the_digest():
    one, _ = parse_haresources("a b\na c", ("a",))
    two, _ = parse_haresources("a b a c", ("a",))
    assert digest_of(("a",), one, AutoFailback.ON) != digest_of(("a",), two, AutoFailback.ON)


TEXT = st.one_of(st.none(), st.text(max_size=80), st.sampled_from([HA_CF, HARESOURCES, AUTHKEYS]))


@given(TEXT, TEXT, TEXT, st.one_of(st.none(), st.integers(0, 0o7777)), st.text(max_size=10))
def test_whatever_the_files_hold_there_is_a_configuration_or_an_error(
    ha_cf, haresources, authkeys, mode, node
):
    loaded = assemble(ha_cf, haresources, authkeys, mode, node)
    assert (loaded.configuration is None) == any(p.severity.value == "error" for p in loaded.problems)
