"""Runs Ansible on the machine against the nodes of a laboratory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import LabError
from .lab import Lab

HERE = Path(__file__).resolve().parent
# .../collections/ansible_collections/ultramonkey/ha/tests/lab -> .../collections
COLLECTIONS = HERE.parents[4]


class Ansible:
    """ansible-playbook and ansible with an inventory of the laboratory's nodes, as group `heartbeat`.

    `variables` belong to the group. Everything that Ansible writes on the machine goes to the laboratory's
    directory, which is removed with it.
    """

    def __init__(self, lab: Lab, variables: Mapping[str, Any], *, collections: Path = COLLECTIONS) -> None:
        self._lab = lab
        self._collections = collections
        # Where ansible-playbook and ansible are, if not beside our interpreter.
        self.programs: Path | None = None
        self.inventory = lab.directory / "inventory.json"
        # Empty, so that no ansible.cfg of the person who runs this counts.
        self._configuration = lab.directory / "ansible.cfg"
        self._configuration.touch()
        self.set_variables(variables)

    def set_variables(self, variables: Mapping[str, Any]) -> None:
        """Write the inventory."""
        hosts = {h.name: {"ansible_lab_pid_file": str(self._lab.pid_file(h.name))} for h in self._lab.nodes}
        common = {
            "ansible_connection": "lab",
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        group = {"hosts": hosts, "vars": {**common, **variables}}
        text = json.dumps({"heartbeat": group}, indent=2)
        self.inventory.write_text(text, encoding="utf-8")

    def playbook(self, name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a playbook (a file, or `ultramonkey.ha.site`)."""
        return self._run("ansible-playbook", ["-i", str(self.inventory), name, *arguments], check=check)

    def module(
        self, hosts: str, module: str, arguments: str = "", *, options: Sequence[str] = (), check: bool = True
    ) -> dict[str, dict[str, Any]]:
        """Run `ansible HOSTS -m MODULE -a ARGUMENTS`; host to result."""
        argv = ["-i", str(self.inventory), hosts, "-m", module, "-a", arguments, *options]
        return results(self._run("ansible", argv, check=check).stdout)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of Ansible's programs with the inventory, whatever comes of it."""
        return self._run(program, ["-i", str(self.inventory), *arguments], check=False)

    def environment(self) -> dict[str, str]:
        """The environment in which Ansible runs."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        home = self._lab.directory / "ansible"
        return {
            **kept,
            "ANSIBLE_HOME": str(home),
            "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_CONFIG": str(self._configuration),
            "LC_ALL": "C.UTF-8",
        }

    def _run(self, program: str, argv: Sequence[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [find(program, self.programs), *argv],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise LabError(f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done


def find(program: str, first: Path | None = None) -> str:
    """The program in the directory given, beside our interpreter, or else in PATH."""
    # .../collections -> the repository's own virtual environment, for those who start us without it.
    for directory in (
        *([first] if first else []),
        Path(sys.executable).parent,
        COLLECTIONS.parent / ".venv" / "bin",
    ):
        if (directory / program).exists():
            return str(directory / program)
    found = shutil.which(program)
    if found is None:
        raise LabError(f"{program} is not installed (make venv installs it)")
    return found


def results(printed: str) -> dict[str, dict[str, Any]]:
    """`ansible`'s output, `HOST | STATUS => {...}` for each host, as data."""
    decoder = json.JSONDecoder()
    found: dict[str, dict[str, Any]] = {}
    position = 0
    while (arrow := printed.find(" => {", position)) >= 0:
        line = printed[printed.rfind("\n", 0, arrow) + 1 : arrow]
        found[line.split(" | ")[0]], position = decoder.raw_decode(printed, arrow + 4)
    return found
