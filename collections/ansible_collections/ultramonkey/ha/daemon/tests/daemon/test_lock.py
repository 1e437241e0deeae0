"""One daemon a node."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ultramonkey_heartbeat.daemon.lock import AlreadyRunningError, Lock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "heartbeatd.pid"


def test_the_lock_has_the_pid_of_its_holder(path):
    lock = Lock(path)
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_second_one_is_refused_and_told_by_whom(path):
    lock = Lock(path)
    with pytest.raises(AlreadyRunningError, match=rf"runs here already \(pid {os.getpid()}\)"):
        Lock(path)
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()
    Lock(path).release()


def test_a_pid_that_somebody_left_there_does_not_matter(path):
    path.parent.mkdir()
    path.write_text("1\nand more text than a pid has\n")
    lock = Lock(path)
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()
    assert path.read_text() == ""


def test_the_kernel_takes_the_lock_back_from_whoever_is_killed(path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from ultramonkey_heartbeat.daemon.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1])); print('locked', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as holder:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(AlreadyRunningError, match=str(holder.pid)):
            Lock(path)
        holder.kill()
    Lock(path).release()


def test_children_do_not_inherit_the_lock(path):
    lock = Lock(path)
    with subprocess.Popen(["sleep", "60"]) as child:
        lock.release()
        Lock(path).release()
        child.kill()
