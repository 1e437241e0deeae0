"""Private to this collection: programs of ours that answer with a line of JSON, and how modules end with it.

Commands run through an injected function, so that tests need neither node nor daemon.
"""

from __future__ import annotations

import json

SCHEMA = 1


class CommandError(Exception):
    """A program refused, or could not be asked. `details` are for `fail_json`."""

    def __init__(self, message, **details):
        super().__init__(message)
        self.details = details

    @property
    def code(self):
        """The refusal's code as documented, or None when there was no such answer."""
        return self.details.get("code")


def ask(run, argv, data=None):
    """Run a program; its answer, and what is to be told of the call when it is a refusal.

    `run(argv)` and `run(argv, data)`, with data for standard input, return (exit code, stdout, stderr).
    Raises CommandError when there is no answer that can be understood.
    """
    rc, stdout, stderr = run(argv) if data is None else run(argv, data)
    told = {"cmd": argv, "rc": rc, "stdout": stdout, "stderr": stderr}
    name = argv[0].rpartition("/")[2]
    try:
        answer = json.loads(stdout)
    except ValueError:
        said = (stderr or stdout).strip() or "nothing"
        raise CommandError(f"{name} gave no JSON answer; it said: {said}", **told) from None
    if not isinstance(answer, dict):
        raise CommandError(f"{name}'s answer is not an object", **told)
    if answer.get("schema") != SCHEMA:
        raise CommandError(
            f"{name} speaks schema {answer.get('schema')!r}, this collection only schema {SCHEMA}: "
            "install the same version of the collection and of the daemon (run the role again)",
            **told,
        )
    return answer, told


def runner(module):
    """A `run` of an AnsibleModule."""

    def run(argv, data=None):
        return module.run_command(argv, check_rc=False, data=data)

    return run


def find(module, executable, role):
    """The path of a program; ends the module when there is none."""
    if "/" in executable:
        return executable
    found = module.get_bin_path(executable, opt_dirs=["/usr/sbin"])
    if found is None:
        module.fail_json(
            msg=f"{executable} is not installed on this node: run the role ultramonkey.ha.{role} on it first"
        )
    return found


def end(module, work):
    """End the module with what `work()` returns, or with a refusal."""
    try:
        result = work()
    except CommandError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(**result)
