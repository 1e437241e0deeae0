"""Private to this collection: talks to the daemon of the node through `hbctl --json`.

The contract is docs/CONTROL.md: one JSON answer with a schema number. Nothing else is known of the daemon
here.
"""

from __future__ import annotations

import json

from ansible_collections.ultramonkey.ha.plugins.module_utils import _answers

# hbctl gives up by itself; this much later we would.
_DEFAULT_TIMEOUT_S = 60

ARGUMENT_SPEC = {"executable": {"type": "path", "default": "hbctl"}}

# States of a node whose daemon runs.
ALIVE = ("joining", "active", "leaving")

_START_REMEDY = "start heartbeat on this node, or run this on another node of the cluster"


# The daemon refused, or could not be asked; the codes are those of docs/CONTROL.md.
HbctlError = _answers.CommandError


class Hbctl:
    """The `hbctl` of one node.

    `run(argv)` and `run(argv, data)`, with data for standard input, return (exit code, stdout, stderr).
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

    def maintenance(self, on, groups=()):
        """Leave the groups alone, or the cluster when there are none; or no longer."""
        return self._ask(["maintenance", "on" if on else "off", *groups])

    def standby(self, on, node):
        """Have the node hold nothing, or take part again."""
        return self._ask(["node", "standby" if on else "active", node])

    def clean_up(self, groups=()):
        """Have what failed on this node forgotten; all groups when none is named."""
        return self._ask(["cleanup", *groups])

    def journal(self, last, group=None):
        """The last events (docs/CONTROL.md, "journal result")."""
        return self._ask(["journal", "--last", f"{last:d}", *([group] if group else [])])

    def reload(self):
        """Have the daemon read its files again."""
        return self._ask(["reload"])

    def show_configuration(self, directory):
        """What the files say; with errors in them `data` is None and `problems` has them."""
        return self._look(["config", "show", "--directory", directory])

    def check_configuration(self, directory, scripts, node=None):
        """The problems of the files in a directory, for a machine whose resource scripts are in `scripts`."""
        named = ["--node", node] if node else []
        words = ["config", "check", "--directory", directory, "--scripts", scripts, *named]
        return self._look(words)["problems"]

    def render_configuration(self, data, node=None):
        """The files that the data make, and the problems; no files when there are errors."""
        named = ["--node", node] if node else []
        return self._look(["config", "render", *named], json.dumps(data))

    def key(self, operation, directory, index=None, *, method=None, secret="", dry_run=False):
        """List, add, use or remove a key of the ring. The secret goes by standard input."""
        words = ["config", "key", operation, *([f"{index:d}"] if index is not None else [])]
        words += ["--directory", directory, *(["--method", method] if method else [])]
        return self._ask([*words, *(["--dry-run"] if dry_run else [])], f"{secret}\n")

    def _look(self, words, data=None):
        """As `_ask`, but errors in a configuration are a result like any other."""
        try:
            return self._ask(words, data)
        except HbctlError as error:
            if error.code == "bad-configuration" and error.details["result"]:
                return error.details["result"]
            raise

    def _ask(self, words, data=None):
        answer, told = _answers.ask(self._run, [self._executable, "--json", *words], data)
        error = answer.get("error")
        if error:
            raise HbctlError(
                _sentence(error),
                code=error.get("code"),
                remedy=error.get("remedy", ""),
                result=answer.get("result", {}),
                **told,
            )
        if told["rc"] != 0:
            raise HbctlError(f"hbctl ended with {told['rc']}: {told['stderr'].strip()}", **told)
        return answer["result"]


def _sentence(error):
    message = error.get("message", "the daemon refused")
    remedy = error.get("remedy") or (_START_REMEDY if error.get("code") == "unreachable" else "")
    return f"{message}: {remedy}" if remedy else message


def check_groups(status, names):
    """Raise HbctlError for a group that the cluster does not have."""
    known = [group["key"] for group in status["groups"]]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise HbctlError(
            f"there is no group {', '.join(unknown)}: the groups are {', '.join(known) or 'none'}",
            code="unknown-group",
        )


def refuse_old_peers(status, what):
    """Raise HbctlError when the daemon would, because a heartbeat 3.0.6 takes part (for check mode)."""
    for node in status["nodes"]:
        if node["kind"] == "heartbeat" and node["state"] in ALIVE:
            raise HbctlError(
                f"{node['name']} runs heartbeat 3.0.6, which knows no {what}: "
                f"install this daemon on {node['name']} first",
                code="old-peer",
            )


def find_node(status, name):
    """The node of that name. Raises HbctlError when the cluster has none."""
    for node in status["nodes"]:
        if node["name"] == name:
            return node
    known = ", ".join(node["name"] for node in status["nodes"])
    raise HbctlError(f"there is no node {name}: the nodes are {known}", code="unknown-node")


def from_module(module):
    """The `Hbctl` that an AnsibleModule's parameters name; ends the module when there is none."""
    return Hbctl(_answers.runner(module), _answers.find(module, module.params["executable"], "heartbeat"))


def answer(module, work):
    """End the module with what `work(hbctl)` returns, or with the daemon's refusal."""
    _answers.end(module, lambda: work(from_module(module)))
