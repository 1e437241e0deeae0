#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node
short_description: Have a node of the cluster hold nothing, or take part again
version_added: 0.1.0
description:
  - A node on standby gives away what it holds, and holds nothing until it is active again, also through
    restarts of its daemon.
  - Refuses when no other node can take what the node holds.
options:
  name:
    description: The node. By default the one on which the module runs.
    type: str
  state:
    description: What the node is to be.
    type: str
    choices: [active, standby]
    required: true
  wait:
    description: Whether to wait until a node on standby holds nothing any more.
    type: bool
    default: true
  timeout:
    description: How long that may take, in seconds. Scripts of the groups run within this time.
    type: int
    default: 60
extends_documentation_fragment:
  - ultramonkey.ha._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    support: full
seealso:
  - module: ultramonkey.ha.failover
  - module: ultramonkey.ha.maintenance
"""

EXAMPLES = r"""
- name: Empty this node, and keep it empty while its kernel is upgraded
  ultramonkey.ha.node:
    state: standby

- name: Take part again
  ultramonkey.ha.node:
    state: active
"""

RETURN = r"""
node:
  description: The name of the node concerned.
  returned: success
  type: str
  sample: lb1
before:
  description: V(active) or V(standby).
  returned: success
  type: str
  sample: active
after:
  description: V(active) or V(standby).
  returned: success
  type: str
  sample: standby
moved:
  description: The groups that the node held before.
  returned: success
  type: list
  elements: str
  sample: ["192.0.2.10/24/eth0"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl, _patience

ARGUMENT_SPEC = dict(
    {**_hbctl.ARGUMENT_SPEC, **_patience.ARGUMENT_SPEC},
    name={"type": "str"},
    state={"type": "str", "choices": ["active", "standby"], "required": True},
    wait={"type": "bool", "default": True},
)


def held_by(status, name):
    """The groups of which something runs on the node."""
    return [
        group["key"]
        for group in status["groups"]
        if group["states"].get(name, "idle") not in ("idle", "failed")
    ]


def refuse_what_nobody_takes(status, name, keys):
    """Raise HbctlError for a group that no other node could take (check mode has only us to say so)."""
    for group in status["groups"]:
        takers = [
            node["name"]
            for node in status["nodes"]
            if node["name"] != name
            and node["state"] == "active"
            and not node["standby"]
            and group["states"].get(node["name"], "idle") not in ("failed", "stuck")
        ]
        if group["key"] in keys and not takers:
            raise _hbctl.HbctlError(
                f"no other node can take {group['key']} from {name}: "
                "see `hbctl status` for why the others cannot",
                code="no-other-node",
            )


def ensure(hbctl, params, check_mode=False, patience=None):
    """Bring the wanted state about; the module's answer."""
    patience = patience or _patience.Patience(params["timeout"])
    status = hbctl.status()
    name = params["name"] or status["node"]
    node = _hbctl.find_node(status, name)
    before = "standby" if node["standby"] else "active"
    moved = held_by(status, name) if params["state"] == "standby" else []
    if before != params["state"]:
        if check_mode:
            _hbctl.refuse_old_peers(status, "standby")
            refuse_what_nobody_takes(status, name, moved)
        else:
            hbctl.standby(params["state"] == "standby", name)
    if moved and params["wait"] and not check_mode:
        patience.wait(lambda: _still_holds(hbctl, name, patience.timeout_s))
    return {
        "changed": before != params["state"],
        "node": name,
        "before": before,
        "after": params["state"],
        "moved": moved,
        "diff": {"before": {name: before}, "after": {name: params["state"]}},
    }


def _still_holds(hbctl, name, timeout_s):
    """The refusal while something runs on the node; else None."""
    left = held_by(hbctl.status(), name)
    if not left:
        return None
    return _hbctl.HbctlError(
        f"after {timeout_s} s {name} still holds {', '.join(left)}: see `hbctl status`", code="timeout"
    )


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    _hbctl.answer(module, lambda hbctl: ensure(hbctl, module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
