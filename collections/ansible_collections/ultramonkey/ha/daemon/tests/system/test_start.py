"""What keeps a daemon from starting, or must not: it says clearly what is wrong, and leaves nothing."""

from __future__ import annotations

import pwd
import socket
import subprocess
from pathlib import Path

import pytest
from machines import PYTHON, SOURCE, run, wait_until

ADDRESS = "10.77.0.100"
GROUP = f"{ADDRESS}/24/eth1"
REFUSED = 6


def refused(machine):
    """What the daemon says when it refuses to start because of its configuration."""
    done = machine.heartbeatd()
    assert done.returncode == REFUSED, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[-1] == "heartbeatd: the configuration has errors; nothing was started"
    assert not machine.run_directory.exists()
    return [line for line in lines[:-1] if "warning" not in line]


def test_an_unknown_directive_is_named_with_file_line_and_remedy(cluster):
    lb1, _ = cluster.make(extra=("kepalive 1",))
    [line] = refused(lb1)
    assert line.startswith("heartbeatd: ha.cf:9: ")
    assert "kepalive" in line
    assert "keepalive" in line
    checked = lb1.heartbeatd("--check")
    assert (checked.returncode, checked.stdout) == (1, line.replace("heartbeatd: ", "") + "\n")


def test_an_unknown_node_in_haresources_is_named(cluster):
    lb1, _ = cluster.make(haresources=f"lb3 {GROUP}\n")
    [line] = refused(lb1)
    assert line.startswith("heartbeatd: haresources:1: ")
    assert "lb3" in line
    assert "lb1" in line


def test_authkeys_that_others_can_read_are_refused(cluster):
    lb1, _ = cluster.make()
    (lb1.etc / "authkeys").chmod(0o644)
    [line] = refused(lb1)
    assert line.startswith("heartbeatd: authkeys")
    assert "chmod 600" in line
    assert "for-these-tests" not in line


def test_a_machine_that_is_not_in_ha_cf_is_refused(cluster):
    lb1, _ = cluster.make()
    lb1.node = "elsewhere"
    [line] = refused(lb1)
    assert "elsewhere" in line


def test_all_problems_of_all_files_are_named_at_once(cluster):
    lb1 = cluster.add("lb1")
    lb1.configure("bogus\nkeepalive never\n", "lb9 10.77.0.300\n")
    lines = refused(lb1)
    for place in ("ha.cf:1:", "ha.cf:2:", "authkeys"):
        assert [line for line in lines if line.startswith(f"heartbeatd: {place}")], place


def test_a_file_of_strange_bytes_is_refused_in_words(cluster):
    lb1, _ = cluster.make()
    (lb1.etc / "ha.cf").write_bytes(b"node lb1 \xff\xfe\n\x00\x01\n\xe2\x82\xac 1\n")
    for extra in ((), ("--check",)):
        done = lb1.heartbeatd(*extra)
        assert done.returncode in (1, REFUSED)
        assert "ha.cf:2" in done.stderr + done.stdout


def test_a_directory_without_files_is_refused_in_words(cluster):
    lb1 = cluster.add("lb1")
    lines = refused(lb1)
    assert len(lines) == 3
    (lb1.etc / "ha.cf").mkdir()
    done = lb1.heartbeatd()
    assert (done.returncode, "ha.cf" in done.stderr) == (1, True)


def test_a_second_daemon_on_a_node_leaves_the_first_alone(cluster):
    lb1, lb2 = cluster.start()
    done = lb1.heartbeatd()
    # As heartbeat 3.0.6: it runs, which is what was wanted.
    assert done.returncode == 0
    assert f"another heartbeatd runs here already (pid {lb1.process.pid})" in done.stderr
    assert cluster.holders() == ["lb1"]
    assert lb1.status()["healthy"]
    assert lb2.status()["healthy"]


def test_a_control_socket_that_is_in_use_is_refused(cluster):
    lb1, _ = cluster.make()
    lb1.run_directory.mkdir()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(lb1.socket)
        other.listen()
        done = lb1.heartbeatd()
    assert done.returncode == 1
    assert "another daemon answers on" in done.stderr
    Path(lb1.socket).unlink()


