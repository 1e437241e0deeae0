# ruff: noqa: E501 - whole messages are compared, each on a line of its own
from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.configuration import assemble
from ultramonkey_heartbeat.config.render import from_data

SECRET = "0123456789abcdef0123456789abcdef"
DATA = {
    "nodes": ["lb1", "LB2"],
    "links": [
        {"type": "bcast", "interface": "eth1", "port": 1694},
        {"type": "mcast", "interface": "eth0", "group": "239.0.0.43", "port": 694, "ttl": 2, "loop": True},
        {"type": "mcast6", "interface": "eth0", "group": "ff02::694"},
        {"type": "ucast", "interface": "eth0", "address": "192.0.2.2", "port": "1694"},
        {"type": "ucast6", "interface": "eth0", "address": "2001:db8::2"},
    ],
    "keepalive": "100ms",
    "deadtime": 1.5,
    "warntime": "1s",
    "initdead": 20,
    "auto_failback": False,
    "directives": {"logfacility": "local0", "ping": ["192.0.2.254", "192.0.2.253"], "realtime": True},
    "groups": [
        {
            "node": "lb1",
            "resources": ["192.0.2.10/24/eth0", "Filesystem::/dev/drbd0::/srv::ext4::noatime,rw"],
        },
        {"node": "lb2", "resources": ["postfix"]},
    ],
    "authkeys": {
        "current": 1,
        "keys": [{"index": 1, "method": "sha256", "key": SECRET}, {"index": 2, "method": "crc"}],
    },
}


def changed(path, value):
    """DATA with one place changed; the path as problems write it, its last step may be new."""
    data = copy.deepcopy(DATA)
    steps = [
        int(step) if step.isdigit() else step for step in path.replace("[", ".").replace("]", "").split(".")
    ]
    place = data
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return data


def errors(problems):
    return [str(problem) for problem in problems if problem.severity.value == "error"]


def test_data_become_the_three_files():
    texts, problems = from_data(DATA)
    assert texts == {
        "ha.cf": (
            "udpport 1694\n"
            "bcast eth1\n"
            "mcast eth0 239.0.0.43 694 2 1\n"
            "mcast6 eth0 ff02::694 694 1 0\n"
            "ucast eth0 192.0.2.2\n"
            "ucast6 eth0 2001:db8::2\n"
            "node lb1\n"
            "node LB2\n"
            "auto_failback off\n"
            "keepalive 100ms\n"
            "deadtime 1500ms\n"
            "warntime 1\n"
            "initdead 20\n"
            "realtime on\n"
            "logfacility local0\n"
            "ping 192.0.2.254\n"
            "ping 192.0.2.253\n"
        ),
        "haresources": (
            "lb1 192.0.2.10/24/eth0 Filesystem::/dev/drbd0::/srv::ext4::noatime,rw\nlb2 postfix\n"
        ),
        "authkeys": f"auth 1\n1 sha256 {SECRET}\n2 crc\n",
    }
    assert [problem.file for problem in problems] == [
        "authkeys.keys[1].index",
    ]
    loaded = assemble(texts["ha.cf"], texts["haresources"], texts["authkeys"], 0o600, "lb2")
    assert loaded.required().ha.nodes == ("lb1", "lb2")


def test_groups_and_keys_may_be_kept_elsewhere():
    data = {key: DATA[key] for key in ("nodes", "links", "auto_failback")}
    texts, problems = from_data(data)
    assert problems == []
    assert texts["haresources"] == ""
    assert "authkeys" not in texts


