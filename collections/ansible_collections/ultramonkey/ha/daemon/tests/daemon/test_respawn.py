"""`respawn`: real programs that end, refuse, die quickly, run as somebody else, and do not want to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ultramonkey_heartbeat.config.model import Respawn
from ultramonkey_heartbeat.daemon.respawn import QUICK_DEATHS_MAX, Patience, Respawner

ME = pwd.getpwuid(os.geteuid()).pw_name
# Every death is quick, and no pause is worth measuring.
HASTY = Patience(quick_s=1000, pause_s=0.001, pause_max_s=0.002, grace_s=5)
CALM = Patience(quick_s=0, pause_s=1000, grace_s=5)
DEADLINE_S = 8.0
LOG = logging.getLogger("test.respawn")


def program(tmp_path, text, *arguments, user=ME, name="program"):
    path = tmp_path / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Respawn(user, str(path), arguments)


async def until(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true within {DEADLINE_S} s"
        await asyncio.sleep(0.005)


def serve(programs, story, patience=HASTY):
    """Run the programs while the story is told, then end them; returns how long the end took, in seconds."""

    async def main():
        respawner = Respawner(programs, "lb1", LOG, patience)
        respawner.begin()
        await story(respawner)
        began = time.monotonic()
        await respawner.end()
        return time.monotonic() - began

    return asyncio.run(main())


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(autouse=True)
def said(caplog):
    caplog.set_level(logging.INFO, LOG.name)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_program_that_ends_is_started_again_without_a_pause_when_it_had_run_for_long(tmp_path, said):
    runs = tmp_path / "runs"
    wanted = program(tmp_path, f"echo $$ >>{runs}; [ $(wc -l <{runs}) -gt 15 ] && exec sleep 60; exit 1")
    serve([wanted], lambda _: until(lambda: len(lines(runs)) == 16, "the 16th run"), CALM)
    assert any(line.endswith("ended with exit code 1; starting it again in 0 s") for line in said())


def test_a_program_that_asks_not_to_be_started_again_is_left_alone(tmp_path, said):
    runs = tmp_path / "runs"
    wanted = program(tmp_path, f"echo run >>{runs}; exit 100")
    serve([wanted], lambda _: until(lambda: any("exit code 100" in line for line in said()), "the end"))
    assert lines(runs) == ["run"]


def test_a_program_is_given_up_after_more_than_ten_quick_deaths_in_a_row(tmp_path, said):
    runs = tmp_path / "runs"
    wanted = program(tmp_path, f"echo run >>{runs}; kill -9 $$")
    serve([wanted], lambda _: until(lambda: any("given up" in line for line in said()), "giving up"))
    assert len(lines(runs)) == QUICK_DEATHS_MAX + 1
    assert "ended by signal 9; given up after 11 quick deaths" in said()[-1]


def test_a_program_that_is_not_there_is_a_quick_death_that_says_so(tmp_path, said):
    wanted = Respawn(ME, str(tmp_path / "missing"))
    serve([wanted], lambda _: until(lambda: any("given up" in line for line in said()), "giving up"))
    assert "ended with exit code 127 (not found); starting it again" in said()[1]


def test_the_pause_doubles_with_each_quick_death_up_to_its_longest():
    respawner = Respawner((), "lb1", LOG, Patience())
    assert [respawner._pause_s(deaths) for deaths in (0, 1, 2, 3, 7, 8, 10)] == [
        *(0.0, 0.1, 0.2, 0.4, 6.4, 10.0, 10.0),
    ]


def test_nothing_starts_before_the_node_is_active_and_begin_starts_once(tmp_path):
    runs = tmp_path / "runs"
    wanted = program(tmp_path, f"echo run >>{runs}; exec sleep 60")

    async def main():
        respawner = Respawner([wanted], "lb1", LOG, CALM)
        await asyncio.sleep(0.05)
        assert not respawner._children
        respawner.begin()
        respawner.begin()
        await until(lambda: lines(runs), "the start")
        await respawner.end()

    asyncio.run(main())
    assert lines(runs) == ["run"]


def test_the_end_stops_a_program_with_its_children_even_when_it_ignores_sigterm(tmp_path):
    pids = tmp_path / "pids"
    wanted = program(
        tmp_path, f"trap '' TERM; sleep 60 & echo $$ $! >{pids}.new; mv {pids}.new {pids}; wait; sleep 60"
    )
    patience = Patience(grace_s=0.1)
    took_s = serve([wanted], lambda _: until(pids.exists, "the start"), patience)
    assert 0.1 <= took_s < 2
    gone = lambda: not any(alive(pid) for pid in pids.read_text().split())  # noqa: E731 - a sentence
    # The kernel takes a moment to carry out a SIGKILL on a busy machine.
    asyncio.run(until(gone, "the end of all its processes"))


def test_the_end_does_not_wait_longer_than_a_program_needs(tmp_path):
    pid = tmp_path / "pid"
    wanted = program(tmp_path, f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 60")
    patience = Patience(grace_s=60)
    assert serve([wanted], lambda _: until(pid.exists, "the start"), patience) < 5
    assert not alive(pid.read_text().strip())


def test_while_the_daemon_is_leaving_a_program_that_ends_is_not_started_again(tmp_path, said):
    runs = tmp_path / "runs"
    go = tmp_path / "go"
    wanted = program(tmp_path, f"echo run >>{runs}; until [ -e {go} ]; do sleep 0.01; done")

    async def story(respawner):
        await until(lambda: lines(runs), "the start")
        respawner.leave()
        go.touch()
        await until(lambda: said()[-1].endswith("ended with exit code 0"), "its end")

    serve([wanted], story, CALM)
    assert lines(runs) == ["run"]


def test_programs_that_need_the_old_daemon_are_not_started_and_the_log_says_why(tmp_path, said):
    runs = tmp_path / "runs"
    wanted = program(tmp_path, f"echo run >>{runs}", name="dopd")
    respawner = Respawner([wanted], "lb1", LOG, HASTY)
    assert respawner._startable == []
    assert said() == [f"respawn {wanted.path}: not started: it needs the client interface of heartbeat 3.0.6"]


def test_ipfail_is_not_started_because_it_is_built_in(tmp_path, said):
    wanted = program(tmp_path, "true", name="ipfail")
    assert Respawner([wanted], "lb1", LOG, HASTY)._startable == []
    assert said() == [f"respawn {wanted.path}: not started: what it does is built in"]


def test_a_user_who_does_not_exist_is_an_error_that_names_him(said):
    Respawner([Respawn("nobody-here", "/bin/true")], "lb1", LOG, HASTY)
    assert "there is no user nobody-here here" in said()[0]


def test_the_environment_is_clean_and_arguments_are_read_by_the_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("UNWANTED", "yes")
    out = tmp_path / "out"
    wanted = program(
        tmp_path,
        f'(echo "$#" "$@"; pwd; umask; env) >{out}.new; mv {out}.new {out}; exec sleep 60',
        '"a b"',
        "1,2",
    )
    serve([wanted], lambda _: until(out.exists, "the start"), CALM)
    written = lines(out)
    assert written[:3] == ["2 a b 1,2", "/", "0022"]
    names = {line.partition("=")[0] for line in written[3:]} - {"_", "PWD", "OLDPWD", "SHLVL"}
    assert names == {"PATH", "LANG", "HOME", "USER", "LOGNAME", "SHELL", "HA_CURHOST", "HA_DIR"}


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_program_runs_as_its_user_with_his_groups_and_nothing_of_ours():
    nobody = pwd.getpwnam("nobody")
    # Where nobody may write, which pytest's own directory is not.
    path = Path(f"/tmp/respawn-{os.getpid()}")
    wanted = Respawn(
        "nobody", "/bin/sh", ("-c", f"'(id -u; id -g; id -G) >{path}; echo . >>{path}; exec sleep 60'")
    )
    try:
        serve([wanted], lambda _: until(lambda: lines(path)[-1:] == ["."], "the start"), CALM)
        groups = " ".join(map(str, os.getgrouplist("nobody", nobody.pw_gid)))
        assert lines(path) == [str(nobody.pw_uid), str(nobody.pw_gid), groups, "."]
    finally:
        path.unlink(missing_ok=True)


# A daemon of which only the part under test exists, to be killed.
PARENT = """
import asyncio, logging, sys
from ultramonkey_heartbeat.config.model import Respawn
from ultramonkey_heartbeat.daemon.respawn import Respawner

async def main():
    Respawner([Respawn(sys.argv[1], sys.argv[2])], "lb1", logging.getLogger(), None).begin()
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_program_does_not_outlive_a_daemon_that_is_killed(tmp_path):
    pid = tmp_path / "pid"
    user = "nobody" if os.geteuid() == 0 else ME
    os.chmod(tmp_path, 0o777)  # noqa: PTH101
    for directory in (tmp_path.parent, tmp_path.parent.parent):
        directory.chmod(0o755)
    wanted = program(tmp_path, f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 60")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    daemon = subprocess.Popen([sys.executable, "-c", PARENT, user, wanted.path], env=environment)
    try:
        asyncio.run(until(pid.exists, "the start"))
    finally:
        daemon.kill()
        daemon.wait()
    asyncio.run(until(lambda: not alive(pid.read_text().strip()), "its end"))
