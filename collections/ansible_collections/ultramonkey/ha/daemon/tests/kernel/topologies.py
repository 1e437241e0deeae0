"""Ultra Monkey's load-balanced topologies, whole: a client is served, and goes on being served in a failover.

Two of our heartbeat daemons with ldirectord as a resource, real IPVS, real servers.

    topologies.py [NAME...]     high-availability-nat, high-capacity, streamline

Runs as root in an emulated machine (`make test-kernel`). Prints a line for each thing that holds, and ends
with 1 at the first that does not. Times are of emulation: the clock is right, the processor 20 times slower.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from machines import BIG_LINES, Site, comes, holds, say, sync_daemons

HA_CF = """\
node lb1
node lb2
auto_failback off
keepalive 1
deadtime 10
warntime 5
initdead 30
realtime off
bcast eth2
"""
AUTHKEYS = "auth 1\n1 sha256 0123456789abcdef\n"
COMMON = """\
checkinterval=2
checktimeout=10
negotiatetimeout=10
quiescent=no
logfile="{log}"

"""
WEB = '\tservice=http\n\trequest="name"\n\treceive="{expected}"\n\tscheduler=rr\n\n'


def service(head, reals, method, expected="rs"):
    """A section with one http service."""
    real = "real6" if head.startswith("virtual6") else "real"
    lines = "".join(f"\t{real}={address} {method}\n" for address in reals)
    return f"{head}\n{lines}{WEB.format(expected=expected)}"


@dataclass(frozen=True)
class Topology:
    """What is laid down on the directors, and what a client must get.

    `vips` are asked by the client; `held` must be on the active director beside lo; `names` are those that
    answer.
    """

    name: str
    services: str
    resources: str
    vips: tuple[str, ...]
    held: tuple[str, ...]
    servers_in_table: int
    names: tuple[str, ...] = ("rs1", "rs2")


NAT = Topology(
    "high-availability-nat",
    service("virtual=10.0.0.100:80", ("10.1.0.11:8080", "10.1.0.12:8080"), "masq")
    + service("virtual6=[fd00::100]:80", ("[fd01::11]:8080", "[fd01::12]:8080"), "masq"),
    # The gateway of the real servers moves together with the address of the service.
    "IPaddr2::10.0.0.100/24/eth0 IPaddr2::10.1.0.254/24/eth1 "
    "IPaddr2::fd00::100/64/eth0 IPaddr2::fd01::fe/64/eth1",
    vips=("10.0.0.100", "fd00::100"),
    held=("10.0.0.100", "10.1.0.254", "fd00::100", "fd01::fe"),
    servers_in_table=4,
)
DIRECT4, DIRECT6 = ("10.0.0.11:80", "10.0.0.12:80"), ("[fd00::11]:80", "[fd00::12]:80")
CAPACITY = Topology(
    "high-capacity",
    service("virtual=10.0.0.100:80", DIRECT4, "gate")
    + service("virtual6=[fd00::100]:80", DIRECT6, "gate")
    # Tunnels.
    + service("virtual=10.0.0.101:80", DIRECT4, "ipip")
    + service("virtual6=[fd00::101]:80", DIRECT6, "ipip")
    # Firewall marks, with what a mark does not say by itself: what is asked, and where.
    + service("virtual=1", ("10.0.0.11", "10.0.0.12"), "gate").replace(
        "\tservice=", "\tcheckport=80\n\tservice="
    )
    + service("virtual6=2", ("[fd00::11]", "[fd00::12]"), "gate").replace(
        "\tservice=", "\tcheckport=80\n\tservice="
    ),
    "IPaddr2::10.0.0.100/24/eth0 IPaddr2::fd00::100/64/eth0 IPaddr2::10.0.0.101/24/eth0 "
    "IPaddr2::fd00::101/64/eth0 IPaddr2::10.0.0.102/24/eth0 IPaddr2::fd00::102/64/eth0",
    vips=("10.0.0.100", "fd00::100", "10.0.0.101", "fd00::101", "10.0.0.102", "fd00::102"),
    held=("10.0.0.100", "fd00::100", "10.0.0.102", "fd00::102"),
    servers_in_table=12,
)
STREAMLINE = Topology(
    "streamline",
    service("virtual=10.0.0.100:80", ("10.0.0.1:80", "10.0.0.2:80"), "gate", "lb")
    + service("virtual6=[fd00::100]:80", ("[fd00::1]:80", "[fd00::2]:80"), "gate", "lb"),
    "IPaddr2::10.0.0.100/24/eth0 IPaddr2::fd00::100/64/eth0",
    vips=("10.0.0.100", "fd00::100"),
    held=("10.0.0.100", "fd00::100"),
    servers_in_table=4,
    names=("lb1", "lb2"),
)
# A connection that the kernel's synchronization brought does not go on through a tunnel (tried on 6.1): it came
# before the service did. New ones do.
TUNNELLED = ("10.0.0.101", "fd00::101")
MARKS = """\
table inet balance {
  chain marks {
    type filter hook prerouting priority mangle
    ip daddr 10.0.0.102 tcp dport { 80, 8080 } meta mark set 1
    ip6 daddr fd00::102 tcp dport { 80, 8080 } meta mark set 2
  }
}
"""


# --- what a role lays down on real servers and directors ----------------------------------------------------


def prepare_nat(site):
    """Real servers know nothing but a gateway."""
    for real in site.reals:
        real.ip("link set eth0 down")
        real.ip("route add default via 10.1.0.254")
        real.ip("-6 route add default via fd01::fe dev eth1")
        real.serve_web()
    for director in site.directors:
        director.sysctl("net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1")


def prepare_capacity(site):
    """Real servers carry the addresses, on lo for direct routing and on the tunnel's end for tunnels."""
    for real in site.reals:
        real.quiet_arp()
        real.carry("10.0.0.100", "fd00::100", "10.0.0.102", "fd00::102")
        for device in ("tunl0", "ip6tnl0"):
            real.ip(f"link set {device} up")
        real.sysctl("net/ipv4/conf/tunl0/rp_filter=0", "net/ipv4/conf/eth0/rp_filter=0")
        real.carry("10.0.0.101", device="tunl0")
        real.carry("fd00::101", device="ip6tnl0")
        real.serve_web()
    for director in site.directors:
        rules = director.work / "marks.nft"
        rules.write_text(MARKS)
        director.run_inside("nft", "-f", str(rules))


