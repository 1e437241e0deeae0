#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authkeys
short_description: Add, use and remove keys of the key ring
version_added: 0.1.0
description:
  - Changes C(authkeys) of the node. A cluster changes its key without missing a heartbeat when every node has
    finished a step before the next begins; add the new key, use it, remove the old one. The playbook
    C(ultramonkey.ha.rotate_key) does that.
  - No key is ever in the output, in a diff or in a log; digests tell keys apart.
  - The daemon uses the change after C(hbctl reload).
options:
  directory:
    description: Where the file is.
    type: path
    default: /etc/ha.d
  index:
    description: The number that names the key, from 0 to 15.
    type: int
    required: true
  state:
    description:
      - V(present) has the key in the ring; a first key is used at once.
      - V(used) has messages signed with it. The key must be in the ring.
      - V(absent) has it removed, which is refused for the key in use.
    type: str
    choices: [present, used, absent]
    default: present
  method:
    description: How messages are signed. heartbeat 3.0.6 does not know V(sha256).
    type: str
    choices: [md5, sha1, sha256]
    default: sha256
  key:
    description:
      - The secret, one word of at least 16 characters, the same on all nodes.
      - Required when the key is not in the ring yet, unless O(generate=true).
    type: str
  generate:
    description:
      - Whether to make a strong key when there is none of this index and O(key) is not given. It is this
        node's own, so that a cluster gives O(key) instead.
    type: bool
    default: false
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
  - module: ultramonkey.ha.ha_config
"""

EXAMPLES = r"""
- name: Add a key
  ultramonkey.ha.authkeys:
    index: 2
    key: "{{ heartbeat_new_key }}"

- name: Use it, when all nodes have it
  ultramonkey.ha.authkeys:
    index: 2
    state: used

- name: Remove the old one, when all nodes use the new one
  ultramonkey.ha.authkeys:
    index: 1
    state: absent
"""

RETURN = r"""
current:
  description: The index of the key in use; null when there is no ring.
  returned: success
  type: int
  sample: 2
keys:
  description: The keys, each with C(index), C(method) and C(digest). Equal digests mean equal keys.
  returned: success
  type: list
  elements: dict
  sample: [{"index": 2, "method": "sha256", "digest": "77aa55ff01234567"}]
digest:
  description: The digest of the whole ring; equal on nodes that have equal rings.
  returned: success
  type: str
  sample: 0a1b2c3d4e5f6071
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _hbctl

ARGUMENT_SPEC = dict(
    _hbctl.ARGUMENT_SPEC,
    directory={"type": "path", "default": "/etc/ha.d"},
    index={"type": "int", "required": True},
    state={"type": "str", "choices": ["present", "used", "absent"], "default": "present"},
    method={"type": "str", "choices": ["md5", "sha1", "sha256"], "default": "sha256"},
    key={"type": "str", "no_log": True},
    generate={"type": "bool", "default": False, "no_log": False},
)

_OPERATIONS = {"present": "add", "used": "use", "absent": "remove"}


def ensure(hbctl, params, check_mode=False):
    """Bring the wanted state about; the module's answer."""
    index, directory = params["index"], params["directory"]
    before = hbctl.key("list", directory)
    there = {key["index"]: key for key in before["keys"]}
    secret = ""
    if params["state"] == "present":
        secret = (params["key"] or "").strip()
        # hbctl reads one line, and would take the first one for all of it.
        if len(secret.splitlines()) > 1:
            raise _hbctl.HbctlError("key has several lines: give one word", code="bad-request")
        if not secret and index not in there and not params["generate"]:
            raise _hbctl.HbctlError(
                f"there is no key {index} yet: give key, the same on all nodes, or set generate to true",
                code="bad-request",
            )
    method = params["method"] if secret or index not in there else there[index]["method"]
    after = hbctl.key(
        _OPERATIONS[params["state"]], directory, index, method=method, secret=secret, dry_run=check_mode
    )
    told = {name: after[name] for name in ("current", "keys", "digest")}
    return {"changed": after["changed"], **told, "diff": {"before": _shown(before), "after": _shown(after)}}


def _shown(ring):
    return {"current": ring["current"], "keys": ring["keys"]}


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    _hbctl.answer(module, lambda hbctl: ensure(hbctl, module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
