"""Real IPVS: the netlink client, then a whole director with real clients. Run inside tools/kernel-run.

    client 10.0.0.9  fd00::9 ──┐                         ┌── rs1 10.0.0.11 fd00::11
                               ├── bridge ── director ───┤      (VIPs also on its lo)
    far 10.2.0.9 ── director 10.2.0.1                    └── rs2 10.0.0.12 fd00::12

Direct routing to 10.0.0.100:80 and [fd00::100]:80 for `client`, a firewall mark for 10.0.0.200, and NAT with
another port to 10.2.0.100:80 for `far`. Prints a line for each thing that holds; ends with 1 at the first
that does not.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
SOURCE = HERE.parents[2] / "src"
sys.path.insert(0, str(SOURCE))

from ultramonkey_heartbeat.config.sync_daemon import SyncDaemon  # noqa: E402
from ultramonkey_heartbeat.net.sync_daemon import SyncSocket, swap  # noqa: E402
from ultramonkey_ldirectord.config.model import Forward, ServiceKey  # noqa: E402
from ultramonkey_ldirectord.core.changes import changes  # noqa: E402
from ultramonkey_ldirectord.core.table import Entry, Server, ServerKey, Service  # noqa: E402
from ultramonkey_ldirectord.ipvs.netlink import IpvsSocket  # noqa: E402

# Everything is 20 times slower here.
DEADLINE_S = 60.0
WORK = Path("/run/ipvs-test")


def run(text, *, check=True):
    """Run a command of plain words."""
    return subprocess.run(text.split(), check=check, capture_output=True, text=True).stdout


def holds(condition, sentence):
    print(f"{'holds' if condition else 'BROKEN'}: {sentence}", flush=True)
    if not condition:
        raise SystemExit(1)


def comes(condition, sentence):
    """Wait until it holds."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > DEADLINE_S:
            holds(condition=False, sentence=sentence)
        time.sleep(0.1)
    holds(condition=True, sentence=f"{sentence} (after {time.monotonic() - begun:.1f} s)")


# --- the netlink client -------------------------------------------------------------------------------------


def everything():
    """A table with one of each kind of service."""
    web = {
        ServerKey("192.0.2.1", 80): Server(Forward.GATE, 5),
        ServerKey("192.0.2.2", 8080): Server(Forward.MASQ, 0, 2, 9),
    }
    return {
        ServiceKey(4, "tcp", "192.0.2.100", 80): Entry(Service("wrr"), web),
        ServiceKey(4, "udp", "192.0.2.100", 53): Entry(Service("rr", flags=4), {}),
        ServiceKey(4, mark=7): Entry(
            Service("sh", 1 | 0x10, 60, "255.255.255.0"), {ServerKey("192.0.2.3", 0): Server(Forward.IPIP, 1)}
        ),
        ServiceKey(6, "tcp", "2001:db8::100", 80): Entry(
            Service("wlc", netmask="128"), {ServerKey("2001:db8::1", 80): Server(Forward.GATE, 1)}
        ),
        ServiceKey(6, mark=7): Entry(Service("rr", 1, 30, "64"), {}),
    }  # fmt: skip


