"""Private to this collection: talks to the daemon of the node through `hbctl --json`.

The contract is docs/CONTROL.md: one JSON answer with a schema number. Nothing else is known of the daemon
here. Commands run through an injected function, so that tests need neither node nor daemon.
"""

from __future__ import annotations

import json

SCHEMA = 1
# hbctl gives up by itself; this much later we would.
_DEFAULT_TIMEOUT_S = 60

ARGUMENT_SPEC = {"executable": {"type": "path", "default": "hbctl"}}

_START_REMEDY = "start heartbeat on this node, or run this on another node of the cluster"


class HbctlError(Exception):
    """The daemon refused, or could not be asked. `details` are for `fail_json`."""

    def __init__(self, message, **details):
        super().__init__(message)
        self.details = details

    @property
    def code(self):
        """The refusal's code as in docs/CONTROL.md, or None when there was no such answer."""
        return self.details.get("code")


class Hbctl:
    """The `hbctl` of one node.

    `run(argv)` returns (exit code, stdout, stderr); `AnsibleModule.run_command` is one.
    """

    def __init__(self, run, executable="hbctl"):
        self._run = run
        self._executable = executable

    def status(self):
        """The cluster as this node sees it (docs/CONTROL.md, "status result")."""
        return self._ask(["status"])

    def move(self, groups, target, timeout_s=_DEFAULT_TIMEOUT_S, wait=True):
        """Have `target` hold the groups (keys, or ["all"]); None means any node but this one."""
        options = ["--timeout", f"{timeout_s:d}"]
        if not wait:
            options.append("--no-wait")
        where = ["standby"] if target is None else ["move", "--to", target]
        return self._ask([*where, *options, *groups])

    def _ask(self, words):
        argv = [self._executable, "--json", *words]
        rc, stdout, stderr = self._run(argv)
        told = {"cmd": argv, "rc": rc, "stdout": stdout, "stderr": stderr}
        answer = _parse(stdout, told)
        if answer.get("schema") != SCHEMA:
            raise HbctlError(
                f"hbctl speaks schema {answer.get('schema')!r}, this collection only schema {SCHEMA}: "
                "install the same version of the collection and of the daemon (run the heartbeat role)",
                **told,
            )
        error = answer.get("error")
        if error:
            raise HbctlError(
                _sentence(error),
                code=error.get("code"),
                remedy=error.get("remedy", ""),
                result=answer.get("result", {}),
                **told,
            )
        if rc != 0:
            raise HbctlError(f"hbctl ended with {rc}: {stderr.strip()}", **told)
        return answer["result"]


def _parse(stdout, told):
    try:
        answer = json.loads(stdout)
    except ValueError:
        said = (told["stderr"] or stdout).strip() or "nothing"
        raise HbctlError(f"hbctl gave no JSON answer; it said: {said}", **told) from None
    if not isinstance(answer, dict):
        raise HbctlError("hbctl's answer is not an object", **told)
    return answer


def _sentence(error):
    message = error.get("message", "the daemon refused")
    remedy = error.get("remedy") or (_START_REMEDY if error.get("code") == "unreachable" else "")
    return f"{message}: {remedy}" if remedy else message


def from_module(module):
    """The `Hbctl` that an AnsibleModule's parameters name; ends the module when there is none."""
    executable = module.params["executable"]
    if "/" not in executable:
        executable = module.get_bin_path(executable, opt_dirs=["/usr/sbin"])
        if executable is None:
            module.fail_json(
                msg="hbctl is not installed on this node: run the role ultramonkey.ha.heartbeat on it first"
            )
    return Hbctl(lambda argv: module.run_command(argv, check_rc=False), executable)
