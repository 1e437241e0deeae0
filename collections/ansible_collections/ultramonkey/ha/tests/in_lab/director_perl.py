"""`ldirectord_implementation: perl`: the role installs Debian's package, and heartbeat moves it.

Two machines with systemd. The kernel of the test machine need not have IPVS: a command that stands in for
modprobe says that it has, and ipvsadm, all that the original knows of the kernel, only writes its table down.
Takes minutes, so not found by its name; `make test-director` runs it. Needs the distribution's packages.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from lab.cluster import Cluster
from lab.examples import VIP, VIP6, changed, joined, play

STAND_IN = Path(__file__).resolve().parents[2] / "daemon/tests/ldirectord/original/ipvsadm"
PACKAGES = ("ldirectord", "libnet-inet6glue-perl")
REPOSITORY = "/srv/packages"
TABLE = "/usr/sbin/table"
RESOURCES = ["ldirectord::ldirectord.cf", f"{VIP}/24/eth0", f"{VIP6}/64/eth0"]
PERL = {
    "ldirectord_implementation": "perl",
    "ldirectord_rehearsal": False,
    "ldirectord_sync_interface": "",
    # With it the role sets nothing below net.ipv4.vs, which only a kernel with IPVS has.
    "ldirectord_globals": {"checkinterval": 1, "checktimeout": 2, "negotiatetimeout": 2, "quiescent": True},
    "heartbeat_groups": [{"node": "lb1", "resources": RESOURCES}],
    "heartbeat_auto_failback": "off",
}
FULL = {
    f"tcp {VIP}:80": {"192.0.2.11:80": 1, "192.0.2.12:80": 1},
    f"tcp [{VIP6}]:80": {"[2001:db8:1::11]:80": 1, "[2001:db8:1::12]:80": 1},
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The distribution's packages of the original and of what it needs here, as a directory of an archive."""
    directory = tmp_path_factory.mktemp("packages")
    (directory / "partial").mkdir()
    get = [
        "apt-get",
        "--quiet=2",
        "--yes",
        "-o",
        f"Dir::Cache::archives={directory}",
        "-o",
        "APT::Sandbox::User=root",
    ]
    subprocess.run(
        [*get, "--no-install-recommends", "--download-only", "--reinstall", "install", *PACKAGES],
        check=True, capture_output=True,
    )  # fmt: skip
    index = []
    for path in sorted(directory.glob("*.deb")):
        fields = subprocess.run(
            ["dpkg-deb", "--field", path], check=True, capture_output=True, text=True
        ).stdout
        digest = subprocess.run(
            ["sha256sum", path], check=True, capture_output=True, text=True
        ).stdout.split()[0]
        index.append(
            f"{fields.rstrip()}\nFilename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n"
        )
    (directory / "Packages").write_text("\n".join(index))
    return directory


def into(host, path, content, mode="755"):
    """Write a file of the host."""
    host.run(["tee", path], stdin=content)
    host.run(["chmod", mode, path])


@pytest.fixture(scope="module")
def perl(make_cluster, packages):
    cluster: Cluster = make_cluster(systemd=True, networks=("lan", "hb"))
    client = cluster.lab.client
    client.run(["ip", "address", "delete", f"{VIP}/24", "dev", "eth0"])
    client.run(["ip", "address", "add", "192.0.2.50/24", "dev", "eth0"])
    for host, number in zip(cluster.lab.nodes, (11, 12)):
        host.run(["ip", "address", "add", f"2001:db8:1::{number}/64", "dev", "eth0", "nodad"])
        serve(host)
        offer(host, packages)
        # The package must not start what heartbeat is to start, where nothing else holds it back.
        host.run(["rm", "-f", "/usr/sbin/policy-rc.d"])
        # As of a kernel that has all modules built in.
        into(host, "/usr/sbin/modprobe", '#!/bin/sh\n[ "$1" != --show-depends ] || echo builtin\n')
        for path in ("/sbin/ipvsadm", "/usr/sbin/ipvsadm"):
            host.run(["dpkg-divert", "--quiet", "--divert", f"{path}.real", path])
        into(host, "/usr/sbin/ipvsadm", STAND_IN.read_text())
    return cluster


def offer(host, packages):
    """Make the packages all that its apt knows."""
    host.run(["mkdir", "-p", REPOSITORY])
    for path in packages.iterdir():
        if path.is_file() and path.name != "lock":
            command = host.command(["tee", f"{REPOSITORY}/{path.name}"])
            subprocess.run(command, input=path.read_bytes(), stdout=subprocess.DEVNULL, check=True)
    host.run(["sh", "-c", "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*"])
    into(host, "/etc/apt/sources.list", f"deb [trusted=yes] file:{REPOSITORY} ./\n", "644")
    host.run(["apt-get", "update"])