def client():
    ipvs = IpvsSocket()
    ipvs.open()
    holds(Path("/proc/net/ip_vs").exists(), "the module was loaded when it was needed")
    wanted = everything()
    holds(ipvs.apply(changes(ipvs.read(), wanted)) == [], "every kind of service and server is taken")
    holds(changes(ipvs.read(), wanted) == [], "what is read is what was written")
    key = ServiceKey(4, mark=7)
    wanted[key] = Entry(Service("rr"), {ServerKey("192.0.2.3", 0): Server(Forward.IPIP, 0, 1, 3)})
    holds(ipvs.apply(changes(ipvs.read(), wanted)) == [], "services and servers are changed")
    holds(changes(ipvs.read(), wanted) == [], "also a flag that was set is cleared")
    web = ServiceKey(4, "tcp", "192.0.2.100", 80)
    wanted[web] = Entry(Service("wrr"), {ServerKey("127.0.0.1", 80): Server(Forward.GATE, 1)})
    ipvs.apply(changes(ipvs.read(), wanted))
    shown = ipvs.read()[web].servers[ServerKey("127.0.0.1", 80)].forward
    holds(
        changes(ipvs.read(), wanted) == [], f"an address of the kernel's own is as it was written ({shown})"
    )
    unknown = {ServiceKey(4, mark=8): Entry(Service("nosuch"), {})}
    failures = ipvs.apply(changes({}, unknown))
    holds("no scheduler nosuch" in failures[0].reason, f"a scheduler that is not there: {failures[0].reason}")
    steps = changes({}, {web: wanted[web]})
    holds([f.reason for f in ipvs.apply(steps)] == ["File exists"] * 2, "what is there already is refused")
    ipvs.apply(changes(ipvs.read(), {}, list(ipvs.read())))
    holds(ipvs.read() == {}, "everything goes")
    places = [ServerKey(f"10.9.{number // 250}.{number % 250 + 1}", 80) for number in range(1000)]
    many = {web: Entry(Service("rr"), dict.fromkeys(places, Server(Forward.GATE, 1)))}
    begun = time.monotonic()
    failures = ipvs.apply(changes({}, many))
    added_s = time.monotonic() - begun
    holds(
        not failures and changes(ipvs.read(), many) == [],
        f"1000 servers are added in {added_s:.2f} s of emulation",
    )
    ipvs.apply(changes(many, {}, [web]))
    holds(ipvs.keep_timeouts((60, 0, 30)) and not ipvs.keep_timeouts((60, 0, 30)), "timeouts are set, once")
    shown = subprocess.run(["ipvsadm", "-L", "--timeout"], check=True, capture_output=True, text=True).stdout
    holds("60 120 30" in shown, f"and ipvsadm shows them: {shown.strip()}")
    ipvs.close()
    sync = SyncSocket()
    sync.open()
    for daemon in (SyncDaemon("master", "lo", 5), SyncDaemon("backup", "lo", 5)):
        swap(sync, daemon)
        holds(sync.daemons() == [daemon], f"a {daemon.state} sync daemon runs, and no other")
    sync.daemon(daemon, start=False)
    holds(sync.daemons() == [], "and stops")
    sync.close()


# --- a whole director ---------------------------------------------------------------------------------------

CONFIGURATION = """\
checkinterval=1
checktimeout=10
negotiatetimeout=10
quiescent=no
logfile="/run/ipvs-test/log"

virtual=10.0.0.100:80
	real=10.0.0.11:80 gate
	real=10.0.0.12:80 gate
	service=http
	request="name"
	scheduler=rr

virtual6=[fd00::100]:80
	real6=[fd00::11]:80 gate
	real6=[fd00::12]:80 gate
	checktype=connect
	scheduler=rr

virtual=200
	real=10.0.0.11 gate
	real=10.0.0.12 gate
	checktype=connect
	checkport=80
	scheduler=rr

virtual=10.2.0.100:80
	real=10.0.0.11:8080 masq
	real=10.0.0.12:8080 masq
	checktype=connect
	scheduler=rr
	fallback=10.0.0.1:80 masq
"""


def plug(name, interface, address, bridge="switch"):
    run(f"ip link add {name}-{interface} type veth peer name {interface} netns {name}")
    run(f"ip link set {name}-{interface} master {bridge} up")
    run(f"ip -n {name} addr add {address} dev {interface}")
    run(f"ip -n {name} link set {interface} up")


def inside(name, text, **options):
    return run(f"ip netns exec {name} {text}", **options)


def sysctl(name, setting):
    key, _, value = setting.partition("=")
    program = f"open('/proc/sys/{key}','w').write('{value}')"
    subprocess.run(["ip", "netns", "exec", name, "python3", "-Sc", program], check=True)


def network():
    WORK.mkdir(parents=True, exist_ok=True)
    for module in ("veth", "bridge", "xt_mark", "iptable_mangle", "ip6_tables"):
        run(f"modprobe -q {module}", check=False)
    for bridge in ("switch", "outside"):
        run(f"ip link add {bridge} type bridge")
        run(f"ip link set {bridge} up")
    for number, name in ((9, "client"), (1, "director"), (11, "rs1"), (12, "rs2")):
        run(f"ip netns add {name}")
        run(f"ip -n {name} link set lo up")
        sysctl(name, "net/ipv6/conf/default/accept_dad=0")
        if name.startswith("rs"):
            for setting in ("arp_ignore=1", "arp_announce=2"):
                sysctl(name, f"net/ipv4/conf/all/{setting}")
            for vip in ("10.0.0.100/32", "10.0.0.200/32", "fd00::100/128 nodad"):
                run(f"ip -n {name} addr add {vip.split()[0]} dev lo {' '.join(vip.split()[1:])}")
        plug(name, "eth0", f"10.0.0.{number}/24")
        run(f"ip -n {name} addr add fd00::{number}/64 dev eth0 nodad")
        if name.startswith("rs"):
            run(f"ip -n {name} route add default via 10.0.0.1")
    run("ip netns add far")
    plug("far", "eth0", "10.2.0.9/24", "outside")
    plug("director", "eth1", "10.2.0.1/24", "outside")
    for vip, interface in (("10.0.0.100/32", "eth0"), ("10.0.0.200/32", "eth0"), ("10.2.0.100/32", "eth1")):
        run(f"ip -n director addr add {vip} dev {interface}")
    run("ip -n director addr add fd00::100/128 dev eth0 nodad preferred_lft 0")
    sysctl("director", "net/ipv4/ip_forward=1")


