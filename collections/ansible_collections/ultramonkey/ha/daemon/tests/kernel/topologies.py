"""Ultra Monkey's load-balanced topologies, whole: a client is served, and goes on being served in a failover.

    topologies.py [EXAMPLE...]     directories of examples/; all that balance load

The services, resources and addresses are those of the examples' inventories; only timers are longer. Two of
our heartbeat daemons with ldirectord as a resource, real IPVS, real servers. Runs as root in an emulated
machine (`make test-kernel`). Prints a line for each thing that holds, and ends with 1 at the first that does
not. All times are of emulation: the clock is right, the processor 20 times slower.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from machines import HERE, WORK, Site, comes, holds, run, say, sync_daemons
from webserver import BIG_LINES

EXAMPLES = HERE.parents[2] / "examples"
COMMANDS = HERE.parents[6] / "build/topologies"
NAMES = ("load_balancing", "ha_load_balancing", "high_capacity", "firewall_mark", "tunnel", "streamline")
HA_CF = """\
node lb1
node lb2
auto_failback off
keepalive 1
deadtime 10
warntime 5
initdead 30
realtime off
"""
TIMERS = {"checkinterval": 5, "checktimeout": 15, "negotiatetimeout": 15}
AUTHKEYS = "auth 1\n1 sha256 0123456789abcdef\n"


class Topology:
    """What the inventory of an example says."""

    def __init__(self, name):
        data = yaml.safe_load((EXAMPLES / name / "inventory.yml").read_text())["all"]
        groups = data["children"]
        self.name = name
        self.directors = list(groups["directors"]["hosts"])
        self.reals = list(groups["realservers"]["hosts"])
        shared = data.get("vars", {})
        self.said = {**shared, **groups["directors"].get("vars", {})}
        self.of_reals = {**shared, **groups["realservers"].get("vars", {})}
        self.method = self.of_reals["realserver_method"]
        self.services = self.said["ldirectord_services"]
        self.marks = self.said.get("ldirectord_marks", [])
        group = (self.said.get("heartbeat_groups") or [{"resources": []}])[0]
        self.resources = group["resources"]
        # Else both have the table at all times.
        self.moves_table = any(word.startswith("ldirectord::") for word in self.resources)
        self.held = [word.partition("/")[0] for word in self.resources if "/" in word]
        self.servers = sum(len(service["reals"]) for service in self.services)

    @property
    def vips(self):
        """What the client asks."""
        if self.marks:
            return [address for mark in self.marks for address in mark["addresses"]]
        return [str(service["virtual"]).rpartition(":")[0].strip("[]") for service in self.services]

    @property
    def is_streamline(self):
        return self.directors == self.reals

    def ldirectord_cf(self, log):
        """As the role writes it, with timers of emulation."""
        from ultramonkey_ldirectord import reading  # noqa: PLC0415 - machines put it on the path

        settings = {**self.said["ldirectord_globals"], **TIMERS, "logfile": log}
        text, problems = reading.render({"globals": settings, "services": self.services}, "ldirectord.cf")
        holds(text and not problems, f"ldirectord.cf of {self.name} has no mistake", problems)
        return text

    def files(self, director):
        """The configuration of a node."""
        links = "".join(
            f"{link['type']} {link['interface']}\n" for link in self.said.get("heartbeat_links", ())
        )
        return {
            "ha.cf": HA_CF + links,
            "haresources": f"lb1 {' '.join(self.resources)}\n",
            "authkeys": AUTHKEYS,
            "ldirectord.cf": self.ldirectord_cf(str(director.files / "ldirectord.log")),
        }


# --- what the roles lay down --------------------------------------------------------------------------------


def prepare_directors(topology, site):
    """Settings of the kernel, marks, and what a director without heartbeat has for good."""
    for director in site.directors:
        director.sysctl("net/ipv4/vs/backup_only=1", "net/ipv4/vs/expire_nodest_conn=1")
        if topology.method == "masq":
            director.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
        if topology.method == "ipip":
            director.ip("route add 203.0.113.0/24 via 192.0.2.9")
            director.ip("-6 route add 2001:db8:3::/64 via 2001:db8:1::9")
        if topology.marks:
            rules = director.work / "marks.nft"
            rules.write_text(marks(topology))
            director.run_inside("nft", "-f", str(rules))
        director.configure(topology.files(director))
        if not topology.held:
            for address in ("192.0.2.100/24 dev eth0", "198.51.100.1/24 dev eth1"):
                director.ip(f"addr add {address}")
            for address in ("2001:db8:1::100/64 dev eth0", "2001:db8:2::1/64 dev eth1"):
                director.ip(f"addr add {address} nodad preferred_lft 0")


def marks(topology):
    """The rules of nftables that give packets their marks."""
    lines = [
        f"{'ip6' if ':' in address else 'ip'} daddr {address} {mark['protocol']} dport "
        f"{{ {', '.join(map(str, mark['ports']))} }} meta mark set {mark['mark']}"
        for mark in topology.marks
        for address in mark["addresses"]
    ]
    head = "table inet marks {\nchain prerouting {\ntype filter hook prerouting priority mangle\n"
    return head + "\n".join(lines) + "\n}\n}\n"


def prepare_reals(topology, site):
    """Each by the command that the role writes on it (tools/realserver-commands)."""
    command = COMMANDS / topology.name / "realserver"
    if topology.marks:
        run(
            f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=web "
            f"-keyout {WORK}/certificate -out {WORK}/public -days 9"
        )
        with (WORK / "certificate").open("a") as file:
            file.write((WORK / "public").read_text())
    if topology.method == "ipip":
        site.client.plug("eth1", "far", 254)
        site.client.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")
    for real in site.reals:
        real.serve_web(tls=bool(topology.marks))
        if topology.method == "ipip":
            # As many distributions have it: nothing comes out of a tunnel unless the role sees to it.
            real.sysctl("net/ipv4/conf/all/rp_filter=1", "net/ipv4/conf/eth0/rp_filter=1")
            real.ip("route add default via 203.0.113.254")
            real.ip("-6 route add default via 2001:db8:3::254")
        real.run_inside("/bin/sh", str(command), "start")
        real.run_inside("/bin/sh", str(command), "status")


# --- the stories --------------------------------------------------------------------------------------------


def tell_one(topology, site):
    """A director that nothing replaces."""
    (director,) = site.directors
    starting = director.begin_ldirectord("start")
    said, _ = starting.communicate()
    holds(starting.returncode == 0, "ldirectord starts", said)
    holds(
        director.servers() == topology.servers, "the table is complete when start returns", director.table()
    )
    served(topology, site)
    site.reals[0].lose_web()
    comes(lambda: director.servers() == topology.servers // 2, "a real server that dies leaves the table")
    served(topology, site, topology.reals[1:])
    done = director.ldirectord("stop")
    holds(
        done.returncode == 0 and director.servers() == 0, "the table is clean when stop returns", done.stderr
    )


def tell(topology, site):
    """Start, serve, lose the director, go on serving, lose a real server."""
    one, two = site.directors
    boot(topology, site)
    comes(lambda: all(map(one.has, topology.held)), "lb1 holds the addresses")
    holds(one.servers() == topology.servers, "its table is complete", one.table())
    if topology.moves_table:
        holds(two.servers() == 0, "the table of lb2 is empty", two.table())
    else:
        holds(two.servers() == topology.servers, "and so is that of lb2", two.table())
    comes(lambda: sync_daemons() == "bm", "one node is master of the synchronization, the other backup")
    served(topology, site)
    begin_downloads(topology, site)
    fail_over(topology, site)
    before = site.client.ask("progress")
    comes(lambda: min(site.client.ask("progress")) > max(before), "the downloads go on by lb2")
    outcomes = site.client.ask("finish")
    holds(set(outcomes) == {f"whole: {BIG_LINES} lines"}, "every download is whole", outcomes)
    if not topology.is_streamline:
        site.reals[0].lose_web()
        left = topology.servers - topology.servers // len(topology.reals)
        comes(lambda: two.servers() == left, "a real server that dies leaves the table")
        served(topology, site, topology.reals[1:])
    stop(topology, two)


def boot(topology, site):
    """Both nodes at once: ldirectord, then heartbeat."""
    command = "standby" if topology.moves_table else "start"
    beginning = [director.begin_ldirectord(command) for director in site.directors]
    for director in site.directors:
        director.begin_heartbeat()
    for director, process in zip(site.directors, beginning):
        said, _ = process.communicate()
        holds(process.returncode == 0, f"ldirectord {command} on {director.name}", said)


def begin_downloads(topology, site):
    """A long one for each address, served by the last real server, which stays."""
    for vip in topology.vips:
        # Where clients stay with their server, it is that one.
        name = next(iter(site.client.ask(f"get 1 {vip}")[vip])) if topology.marks else topology.reals[-1]
        answer = site.client.ask(f"download {name} {vip}")
        holds(answer == f"from {name}", f"a long download over {vip} begins, served by {name}", answer)
    # The kernel copies a connection after its third packet, and tells it within a second or two.
    begun = site.client.ask("progress")
    comes(lambda: min(site.client.ask("progress")) > max(begun) + 40_000, "the downloads go on")


def fail_over(topology, site):
    """The active director dies."""
    one, two = site.directors
    say("lb1 loses power")
    one.lose_power()
    comes(lambda: any(map(two.has, topology.held)), "lb2 holds an address")
    expected = topology.servers // 2 if topology.is_streamline else topology.servers
    holds(two.servers() >= expected, "and its table is complete already", two.table())
    comes(lambda: all(map(two.has, topology.held)), "lb2 holds the addresses")
    comes(lambda: sync_daemons() == "mm", "lb2 is master of the synchronization (so was lb1 when it died)")
    if topology.is_streamline:
        comes(lambda: two.servers() == expected, "lb1 leaves the table as a real server, too")
        served(topology, site, ["lb2"])
    else:
        # Who had the table when it was told of a connection counts it: wlc spares the server that is busy.
        served(topology, site, all_of_them=topology.moves_table)


def stop(topology, director):
    """An orderly end."""
    director.daemon.terminate()
    director.daemon.wait()
    if not topology.moves_table:
        done = director.ldirectord("stop")
        holds(done.returncode == 0, "ldirectord stops", done.stderr)
    holds(director.servers() == 0, "a daemon that stops leaves an empty table", director.table())
    holds(not any(map(director.has, topology.held)), "and no address")
    if topology.is_streamline:
        there = director.ip("-o addr show dev lo")
        holds(all(vip in there for vip in topology.vips), "but for those that stay on lo")
    comes(lambda: sync_daemons() == "bm", "and the backup of the synchronization")


def served(topology, site, names=(), *, all_of_them=True):
    """Every address answers, by every server or by some."""
    names = list(names or topology.reals)
    count = 4 * len(names)
    got = site.client.ask(f"get {count} {' '.join(topology.vips)}")
    for vip, answers in got.items():
        # Who browses stays with a server where the service is persistent, as the marks of the example are.
        some = 1 if topology.marks else len(names) if all_of_them else len(set(answers))
        good = len(answers) == some and set(answers) <= set(names) and sum(answers.values()) == count
        holds(good, f"{vip}: {count} connections, answered by {' and '.join(answers)}", got)
        if topology.marks:
            both = site.client.ask(f"both {vip}")
            holds(both == [*answers] * 2, f"{vip}: ports 80 and 443 are one service, of {both[0]}", both)


def explain(site):
    """What one wants to know when something does not hold."""
    print(site.client.ip("neigh"), flush=True)
    for director in site.directors:
        print(director.table(), director.run_inside("cat", "/proc/net/ip_vs_conn"), director.ip("-br addr"))
        director.logs()


def main(names):
    """Tell the stories, one after the other, each on machines of its own."""
    for name in names:
        topology = Topology(name)
        say(f"=== {name}")
        site = Site(topology.directors, topology.reals, topology.method)
        try:
            prepare_reals(topology, site)
            prepare_directors(topology, site)
            (tell if topology.held else tell_one)(topology, site)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the logs explain it
            say(f"FAILED: {error!r}")
            explain(site)
            return 1
        finally:
            site.close()
        say(f"{name}: everything holds")
    print(f"topologies: {len(names)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main([Path(name).name for name in sys.argv[1:]] or NAMES))
