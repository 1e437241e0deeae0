"""Programs that end, hang, talk too much, and leave children behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from ultramonkey_heartbeat.resources import process
from ultramonkey_heartbeat.resources.environment import environment

ENVIRONMENT = environment("lb1")


def shell(loop, script, timeout_ms=5_000, grace_ms=100):
    return loop.run_until_complete(
        process.run(
            ["/bin/sh", "-c", script], timeout_ms=timeout_ms, environment=ENVIRONMENT, grace_ms=grace_ms
        )
    )


def gone(pid):
    """Whether the process has ended; a zombie that its new parent has not reaped counts as ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_exit_code_and_both_outputs_are_kept_apart(loop):
    result = shell(loop, "echo out; echo err >&2; exit 3")
    assert (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert not result.ok
    assert not result.timed_out
    assert shell(loop, "true").ok


def test_a_signal_is_a_negative_exit_code(loop):
    assert shell(loop, "kill -9 $$").exit_code == -9


def test_the_environment_is_small_and_has_the_administrators_programs(loop):
    os.environ["UNWANTED"] = "yes"
    try:
        lines = shell(loop, "env; pwd; umask").stdout.splitlines()
    finally:
        del os.environ["UNWANTED"]
    assert "HA_CURHOST=lb1" in lines
    assert "HA_DIR=/etc/ha.d" in lines
    assert any(line.startswith("PATH=") and "/usr/sbin" in line for line in lines)
    assert not any(line.startswith("UNWANTED") for line in lines)
    assert lines[-1] == "0022"


def test_a_program_that_hangs_is_ended_when_its_time_is_over(loop):
    result = shell(loop, "echo begun; exec sleep 60", timeout_ms=100)
    assert result.timed_out
    assert result.exit_code == -signal.SIGTERM
    assert result.stdout == "begun\n"
    assert 100 <= result.duration_ms < 2_000


def test_a_program_that_ignores_sigterm_is_killed_with_its_children(loop, eventually):
    result = shell(loop, "trap '' TERM; sleep 60 & echo $!; while :; do sleep 60; done", timeout_ms=100)
    assert result.timed_out
    assert result.exit_code == -signal.SIGKILL
    eventually(lambda: gone(int(result.stdout)), "the end of the child")


def test_children_that_outlive_a_hanging_program_are_killed(loop, eventually):
    """The leader obeys SIGTERM, its child does not."""
    result = shell(loop, "(trap '' TERM; exec sleep 60) & echo $!; wait", timeout_ms=100)
    assert result.exit_code == -signal.SIGTERM
    eventually(lambda: gone(int(result.stdout)), "the end of the child")


def test_cancelling_ends_the_program_before_the_cancellation_goes_on(loop, tmp_path):
    pid_file = tmp_path / "pid"
    script = f"trap 'echo ended >>{pid_file}; exit 0' TERM; echo $$ >{pid_file}; while :; do sleep 0.02; done"

    async def scenario():
        running = asyncio.ensure_future(
            process.run(["/bin/sh", "-c", script], timeout_ms=5_000, environment=ENVIRONMENT)
        )
        while not (pid_file.exists() and pid_file.read_text()):  # noqa: ASYNC110 - written by a script
            await asyncio.sleep(0.005)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return pid_file.read_text().split()

    pid, word = loop.run_until_complete(scenario())
    assert word == "ended"
    assert gone(int(pid))


def test_a_background_child_that_holds_the_output_does_not_delay_the_result(loop):
    result = shell(loop, "sleep 60 & echo $!")
    try:
        assert result.duration_ms < 1_000
        assert result.ok
    finally:
        os.kill(int(result.stdout), signal.SIGKILL)
        _settle(loop)


def test_a_daemon_left_behind_may_go_on_writing(loop, tmp_path):
    """More than a pipe holds, after its script has ended: it neither blocks nor gets SIGPIPE."""
    done = tmp_path / "done"
    daemon = f"while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; head -c 300000 /dev/zero && touch {done}"
    assert shell(loop, f"({daemon}) & echo started").stdout.startswith("started")
    (tmp_path / "go").touch()

    async def until_done():
        end = time.monotonic() + 8
        while not done.exists() and time.monotonic() < end:  # noqa: ASYNC110 - written by a script
            await asyncio.sleep(0.01)

    loop.run_until_complete(until_done())
    assert done.exists()
    _settle(loop)


def _settle(loop):
    """Let the loop see that nobody holds the pipes any more."""

    async def until_closed():
        while process._LEFT_BEHIND.get(loop):  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.005)

    loop.run_until_complete(asyncio.wait_for(until_closed(), 8))


def test_only_the_end_of_a_long_output_is_kept(loop):
    result = shell(loop, "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end")
    assert result.ok
    assert len(result.stdout) <= process.OUTPUT_BYTES
    assert result.stdout.endswith("x\nthe end\n")


def test_the_loop_goes_on_while_a_program_runs(loop):
    async def scenario():
        ticks = 0
        running = asyncio.ensure_future(
            process.run(["/bin/sleep", "0.2"], timeout_ms=5_000, environment=ENVIRONMENT)
        )
        while not running.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks

    assert loop.run_until_complete(scenario()) > 5


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _path: None, "No such file or directory"),
        (lambda path: path.write_text("#!/bin/sh\n"), "Permission denied"),
        (
            lambda path: (path.write_text("#!/no/such/shell\n"), path.chmod(0o755)),
            "No such file or directory",
        ),
        (lambda path: (path.write_text("echo hello\n"), path.chmod(0o755)), "Exec format error"),
    ],
    ids=["missing", "not executable", "no interpreter", "no first line"],
)
def test_what_cannot_be_run_is_an_error_with_the_file(loop, tmp_path, make, reason):
    path = tmp_path / "program"
    make(path)
    with pytest.raises(process.ProgramError) as caught:
        loop.run_until_complete(process.run([str(path)], timeout_ms=1_000, environment=ENVIRONMENT))
    assert str(caught.value) == f"{path}: cannot be run: {reason}"


def test_without_pidfd_a_thread_waits(loop, monkeypatch, eventually):
    monkeypatch.delattr(os, "pidfd_open")
    assert shell(loop, "exit 4").exit_code == 4
    result = shell(loop, "(trap '' TERM; exec sleep 60) & echo $!; wait", timeout_ms=100)
    assert result.exit_code == -signal.SIGTERM
    eventually(lambda: gone(int(result.stdout)), "the end of the child")


def test_a_blocked_signal_is_not_blocked_in_the_program(loop):
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1,))
    try:
        lines = shell(loop, "grep SigBlk /proc/self/status").stdout
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGUSR1,))
    assert int(lines.split()[1], 16) == 0


def test_programs_of_a_real_time_daemon_get_ordinary_scheduling(loop):
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pytest.skip("not permitted to use real-time scheduling")
    try:
        stat = shell(loop, "cat /proc/self/stat").stdout
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    # Field 41 of proc(5), counted behind the name in parentheses, which is field 2.
    assert int(stat.rsplit(")", 1)[1].split()[38]) == os.SCHED_OTHER


def open_descriptors():
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_nothing_is_left_open(loop):
    before = open_descriptors()
    for _ in range(3):
        shell(loop, "echo hello; exec sleep 60", timeout_ms=20)
        shell(loop, "echo hello")
    _settle(loop)
    assert open_descriptors() == before
