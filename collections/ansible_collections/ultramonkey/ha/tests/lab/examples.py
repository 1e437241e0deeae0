"""The examples of load balancing, deployed in a laboratory by their own playbooks."""

from __future__ import annotations

import json
import re
from typing import Any

from .ansible import COLLECTIONS
from .cluster import Cluster

EXAMPLES = COLLECTIONS / "ansible_collections/ultramonkey/ha/examples"
# The addresses that clients ask for, in all of them.
VIP, VIP6 = "192.0.2.100", "2001:db8:1::100"


def play(cluster: Cluster, example: str, *arguments: str, code: int = 0, **variables: Any) -> str:
    """Run the playbook of an example with further variables; what it printed."""
    cluster.ansible.set_variables({})
    variables = {"ldirectord_rehearsal": True, **variables}
    options = ["-i", str(EXAMPLES / example / "inventory.yml"), "-e", json.dumps(variables)]
    done = cluster.ansible.playbook(str(EXAMPLES / example / "site.yml"), *options, *arguments, check=False)
    assert done.returncode == code, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def changed(printed: str) -> dict[str, int]:
    """How many tasks changed something, by host."""
    return {h: int(n) for h, n in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", printed, re.MULTILINE)}


def joined(printed: str) -> str:
    """The text in one line: Ansible breaks lines where they end."""
    return " ".join(printed.split())