def test_a_hole_in_the_data_hides_no_other_fault():
    data = changed("links[1].group", None)
    data["deadtime"] = "soon"
    data["groups"][0]["node"] = "lb7"
    places = [error.split(": ")[0] for error in errors(from_data(data)[1])]
    assert places == ["links[1].group", "deadtime", "groups[0].node"]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (
            "links[0].interface",
            "eth1:0",
            "links[0].interface: bcast: eth1:0 is an alias, not an interface: write the interface, eth1",
        ),
        (
            "links[1].group",
            "192.0.2.9",
            "links[1].group: mcast: 192.0.2.9 is not an IPv4 multicast group: write a group from 224.0.0.0 to 239.255.255.255, or mcast6 for IPv6",
        ),
        (
            "links[1].ttl",
            0,
            "links[1].ttl: mcast: with a TTL of 0 no packet leaves this machine: write 1, or more across routers",
        ),
        (
            "links[3].address",
            "lb/2",
            "links[3].address: ucast: lb/2 is neither an address nor a host name: write an address, as in 192.0.2.1",
        ),
        (
            "links[3].port",
            695,
            "links[3].port: 695 differs from links[0].port, and ha.cf has one udpport for all: give all links of this kind the same, or use mcast, which has a port of its own",
        ),
        ("links[0].port", 0, None),
        (
            "links[0].type",
            "brodcast",
            "links[0].type: brodcast is not a type of link: write one of bcast, mcast, mcast6, ucast, ucast6, serial, ppp",
        ),
        ("links[0].colour", "red", "links[0].colour: colour is not known: known are type, interface, port"),
        ("links[0].interfase", "red", "links[0].interfase: interfase is not known: did you mean interface?"),
        ("links[0].interface", None, "links[0].interface: interface is missing: give the link its interface"),
        ("links[2]", "bcast eth0", "links[2]: text stands where a mapping belongs: keys: type"),
        ("links", {"a": 1}, "links: a mapping stands where a list belongs: write a list"),
        (
            "links",
            [],
            "links: no link is given, so no heartbeat could be sent: write a line such as: bcast eth0",
        ),
        ("nodes", [], None),
        ("nodes[1]", "lb/2", None),
        ("nodes[1]", "lb2 lb3", "nodes[1]: lb2 lb3 is not one word: leave out blanks, commas and #"),
        ("nodes[1]", "lb2\nstonith a b", None),
        ("nodes[1]", ["lb2"], "nodes[1]: a list stands where one value belongs: write text or a number"),
        (
            "keepalive",
            "fast",
            "keepalive: fast is not a time: write seconds (2 or 0.5) or milliseconds (500ms)",
        ),
        (
            "keepalive",
            0.0004,
            "keepalive: 0.0004 is out of range: a time is at least half a millisecond and at most one day",
        ),
        ("keepalive", None, "keepalive: the value is missing: give a value"),
        (
            "deadtime",
            "150ms",
            "deadtime: deadtime 150ms is not above twice the keepalive of 100ms (keepalive): write deadtime 400ms or more, or a shorter keepalive",
        ),
        ("initdead", 1, "initdead: initdead 1s is below deadtime 1.5s (deadtime): write initdead 3 or more"),
        ("auto_failback", "sometimes", None),
        ("deadtme", 1, "deadtme: deadtme is not known: did you mean deadtime?"),
        (
            "directives.deadtime",
            1,
            "directives.deadtime: deadtime has a key of its own: write it at the top of the data",
        ),
        (
            "directives.logfacilty",
            "local0",
            "directives.logfacilty: logfacilty is not known: did you mean logfacility?",
        ),
        (
            "directives.logfacility",
            "local9",
            "directives.logfacility: local9 is not one of " + "*",
        ),
        (
            "directives.crm",
            True,
            "directives.crm: crm on is not supported (management by Pacemaker instead of haresources): write crm no and describe the resources in haresources, or stay with Pacemaker",
        ),
        ("directives.respawn", "root /bin/true\nnode evil", None),
        (
            "directives.respawn",
            "  ",
            "directives.respawn: the value is empty: give a value, or leave the directive out",
        ),
        ("groups[0].node", "lb3", "groups[0].node: lb3 is not a node of ha.cf: write one of: lb1, lb2"),
        (
            "groups[0].resources",
            [],
            "groups[0].node: the line names node lb1 and no resource: write lb1 192.0.2.10/24/eth0, or remove the line",
        ),
        ("groups[0].resources[0]", "192.0.2.10/eth0", None),
        (
            "groups[1].resources[0]",
            "IPaddr2::192.0.2.10",
            "groups[1].resources[0]: address 192.0.2.10 is already given at groups[0]: give every address once",
        ),
        ("groups[1].resources[0]", "a\\", None),
        (
            "groups[1].resources[0]",
            "192.0.2.2",
            "links[3].address: 192.0.2.2 is the address of a service (groups[1]), not of a peer: write the address that the peer always has",
        ),
        (
            "authkeys.current",
            3,
            "authkeys.current: auth names key 3, and there is no such key: write a line such as: 3 sha256 and a key",
        ),
        ("authkeys.keys[0].index", 16, None),
        ("authkeys.keys[0].method", "sha512", None),
        (
            "authkeys.keys[0].key",
            "two words",
            "authkeys.keys[0].key: the key has a blank or a character that cannot be seen: leave it out",
        ),
        (
            "authkeys.keys[0].key",
            12345678,
            "authkeys.keys[0].key: a number stands where text belongs: put the key in quotes",
        ),
        ("authkeys", [], None),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(path, value, problem):
    texts, problems = from_data(changed(path, value))
    assert texts == {}
    found = errors(problems)
    assert found
    assert SECRET not in "".join(found)
    if problem is None:
        assert any(error.startswith(path.split("[")[0].split(".")[0]) for error in found)
    elif problem.endswith("*"):
        assert found[0].startswith(problem[:-1])
    else:
        assert found == [problem]


@pytest.mark.parametrize(
    "word", ["eth0 eth1", "eth0\nstonith x y", "eth0#", "eth0,eth1", "eth0\r", "eth0\u2028x"]
)
def test_no_value_can_say_more_than_one_word(word):
    texts, problems = from_data(changed("links[0].interface", word))
    assert texts == {}
    assert problems[0].file == "links[0].interface"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(["type", "interface", "node", "resources", "keys", "index"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    JSON,
    st.sampled_from(
        [
            "",
            *DATA,
            "links[0]",
            "links[1].ttl",
            "groups[0]",
            "groups[1].resources",
            "authkeys.keys[0]",
            "directives.ping",
        ]
    ),
)
def test_no_data_make_the_reader_raise(value, path):
    texts, problems = from_data(changed(path, value) if path else value)
    assert (texts == {}) == bool(errors(problems))
    assert all(str(problem).isprintable() for problem in problems)
