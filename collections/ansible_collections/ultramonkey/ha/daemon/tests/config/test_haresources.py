# ruff: noqa: E501 - whole messages are compared, each on a line of its own
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ultramonkey_heartbeat.config.haresources import parse_haresources, parse_resource
from ultramonkey_heartbeat.config.model import Group, Resource

SAMPLES = Path(__file__).parent / "samples"
NODES = ("lb1", "lb2", "test3")


def marks(problems):
    return [f"{problem.line} {problem.severity.value} {problem.word}" for problem in problems]


def shape(groups):
    """Groups in short: line, node, and the resources' words."""
    return [
        (group.line, group.preferred, [resource.text for resource in group.resources]) for group in groups
    ]


def test_the_sample_file_loads_completely():
    text = (SAMPLES / "haresources").read_text(encoding="utf-8")
    groups, problems = parse_haresources(text, ("lb1.example.com", "lb2.example.com"))
    assert problems == []
    assert groups == (
        Group(
            key="192.0.2.10/24/eth0",
            preferred="lb1.example.com",
            resources=(
                Resource("IPaddr", ("192.0.2.10/24/eth0",), "192.0.2.10/24/eth0"),
                Resource("ldirectord", ("ldirectord.cf",), "ldirectord::ldirectord.cf"),
                Resource(
                    "Filesystem",
                    ("/dev/drbd0", "/srv", "ext4", "noatime,rw"),
                    "Filesystem::/dev/drbd0::/srv::ext4::noatime,rw",
                ),
            ),
            line=2,
        ),
        Group(
            key="IPaddr2::192.0.2.11/255.255.255.0/eth0:1/192.0.2.255",
            preferred="lb2.example.com",
            resources=(
                Resource(
                    "IPaddr2",
                    ("192.0.2.11/255.255.255.0/eth0:1/192.0.2.255",),
                    "IPaddr2::192.0.2.11/255.255.255.0/eth0:1/192.0.2.255",
                ),
                Resource("IPv6addr", ("2001:db8::11/64/eth0",), "IPv6addr::2001:db8::11/64/eth0"),
                Resource("systemd", ("postfix",), "systemd::postfix"),
                Resource("dovecot.service", (), "dovecot.service"),
            ),
            line=6,
        ),
    )


@pytest.mark.parametrize(
    ("word", "script", "arguments"),
    [
        ("192.0.2.1", "IPaddr", ("192.0.2.1",)),
        ("1.2.3.4junk", "IPaddr", ("1.2.3.4junk",)),
        ("2001:db8::1/64", "IPv6addr", ("2001:db8::1/64",)),
        ("httpd", "httpd", ()),
        ("a::b::c", "a", ("b", "c")),
        ("a::b::::c", "a", ("b", "c")),
        ("a:b", "a:b", ()),
        ("IPaddr2::2001:db8::1/64", "IPaddr2", ("2001:db8::1/64",)),
        ("nginx.service", "nginx.service", ()),
    ],
)
def test_a_word_names_a_script_and_its_arguments(word, script, arguments):
    assert parse_resource(word) == Resource(script, arguments, word)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n  \n# only\n\t# comments\n", []),
        ("lb1 a b", [(1, "lb1", ["a", "b"])]),
        ("  LB1\ta  # and why\n", [(1, "lb1", ["a"])]),
        ("lb1 a\r\nlb2 b\r\n", [(1, "lb1", ["a"]), (2, "lb2", ["b"])]),
        ("lb1 \\\n a \\\n b\nlb2 c", [(1, "lb1", ["a", "b"]), (4, "lb2", ["c"])]),
        ("lb1 a\\\nb", [(1, "lb1", ["a", "b"])]),
        ("lb1 a \\\r\n b", [(1, "lb1", ["a", "b"])]),
        ("lb1 a \\", [(1, "lb1", ["a"])]),
        ("lb1 a # not continued \\\nlb2 b", [(1, "lb1", ["a"]), (2, "lb2", ["b"])]),
        ("\\\nlb1 a", [(2, "lb1", ["a"])]),
        ("lb1 a::b,c", [(1, "lb1", ["a::b,c"])]),
    ],
)
def test_lines_become_groups(text, expected):
    groups, problems = parse_haresources(text, NODES)
    assert problems == []
    assert shape(groups) == expected


