"""Lets the heartbeats of the peers through the node's own firewall, and nobody else's. Stays on the node.

    firewall apply|remove|check|detect [-]

What is wanted is in `firewall.json` beside this file, or on standard input (`-`):

    {"kind": "nftables", "rules": [{"interface": "eth0", "port": 694, "sources": ["192.0.2.12"]}]}

nftables: a table of our own drops the port for all but the peers. As a packet must pass the tables of
others, too, one rule for each link is put in front of each of their input chains; a comment says whose it
is. firewalld: a policy object in a file of its own. ufw: rules with a comment. Nothing else is touched,
and `remove` takes just that away. Prints JSON: `{"changed": BOOL, "did": [...]}`; `detect` prints the kind
that is in use here.
"""  # noqa: INP001 - a program that is sent to the node, no module

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

WANTED = "firewall.json"
TABLE = "ultramonkey_heartbeat"
MARK = "ultramonkey-heartbeat"
# firewalld allows a name of 18 letters.
POLICY = Path("/etc/firewalld/policies/heartbeat-peers.xml")
# What iptables made is its own, and it does not understand rules of ours.
OF_IPTABLES = ("filter", "INPUT")

Json = dict[str, Any]
Rule = dict[str, Any]


class FirewallError(Exception):
    """Something that the firewall's own command refused."""


def run(*argv: str, stdin: str = "") -> str:
    """What a command says. Raises FirewallError when it fails or is not there."""
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise FirewallError(f"{argv[0]} is not installed") from None
    if done.returncode != 0:
        raise FirewallError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def by_family(sources: list[str]) -> list[tuple[str, list[str]]]:
    """The sources as ("ip" or "ip6", addresses)."""
    found: dict[str, list[str]] = {"ip": [], "ip6": []}
    for source in sources:
        found["ip" if ipaddress.ip_network(source).version == 4 else "ip6"].append(source)  # noqa: PLR2004
    return [(family, those) for family, those in found.items() if those]


# -- nftables ----------------------------------------------------------------------------------------


def digest(rules: list[Rule]) -> str:
    """By which a rule that is there is known to be the wanted one."""
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:12]


def matches(rule: Rule, family: str = "inet") -> list[str]:
    """The conditions, one for each family of addresses that the table may see."""
    where = f'iifname "{rule["interface"]}" ' if rule["interface"] else ""
    return [
        f"{where}udp dport {rule['port']} {kind} saddr {{ {', '.join(those)} }}"
        for kind, those in by_family(rule["sources"])
        if family in ("inet", kind)
    ]


def own_table(rules: list[Rule]) -> list[str]:
    """The commands that make our table anew."""
    lines = [f"add table inet {TABLE}", f"delete table inet {TABLE}", f"add table inet {TABLE}"]
    lines.append(f"add chain inet {TABLE} input {{ type filter hook input priority -5 ; policy accept ; }}")
    lines += [f"add rule inet {TABLE} input {match} accept" for rule in rules for match in matches(rule)]
    comment = f'comment "{MARK} {digest(rules)}"'
    for interface, port in sorted({(rule["interface"], rule["port"]) for rule in rules if rule["interface"]}):
        lines.append(f'add rule inet {TABLE} input iifname "{interface}" udp dport {port} drop {comment}')
    return lines


def nft_objects(kind: str) -> list[Json]:
    """Everything of a kind that nft lists."""
    listed = json.loads(run("nft", "-a", "-j", "list", "ruleset"))["nftables"]
    return [one[kind] for one in listed if kind in one]


def nft_plan(rules: list[Rule]) -> list[str]:
    """The commands that bring the wanted rules about, from what is there now; with no rules, none of ours."""
    chains = [
        chain
        for chain in nft_objects("chain")
        if chain.get("hook") == "input"
        and chain.get("type") == "filter"
        and chain["family"] in ("inet", "ip", "ip6")
        and (chain["table"], chain["name"]) != OF_IPTABLES
        and chain["table"] not in (TABLE, "firewalld")
    ]
    ours = [rule for rule in nft_objects("rule") if str(rule.get("comment", "")).startswith(MARK)]
    comment = f"{MARK} {digest(rules)}"
    plan = []
    has_table = any(table["name"] == TABLE for table in nft_objects("table"))
    if rules and not any(rule["table"] == TABLE and rule["comment"] == comment for rule in ours):
        plan += own_table(rules)
    if not rules and has_table:
        plan.append(f"delete table inet {TABLE}")
    for chain in chains:
        place = f"{chain['family']} {chain['table']} {chain['name']}"
        there = [one for one in ours if f"{one['family']} {one['table']} {one['chain']}" == place]
        wanted = [match for rule in rules for match in matches(rule, chain["family"])]
        if len(there) == len(wanted) and all(one["comment"] == comment for one in there):
            continue
        plan += [f"delete rule {place} handle {one['handle']}" for one in there]
        plan += [f'insert rule {place} {match} accept comment "{comment}"' for match in wanted]
    return plan


