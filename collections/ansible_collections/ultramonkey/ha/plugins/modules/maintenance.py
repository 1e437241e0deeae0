#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance
short_description: Leave the cluster or some of its groups alone, or no longer
version_added: 0.1.0
description:
  - Under maintenance nothing is started, stopped, moved or taken over, while heartbeats go on. Daemons may be
    stopped, upgraded and started again, and what they hold runs on.
  - It is a switch of the whole cluster, whichever node is asked; it may be asked on all nodes at once.
options:
  enabled:
    description: Whether maintenance is on.
    type: bool
    default: true
  groups:
    description:
      - The groups concerned, each named by its key.
      - None means the cluster as a whole, which is a switch of its own.
    type: list
    elements: str
    default: []
  timeout:
    description: How many seconds to wait for groups that are just moving, which cannot be left alone yet.
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
  - module: ultramonkey.ha.node
  - module: ultramonkey.ha.failover
"""

EXAMPLES = r"""
- name: Hands off, for the work on the network
  ultramonkey.ha.maintenance:

- name: The work is done
  ultramonkey.ha.maintenance:
    enabled: false

- name: Leave one group alone
  ultramonkey.ha.maintenance:
    groups:
      - 192.0.2.10/24/eth0
"""

RETURN = r"""
before:
  description: What was under maintenance, C(cluster) as a boolean, C(groups) with a switch of their own.
  returned: success
  type: dict
  sample: {"cluster": false, "groups": []}
after:
  description: What is under maintenance now, or would be in check mode.
  returned: success
  type: dict
  sample: {"cluster": true, "groups": []}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl, _patience

ARGUMENT_SPEC = dict(
    {**_hbctl.ARGUMENT_SPEC, **_patience.ARGUMENT_SPEC},
    enabled={"type": "bool", "default": True},
    groups={"type": "list", "elements": "str", "default": []},
)


def wanted(before, params):
    """What is to be under maintenance."""
    if not params["groups"]:
        return dict(before, cluster=params["enabled"])
    others = [key for key in before["groups"] if key not in params["groups"]]
    return dict(before, groups=others + (sorted(params["groups"]) if params["enabled"] else []))


def same(one, other):
    """The order of groups means nothing."""
    return one["cluster"] == other["cluster"] and set(one["groups"]) == set(other["groups"])


def ensure(hbctl, params, check_mode=False, patience=None):
    """Bring the wanted state about; the module's answer."""
    patience = patience or _patience.Patience(params["timeout"])
    status = hbctl.status()
    _hbctl.check_groups(status, params["groups"])
    before = status["maintenance"]
    after = wanted(before, params)
    if not same(before, after):
        if check_mode:
            _hbctl.refuse_old_peers(status, "maintenance")
        else:
            after = _switch(hbctl, params, patience)
    changed = not same(before, after)
    return {"changed": changed, "before": before, "after": after, "diff": {"before": before, "after": after}}


def _switch(hbctl, params, patience):
    while True:
        try:
            return hbctl.maintenance(params["enabled"], params["groups"])["maintenance"]
        except _hbctl.HbctlError as error:
            if error.code != "not-settled" or patience.is_over:
                raise
        patience.pause()


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    _hbctl.answer(module, lambda hbctl: ensure(hbctl, module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
