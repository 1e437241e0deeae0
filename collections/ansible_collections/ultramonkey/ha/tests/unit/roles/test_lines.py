"""What the role makes of serial and PPP links, rendered by Ansible itself on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COLLECTION = Path(__file__).resolve().parents[3]
ROLE = COLLECTION / "roles/heartbeat"
PPP = {
    "type": "ppp",
    "device": "/dev/ttyS1",
    "baud": 115200,
    "addresses": {"lb1": "10.9.0.1", "lb2": "10.9.0.2"},
}
SERIAL = {"type": "serial", "device": "/dev/serial/by-id/usb-port0"}


@pytest.fixture
def rendered(tmp_path):
    """A template of the role with variables of ours."""

    def render(template, **variables):
        task = {"src": str(ROLE / "templates" / template), "dest": str(tmp_path / "out")}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {**variables, "ansible_python_interpreter": sys.executable},
            "tasks": [{"ansible.builtin.template": task}],
        }
        (tmp_path / "play.yml").write_text(json.dumps([play]))
        command = [
            Path(sys.executable).with_name("ansible-playbook"),
            "-i",
            "localhost,",
            tmp_path / "play.yml",
        ]
        environment = {
            **os.environ,
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return (tmp_path / "out").read_text()

    return render


@pytest.mark.parametrize(
    ("node", "own", "peer"), [("lb1", "10.9.0.1", "10.9.0.2"), ("lb2", "10.9.0.2", "10.9.0.1")]
)
def test_addresses_by_node_become_those_of_each_end(rendered, node, own, peer):
    links = json.loads(rendered("links.j2", heartbeat_links=[SERIAL, PPP], heartbeat_node_name=node))
    plain = {key: value for key, value in PPP.items() if key != "addresses"}
    assert links == [SERIAL, {**plain, "address": own, "peer": peer}]


def test_lines_are_roots_and_no_business_of_modemmanager(rendered):
    rules = rendered("lines.rules.j2", __heartbeat_serial_devices=["/dev/ttyS1", SERIAL["device"]])
    wanted = (
        'OWNER="root", GROUP="root", MODE="0600", ENV{ID_MM_DEVICE_IGNORE}="1", ENV{ID_MM_PORT_IGNORE}="1"'
    )
    for match in ('KERNEL=="ttyS1"', 'SYMLINK=="serial/by-id/usb-port0"'):
        assert f'SUBSYSTEM=="tty", {match}, {wanted}\n' in rules
