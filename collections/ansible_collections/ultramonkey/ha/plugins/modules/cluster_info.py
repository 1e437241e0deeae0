#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Tell the state of the cluster as a node sees it
version_added: 0.1.0
description:
  - Asks the heartbeat daemon of the node for its nodes, links and resource groups, and for what is wrong.
  - Changes nothing. Fails when the daemon cannot be asked.
extends_documentation_fragment:
  - ultramonkey.ha._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    support: full
seealso:
  - module: ultramonkey.ha.failover
"""

EXAMPLES = r"""
- name: Ask the cluster
  ultramonkey.ha.cluster_info:
  register: cluster

- name: Refuse to go on with a sick cluster
  ansible.builtin.assert:
    that: cluster.healthy
    fail_msg: "{{ cluster.problems | map(attribute='text') | join('; ') }}"

- name: Wait until this node takes part
  ultramonkey.ha.cluster_info:
  register: cluster
  until: cluster.status.state | default('') == 'active'
  retries: 30
  delay: 1
"""

RETURN = r"""
healthy:
  description: Whether every node is active, every link up and every group held once.
  returned: success
  type: bool
  sample: true
problems:
  description: What is wrong, each with C(code), C(node), C(text) and C(remedy). Empty when healthy.
  returned: success
  type: list
  elements: dict
  sample: []
holders:
  description: Resource group to the name of the node that holds it, or null.
  returned: success
  type: dict
  sample: {"192.0.2.10/24/eth0": "lb1"}
status:
  description: Everything the daemon tells; see C(docs/CONTROL.md), "status result", in the collection.
  returned: success
  type: dict
  contains:
    node:
      description: The name of the node that was asked.
      type: str
    state:
      description: V(joining), V(active) or V(leaving).
      type: str
    nodes:
      description: The nodes of the cluster as this node sees them.
      type: list
      elements: dict
    links:
      description: This node's heartbeat links.
      type: list
      elements: dict
    groups:
      description: The resource groups, with C(holder), C(states) and C(last_move).
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl


def cluster_info(hbctl):
    """The module's answer from one status."""
    status = hbctl.status()
    return {
        "changed": False,
        "healthy": status["healthy"],
        "problems": status["problems"],
        "holders": {group["key"]: group["holder"] for group in status["groups"]},
        "status": status,
    }


def main():
    module = AnsibleModule(argument_spec=dict(_hbctl.ARGUMENT_SPEC), supports_check_mode=True)
    _hbctl.answer(module, cluster_info)


if __name__ == "__main__":
    main()
