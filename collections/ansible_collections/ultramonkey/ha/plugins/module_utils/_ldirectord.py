"""Private to this collection: talks to the ldirectord of the node through its command line and `--json`.

The contract is docs/LDIRECTORD.md. Nothing else is known of the daemon here.
"""

from __future__ import annotations

import json

from ansible_collections.ultramonkey.ha.plugins.module_utils import _answers
from ansible_collections.ultramonkey.ha.plugins.module_utils._answers import CommandError

ARGUMENT_SPEC = {
    "executable": {"type": "path", "default": "ldirectord"},
    "configuration": {"type": "path", "default": "/etc/ha.d/ldirectord.cf"},
}

# The exit code of a status whose daemon has died or does not answer.
FAILED = 1


class Ldirectord:
    """The `ldirectord` of one node and one configuration.

    `run(argv)` and `run(argv, data)`, with data for standard input, return (exit code, stdout, stderr).
    """

    # Options before every command.
    options = ()

    def __init__(self, run, executable="ldirectord", configuration="/etc/ha.d/ldirectord.cf"):
        self._run = run
        self._executable = executable
        self.configuration = configuration

    def status(self):
        """What the daemon tells; `state` is stopped when none runs, with an `error` if one died."""
        return self._ask(["status"])

    def check(self, path=None):
        """The problems of the file, or of another one, and `result.shown`, it without passwords."""
        return self._must_read(["check"], path=path)

    def render(self, data):
        """The file that the data make (`result.text`), and its problems."""
        return self._must_read(["render"], json.dumps(data))

    def reload(self):
        """Have the daemon read its file again; what it then tells."""
        return self._must(["reload"])

    def server(self, command, server, service=None, weight=None):
        """drain, maintenance, normal or weight for a server, in one service or in all; what it then tells."""
        words = [command, server, *([f"{weight:d}"] if weight is not None else [])]
        return self._must([*(["--service", service] if service else []), *words])

    def _must(self, words):
        answer = self._must_read(words)
        return answer.get("result", {})

    def _must_read(self, words, data=None, path=None):
        """As `_ask`; raises CommandError for a failure, but errors in a configuration are an answer."""
        answer = self._ask(words, data, path)
        if answer.get("error") and not answer.get("problems"):
            raise CommandError(answer["error"], code="refused", **answer["told"])
        return answer

    def _ask(self, words, data=None, path=None):
        argv = [self._executable, "--json", *self.options, path or self.configuration, *words]
        answer, told = _answers.ask(self._run, argv, data)
        answer["told"] = told
        return answer


def state_of(server):
    """up, down, unknown, or what an administrator wants: drain, maintenance."""
    if server["in_maintenance"]:
        return "maintenance"
    return server["health"] if server["wish"] == "normal" else server["wish"]


def refuse_errors(problems):
    """Raise CommandError with every error of a configuration."""
    errors = [problem["text"] for problem in problems if problem["severity"] == "error"]
    if errors:
        raise CommandError(
            "nothing has been changed; correct this first: " + "; ".join(errors),
            code="bad-configuration",
            problems=errors,
        )


def answer(module, work):
    """End the module with what `work(ldirectord)` returns, or with a refusal."""
    executable = _answers.find(module, module.params["executable"], "ldirectord")
    ldirectord = Ldirectord(_answers.runner(module), executable, module.params["configuration"])
    _answers.end(module, lambda: work(ldirectord))
