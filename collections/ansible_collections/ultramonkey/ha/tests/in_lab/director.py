"""The roles ldirectord and realserver, by the examples themselves: on bare hosts to look at, then for real.

The table is kept in a file (a rehearsal), because the kernels of most test machines have no IPVS; with it
they are tested in emulation. Takes minutes, so it is not found by its name; `make test-director` runs it.
"""

from __future__ import annotations

import json

import pytest
from lab.cluster import Cluster
from lab.examples import VIP, VIP6, changed, joined, play

WEB = {"virtual": f"{VIP}:80"}
HOSTS = ("lb1", "lb2", "web1", "web2", "web3")
INSTALLED = ("/etc/ha.d", "/usr/sbin/ldirectord", "/usr/sbin/realserver", "/etc/sysctl.d/60-realserver.conf")


# -- bare hosts --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(make_cluster):
    return make_cluster(client=False, nodes=HOSTS, networks=("lan", "hb"))


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        ("load_balancing", ["+net.ipv4.ip_forward = 1", "+\treal6=[2001:db8:2::21]:80 masq", "quit"]),
        (
            "ha_load_balancing",
            ["+lb1 ldirectord::ldirectord.cf LVSSyncDaemonSwap::master::eth1::1 198.51.100.1/24/eth1"],
        ),
        (
            "firewall_mark",
            [
                "+    ip daddr 192.0.2.100 tcp dport { 80, 443 } meta mark set 1",
                "+    ip6 daddr 2001:db8:1::100 tcp dport { 80, 443 } meta mark set 1",
                "+virtual6=1",
                "+net.ipv4.conf.all.arp_ignore = 1",
            ],
        ),
    ],
)
def test_check_mode_shows_what_would_be_on_bare_hosts_and_writes_nothing(bare, example, shown):
    printed = play(bare, example, "--check", "--diff")
    for line in shown:
        assert line in printed
    for host in bare.lab.nodes:
        assert host.run(["ls", "-d", *INSTALLED], check=False).stdout == ""
        assert VIP not in host.run(["ip", "address", "show", "lo"]).stdout
        assert host.run(["sh", "-c", "ls -d /tmp/*.ldirectord"], check=False).stdout == ""


def test_every_problem_of_every_host_is_told_before_the_first_change(bare):
    bare.lab.host("lb2").run(["sh", "-c", "echo 'perl' >/usr/sbin/ldirectord"])
    printed = play(
        bare,
        "high_capacity",
        "--limit", "directors",
        code=2,
        ldirectord_rehearsal=False,
        ldirectord_sync_interface="eth7",
        ldirectord_sync_id=300,
        ldirectord_sysctls={"kernel.panic": 1},
        ldirectord_marks=[{"mark": 2, "ports": [80]}],
        ldirectord_globals={"quiescent": False, "checkinterval": 0},
        ldirectord_services=[
            {**WEB, "scheduler": "rrr", "reals": [{"server": "192.0.2.300:80", "forward": "gate"}]},
        ],
    )  # fmt: skip
    bare.lab.host("lb2").run(["rm", "/usr/sbin/ldirectord"])
    said = joined(printed)
    for problem in (
        "lb1: the kernel has no IPVS (module ip_vs): install the kernel with all modules",
        "lb1: ldirectord_globals.checkinterval: checkinterval: 0 is not a number of seconds",
        "lb1: ldirectord_services[0].scheduler: scheduler: rrr is not",
        "lb1: ldirectord_services[0].reals[0]: real: 192.0.2.300 is not an IPv4 address",
        "lb1: ldirectord_sync_interface is eth7, but there is none: it may be eth0, eth1",
        "lb1: ldirectord_sync_id is 300: write a number from 0 to 255",
        "lb1: ldirectord_sysctls: kernel.panic does not begin with net.",
        "lb1: ldirectord_marks: the mark 2 has no addresses: say which packets get it",
        "lb2: /usr/sbin/ldirectord belongs to another ldirectord: remove its package",
    ):
        assert problem in said
    assert changed(printed) == {"lb1": 0, "lb2": 0}