def web(name):
    """Web servers that tell their name, on both ports."""
    pages = WORK / name
    pages.mkdir(exist_ok=True)
    (pages / "name").write_text(name)
    for port in (80, 8080):
        command = ["ip", "netns", "exec", name, "busybox", "httpd", "-f", "-p", str(port), "-h", str(pages)]
        yield subprocess.Popen(command)


# A connection each, as clients of many machines have.
REQUESTS = """
import socket, sys
host, count = sys.argv[1], int(sys.argv[2])
for _ in range(count):
    try:
        with socket.create_connection((host, 80), 10) as c:
            c.sendall(b"GET /name HTTP/1.0\\r\\n\\r\\n")
            data = b""
            while more := c.recv(4096):
                data += more
        print(data.decode().split()[-1])
    except OSError as error:
        print("nobody:", error)
"""


def served(name, host, wanted, sentence):
    """So many requests are answered by these servers."""
    words = ["ip", "netns", "exec", name, sys.executable, "-S", "-c", REQUESTS, host, str(len(wanted))]
    got = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    if sorted(got) != wanted:
        print(got, run(f"ip -n {name} neigh"), inside("director", "cat /proc/net/ip_vs_conn"), table())
    holds(sorted(got) == wanted, sentence)


def ldirectord(*words):
    program = "from ultramonkey_ldirectord.cli.ldirectord import main; raise SystemExit(main())"
    command = ["ip", "netns", "exec", "director", sys.executable, "-c", program, str(WORK / "ld.cf"), *words]
    begun = time.monotonic()
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)}
    )
    print(
        f"ldirectord {' '.join(words)}: {done.returncode} in {time.monotonic() - begun:.1f} s {done.stderr}",
        flush=True,
    )
    return done


def table():
    return inside("director", "cat /proc/net/ip_vs")


BOTH = ["rs1", "rs1", "rs2", "rs2"]


def director():
    network()
    servers = {name: list(web(name)) for name in ("rs1", "rs2")}
    (WORK / "ld.cf").write_text(CONFIGURATION)
    try:
        holds(ldirectord("start").returncode == 0, "start")
        print(table())
        holds(table().count("->") == 9, "the table is programmed when start returns")
        served("client", "10.0.0.100", BOTH, "direct routing: both servers answer")
        served("client", "fd00::100", BOTH, "direct routing by IPv6: both servers answer")
        served("far", "10.2.0.100", BOTH, "NAT to another port: both servers answer")
        if shutil_which("iptables"):
            inside("director", "iptables -t mangle -A PREROUTING -d 10.0.0.200 -j MARK --set-mark 200")
            served("client", "10.0.0.200", BOTH, "a firewall mark: both servers answer")
        for server in servers["rs1"]:
            server.kill()
            server.wait()
        comes(lambda: "0A00000B" not in table(), "a server that dies leaves the table")
        served("client", "10.0.0.100", ["rs2"] * 4, "the other one answers everything")
        servers["rs1"] = list(web("rs1"))
        comes(lambda: table().count("->") == 9, "it returns")
        run("ip netns exec director " + sys.executable + " " + str(HERE) + " wipe")
        comes(lambda: table().count("->") == 9, "a table that somebody wipes is filled again")
        served("client", "10.0.0.100", BOTH, "and serves")
        status = ldirectord("status")
        print(status.stdout)
        holds(status.returncode == 0, "status")
        holds(ldirectord("stop").returncode == 0, "stop")
        holds(table().count("->") == 1, "the table is clean when stop returns")
    finally:
        with contextlib.suppress(OSError):
            print((WORK / "log").read_text())
        for server in [*servers["rs1"], *servers["rs2"]]:
            server.kill()
            server.wait()


def shutil_which(name):
    return any((Path(place) / name).exists() for place in ("/sbin", "/usr/sbin", "/usr/bin", "/bin"))


def wipe():
    ipvs = IpvsSocket()
    ipvs.open()
    found = ipvs.read()
    ipvs.apply(changes(found, {}, list(found)))


if __name__ == "__main__":
    if sys.argv[1:] == ["wipe"]:
        wipe()
    else:
        client()
        director()
        print("everything holds")
