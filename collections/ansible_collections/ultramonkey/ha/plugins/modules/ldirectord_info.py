#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ldirectord_info
short_description: Tell the state of the virtual services and their real servers
version_added: 0.1.0
description:
  - Asks the ldirectord of the node for its services and servers, and for what is wrong.
  - Changes nothing. That none runs is no failure, but RV(healthy) is false then.
extends_documentation_fragment:
  - ultramonkey.ha._ldirectord
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    support: full
seealso:
  - module: ultramonkey.ha.ldirectord_real
  - module: ultramonkey.ha.cluster_info
"""

EXAMPLES = r"""
- name: Ask the director
  ultramonkey.ha.ldirectord_info:
  register: director

- name: Refuse to go on when a service has no server
  ansible.builtin.assert:
    that: director.healthy
    fail_msg: "{{ director.problems | map(attribute='text') | join('; ') }}"
"""

RETURN = r"""
state:
  description: >-
    V(active) keeps the table, V(standby) checks and leaves the table alone, V(stopped) does not run,
    V(failed) has died or does not answer.
  returned: success
  type: str
  sample: active
healthy:
  description: Whether it runs, what the configuration says is in force, and every server is up.
  returned: success
  type: bool
  sample: true
problems:
  description: What is wrong, each with C(code), C(service), C(server), C(text) and C(remedy).
  returned: success
  type: list
  elements: dict
  sample: []
servers:
  description: Virtual service to its real servers, each with C(state), C(weight) and C(active) connections.
  returned: success
  type: dict
  sample: {"tcp:192.0.2.100:80": {"192.0.2.11:80": {"state": "up", "weight": 1, "active": 0}}}
status:
  description: Everything the daemon tells; see C(docs/LDIRECTORD.md), "status", in the collection.
  returned: success
  type: dict
  contains:
    digest:
      description: The SHA-256 of the configuration in force.
      type: str
    release:
      description: The release that the daemon runs from.
      type: str
    services:
      description: The virtual services with their servers.
      type: list
      elements: dict
    changes:
      description: The last changes, each with its reason.
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _ldirectord


def ldirectord_info(ldirectord):
    """The module's answer from one status."""
    status = ldirectord.status()
    told = status.pop("told")
    state = _state(status, told["rc"])
    return {
        "changed": False,
        "state": state,
        "healthy": status.get("healthy", False),
        "problems": status.get("problems") or _no_daemon(state, status),
        "servers": {service["service"]: _servers(service) for service in status.get("services", ())},
        "status": {key: value for key, value in status.items() if key not in ("schema", "exit_code")},
    }


def _state(status, rc):
    state = status.get("state", "stopped")
    return "failed" if state == "stopped" and rc == _ldirectord.FAILED else state


def _no_daemon(state, status):
    if state in ("active", "standby"):
        return []
    code, text = (
        ("failed", status.get("error", "")) if state == "failed" else ("stopped", status.get("text", ""))
    )
    remedy = "start it: by heartbeat on this node, or with `ldirectord start`"
    return [{"code": code, "service": None, "server": None, "text": text, "remedy": remedy}]


def _servers(service):
    return {
        server["server"]: {
            "state": _ldirectord.state_of(server),
            "weight": server["weight"],
            "active": server["active"],
        }
        for server in service["servers"]
    }


def main():
    module = AnsibleModule(argument_spec=dict(_ldirectord.ARGUMENT_SPEC), supports_check_mode=True)
    _ldirectord.answer(module, ldirectord_info)


if __name__ == "__main__":
    main()