def test_what_heartbeat_would_not_start_is_refused(bare):
    groups = [{"node": "lb1", "resources": ["192.0.2.100/24/eth0"]}]
    said = joined(play(bare, "high_capacity", "--limit", "lb1", code=2, heartbeat_groups=groups))
    wanted = "[ldirectord::ldirectord.cf, LVSSyncDaemonSwap::master::eth1::1, ADDRESS/PREFIX/INTERFACE]"
    assert f"so nothing would start it: write resources: {wanted}" in said


def test_two_that_always_have_the_table_need_heartbeat_for_the_rest(bare):
    swap = "LVSSyncDaemonSwap::master::eth1::1"
    for resources, wanted in (
        (["192.0.2.100/24/eth0"], f"and no group of heartbeat_groups has {swap}"),
        (
            ["ldirectord::ldirectord.cf", swap],
            "has ldirectord::ldirectord.cf, but ldirectord_run_by is service",
        ),
    ):
        groups = [{"node": "lb1", "resources": resources}]
        said = joined(play(bare, "tunnel", "--limit", "lb1", code=2, heartbeat_groups=groups))
        assert wanted in said


def test_real_servers_that_cannot_be_are_refused(bare):
    printed = play(
        bare,
        "tunnel",
        "--limit", "realservers",
        code=2,
        realserver_addresses=["192.0.2.100/24"],
        realserver_gateway="203.0.113.1",
    )  # fmt: skip
    said = joined(printed)
    for problem in (
        "web1: realserver_addresses: 192.0.2.100/24 is not the address of a service: write one such as",
        "web1: realserver_gateway is 203.0.113.1, which is in no network of this host",
        "web1: the kernel has no module ipip, which realserver_method ipip needs",
        "web2: realserver_gateway is set, but with realserver_method ipip answers go straight to the client",
    ):
        assert problem in said
    assert changed(printed) == {"web1": 0, "web2": 0}


def test_real_servers_behind_nat_answer_through_the_director_also_after_a_boot(bare):
    web = bare.lab.host("web1")
    play(bare, "ha_load_balancing", "--limit", "realservers")
    assert "default via 198.51.100.1 dev eth1" in web.run(["ip", "route"]).stdout
    assert "default via 2001:db8:2::1 dev eth1" in web.run(["ip", "-6", "route"]).stdout
    assert VIP not in web.run(["ip", "address"]).stdout
    assert changed(play(bare, "ha_load_balancing", "--limit", "realservers")) == {"web1": 0, "web2": 0}
    web.kill()
    web.boot()
    assert "default" not in web.run(["ip", "route"]).stdout
    web.run(["/etc/init.d/realserver", "start"])
    assert "default via 198.51.100.1 dev eth1" in web.run(["ip", "route"]).stdout


# -- two machines, each director and real server, with a real systemd --------------------------------

# The kernel of the test machine synchronizes no connections.
GROUPS = [
    {"node": "lb1", "resources": ["ldirectord::ldirectord.cf", f"{VIP}/24/eth0", f"{VIP6}/64/eth0"]},
]
LEFT = (
    *("/etc/*/*ldirectord*", "/etc/*/*/*ldirectord*", "/usr/sbin/*ldirectord*", "/etc/ha.d"),
    *("/usr/sbin/realserver", "/etc/*/*realserver*", "/etc/*/*/*realserver*"),
)
STREAMLINE = {"ldirectord_sync_interface": "", "heartbeat_groups": GROUPS, "heartbeat_auto_failback": "off"}
TABLE = "/var/lib/ldirectord/table"


@pytest.fixture(scope="module")
def both(make_cluster):
    cluster: Cluster = make_cluster(systemd=True, networks=("lan", "hb"))
    # The laboratory gives the client the address that the examples have for the service.
    cluster.lab.client.run(["ip", "address", "delete", f"{VIP}/24", "dev", "eth0"])
    cluster.lab.client.run(["ip", "address", "add", "192.0.2.50/24", "dev", "eth0"])
    for host, number in zip(cluster.lab.nodes, (11, 12)):
        # As the example has them; the laboratory counts in hexadecimal.
        host.run(["ip", "address", "add", f"2001:db8:1::{number}/64", "dev", "eth0", "nodad"])
        host.run(["mkdir", "-p", "/srv/web"])
        host.run(["tee", "/srv/web/alive.html"], stdin="OK\n")
        host.run(
            [
                "systemd-run",
                "--unit=web",
                "python3",
                "-m",
                "http.server",
                "--bind",
                "::",
                "-d",
                "/srv/web",
                "80",
            ]
        )
    return cluster


