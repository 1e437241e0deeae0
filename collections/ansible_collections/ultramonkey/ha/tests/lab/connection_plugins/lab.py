"""Ansible's way into a laboratory host: nsenter, with the files passed through pipes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: lab
short_description: Run tasks in a laboratory host
description: Enters the namespaces of a host of tests/lab.
options:
  pid_file:
    description: The file in which the laboratory keeps the host's process 1; absent while the host is off.
    vars:
      - name: ansible_lab_pid_file
    required: true
    type: path
  remote_user:
    description: Always root; the laboratory has no other users.
    default: root
"""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
}


class Connection(ConnectionBase):
    """One laboratory host."""

    transport = "lab"
    has_pipelining = True

    def _connect(self):
        super()._connect()
        self._connected = True
        return self

    def _enter(self, argv):
        try:
            pid = Path(self.get_option("pid_file")).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise AnsibleConnectionFailure("the laboratory host is switched off") from None
        return ["nsenter", "-t", pid, "-m", "-n", "-u", "-i", "-p", "--", *argv]

    def exec_command(self, cmd, in_data=None, sudoable=True):  # noqa: FBT002 - the base class's signature
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        done = subprocess.run(
            self._enter(["/bin/sh", "-c", cmd]),
            input=in_data or b"",
            capture_output=True,
            env=ENVIRONMENT,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        with Path(in_path).open("rb") as source:
            argv = self._enter(["/usr/bin/dd", f"of={out_path}", "status=none"])
            done = subprocess.run(argv, stdin=source, capture_output=True, env=ENVIRONMENT, check=False)
        if done.returncode != 0:
            raise AnsibleError(f"cannot write {out_path}: {done.stderr.decode().strip()}")

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        with Path(out_path).open("wb") as target:
            argv = self._enter(["/usr/bin/cat", in_path])
            done = subprocess.run(argv, stdout=target, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
        if done.returncode != 0:
            raise AnsibleError(f"cannot read {in_path}: {done.stderr.decode().strip()}")

    def close(self):
        self._connected = False
