#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_config
short_description: Write ha.cf and haresources from data
version_added: 0.1.0
description:
  - Has the daemon's own renderer make both files, and its checker judge them together with the C(authkeys)
    that is there, on the node, before anything is replaced. With an error nothing is changed.
  - A resource whose script or unit is not on the node is an error.
  - Both files are replaced together or not at all. What was there is kept.
  - What was written is remembered by digests, in C(.written) beside the files, so that edits by hand are
    noticed.
  - Does not touch a running daemon; C(hbctl reload) has the files used.
options:
  directory:
    description: Where the files are.
    type: path
    default: /etc/ha.d
  node:
    description: Check the files as if on the node of this name. By default the name of this machine.
    type: str
  nodes:
    description: The names of the nodes, in the order in which they take groups over.
    type: list
    elements: str
    required: true
  links:
    description: The media over which the nodes hear each other, as C(heartbeat_links) of the role.
    type: list
    elements: dict
    required: true
  keepalive:
    description: How often a node says that it lives. A number of seconds, or such as V(100ms).
    type: str
  deadtime:
    description: How long a node is silent before it is held for dead.
    type: str
  warntime:
    description: How long a node is silent before the log says so.
    type: str
  initdead:
    description: How long a node that starts waits for the others.
    type: str
  auto_failback:
    description: Whether a group returns to its preferred node when that comes back.
    type: str
    choices: ["on", "off", "legacy"]
    default: "off"
  directives:
    description: Further directives of C(ha.cf), name to value or to a list of values.
    type: dict
    default: {}
  groups:
    description: The lines of C(haresources), each with C(node) and C(resources).
    type: list
    elements: dict
    default: []
  backup:
    description: Whether to keep what was there, with the time in its name.
    type: bool
    default: true
  overwrite:
    description:
      - Whether files are replaced that somebody else has written, or edited since this collection wrote them.
      - Otherwise what would be lost is shown, and nothing is changed.
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
  - module: ultramonkey.ha.config_info
  - module: ultramonkey.ha.authkeys
"""

EXAMPLES = r"""
- name: Describe the cluster
  ultramonkey.ha.ha_config:
    nodes: [lb1, lb2]
    links:
      - type: bcast
        interface: eth1
    keepalive: 500ms
    deadtime: "5"
    groups:
      - node: lb1
        resources:
          - 192.0.2.10/24/eth0
  register: files

- name: Use it
  ansible.builtin.command: hbctl reload
  changed_when: true
  when: files is changed
"""

RETURN = r"""
files:
  description: The names of the files that were replaced.
  returned: success
  type: list
  elements: str
  sample: [ha.cf]
backups:
  description: Where what was there is kept.
  returned: success
  type: list
  elements: str
  sample: [/etc/ha.d/ha.cf.1771234567~]
problems:
  description: Warnings about the files, as sentences.
  returned: success
  type: list
  elements: str
  sample: []
"""

import os
import shutil
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import _files, _hbctl

FILES = ("ha.cf", "haresources")
AUTHKEYS = "authkeys"
_TIMERS = ("keepalive", "deadtime", "warntime", "initdead")

ARGUMENT_SPEC = dict(
    _hbctl.ARGUMENT_SPEC,
    directory={"type": "path", "default": "/etc/ha.d"},
    node={"type": "str"},
    nodes={"type": "list", "elements": "str", "required": True},
    links={"type": "list", "elements": "dict", "required": True},
    auto_failback={"type": "str", "choices": ["on", "off", "legacy"], "default": "off"},
    directives={"type": "dict", "default": {}},
    groups={"type": "list", "elements": "dict", "default": []},
    backup={"type": "bool", "default": True},
    overwrite={"type": "bool", "default": False},
    **{name: {"type": "str"} for name in _TIMERS},
)


def data_of(params):
    """What `hbctl config render` reads. It wants a key, which is used for nothing."""
    data = {name: params[name] for name in ("nodes", "links", "auto_failback", "directives", "groups")}
    data.update({name: params[name] for name in _TIMERS if params[name]})
    data["authkeys"] = {"current": 1, "keys": [{"index": 1, "method": "sha256", "key": "0" * 43}]}
    return data


def refuse_errors(problems):
    """Raise HbctlError with every error."""
    errors = [problem["text"] for problem in problems if problem["severity"] == "error"]
    if errors:
        raise _hbctl.HbctlError(
            "nothing has been changed; correct this first: " + "; ".join(errors),
            code="bad-configuration",
            problems=errors,
        )


def checked(hbctl, params):
    """The texts of the files and the warnings. Raises HbctlError when there is an error."""
    rendered = hbctl.render_configuration(data_of(params), params["node"])
    refuse_errors(rendered["problems"])
    texts = rendered["files"]
    there = Path(params["directory"]) / AUTHKEYS
    with tempfile.TemporaryDirectory(prefix="heartbeat-") as name:
        trial = Path(name)
        for file in FILES:
            _files.write(trial / file, texts[file], 0o600)
        if there.exists():
            shutil.copy2(str(there), str(trial / AUTHKEYS))
        else:
            _files.write(trial / AUTHKEYS, texts[AUTHKEYS], 0o600)
        scripts = str(Path(params["directory"]) / "resource.d")
        problems = hbctl.check_configuration(name, scripts, params["node"])
    refuse_errors(problems)
    return texts, [problem["text"] for problem in problems]


def refuse_edited(directory, before, texts):
    """Raise HbctlError for files that hold what somebody else wrote."""
    names = _files.edited(directory, before, texts)
    if names:
        lost = [f"{directory / name}: {_files.difference(before[name], texts[name])}" for name in names]
        raise _hbctl.HbctlError(
            "nothing has been changed; somebody else wrote or edited these files: take what is right there "
            "into the parameters, or set overwrite to true, which keeps a copy; what would be lost (-) and "
            f"what would come (+): {'; '.join(lost)}",
            code="edited",
            files=names,
        )


def ensure(hbctl, params, check_mode=False, replace=os.replace):
    """Bring the wanted state about; the module's answer."""
    texts, problems = checked(hbctl, params)
    directory = Path(params["directory"])
    before = {name: _files.read(directory / name) for name in FILES}
    if not params["overwrite"]:
        refuse_edited(directory, before, texts)
    differing = {name: texts[name] for name in FILES if before[name] != texts[name]}
    backups = []
    if not check_mode:
        try:
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            backups = _files.replace_all(directory, differing, before, params["backup"], replace=replace)
            _files.remember(directory, {name: texts[name] for name in FILES})
        except OSError as error:
            raise _hbctl.HbctlError(f"nothing has been changed: {error}", code="unreadable") from error
    return {
        "changed": bool(differing),
        "files": list(differing),
        "backups": backups,
        "problems": problems,
        "diff": [
            {
                "before": before[name] or "",
                "after": texts[name],
                "before_header": str(directory / name),
                "after_header": str(directory / name),
            }
            for name in differing
        ],
    }


def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    _hbctl.answer(module, lambda hbctl: ensure(hbctl, module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
