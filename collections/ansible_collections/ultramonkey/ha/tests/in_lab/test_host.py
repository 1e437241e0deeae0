"""What the role tells the host's kernel and network managers; a real systemd-networkd configures anew."""

from __future__ import annotations

import json
import re

import pytest
from lab.cluster import ADDRESS, variables

NETWORK = "[Match]\nName=eth0\n[Network]\nAddress=192.0.2.11/24\n"
ROUTE, RULE = "198.18.0.0/24", "198.18.0.1"
ADD = f"""
ip address add {ADDRESS}/24 dev eth0
ip route add {ROUTE} via 192.0.2.11
ip rule add from {RULE} table 77
"""
# Long enough for it to be through.
RECONFIGURE = "networkctl reconfigure eth0; sleep 2"
PLACES = "/etc/systemd/network /etc/systemd/networkd.conf.d /etc/sysctl.d /etc/NetworkManager"
FILES = f"find {PLACES} -name '60-heartbeat*'"


@pytest.fixture(scope="module")
def cluster(make_cluster):
    cluster = make_cluster(nodes=("lb1",), client=False, systemd=True)
    sh(
        cluster,
        f"mkdir -p /etc/NetworkManager/conf.d; printf '{NETWORK}' >/etc/systemd/network/10-lan.network",
    )
    sh(cluster, "systemctl start systemd-networkd; sleep 1")
    return cluster


def sh(cluster, script):
    return cluster.lab.nodes[0].run(["sh", "-c", script], check=False).stdout


def there(cluster):
    """Which of address, route and rule are still there."""
    shown = sh(cluster, "ip address; ip route; ip rule")
    return [name for name in (f"{ADDRESS}/", ROUTE, RULE) if name in shown]


def apply(cluster, *arguments, tasks="host", **changes):
    """Have the role set the host up; how many tasks changed something."""
    cluster.ansible.set_variables(variables("lb1", **changes))
    role = {"name": "ultramonkey.ha.heartbeat", "tasks_from": tasks}
    play = {"hosts": "heartbeat", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": role}]}
    path = cluster.lab.directory / "host.yml"
    path.write_text(json.dumps([play]))
    done = cluster.ansible.playbook(str(path), *arguments, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    return int(re.findall(r"changed=(\d+)", done.stdout)[0])


WANTED = {
    "heartbeat_networkd_keep": True,
    "heartbeat_sysctl": {"net.ipv4.ip_nonlocal_bind": 1},
    "heartbeat_networkmanager_unmanaged": ["eth7", "eth8"],
}


def test_1_without_it_systemd_networkd_drops_what_is_not_its_own(cluster):
    """If this fails, systemd-networkd has changed its mind, and the drop-ins are not needed any more."""
    sh(cluster, ADD)
    assert len(there(cluster)) == 3
    sh(cluster, RECONFIGURE)
    assert there(cluster) == []


def test_2_the_files_are_written_once(cluster):
    apply(cluster, "--check", **WANTED)
    assert sh(cluster, FILES) == ""
    assert apply(cluster, **WANTED) > 0
    assert sorted(sh(cluster, FILES).split()) == [
        "/etc/NetworkManager/conf.d/60-heartbeat.conf",
        "/etc/sysctl.d/60-heartbeat.conf",
        "/etc/systemd/network/10-lan.network.d/60-heartbeat.conf",
        "/etc/systemd/networkd.conf.d/60-heartbeat.conf",
    ]
    assert apply(cluster, **WANTED) == 0
    assert apply(cluster, "--check", **WANTED) == 0
    assert sh(cluster, "cat /proc/sys/net/ipv4/ip_nonlocal_bind") == "1\n"
    told = sh(cluster, "cat /etc/NetworkManager/conf.d/60-heartbeat.conf")
    assert "match-device=interface-name:eth7;interface-name:eth8\nmanaged=0\n" in told


def test_3_with_it_address_route_and_rule_stay(cluster):
    sh(cluster, "systemctl restart systemd-networkd; sleep 1")
    sh(cluster, ADD)
    sh(cluster, RECONFIGURE)
    assert len(there(cluster)) == 3
    sh(cluster, "touch /etc/systemd/network/10-lan.network; networkctl reload; sleep 2")
    assert len(there(cluster)) == 3


def test_4_what_is_no_longer_wanted_is_taken_back(cluster):
    assert apply(cluster) > 0
    assert sh(cluster, FILES) == ""
    assert apply(cluster) == 0


def test_5_serial_lines_are_given_back_with_the_daemon(cluster):
    """As the role leaves them: rules of udev, and no login prompt."""
    rules = "/etc/udev/rules.d/99-heartbeat-lines.rules"
    prompt = "serial-getty@ttyS1.service"
    lines = (
        'SUBSYSTEM=="tty", KERNEL=="ttyS1", OWNER="root"\nSUBSYSTEM=="tty", SYMLINK=="ttyS1", OWNER="root"\n'
    )
    sh(cluster, "mkdir -p /etc/udev/rules.d; systemctl mask " + prompt)
    cluster.lab.nodes[0].run(["tee", rules], stdin=lines)
    assert sh(cluster, f"systemctl is-enabled {prompt}") == "masked\n"
    apply(cluster, "--check", tasks="remove")
    assert sh(cluster, f"systemctl is-enabled {prompt}; cat {rules}") == f"masked\n{lines}"
    assert apply(cluster, tasks="remove") > 0
    assert sh(cluster, f"cat {rules}") == ""
    assert "masked" not in sh(cluster, f"systemctl is-enabled {prompt}")
    assert apply(cluster, tasks="remove") == 0


def test_6_systemd_answers_for_many_units_as_the_checker_expects(cluster):
    """See resources/search.py: values of several units have an empty line between them."""
    show = "systemctl show --property=LoadState --value --"
    answer = sh(cluster, f"{show} dbus.service systemd-networkd.service no-such.service")
    assert answer.split() in (["loaded", "loaded", "not-found"], ["not-found", "loaded", "not-found"])
    assert answer.count("\n\n") == 2
