# ruff: noqa: E501 - whole messages are compared, each on a line of its own
"""What a configuration would do, by whole outputs."""

from __future__ import annotations

import pytest
from ultramonkey_heartbeat.config.configuration import assemble
from ultramonkey_heartbeat.config.explain import explain, second_thoughts
from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.haresources import parse_haresources
from ultramonkey_heartbeat.config.model import AuthKeys, Configuration

AUTHKEYS = "auth 1\n1 sha1 0123456789abcdef\n"


def loaded(ha_cf, haresources):
    return assemble(ha_cf, haresources, AUTHKEYS, 0o600, "lb1")


def configured(ha_cf, haresources):
    """What the parsers make of the files, whether this release carries all of it or not."""
    ha, problems = parse_ha_cf(ha_cf)
    assert ha is not None, problems
    groups, problems = parse_haresources(haresources, ha.nodes)
    assert problems == []
    return Configuration("lb1", ha, groups, AuthKeys(1, ()), "")


def test_two_load_balancers_without_a_doubt():
    configuration = configured(
        "keepalive 500ms\ndeadtime 5\ninitdead 30\nudpport 695\nbaud 38400\nbcast eth1\nucast eth0 192.0.2.2\n"
        "mcast6 eth0 ff02::694 694 1 0\nmcast eth1 239.0.0.43 694 4 0\nserial /dev/ttyS0\n"
        "auto_failback off\nnode lb1\nnode lb2\n",
        "lb1 192.0.2.10/24/eth0 ldirectord::ldirectord.cf\nlb2 192.0.2.11 systemd::nginx\n",
    )
    assert second_thoughts(configuration) == []
    assert (
        "\n".join(explain(configuration, []))
        == """\
This is node lb1 of lb1, lb2.

Links
  bcast eth1             UDP port 695, to the broadcast address of eth1
  ucast eth0 192.0.2.2   UDP port 695, to 192.0.2.2 alone
  mcast eth0 ff02::694   UDP port 694, to the group ff02::694, at most 1 hop far
  mcast eth1 239.0.0.43  UDP port 694, to the group 239.0.0.43, at most 4 hops far
  serial /dev/ttyS0      38400 bits a second

Timers
  keepalive  every 500ms a heartbeat goes out over each link
  warntime   a heartbeat that is 2.5s late is logged
  deadtime   a node that is silent for 5s is dead; its groups are taken over
  initdead   while this node starts, it waits 30s for nodes it has not heard

Failback
  A group stays where it is until its node leaves or somebody moves it.

Groups
  192.0.2.10/24/eth0  on lb1; without it on lb2; starts
                        1. 192.0.2.10/24/eth0
                        2. ldirectord::ldirectord.cf
  192.0.2.11          on lb2; without it on lb1; starts
                        1. 192.0.2.11 (prefix length and interface of the network that contains it)
                        2. systemd::nginx

Doubts
  None."""
    )


def test_every_doubt_comes_with_its_remedy():
    answer = loaded(
        "keepalive 1\ndeadtime 10\nwarntime 10\ninitdead 12\nbcast eth0\nping 192.0.2.10\nping lb2.example.com\n"
        "auto_failback yes\nnode lb1\nnode lb2.example.com\nnode lb3\n",
        "lb1 192.0.2.10/24/eth0 httpd\n",
    )
    configuration = answer.required()
    found = explain(configuration, [*answer.problems, *second_thoughts(configuration)])
    assert found[found.index("Groups") :] == [
        "Groups",
        "  192.0.2.10/24/eth0  on lb1; without it on the first that is alive of lb2.example.com, lb3; starts",
        "                        1. 192.0.2.10/24/eth0",
        "                        2. httpd",
        "",
        "Doubts",
        "  ha.cf:3: warntime 10s is not below deadtime 10s (ha.cf:2), so no warning will ever come before the node is declared dead: write warntime 5",
        "  ha.cf:4: initdead 12s is less than twice deadtime 10s (ha.cf:2): write initdead 20 or more",
        "  ha.cf:6: ping 192.0.2.10 is the address of a service (haresources:1): its holder always reaches it, whatever is cut: ping a machine that is none of these and always there, such as the gateway",
        "  ha.cf:7: ping lb2.example.com is a node of the cluster, which is watched anyway: ping a machine that is none of these and always there, such as the gateway",
        "  ha.cf:8: auto_failback yes is read as auto_failback on: write auto_failback on",
        "  ha.cf: some nodes are named with their domain and some without (lb1, lb3): see what `uname -n` prints on each: that is its name here",
        "  ha.cf: all heartbeats go over eth0: when that breaks, every node thinks it is alone, and serves: add a link over another network, or a serial cable",
    ]


