#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cleanup
short_description: Have what failed on a node tried again, once it is mended
version_added: 0.1.0
description:
  - A group whose start failed on the node may be given to it again; one whose stop failed is stopped again.
  - It also says that nothing of the groups runs any more on nodes that are gone and whose last word was that
    something may. Make sure of it first.
  - It is about the node on which the module runs. Run it on all nodes of the cluster.
options:
  groups:
    description: The groups concerned, each named by its key. By default all.
    type: list
    elements: str
    default: []
  timeout:
    description: How long stops that are tried again may take, in seconds.
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
  - module: ultramonkey.ha.cluster_info
"""

EXAMPLES = r"""
- name: Try again what failed
  ultramonkey.ha.cleanup:

- name: Try one group again
  ultramonkey.ha.cleanup:
    groups:
      - 192.0.2.10/24/eth0
"""

RETURN = r"""
cleaned:
  description: What was forgotten, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    group:
      description: The group's key.
      type: str
    forgotten:
      description: What was forgotten, as sentences.
      type: list
      elements: str
  sample: [{"group": "192.0.2.10/24/eth0", "forgotten": ["the failed start"]}]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl, _patience

ARGUMENT_SPEC = dict(
    {**_hbctl.ARGUMENT_SPEC, **_patience.ARGUMENT_SPEC},
    groups={"type": "list", "elements": "str", "default": []},
)
# Problems of which a node that is gone is the cause.
_LEFT = ("group-stuck", "group-left-running")


def failures(status, keys):
    """Group to what has failed, of what a cleanup on this node is about."""
    alive = [node["name"] for node in status["nodes"] if node["state"] in _hbctl.ALIVE]
    found = {}
    for group in status["groups"]:
        key = group["key"]
        if keys and key not in keys:
            continue
        state = group["states"].get(status["node"])
        told = ["the failed start"] if state == "failed" else ["the failed stop"] if state == "stuck" else []
        told += [
            f"what may run on {problem['node']}"
            for problem in status["problems"]
            if problem["code"] in _LEFT
            and problem["node"] not in alive
            and problem["text"].startswith(f"{key} ")
        ]
        if told:
            found[key] = told
    return found


def ensure(hbctl, params, check_mode=False, patience=None):
    """Bring the wanted state about; the module's answer."""
    patience = patience or _patience.Patience(params["timeout"])
    status = hbctl.status()
    _hbctl.check_groups(status, params["groups"])
    found = failures(status, params["groups"])
    cleaned = [{"group": key, "forgotten": told} for key, told in found.items()]
    if found and not check_mode:
        cleaned = hbctl.clean_up(params["groups"])["cleaned"]
        patience.wait(lambda: _still_stuck(hbctl, list(found)))
    return {
        "changed": bool(cleaned),
        "cleaned": cleaned,
        "diff": {"before": {"failed": found}, "after": {"failed": {}}},
    }


def _still_stuck(hbctl, keys):
    """The refusal when a stop that was tried again has failed again, or is not through; else None."""
    status = hbctl.status()
    node = status["node"]
    stuck = [
        one["key"] for one in status["groups"] if one["key"] in keys and one["states"].get(node) == "stuck"
    ]
    if not stuck:
        return None
    return _hbctl.HbctlError(
        f"{', '.join(stuck)} still cannot be stopped on {node}: stop it by hand", code="group-failed"
    )


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    _hbctl.answer(module, lambda hbctl: ensure(hbctl, module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