def streamline(cluster, *arguments, **variables):
    return play(cluster, "streamline", *arguments, **{**STREAMLINE, **variables})


def table(host):
    """{service: {server: weight}} as the rehearsed table has it."""
    rows = json.loads(host.read_text(TABLE) or "[]")
    return {r["service"]: {f"{s['address']}:{s['port']}": s["weight"] for s in r["servers"]} for r in rows}


def status(host):
    return json.loads(host.run(["ldirectord", "--json", "status"], check=False).stdout)


FULL = {
    f"tcp:{VIP}:80": {"192.0.2.11:80": 1, "192.0.2.12:80": 1},
    f"tcp:[{VIP6}]:80": {"2001:db8:1::11:80": 1, "2001:db8:1::12:80": 1},
}


def test_streamline_1_is_deployed_and_directs(both):
    streamline(both)
    both.wait_healthy()
    lb1, lb2 = both.lab.nodes
    assert both.holder() is lb1
    both.wait("the table is full", lambda: table(lb1) == FULL)
    assert (status(lb1)["state"], status(lb2)["state"], table(lb2)) == ("active", "standby", {})
    assert status(lb2)["servers"] == {"up": 4, "down": 0, "unknown": 0}


def test_streamline_2_the_address_that_stays_on_lo_is_never_announced(both):
    lb1, lb2 = both.lab.nodes
    for host in both.lab.nodes:
        shown = host.run(["ip", "address", "show", "lo"]).stdout
        assert f"inet {VIP}/32 scope global lo" in shown
        assert f"inet6 {VIP6}/128 scope global nodad deprecated" in shown
    assert VIP not in lb2.run(["ip", "address", "show", "eth0"]).stdout
    client = both.lab.client
    mac = lb1.run(["cat", "/sys/class/net/eth0/address"]).stdout.strip()
    for address in (VIP, VIP6):
        client.run(["ip", "neighbour", "flush", "all"])
        client.run(["ping", "-c", "1", address])
        assert mac in client.run(["ip", "neighbour", "show", address]).stdout
    lb1.run(["systemctl", "stop", "heartbeat"])
    both.wait("lb2 has the address", lambda: VIP in lb2.run(["ip", "address", "show", "eth0"]).stdout)
    client.run(["ip", "neighbour", "flush", "all"])
    client.run(["ping", "-c", "1", VIP])
    assert mac not in client.run(["ip", "neighbour", "show", VIP]).stdout
    assert table(lb2) == FULL
    both.wait("lb1 directs no more", lambda: table(lb1) == {} and status(lb1)["state"] == "standby")
    lb1.run(["systemctl", "start", "heartbeat"])
    both.wait_healthy()


def test_streamline_3_the_second_run_changes_nothing(both):
    assert changed(streamline(both)) == {"lb1": 0, "lb2": 0}
    assert changed(streamline(both, "--check")) == {"lb1": 0, "lb2": 0}


def test_streamline_4_a_change_is_reloaded_by_both_and_nothing_is_restarted(both):
    before = [status(host) for host in both.lab.nodes]
    printed = streamline(
        both, "--diff", ldirectord_globals={"checkinterval": 1, "checktimeout": 1, "quiescent": False}
    )
    assert "+checkinterval=1" in printed
    after = [status(host) for host in both.lab.nodes]
    assert [one["pid"] for one in after] == [one["pid"] for one in before]
    assert all(one["digest"] != two["digest"] for one, two in zip(after, before))
    for host in both.lab.nodes:
        assert host.run(["sh", "-c", "ls /etc/ha.d/ldirectord.cf.*~"]).stdout != ""
    # A whole text in place of data, that says the same: nothing to do.
    content = both.lab.host("lb1").read_text("/etc/ha.d/ldirectord.cf")
    same = streamline(
        both, "--check", ldirectord_services=[], ldirectord_globals={}, ldirectord_content=content
    )
    assert changed(same) == {"lb1": 0, "lb2": 0}