def prepare_streamline(site):
    """Both directors are real servers: the addresses stay on lo, and who stands by must not direct."""
    for director in site.directors:
        director.quiet_arp()
        director.carry(*STREAMLINE.vips)
        director.serve_web()


PREPARE = {NAT.name: prepare_nat, CAPACITY.name: prepare_capacity, STREAMLINE.name: prepare_streamline}


# --- the story ----------------------------------------------------------------------------------------------


def tell(topology, site):
    """Start, serve, lose a real server, lose the director, go on serving."""
    one, two = site.directors
    PREPARE[topology.name](site)
    boot(topology, site)
    comes(lambda: all(map(one.has, topology.held)), "lb1 holds the addresses")
    holds(one.servers() == topology.servers_in_table, "its table is complete", one.table())
    holds(two.servers() == 0, "the table of lb2 is empty", two.table())
    comes(lambda: sync_daemons() == "bm", "one node is master of the synchronization, the other backup")
    served(topology, site)

    name = topology.names[1]
    for vip in topology.vips:
        if vip in TUNNELLED:
            continue
        answer = site.client.ask(f"download {name} {vip}")
        holds(answer == f"from {name}", f"a long download over {vip} begins, served by {name}", answer)
    # The kernel copies a connection after some packets, and then a bundle a second.
    begun = site.client.ask("progress")
    comes(lambda: min(site.client.ask("progress")) > max(begun) + 40_000, "the downloads go on")

    before = site.client.ask("progress")
    say("lb1 loses power")
    one.lose_power()
    comes(lambda: any(map(two.has, topology.held)), "lb2 holds an address")
    complete = two.servers() >= topology.servers_in_table - (1 if topology is STREAMLINE else 0)
    holds(complete, "and its table is complete already", two.table())
    comes(lambda: all(map(two.has, topology.held)), "lb2 holds the addresses")
    comes(lambda: sync_daemons() == "mm", "lb2 is master of the synchronization (so was lb1 when it died)")
    survivors = topology.names if topology is not STREAMLINE else ("lb2",)
    if topology is STREAMLINE:
        comes(lambda: two.servers() == 2, "lb1 leaves the table as a real server, too")
    served(topology, site, survivors)
    comes(lambda: min(site.client.ask("progress")) > max(before) + 20_000, "the downloads go on by lb2")
    outcomes = site.client.ask("finish")
    holds(set(outcomes) == {f"whole: {BIG_LINES} lines"}, "every download is whole, byte by byte", outcomes)

    if topology is not STREAMLINE:
        for process in site.reals[0].web:
            process.kill()
            process.wait()
        comes(
            lambda: two.servers() == topology.servers_in_table // 2,
            "a real server that dies leaves the table",
        )
        served(topology, site, topology.names[1:])
    two.daemon.terminate()
    two.daemon.wait()
    holds(two.servers() == 0, "a daemon that stops leaves an empty table", two.table())
    holds(not any(map(two.has, topology.held)), "and no address")
    if topology is STREAMLINE:
        there = two.ip("-o addr show dev lo")
        holds(all(vip in there for vip in topology.vips), "but for those that stay on lo")
    comes(lambda: sync_daemons() == "bm", "and the backup of the synchronization")