def test_a_control_socket_that_is_a_file_is_refused_and_kept(cluster):
    lb1, _ = cluster.make()
    lb1.run_directory.mkdir()
    path = lb1.run_directory / "control.sock"
    path.write_text("precious")
    done = lb1.heartbeatd()
    assert (done.returncode, "is not a socket" in done.stderr) == (1, True)
    assert path.read_text() == "precious"
    path.unlink()


def test_a_stale_control_socket_is_replaced(cluster):
    lb1, _ = cluster.make()
    lb1.run_directory.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(lb1.socket)
    lb1.start()
    wait_until(lb1.status, "an answer")


def test_without_pyroute2_the_daemon_says_what_to_install(cluster):
    lb1, _ = cluster.make()
    shadow = lb1.directory / "shadow"
    shadow.mkdir()
    (shadow / "pyroute2.py").write_text("raise ImportError('No module named pyroute2')\n")
    words = [*("-m", "ultramonkey_heartbeat.daemon.main", "--node", "lb1", "--directory", str(lb1.etc))]
    words += ["--run-directory", str(lb1.run_directory), "--state-directory", str(lb1.state_directory)]
    environment = {**lb1.environment, "PYTHONPATH": f"{shadow}:{SOURCE}"}
    done = subprocess.run(
        [PYTHON, *words], check=False, capture_output=True, text=True, env=environment, timeout=10
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("heartbeatd: ")
    assert "python3-pyroute2" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_that_cannot_be_written_is_named(cluster):
    lb1, _ = cluster.make()
    lb1.state_directory.write_text("a file where a directory should be")
    done = lb1.heartbeatd()
    assert (done.returncode, str(lb1.state_directory) in done.stderr) == (1, True)


def test_told_to_stop_while_it_begins_the_daemon_ends_cleanly(cluster):
    lb1, _ = cluster.make(haresources="lb1 slow\n")
    lb1.script("slow", "case $1 in status) log status; sleep 0.5; echo running;; stop) log stop;; esac")
    lb1.run_directory.mkdir()
    lb1.held.write_text('[["lb1", "slow"]]')
    lb1.start()
    wait_until(lb1.script_log, "the clean-up")
    answer = lb1.ask("status")
    assert (answer["phase"], answer["error"]["code"]) == ("refused", "not-active")
    assert lb1.hbctl("standby")[1]["error"]["code"] == "not-active"
    assert lb1.hbctl("takeover")[1]["error"]["code"] == "not-active"
    assert lb1.stop() == 0
    assert lb1.script_log() == ["status", "stop"]


def test_a_run_directory_that_vanishes_keeps_nobody_from_serving(cluster):
    lb1, lb2 = cluster.start()
    for path in lb2.run_directory.iterdir():
        path.unlink()
    lb2.run_directory.rmdir()
    lb1.stop()
    wait_until(lambda: cluster.holders() == ["lb2"], "the takeover")
    lb2.says("cannot note which groups may run here")
    assert lb2.stop() == 0


def as_nobody(*words, **options):
    """Run Python as an ordinary user."""
    user = pwd.getpwnam("nobody").pw_uid
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(SOURCE)}
    return run(PYTHON, *words, check=False, env=environment, cwd="/", user=user, **options)


@pytest.fixture
def _readable_source():
    """The source, and the interpreter, must lie where an ordinary user may read them."""
    try:
        done = as_nobody("-c", "import ultramonkey_heartbeat")
    except PermissionError:
        pytest.skip(f"an ordinary user may not run {PYTHON}")
    if done.returncode != 0:
        pytest.skip(f"an ordinary user may not read {SOURCE}")


@pytest.mark.usefixtures("_readable_source")
def test_an_ordinary_user_may_look_and_not_touch(cluster):
    lb1, _ = cluster.start()
    for path in (lb1.directory.parent, lb1.directory, lb1.run_directory):
        path.chmod(0o755)
    words = ("-m", "ultramonkey_heartbeat.cli.hbctl", "--socket", lb1.socket)
    looked = as_nobody(*words, "status")
    assert (looked.returncode, looked.stderr) == (0, "")
    touched = as_nobody(*words, "standby")
    assert touched.returncode == 1
    assert touched.stderr.startswith("hbctl: move changes the cluster, and user ")
    assert cluster.holders() == ["lb1"]