@pytest.mark.parametrize(
    ("text", "expected", "problems"),
    [
        ("lb1 a \\\n b # why\nlb2 c", [(1, "lb1", ["a", "b"]), (3, "lb2", ["c"])], ["2 warning #"]),
        ("lb1 a \\\n# b \\\n c", [(1, "lb1", ["a", "c"])], ["2 warning #"]),
        ("lb1 a \\  \n b", [(1, "lb1", ["a", "b"])], ["1 warning \\"]),
        ("lb1 IPAddr::192.0.2.1", [(1, "lb1", ["IPAddr::192.0.2.1"])], ["1 warning IPAddr::192.0.2.1"]),
        (
            "Test3192.0.2.1/24",
            [(1, "test3", ["192.0.2.1/24"])],
            ["1 warning Test3192.0.2.1/24"],
        ),
        ("lb1 a b::c::::d", [(1, "lb1", ["a", "b::c::::d"])], ["1 warning b::c::::d"]),
        ("lb1 a x\nlb2 b \\\n x", [(1, "lb1", ["a", "x"]), (2, "lb2", ["b", "x"])], ["3 warning x"]),
        ("lb1 a a", [(1, "lb1", ["a", "a"])], ["1 warning a"]),
        (
            "lb1 192.0.2.1/8/eth0/192.0.2.255",
            [(1, "lb1", ["192.0.2.1/8/eth0/192.0.2.255"])],
            ["1 warning 192.0.2.1/8/eth0/192.0.2.255"],
        ),
    ],
)
def test_a_doubtful_line_loads_with_a_warning(text, expected, problems):
    groups, found = parse_haresources(text, NODES)
    assert marks(found) == problems
    assert shape(groups) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "lb1",
            "1: the line names node lb1 and no resource: write lb1 192.0.2.10/24/eth0, or remove the line",
        ),
        ("lb9 a", "1: lb9 is not a node of ha.cf: write one of: lb1, lb2, test3"),
        ("somebody a", "1: somebody is not a node of ha.cf: write one of: lb1, lb2, test3"),
        (
            "IPaddr2::192.0.2.1/24 httpd",
            (
                "1: the line begins with the resource IPaddr2::192.0.2.1/24 instead of a node: begin the line with the "
                "preferred node, one of: lb1, lb2, test3"
            ),
        ),
        (
            "test3192.168.0.555 httpd",
            "1: test3192.168.0.555 is not a node of ha.cf: write one of: lb1, lb2, test3",
        ),
        (
            "lb1 a\nlb2 a b",
            (
                "2: a is already the first resource of the group at haresources:1, and the first resource names the "
                "group: put another resource first, or join the two lines"
            ),
        ),
        (
            "lb1 192.0.2.1\nlb2 \\\n IPaddr2::192.0.2.1/24",
            "3: address 192.0.2.1 is already given at haresources:1: give every address once",
        ),
        (
            "lb1 a 2001:db8::1 IPv6addr::2001:db8:0::1/64",
            "1: address 2001:db8::1 is already given at haresources:1: give every address once",
        ),
        (
            "lb1 IPaddr::192.0.2.1/24/eth0/x",
            (
                "1: IPaddr::192.0.2.1/24/eth0/x: x is not a broadcast address: write ADDRESS/BITS/INTERFACE, as in "
                "192.0.2.10/24/eth0"
            ),
        ),
        ("lb1 IPaddr", "1: IPaddr: IPaddr needs exactly one argument: write IPaddr::192.0.2.10/24/eth0"),
        (
            "lb1 /etc/init.d/apache",
            (
                "1: /etc/init.d/apache does not begin with the name of a script: write SCRIPT::ARGUMENT, where SCRIPT is "
                "a file in /etc/ha.d/resource.d or /etc/init.d"
            ),
        ),
        ("lb1 a\u200bb", "1: the line contains the invisible character U+200B: type the line again"),
    ],
)
def test_a_wrong_line_is_refused_with_what_would_be_right(text, problem):
    _, found = parse_haresources(text, NODES)
    assert [str(error) for error in found if error.severity.value == "error"] == [f"haresources:{problem}"]


def test_a_blank_is_not_supplied_where_two_places_would_do():
    groups, problems = parse_haresources("lb192.0.2.1 a", ("lb", "lb1"))
    assert groups == ()
    assert [str(problem) for problem in problems] == [
        "haresources:1: lb192.0.2.1 is not a node of ha.cf: write one of: lb, lb1"
    ]


def test_without_known_nodes_a_resource_is_still_none():
    groups, problems = parse_haresources("IPaddr2::192.0.2.1 a", ())
    assert groups == ()
    assert [problem.message for problem in problems] == [
        "the line begins with the resource IPaddr2::192.0.2.1 instead of a node"
    ]


def test_without_known_nodes_no_name_is_doubted():
    groups, problems = parse_haresources("whoever a", ())
    assert problems == []
    assert groups[0].preferred == "whoever"


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    "lb1",
                    "lb2",
                    "\n",
                    "\\\n",
                    "#",
                    "::",
                    "IPaddr::",
                    "192.0.2.1",
                    "/24",
                    "/eth0",
                    "a",
                    "\r",
                    "\\",
                    " ",
                ]
            ),
            max_size=40,
        ).map("".join),
    )
)
def test_no_text_makes_the_parser_raise(text):
    groups, problems = parse_haresources(text, ("lb1", "lb2"))
    lines = text.count("\n") + 1
    assert all(1 <= problem.line <= lines and str(problem).isprintable() for problem in problems)
    assert all(group.resources and group.key == group.resources[0].text for group in groups)


@pytest.mark.parametrize("line", ["lb1 a \\ \\", "lb1 a\\ b", "lb1 \\ a"])
def test_a_backslash_inside_a_line_is_no_resource(line):
    _, problems = parse_haresources(f"{line}\n", ("lb1",))
    assert any("has a backslash that does not end the line" in str(problem) for problem in problems)