def serve(host):
    """Be a real server."""
    host.run(["mkdir", "-p", "/srv/web"])
    host.run(["tee", "/srv/web/alive.html"], stdin="OK\n")
    words = ["python3", "-m", "http.server", "--bind", "::", "-d", "/srv/web", "80"]
    host.run(["systemd-run", "--unit=web", *words])


def deploy(cluster, *arguments, code=0, **variables):
    return play(cluster, "streamline", *arguments, code=code, **{**PERL, **variables})


def table(host):
    """{service: {server: weight}} as the stand-in for ipvsadm has it."""
    rows = json.loads(host.read_text(TABLE) or "{}")
    return {name: {place: row[1] for place, row in rows[name]["servers"].items()} for name in rows}


def test_perl_1_what_only_ours_knows_is_refused_before_the_first_change(perl):
    said = joined(deploy(perl, code=2, ldirectord_globals={**PERL["ldirectord_globals"], "risecount": 2}))
    assert "the configuration has risecount, which the Perl ldirectord does not know" in said
    assert perl.lab.nodes[0].run(["test", "-e", "/usr/sbin/ldirectord"], check=False).returncode == 1


def test_perl_2_the_package_is_installed_and_heartbeat_alone_starts_it(perl):
    deploy(perl)
    perl.wait_healthy()
    lb1, lb2 = perl.lab.nodes
    assert perl.holder() is lb1
    perl.wait("the table is full", lambda: table(lb1) == FULL)
    assert table(lb2) == {}
    for host in perl.lab.nodes:
        assert (
            "Perl" in host.run(["file", "-L", "/usr/sbin/ldirectord"], check=False).stdout
            or "perl" in (host.read_text("/usr/sbin/ldirectord")[:200])
        )
        shown = host.run(["systemctl", "is-enabled", "ldirectord"], check=False).stdout
        assert shown.strip() == "masked"
        assert VIP in host.run(["ip", "address", "show", "lo"]).stdout


def test_perl_3_the_second_run_changes_nothing(perl):
    assert changed(deploy(perl)) == {"lb1": 0, "lb2": 0}


def test_perl_4_a_real_server_that_dies_gets_no_connections(perl):
    lb1, lb2 = perl.lab.nodes
    lb2.run(["systemctl", "stop", "web"])
    perl.wait(
        "its weight is 0", lambda: table(lb1)[f"tcp {VIP}:80"] == {"192.0.2.11:80": 1, "192.0.2.12:80": 0}
    )
    perl.wait("by IPv6, too", lambda: table(lb1)[f"tcp [{VIP6}]:80"]["[2001:db8:1::12]:80"] == 0)
    serve(lb2)
    perl.wait("it is back", lambda: table(lb1) == FULL)


def test_perl_5_a_change_is_read_by_the_one_that_runs(perl):
    lb1 = perl.lab.nodes[0]
    pid = lb1.read_text("/run/ldirectord.ldirectord.cf.pid")
    services = [
        {"virtual": f"{VIP}:80", "service": "http", "request": "alive.html", "receive": "OK",
         "reals": [{"server": "192.0.2.11:80", "forward": "gate", "weight": 7}]},
    ]  # fmt: skip
    deploy(perl, ldirectord_services=services)
    perl.wait(
        "the table is as the new file says", lambda: table(lb1) == {f"tcp {VIP}:80": {"192.0.2.11:80": 7}}
    )
    assert lb1.read_text("/run/ldirectord.ldirectord.cf.pid") == pid
    deploy(perl)
    perl.wait("and as it was", lambda: table(lb1) == FULL)


def test_perl_6_the_other_node_takes_it_over(perl):
    lb1, lb2 = perl.lab.nodes
    lb1.run(["hbctl", "standby"])
    perl.wait("lb2 directs", lambda: perl.holder() is lb2 and table(lb2) == FULL)
    perl.wait("lb1 does not", lambda: table(lb1) == {})


def test_perl_7_removed_it_stays_a_package(perl, tmp_path):
    removal = tmp_path / "remove.yml"
    steps = [
        {"ansible.builtin.include_role": {"name": f"ultramonkey.ha.{role}", "tasks_from": "remove"}}
        for role in ("heartbeat", "ldirectord", "realserver")
    ]
    plays = [{"hosts": "heartbeat", "gather_facts": False, "vars": PERL, "tasks": steps}]
    removal.write_text(json.dumps(plays))
    perl.ansible.set_variables({})
    perl.ansible.playbook(str(removal))
    for host in perl.lab.nodes:
        assert table(host) == {}
        assert host.run(["dpkg", "--status", "ldirectord"]).returncode == 0
        assert (
            host.run(
                ["sh", "-c", "ls /etc/*/*ldirectord-kernel* /usr/sbin/ldirectord-kernel"], check=False
            ).stdout
            == ""
        )