@pytest.mark.parametrize(
    ("ha_cf", "haresources", "thoughts"),
    [
        (
            "node lb1\nbcast eth0\nserial /dev/ttyS0\n",
            "lb1 httpd\n",
            ["there is one node only, so nobody takes over when it dies"],
        ),
        (
            "node lb1\nnode lb2\nbcast eth0\nbcast eth1\n",
            "",
            ["there is no group, so nothing is ever started"],
        ),
        (
            "node lb1\nnode lb2\nbcast eth0\nucast eth0 192.0.2.2\n",
            "lb1 httpd\n",
            ["all heartbeats go over eth0: when that breaks, every node thinks it is alone, and serves"],
        ),
        ("node lb1\nnode lb2\nbcast eth0\nserial /dev/ttyS0\n", "lb1 httpd\n", []),
    ],
)
def test_what_no_file_can_be_blamed_for(ha_cf, haresources, thoughts):
    configuration = configured(f"auto_failback off\n{ha_cf}", haresources)
    assert [thought.message for thought in second_thoughts(configuration)] == thoughts


def test_ping_nodes_are_explained():
    found = explain(
        configured(
            "deadping 5\nping 192.0.2.1\nping_group dns 192.0.2.3 192.0.2.4\nbcast eth0\nauto_failback off\n"
            "node lb1\nnode lb2\n",
            "lb1 httpd\n",
        ),
        [],
    )
    start = found.index("Ping nodes")
    lost = "lost after 5s without an answer"
    fewer = "a node that sees fewer ping nodes than another hands its groups to it"
    assert found[start : start + 3] == [
        "Ping nodes",
        f"  192.0.2.1  {lost}; {fewer}",
        f"  dns        seen as long as one of 192.0.2.3, 192.0.2.4 answers; {lost}; {fewer}",
    ]


def test_in_legacy_mode_ping_nodes_are_only_shown():
    answer = loaded("ping 192.0.2.1\nbcast eth0\nauto_failback legacy\nnode lb1\nnode lb2\n", "lb1 httpd\n")
    assert [problem.word for problem in answer.problems if "only shown" in problem.message] == ["192.0.2.1"]
    found = explain(answer.required(), [])
    assert "  192.0.2.1  lost after 30s without an answer" in found


@pytest.mark.parametrize(
    ("lines", "doubt"),
    [
        ("respawn hacluster /usr/lib/heartbeat/ipfail\n", True),
        ("respawn hacluster /usr/lib64/heartbeat/ipfail\nping 192.0.2.1\n", False),
        ("respawn hacluster /usr/lib64/heartbeat/ipfail\nping_group gw 192.0.2.1 192.0.2.2\n", False),
        ("respawn hacluster /usr/lib/heartbeat/dopd\n", False),
        ("apiauth ipfail uid=hacluster\n", False),
    ],
)
def test_ipfail_needs_a_ping_node(lines, doubt):
    answer = loaded(f"bcast eth0\nauto_failback off\nnode lb1\nnode lb2\n{lines}", "lb1 httpd\n")
    found = [problem for problem in answer.problems if problem.message.startswith("ipfail compares")]
    assert [(problem.line, problem.word) for problem in found] == (
        [(5, "/usr/lib/heartbeat/ipfail")] if doubt else []
    )


def test_a_member_of_a_ping_group_is_doubted_too():
    answer = loaded(
        "bcast eth0\nauto_failback off\nnode lb1\nnode lb2\nping_group 192.0.2.10 192.0.2.1 192.0.2.10\n",
        "lb1 192.0.2.10/24/eth0\n",
    )
    assert [problem.word for problem in answer.problems if "service" in problem.message] == ["192.0.2.10"]
