# ruff: noqa: E501 - whole messages are compared, each on a line of its own
"""ldirectord.cf: what is refused, or accepted and warned of, and in which words."""

from __future__ import annotations

import pytest
from names import Names
from ultramonkey_ldirectord.config.configuration import parse

HEAD = "quiescent=no\nvirtual=192.0.2.100:80\n"
REAL = "\treal=192.0.2.1:80 gate\n"


def problems(text):
    loaded = parse(text, "ld.cf", Names())
    refused = any(problem.severity.value == "error" for problem in loaded.problems)
    assert (loaded.configuration is None) == refused
    return [str(problem) for problem in loaded.problems]


FILES = {
    "a port is missing (the original reads a mark there)": (
        "quiescent=no\nvirtual=192.0.2.1\n",
        ["ld.cf:2: virtual: 192.0.2.1 has no port: write virtual=192.0.2.1:80, or a firewall mark"],
    ),
    "a mark of zero": ("quiescent=no\nvirtual=0\n", ["ld.cf:2: virtual: 0 is not a firewall mark: write 1 to 4294967295"]),
    "IPv6 under the keyword of IPv4": (
        "virtual=[2001:db8::1]:80\n",
        ["ld.cf:1: virtual: virtual has an IPv6 address: write virtual6=[2001:db8::1]:80"],
    ),
    "timeouts of IPVS that are none": (
        f"ipvstimeouts=900 2m 300\n{HEAD}{REAL}",
        ["ld.cf:1: ipvstimeouts: 900 2m 300 is not TCP, TCPFIN and UDP: write three numbers of seconds up to 86400, as in 900 120 300; 0 leaves one as it is"],
    ),
    "an unknown host": (
        "virtual=nowhere:80\n",
        ["ld.cf:1: virtual: the host nowhere has no IPv4 address: write an address, or mend its name"],
    ),
    "the same service twice": (
        f"{HEAD}{REAL}\nvirtual=192.0.2.100:80\n{REAL}",
        ["ld.cf:5: tcp:192.0.2.100:80 is there already, in line 2: put all servers into one section"],
    ),
    "a line of no section": (
        f"{HEAD}{REAL}\n\tservice=http\n\tscheduler=rr\n",
        ["ld.cf:5: 2 lines from here on are indented and in no section: remove the empty line above, which ended the section, or comment these lines out"],
    ),
    "everything indented": (
        "  quiescent=no\n  virtual=192.0.2.100:80\n",
        ["ld.cf:1: 2 lines from here on are indented and in no section: begin global directives and sections in column 1"],
    ),
    "an unknown directive, twice": (
        f"chektimeout=3\n{HEAD}{REAL}\tcheckintervall=3\n",
        ["ld.cf:1: there is no directive chektimeout: did you mean checktimeout?", "ld.cf:5: there is no directive checkintervall: did you mean checkinterval?"],
    ),
    "a directive in the wrong place": (
        f"scheduler=rr\n{HEAD}{REAL}\tautoreload=yes\n",
        ["ld.cf:1: scheduler stands in the wrong place: write it indented, in a section", "ld.cf:5: autoreload stands in the wrong place: write it in column 1, before the sections"],
    ),
    "a server in no section": ("quiescent=no\nreal=192.0.2.1:80 gate\n", ["ld.cf:2: real stands in no section: indent it below virtual="]),
    "headings in brackets": (
        "[vip]\n",
        ["ld.cf:1: [vip] is not a directive: ldirectord.cf has no headings in brackets; sections begin with virtual="],
    ),
    "the syntax of ipvsadm": (
        f"{HEAD}\treal=192.0.2.1:80 gate -w 1\n",
        ["ld.cf:3: real: -w is too much in this line: the weight stands alone after the method: gate 1"],
    ),
    "no method": (f"{HEAD}\treal=192.0.2.1:80\n", ["ld.cf:3: real: the forwarding method is missing: write gate, masq or ipip after the server"]),
    "a wrong method": (f"{HEAD}\treal=192.0.2.1:80 gat\n", ["ld.cf:3: real: gat is not a forwarding method: did you mean gate?"]),
    "a server with two colons": (f"{HEAD}\treal=192.0.2.1::80 gate\n", ["ld.cf:3: real: 192.0.2.1::80 is not an address and port: write it as 192.0.2.1:80"]),
    "a range backwards": (
        f"{HEAD}\treal=192.0.2.3->192.0.2.1:80 gate\n",
        ["ld.cf:3: real: 192.0.2.3->192.0.2.1:80 is not a range from a lower to a higher address: write the lower one first, and at most 1024 servers"],
    ),
    "a request without receive": (f'{HEAD}\treal=192.0.2.1:80 gate "/x"\n', ['ld.cf:3: real: there is one text in quotes: write two, "request" "receive", or none']),
    "thresholds the wrong way round": (
        f"{HEAD}\treal=192.0.2.1:80 gate l:9 u:2\n",
        ["ld.cf:3: real: the lower threshold is above the upper one: write l:N u:M with N at most M"],
    ),
    "a fallback with a weight": (f"{HEAD}{REAL}\tfallback=127.0.0.1 gate 1\n", ["ld.cf:4: fallback: 1 is too much: a fallback is a server and a method; its weight is 1"]),
    "real6 in an IPv4 section": (f"{HEAD}\treal6=[2001:db8::1]:80 gate\n", ["ld.cf:3: real6 in a virtual section: write real="]),
    "the same server twice": (f"{HEAD}{REAL}{REAL}", ["ld.cf:4: warning: 192.0.2.1:80 is in the section twice, first in line 3: remove one"]),
    "two servers that are one to the kernel": (
        f"{HEAD}{REAL}\treal=192.0.2.1:81 gate\n",
        ["ld.cf:4: 192.0.2.1:81 is for the kernel the same server as the one in line 3: remove one, or use masq, with which ports can differ"],
    ),
    "another port with gate": (
        f"{HEAD}\treal=192.0.2.1:8080 gate\n",
        ["ld.cf:3: warning: with gate packets arrive at port 80; port 8080 is only checked: write 192.0.2.1:80 and checkport=8080"],
    ),
    "seconds with a unit": (f"checkinterval=5s\n{HEAD}{REAL}", ["ld.cf:1: checkinterval: 5s is not a number of seconds: write whole seconds from 1 to 86400, without a unit"]),
    "an interval of zero": (f"checkinterval=0\n{HEAD}{REAL}", ["ld.cf:1: checkinterval: 0 is not a number of seconds: write whole seconds from 1 to 86400, without a unit"]),
    "a service of somebody else": (
        f"{HEAD}{REAL}\tservice=htp\n",
        ["ld.cf:4: service: htp is not a service that can be checked: did you mean http? write one of ftp, smtp, dns, http, pop, nntp, imap, ldap, https, submission, ldaps, imaps, pops, oracle, radius, http_proxy, mysql, sip, pgsql, simpletcp, none, or checktype=external with checkcommand"],
    ),
    "an external check of nothing": (
        f"{HEAD}{REAL}\tchecktype=external\n",
        ['ld.cf:4: an external check without checkcommand would say that every server is up: write checkcommand="/path/of/a/program"'],
    ),
    "a database without a question": (f'{HEAD}{REAL}\tservice=mysql\n\tlogin="a"\n', ['ld.cf:4: service=mysql needs request: write request="..."']),
    "a pattern that only Perl knows": (f'{HEAD}{REAL}\treceive="(?<a>x)"\n', ["ld.cf:4: receive: receive has a named group, which only Perl knows: write a group without a name"]),
    "a pattern that is none": (
        f'{HEAD}{REAL}\treceive="a("\n',
        ["ld.cf:4: receive: receive is not a regular expression: missing ), unterminated subpattern at position 1: put \\ before characters meant as such"],
    ),
    "a quote that is not closed": (f'{HEAD}{REAL}\trequest="/x\n', ['ld.cf:4: request: the closing quote is missing: write request="TEXT"']),
    "something behind a quote": (f'{HEAD}{REAL}\trequest="/x" y\n', ['ld.cf:4: request: after the closing quote stands  y: write request="TEXT"']),
    "a mark with a protocol": ("quiescent=no\nvirtual=1\n\treal=192.0.2.1 gate\n\tprotocol=tcp\n\tchecktype=ping\n", ["ld.cf:4: a firewall mark has no protocol tcp: write protocol=fwm"]),
    "an address with the protocol of marks": (f"{HEAD}{REAL}\tprotocol=fwm\n", ["ld.cf:4: protocol=fwm is for firewall marks: write tcp or udp, or virtual=MARK"]),
    "a netmask of the other version": (f"{HEAD}{REAL}\tpersistent=60\n\tnetmask=64\n", ["ld.cf:5: netmask 64 is for the other IP version: write 255.255.255.255"]),
    "flags that the scheduler has not": (f"{HEAD}{REAL}\tschedflags=sh-port\n", ["ld.cf:4: the scheduler wrr has no such flags: write scheduler=sh or mh"]),
    "an unknown scheduler": (f"{HEAD}{REAL}\tscheduler=wr\n", ["ld.cf:4: scheduler: wr is not one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, nq, fo, ovf, twos: did you mean wrr?"]),
    "directives of long ago": (f"timeout=3\n{HEAD}{REAL}", ["ld.cf:1: timeout is not supported: write checktimeout or negotiatetimeout"]),
    "another configuration": (f"execute=other\n{HEAD}{REAL}", ["ld.cf:1: execute is not supported: put its sections into this file, or start it as a resource of its own"]),
    "fork": (f"fork=yes\n{HEAD}{REAL}", ["ld.cf:1: warning: fork has no effect: checks never wait for each other here; leave it out"]),
    "no fork": (f"fork=no\n{HEAD}{REAL}", []),
    "mail": (f'emailalert="a@example.com"\n{HEAD}{REAL}', ["ld.cf:1: warning: emailalert is not carried out in this release: watch the log, the journal or `status --json`"]),
    "quiescent left open": (
        f"virtual=192.0.2.100:80\n{REAL}",
        ["ld.cf: warning: quiescent is not given, so it is no: a server that is down is removed: write quiescent=no, or yes to keep it with weight 0"],
    ),
    "a value given twice": (f"checkinterval=1\ncheckinterval=2\n{HEAD}{REAL}", ["ld.cf:2: warning: checkinterval is given in line 1, too: the last one counts; remove one"]),
    "checks that check nothing": (f"{HEAD}{REAL}\tservice=none\n", ["ld.cf:4: warning: service=none: servers are never checked and always used: write checktype=connect or ping"]),
    "a mark without a port to connect to": (
        "quiescent=no\nvirtual=1\n\treal=192.0.2.1 gate\n\tchecktype=connect\n",
        ["ld.cf:3: there is no port to check: write checkport=PORT"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_answer_to(name):
    text, expected = FILES[name]
    assert problems(text) == expected


def test_all_problems_come_at_once_in_the_order_of_the_file():
    text = "chektimeout=3\nquiescent=maybe\nvirtual=192.0.2.1\n\treal=x\n\tservice=htp\n"
    assert [line.split(":")[1] for line in problems(text)] == ["1", "2", "3", "4", "5"]


def test_no_secret_is_shown_in_a_message():
    for text in (
        f'{HEAD}{REAL}\tpasswd="hidden\n',
        f"{HEAD}{REAL}\tpasswd=hidden\n",
        f'{HEAD}{REAL}\tsecret="a" hidden\n',
    ):
        assert problems(text)
        assert "hidden" not in "".join(problems(text))


@pytest.mark.parametrize(
    "pattern",
    [r"a\z", r"\h", r"\R", r"\Qa.b\E", "[[:alpha:]]", "(?<n>x)", "(?R)", "(?1)", "(?>x)", r"\p{L}", "a++", r"\x{41}",
     "(?{ 1 })", r"\g1", r"\K", "(*FAIL)"],
)  # fmt: skip
def test_patterns_that_python_reads_otherwise_are_refused(pattern):
    assert "only Perl knows" in problems(f'{HEAD}{REAL}\treceive="{pattern}"\n')[0]


@pytest.mark.parametrize(
    "pattern", ["OK web[0-9]+", r"^a\.b$", "(?i)ok", "(a|b)*c", r"\\z", r"\w+\s\d{2,3}", "a+?b", r"\+\+"]
)
def test_patterns_that_mean_the_same_are_taken(pattern):
    assert problems(f'{HEAD}{REAL}\treceive="{pattern}"\n') == []