def explain(site):
    """What one wants to know when something does not hold."""
    say(f"downloads: {site.client.ask('progress')}")
    print(site.client.ip("neigh"), flush=True)
    for director in site.directors:
        print(director.table(), director.run_inside("cat", "/proc/net/ip_vs_conn"), director.ip("-br addr"))
        director.logs()


def boot(topology, site):
    """Both nodes at once."""
    started = []
    for director in site.directors:
        director.sysctl("net/ipv4/vs/backup_only=1", "net/ipv4/vs/expire_nodest_conn=1")
        resources = f"ldirectord::ldirectord.cf LVSSyncDaemonSwap::master::eth2::5 {topology.resources}"
        director.configure(
            {
                "ha.cf": HA_CF,
                "haresources": f"lb1 {resources}\n",
                "authkeys": AUTHKEYS,
                "ldirectord.cf": COMMON.format(log=director.files / "ldirectord.log") + topology.services,
            }
        )
        started.append(director.boot())
    for director, standby in zip(site.directors, started):
        said, _ = standby.communicate()
        holds(standby.returncode == 0, f"ldirectord stands by on {director.name}", said)


def served(topology, site, names=()):
    """Every address answers, by every server."""
    names = names or topology.names
    count = 2 * len(names)
    got = site.client.ask(f"get {count} {' '.join(topology.vips)}")
    for vip, answers in got.items():
        good = set(answers) == set(names) and sum(answers.values()) == count
        holds(good, f"{vip}: {count} connections, answered by {' and '.join(names)}", (answers, got))


TOPOLOGIES = {topology.name: topology for topology in (NAT, CAPACITY, STREAMLINE)}


def main(names):
    """Tell the stories, one after the other, each on machines of its own."""
    for name in names or TOPOLOGIES:
        topology = TOPOLOGIES[name]
        say(f"=== {name}")
        site = Site(0 if topology is STREAMLINE else 2)
        try:
            tell(topology, site)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the logs explain it
            say(f"FAILED: {error!r}")
            explain(site)
            return 1
        finally:
            site.close()
        say(f"{name}: everything holds")
    print(f"topologies: {len(names or TOPOLOGIES)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
