#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ldirectord_config
short_description: Write ldirectord.cf from data or from a text, and have it used
version_added: 0.1.0
description:
  - Has the daemon's own code render the data and check the file, on the node, before anything is replaced.
    With an error nothing is changed, and all errors are told.
  - What was there is kept. The file has mode 0600, because it may hold passwords; the diff shows none.
  - A daemon that runs, active or standing by, reads the changed file without a restart.
options:
  content:
    description: The whole file, ready made. One of O(services) and O(content) is needed.
    type: str
  backup:
    description: Whether to keep what was there, with the time in its name.
    type: bool
    default: true
  reload:
    description: Whether a daemon that runs, and has not read the file as it is now, is told to.
    type: bool
    default: true
  assume_libraries:
    description:
      - Whether to take for granted that the Python libraries are installed that checks of databases need.
      - For whoever installs them afterwards, and has the file checked again then.
    type: bool
    default: false
extends_documentation_fragment:
  - ultramonkey.ha._ldirectord
  - ultramonkey.ha._ldirectord_data
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    support: full
seealso:
  - module: ultramonkey.ha.ldirectord_info
  - module: ultramonkey.ha.ldirectord_real
"""

EXAMPLES = r"""
- name: Balance the web servers
  ultramonkey.ha.ldirectord_config:
    globals:
      checkinterval: 2
      quiescent: false
    services:
      - virtual: 192.0.2.100:80
        reals:
          - {server: "192.0.2.11:80", forward: gate}
          - {server: "192.0.2.12:80", forward: gate, weight: 2}
        service: http
        request: alive.html
        receive: OK

- name: Use a file that is there already
  ultramonkey.ha.ldirectord_config:
    content: "{{ lookup('ansible.builtin.file', 'ldirectord.cf') }}"
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/ha.d/ldirectord.cf
backup:
  description: Where what was there is kept; empty when nothing was replaced.
  returned: success
  type: str
  sample: /etc/ha.d/ldirectord.cf.1771234567~
reloaded:
  description: Whether a running daemon was told (in check mode, would be told) to read the file.
  returned: success
  type: bool
  sample: true
problems:
  description: Warnings about the file, as sentences.
  returned: success
  type: list
  elements: str
  sample: []
digest:
  description: The SHA-256 of the file, as C(ldirectord status --json) names the file in force.
  returned: success
  type: str
  sample: 3b1c
uses:
  description: What the services need of the kernel and of the machine, for whoever prepares it.
  returned: success
  type: dict
  sample:
    forward: [gate]
    schedulers: [wrr]
    services: [http]
    negotiated: [http]
    versions: [4]
    marks: []
    addresses: [192.0.2.100]
    quiescent: [false]
    persistent: false
    native_only: []
"""

import difflib
import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ultramonkey.ha.plugins.module_utils import (
    _answers,
    _files,
    _ldirectord,
    _ldirectord_data,
)

MODE = 0o600

ARGUMENT_SPEC = dict(
    _ldirectord.ARGUMENT_SPEC,
    content={"type": "str", "no_log": True},
    backup={"type": "bool", "default": True},
    reload={"type": "bool", "default": True},
    assume_libraries={"type": "bool", "default": False},
    **_ldirectord_data.ARGUMENT_SPEC,
)


def wanted_text(ldirectord, params):
    """The text, and what is said of the data that it is made of. Raises CommandError for errors."""
    if params["services"] is None:
        text = params["content"]
        return (text if text.endswith("\n") else f"{text}\n"), None
    rendered = ldirectord.render(_ldirectord_data.data_of(params))
    _ldirectord.refuse_errors(rendered["problems"])
    return rendered["result"]["text"], rendered["problems"]


def checked(ldirectord, name, text):
    """The checker's answer for a text that is no file yet. Raises CommandError for errors."""
    with tempfile.TemporaryDirectory(prefix="ldirectord-") as directory:
        # Messages name the file as it will be called.
        trial = Path(directory) / name
        _files.write(trial, text, MODE)
        answer = ldirectord.check(str(trial))
    _ldirectord.refuse_errors(answer["problems"])
    return answer


def prepared_diff(path, before, after, *, hidden):
    """The difference of two texts without passwords, as lines."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"before: {path}", f"after: {path}", lineterm=""
    )
    told = "".join(f"{line}\n" for line in lines)
    return told or (f"{path}: a password has changed\n" if hidden else "")


def ensure(ldirectord, params, check_mode=False, replace=os.replace):
    """Bring the wanted state about; the module's answer."""
    path = Path(ldirectord.configuration)
    ldirectord.options = ("--assume-libraries",) if params["assume_libraries"] else ()
    text, said = wanted_text(ldirectord, params)
    answer = checked(ldirectord, path.name, text)
    before = _files.read(path)
    differs = before != text
    shown_before = ldirectord.check()["result"]["shown"] if before is not None else ""
    backups = []
    if differs and not check_mode:
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            backups = _files.replace_all(
                path.parent,
                {path.name: text},
                {path.name: before},
                params["backup"],
                replace=replace,
                mode=MODE,
            )
        except OSError as error:
            raise _answers.CommandError(f"nothing has been changed: {error}", code="unreadable") from error
    digest = answer["result"]["digest"]
    reloads = params["reload"] and must_reload(ldirectord, digest)
    if reloads and not check_mode:
        ldirectord.reload()
    return {
        "changed": differs or reloads,
        "path": str(path),
        "backup": "".join(backups),
        "reloaded": reloads,
        "problems": [problem["text"] for problem in (answer["problems"] if said is None else said)],
        "digest": digest,
        "uses": answer["result"]["uses"],
        "diff": {"prepared": prepared_diff(path, shown_before, answer["result"]["shown"], hidden=differs)},
    }


def must_reload(ldirectord, digest):
    """Whether a daemon runs that has read something else."""
    status = ldirectord.status()
    return status.get("state") in ("active", "standby") and status.get("digest") != digest


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[["services", "content"], ["globals", "content"]],
        required_one_of=[["services", "content"]],
    )
    _ldirectord.answer(
        module, lambda ldirectord: ensure(ldirectord, module.params, check_mode=module.check_mode)
    )


if __name__ == "__main__":
    main()
