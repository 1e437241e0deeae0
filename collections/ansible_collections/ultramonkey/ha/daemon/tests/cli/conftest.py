"""A daemon that gives the answers it is told to, for the commands that people type."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from ultramonkey_heartbeat.cli import hbctl
from ultramonkey_heartbeat.control import schema

GOLDEN = Path(__file__).parent.parent / "golden"
DEADLINE_S = 8.0


def golden(name):
    """A golden answer."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


class Daemon:
    """Listens on a socket. `answers` has, per command, the answers; those of an unknown one are none."""

    def __init__(self, path):
        self.path = path
        self.answers = {}
        self.requests = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            connection, _ = self._socket.accept()
            with connection, connection.makefile("rb") as lines:
                line = lines.readline()
                if self._over.is_set():
                    return
                request = json.loads(line)
                self.requests.append((request["command"], request["arguments"]))
                for answer in self.answers.get(request["command"], ()):
                    if answer == "wait":
                        self._over.wait(DEADLINE_S)
                    else:
                        connection.sendall(schema.encode({**answer, "id": request["id"]}))

    def close(self):
        self._over.set()
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self.path)
        self._thread.join(DEADLINE_S)
        self._socket.close()


@pytest.fixture
def path():
    """The path of a socket that is not there yet."""
    directory = tempfile.mkdtemp(prefix="um-")
    yield f"{directory}/control.sock"
    shutil.rmtree(directory)


@pytest.fixture
def daemon(path):
    """A daemon that has no answers yet."""
    made = Daemon(path)
    yield made
    made.close()


@pytest.fixture
def run(path, capsys):
    """Run `hbctl` in this process: exit code, standard output, standard error."""

    def running(*words):
        try:
            code = hbctl.main(["--socket", path, *words])
        except SystemExit as end:
            code = end.code
        output = capsys.readouterr()
        return code, output.out, output.err

    return running
