"""A serial device is for one program, by the lock files that all such programs know."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from pathlib import Path

import pytest
from ultramonkey_heartbeat.links import device_lock
from ultramonkey_heartbeat.links.device_lock import DeviceBusyError, lock_device, lock_path


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(device_lock, "DIRECTORY", tmp_path)
    return tmp_path


def names(directory):
    return [path.name for path in directory.iterdir()]


@pytest.fixture
def gone():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_the_file_has_the_owner_in_the_form_of_uucp_and_goes_with_the_lock(directory):
    lock = lock_device("/dev/ttyS7")
    assert (directory / "LCK..ttyS7").read_text() == f"{os.getpid():10d}\n"
    assert names(directory) == ["LCK..ttyS7"]
    lock.release()
    lock.release()
    assert names(directory) == []


def test_a_device_is_locked_by_what_is_behind_its_name(directory):
    (directory / "by-id").symlink_to("/dev/pts/ptmx")
    assert lock_path(str(directory / "by-id")).name == "LCK..pts_ptmx"


@pytest.mark.parametrize("form", ["{:10d}\n", "{}\n", "{}"])
def test_a_living_owner_is_named(directory, form):
    # Not a child, which keeps its parent's name until the kernel has replaced it.
    owner = os.getppid()
    name = Path(f"/proc/{owner}/comm").read_text().strip()
    (directory / "LCK..ttyS7").write_text(form.format(owner))
    with pytest.raises(DeviceBusyError, match=re.escape(f"in use by {name} (pid {owner})")):
        lock_device("/dev/ttyS7")
    assert names(directory) == ["LCK..ttyS7"]


def test_the_lock_of_a_program_that_has_ended_is_taken_over(directory, gone):
    for content in (
        f"{gone:10d}\n".encode(),
        gone.to_bytes(4, "little"),
        b"",
        b"nonsense",
        b"%d" % os.getpid(),
    ):
        (directory / "LCK..ttyS7").write_bytes(content)
        lock = lock_device("/dev/ttyS7")
        assert (directory / "LCK..ttyS7").read_text() == f"{os.getpid():10d}\n"
        lock.release()


def test_one_program_does_not_lock_a_device_twice():
    lock = lock_device("/dev/ttyS7")
    with pytest.raises(DeviceBusyError, match="in use by this daemon itself"):
        lock_device("/dev/ttyS7")
    lock.release()
    lock_device("/dev/ttyS7").release()


def test_a_thread_locks_one_device_while_another_one_is_locking_another(directory, monkeypatch):
    link = os.link

    def link_later(source, path):
        monkeypatch.setattr(os, "link", link)
        other = threading.Thread(target=lock_device, args=("/dev/ttyS8",))
        other.start()
        other.join()
        link(source, path)

    monkeypatch.setattr(os, "link", link_later)
    lock_device("/dev/ttyS7")
    assert sorted(names(directory)) == ["LCK..ttyS7", "LCK..ttyS8"]


def test_a_lock_that_somebody_has_broken_is_not_removed(directory):
    lock = lock_device("/dev/ttyS7")
    (directory / "LCK..ttyS7").write_text("         1\n")
    lock.release()
    assert (directory / "LCK..ttyS7").read_text() == "         1\n"


def test_without_the_directory_there_is_no_lock_and_no_error(monkeypatch, directory):
    monkeypatch.setattr(device_lock, "DIRECTORY", directory / "absent")
    lock_device("/dev/ttyS7").release()