def test_streamline_5_a_wrong_change_is_refused_and_what_serves_goes_on(both):
    before = [status(host)["digest"] for host in both.lab.nodes]
    services = [{**WEB, "reals": [{"server": "192.0.2.11:80", "forward": "gat"}]}]
    printed = play(both, "streamline", code=2, **STREAMLINE, ldirectord_services=services)
    assert "gat" in printed
    assert [status(host)["digest"] for host in both.lab.nodes] == before


def test_streamline_6_the_module_for_real_servers_four_times(both):
    def drain(*options):
        arguments = "server=192.0.2.12 state=drain timeout=20"
        found = both.ansible.module("heartbeat", "ultramonkey.ha.ldirectord_real", arguments, options=options)
        return [result["changed"] for result in found.values()]

    holder = both.holder()
    assert drain("--check") == [True, True]
    assert table(holder) == FULL
    assert drain() == [True, True]
    assert table(holder)[f"tcp:{VIP}:80"] == {"192.0.2.11:80": 1, "192.0.2.12:80": 0}
    assert drain() == [False, False]
    assert drain("--check") == [False, False]
    # The one that stands by knows of it, too.
    lb1, lb2 = both.lab.nodes
    other = lb2 if holder is lb1 else lb1
    holder.run(["hbctl", "standby"])
    both.wait("the other one directs", lambda: both.holder() is other)
    assert table(other)[f"tcp:{VIP}:80"] == {"192.0.2.11:80": 1, "192.0.2.12:80": 0}
    found = both.ansible.module(
        "heartbeat", "ultramonkey.ha.ldirectord_real", "server=192.0.2.12 state=normal"
    )
    assert [result["changed"] for result in found.values()] == [True, True]
    told = both.ansible.module("heartbeat", "ultramonkey.ha.ldirectord_info")
    assert {result["state"] for result in told.values()} == {"active", "standby"}
    assert all(result["healthy"] for result in told.values()), told


def test_streamline_7_started_again_by_systemd_it_directs_as_before(both):
    holder = both.holder()
    before = status(holder)
    done = len(holder.read_text(f"{TABLE}.log").splitlines())
    holder.run(["kill", "-KILL", str(before["pid"])])
    both.wait("it runs again", lambda: status(holder).get("pid") not in (None, before["pid"]))
    both.wait("it directs again", lambda: status(holder)["state"] == "active")
    assert table(holder) == FULL
    assert [line for line in holder.read_text(f"{TABLE}.log").splitlines()[done:] if "remove" in line] == []
    before = status(holder)
    holder.run(["ldirectord", "renew"])
    assert (status(holder)["state"], status(holder)["pid"] != before["pid"]) == ("active", True)
    shown = holder.run(["systemctl", "show", "ldirectord", "-pActiveState"]).stdout
    assert shown.strip() == "ActiveState=active"
    both.wait_healthy()


def test_streamline_8_the_units_are_right_and_enabled(both):
    for host in both.lab.nodes:
        for unit in ("ldirectord", "ldirectord-kernel", "realserver"):
            file = f"/etc/systemd/system/{unit}.service"
            assert unit not in host.run(["systemd-analyze", "verify", file], check=False).stderr
            assert host.run(["systemctl", "is-enabled", unit]).stdout.strip() == "enabled"
            assert host.run(["systemctl", "is-active", unit]).stdout.strip() == "active"


def test_streamline_9_removed_nothing_is_left(both, tmp_path):
    removal = tmp_path / "remove.yml"
    steps = [
        {"ansible.builtin.include_role": {"name": f"ultramonkey.ha.{role}", "tasks_from": "remove"}}
        for role in ("heartbeat", "ldirectord", "realserver")
    ]
    variables = {
        **STREAMLINE,
        "ldirectord_remove_configuration": True,
        "heartbeat_remove_configuration": True,
    }
    removal.write_text(
        json.dumps([{"hosts": "heartbeat", "gather_facts": False, "vars": variables, "tasks": steps}])
    )
    both.ansible.set_variables({})
    both.ansible.playbook(str(removal))
    search = f"ls -d {' '.join(LEFT)}"
    for host in both.lab.nodes:
        assert host.run(["sh", "-c", search], check=False).stdout == ""
        assert VIP not in host.run(["ip", "address"]).stdout
