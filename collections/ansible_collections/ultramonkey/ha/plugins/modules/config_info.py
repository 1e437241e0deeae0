#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_info
short_description: Tell what the configuration files of a node say
version_added: 0.1.0
description:
  - Reads C(ha.cf), C(haresources) and C(authkeys) as the daemon does, and returns what they say as data, in
    the form of the variables of the role P(ultramonkey.ha.heartbeat#role). Keys are told by digest only.
  - Changes nothing, and needs no running daemon.
options:
  directory:
    description: Where the files are.
    type: path
    default: /etc/ha.d
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
  - module: ultramonkey.ha.ha_config
"""

EXAMPLES = r"""
- name: Read the files
  ultramonkey.ha.config_info:
  register: files

- name: All nodes have the same keys
  ansible.builtin.assert:
    that: files.data.authkeys.digest == hostvars[ansible_play_hosts[0]].files.data.authkeys.digest
"""

RETURN = r"""
data:
  description: What the files say; null when they have errors.
  returned: success
  type: dict
  sample:
    nodes: [lb1, lb2]
    links: [{type: bcast, interface: eth0}]
    deadtime: "5"
    auto_failback: "off"
    directives: {}
    groups: [{node: lb1, resources: [192.0.2.10/24/eth0]}]
    authkeys: {current: 1, digest: "0a1b2c3d4e5f6071", keys: [{index: 1, method: sha256, digest: "77aa55ff"}]}
digest:
  description: The digest of what all nodes must agree on, as in C(hbctl status). Null when there are errors.
  returned: success
  type: str
  sample: 0a1b2c3d4e5f6071
healthy:
  description: Whether the files have no errors.
  returned: success
  type: bool
  sample: true
problems:
  description: Errors and warnings, each with C(code), C(node), C(text) and C(remedy).
  returned: success
  type: list
  elements: dict
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl

ARGUMENT_SPEC = dict(
    _hbctl.ARGUMENT_SPEC,
    directory={"type": "path", "default": "/etc/ha.d"},
)


def config_info(hbctl, params):
    """The module's answer."""
    told = hbctl.show_configuration(params["directory"])
    problems = [
        {
            "code": f"configuration-{problem['severity']}",
            "node": None,
            "text": problem["text"],
            "remedy": problem["remedy"],
        }
        for problem in told["problems"]
    ]
    return {
        "changed": False,
        "data": told["data"],
        "digest": told["digest"],
        "healthy": told["data"] is not None,
        "problems": problems,
    }


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    _hbctl.answer(module, lambda hbctl: config_info(hbctl, module.params))


if __name__ == "__main__":
    main()
