#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: journal_info
short_description: Tell what happened on a node of the cluster, and why groups moved
version_added: 0.1.0
description:
  - Asks the heartbeat daemon of the node for its journal, which outlives the daemon.
  - Changes nothing. Fails when the daemon cannot be asked.
options:
  last:
    description: How many entries to tell.
    type: int
    default: 50
  group:
    description: Only what is about this group, named by its key, and about the nodes.
    type: str
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
  - module: ultramonkey.ha.cluster_info
"""

EXAMPLES = r"""
- name: Why did it move?
  ultramonkey.ha.journal_info:
    group: 192.0.2.10/24/eth0
  register: journal

- name: Show the moves
  ansible.builtin.debug:
    msg: "{{ journal.moves | map(attribute='text') | list }}"
"""

RETURN = r"""
entries:
  description: What happened, oldest first; see C(docs/CONTROL.md), "journal result", in the collection.
  returned: success
  type: list
  elements: dict
  contains:
    at_ms:
      description: The time of day in milliseconds since 1970.
      type: int
    event:
      description: What happened.
      type: str
    text:
      description: The same as a sentence.
      type: str
  sample:
    - at_ms: 1771234567131
      event: moved
      group: web
      from: lb1
      to: lb2
      cause: takeover
      duration_ms: 5012
      text: "group web: moved from lb1 to lb2 (takeover, 5012 ms without holder)"
moves:
  description: The entries that are moves.
  returned: success
  type: list
  elements: dict
  sample: []
healthy:
  description: Whether nothing failed within these entries.
  returned: success
  type: bool
  sample: true
problems:
  description: What failed, each with C(code), C(node), C(text) and C(remedy).
  returned: success
  type: list
  elements: dict
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl

ARGUMENT_SPEC = dict(
    _hbctl.ARGUMENT_SPEC,
    last={"type": "int", "default": 50},
    group={"type": "str"},
)

# Event to what helps.
_REMEDIES = {
    "start-failed": "mend the resource, then run ultramonkey.ha.cleanup on this node",
    "stop-failed": "stop it by hand, then run ultramonkey.ha.cleanup on this node",
    "conflict": "see why the nodes did not hear each other: give them two links that share nothing",
    "slept": "see what kept the machine from running, or choose a longer deadtime",
    "duplicate-name": "give each machine a name and an hb_uuid of its own",
}


def journal_info(hbctl, params):
    """The module's answer."""
    entries = hbctl.journal(params["last"], params["group"])["entries"]
    problems = [
        {
            "code": entry["event"],
            "node": entry.get("node"),
            "text": entry["text"],
            "remedy": _REMEDIES[entry["event"]],
        }
        for entry in entries
        if entry["event"] in _REMEDIES
    ]
    return {
        "changed": False,
        "entries": entries,
        "moves": [entry for entry in entries if entry["event"] == "moved"],
        "healthy": not problems,
        "problems": problems,
    }


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    _hbctl.answer(module, lambda hbctl: journal_info(hbctl, module.params))


if __name__ == "__main__":
    main()