def nftables(rules: list[Rule], *, act: bool) -> list[str]:
    """Carry the plan out, all of it or nothing."""
    plan = nft_plan(rules)
    if plan and act:
        run("nft", "-f", "-", stdin="".join(f"{line}\n" for line in plan))
    return plan


# -- firewalld ---------------------------------------------------------------------------------------


def firewalld_policy(rules: list[Rule]) -> str:
    """The policy object as a file. It is judged before the zones, and leaves all else to them."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<policy target="CONTINUE" priority="-100">']
    lines += ["  <short>heartbeat</short>", '  <ingress-zone name="ANY"/>', '  <egress-zone name="HOST"/>']
    for port, source in sorted({(rule["port"], source) for rule in rules for source in rule["sources"]}):
        family = "ipv4" if ipaddress.ip_network(source).version == 4 else "ipv6"  # noqa: PLR2004
        lines += [
            f'  <rule family="{family}">',
            f"    <source address={quoteattr(source)}/>",
            f'    <port port="{port}" protocol="udp"/>',
            "    <accept/>",
            "  </rule>",
        ]
    return "\n".join([*lines, "</policy>", ""])


def firewalld(rules: list[Rule], *, act: bool) -> list[str]:
    """Write or remove the file, and have a running firewalld read it."""
    text = firewalld_policy(rules) if rules else None
    there = POLICY.read_text(encoding="utf-8") if POLICY.exists() else None
    if text == there:
        return []
    if act:
        if text is None:
            POLICY.unlink()
        else:
            POLICY.parent.mkdir(parents=True, exist_ok=True)
            POLICY.write_text(text, encoding="utf-8")
        if subprocess.run(["firewall-cmd", "--state"], capture_output=True, check=False).returncode == 0:  # noqa: S607
            run("firewall-cmd", "--reload")
    return [f"{'remove' if text is None else 'write'} {POLICY}"]


# -- ufw ---------------------------------------------------------------------------------------------


def ufw_rules(rules: list[Rule]) -> list[str]:
    """The rules in ufw's words."""
    return [
        f"allow {place}from {source} to any port {rule['port']} proto udp"
        for rule in rules
        for place in (f"in on {rule['interface']} " if rule["interface"] else "",)
        for source in rule["sources"]
    ]


def ufw_normal(text: str) -> tuple[str, ...]:
    """A rule of ufw, whatever the order of its words."""
    return tuple(sorted(text.split()))


def ufw(rules: list[Rule], *, act: bool) -> list[str]:
    """Add what is missing and delete what is ours and not wanted any more."""
    there = {}
    for line in run("ufw", "show", "added").splitlines():
        if f" comment '{MARK}'" in line:
            words = line.partition(" comment ")[0].removeprefix("ufw ")
            there[ufw_normal(words)] = words
    wanted = {ufw_normal(text): text for text in ufw_rules(rules)}
    add = [text for key, text in wanted.items() if key not in there]
    delete = [text for key, text in there.items() if key not in wanted]
    if act:
        for text in add:
            run("ufw", *text.split(), "comment", MARK)
        for text in delete:
            run("ufw", "delete", *text.split())
    return [*(f"ufw {text}" for text in add), *(f"ufw delete {text}" for text in delete)]


KINDS = {"nftables": nftables, "firewalld": firewalld, "ufw": ufw}


def detect() -> str:
    """The kind of firewall that is in use here, or "none"."""
    asked = (
        ("firewalld", ("firewall-cmd", "--state"), "running"),
        ("ufw", ("ufw", "status"), "Status: active"),
        ("nftables", ("nft", "list", "ruleset"), "table "),
    )
    return next((kind for kind, argv, sign in asked if says(argv, sign)), "none")


def says(argv: tuple[str, ...], sign: str) -> bool:
    """Whether the sign is in what a command says."""
    try:
        return sign in run(*argv)
    except FirewallError:
        return False


def wanted_here(words: list[str]) -> Json:
    """What is wanted, from standard input or from the file beside this one."""
    if "-" in words:
        wanted: Json = json.load(sys.stdin)
    else:
        wanted = json.loads(Path(__file__).resolve().with_name(WANTED).read_text(encoding="utf-8"))
    return wanted


def main() -> None:
    """Apply, remove, say what apply would do, or what is in use here."""
    command, *words = sys.argv[1:]
    # The words of the commands, not those of a language.
    os.environ["LC_ALL"] = "C"
    if command == "detect":
        sys.stdout.write(f"{detect()}\n")
        return
    try:
        wanted = wanted_here(words)
        rules = [] if command == "remove" else wanted["rules"]
        did = KINDS[wanted["kind"]](rules, act=command != "check")
    except (FirewallError, OSError, ValueError, KeyError) as error:
        sys.exit(f"heartbeat's firewall: {error}")
    sys.stdout.write(json.dumps({"changed": bool(did), "did": did}) + "\n")


if __name__ == "__main__":
    main()
