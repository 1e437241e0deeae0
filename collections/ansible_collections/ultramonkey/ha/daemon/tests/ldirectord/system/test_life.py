"""Starting, stopping, asking: a real daemon as heartbeat's resource."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from directors import wait_until
from ultramonkey_heartbeat.resources.script import says_running


def test_start_returns_when_the_table_is_right_and_stop_when_it_is_clean(director):
    up, down = director.server(1), director.server(2)
    down.down()
    director.write([up, down])
    assert director.must("start").stdout == f"ldirectord for {director.file} is active\n"
    assert director.weights() == {str(up): 1}
    director.must("stop")
    assert director.table() == {}
    assert director.command("status").returncode == 3


def test_status_has_the_exit_codes_of_lsb_and_the_words_that_heartbeat_reads(director):
    director.write([director.server(1)])
    done = director.command("status")
    assert (done.returncode, done.stdout) == (3, f"ldirectord is stopped for {director.file}\n")
    assert not says_running(done.stdout)
    director.must("start")
    done = director.must("status")
    assert done.stdout.startswith(f"ldirectord for {director.file} is running with pid: {director.pid()}\n")
    assert says_running(done.stdout)
    director.kill()
    done = director.command("status")
    assert (done.returncode, says_running(done.stdout)) == (1, False)


def test_a_second_start_changes_nothing_and_a_second_stop_neither(director):
    director.write([director.server(1)])
    director.must("start")
    pid, changes = director.pid(), director.changes()
    director.must("start")
    assert (director.pid(), director.changes()) == (pid, changes)
    director.must("stop")
    director.must("stop")


def test_a_service_begins_with_its_fallback_and_servers_enter_after_their_first_good_check(director):
    one = director.server(1)
    director.write([one], "fallback=127.0.0.9:80 masq")
    director.must("start")
    assert [line.split(" (")[0] for line in director.changes()] == [
        "Added virtual server: 192.0.2.100:80",
        "Added real server: 127.0.0.9:80",
        f"Added real server: {one}",
        "Deleted real server: 127.0.0.9:80",
    ]


def test_a_server_that_fails_leaves_and_returns(director):
    one, two = director.server(1), director.server(2)
    director.write([one, two])
    director.must("start")
    one.down()
    wait_until(lambda: director.weights() == {str(two): 1})
    one.up()
    wait_until(lambda: director.weights() == {str(one): 1, str(two): 1})
    assert "is down: connection refused" in director.logged()


def test_a_configuration_with_errors_starts_nothing_and_says_everything(director):
    director.file.write_text("virtual=192.0.2.1\n\treal=x\n")
    done = director.command("start")
    assert done.returncode == 2
    assert [line.split(":")[:2] for line in done.stderr.splitlines()[:2]] == [["ld.cf", "1"], ["ld.cf", "2"]]
    assert director.command("status").returncode == 3


def test_a_file_that_was_broken_meanwhile_keeps_nobody_from_stopping(director):
    director.write([director.server(1)])
    director.must("start")
    director.file.write_text("nonsense\n")
    assert director.command("status").returncode == 0
    assert director.command("restart").returncode == 2
    assert director.command("status").returncode == 0
    director.file.unlink()
    director.must("stop")
    assert director.table() == {}


def test_a_daemon_that_was_killed_leaves_a_table_that_stop_cleans(director):
    director.write([director.server(1)])
    director.must("start")
    director.kill()
    assert director.table()
    director.must("stop")
    assert director.table() == {}
    assert director.command("status").returncode == 3


def test_after_a_daemon_was_killed_start_takes_the_table_over_without_a_gap(director):
    one = director.server(1)
    director.write([one], "fallback=127.0.0.9:80")
    director.must("start")
    director.kill()
    before = director.changes()
    director.must("start")
    assert director.weights() == {str(one): 1}
    assert director.changes() == before


def test_services_that_a_killed_daemon_had_and_the_file_has_no_more_go_at_the_next_start(director):
    one = director.server(1)
    director.write([one])
    director.must("start")
    director.kill()
    director.write([one], vip="192.0.2.101:80")
    director.must("start")
    assert list(director.table()) == ["tcp:192.0.2.101:80"]


def test_the_end_does_not_wait_for_a_server_that_is_silent(director):
    silent = director.server(1)
    director.write([silent], "checktype=negotiate\nservice=smtp\nnegotiatetimeout=60", "checktimeout=60\n")
    director.must("standby")
    wait_until(lambda: director.json("status")["checks_performed"] == 0)
    started = time.monotonic()
    director.must("quit")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_stop(director, number):
    director.write([director.server(1)])
    director.must("start")
    director.kill(number)
    assert director.table() == {}
    assert director.command("status").returncode == 3
    assert f"terminated on signal: {number.name[3:]}" in director.logged()


def test_without_cleanstop_services_stay(director):
    one = director.server(1)
    director.write([one], "cleanstop=no")
    director.must("start")
    director.must("stop")
    assert director.weights() == {str(one): 1}


@pytest.mark.skipif(Path("/proc/net/ip_vs").exists(), reason="this kernel has IPVS")
def test_a_kernel_without_ipvs_is_a_start_that_fails_and_says_so(director):
    director.write([director.server(1)])
    done = director.command("start", kernel=True)
    assert done.returncode == 1
    assert "the kernel has no IPVS: load the module ip_vs" in done.stderr
    assert director.command("status", kernel=True).returncode == 3


def test_restart_is_a_new_daemon_with_the_same_table(director):
    one = director.server(1)
    director.write([one])
    director.must("start")
    pid = director.pid()
    director.must("restart")
    assert director.pid() != pid
    assert director.weights() == {str(one): 1}
    director.must("stop")
    director.must("try-restart")
    assert director.command("status").returncode == 3


def test_check_says_all_and_starts_nothing(director):
    director.write([director.server(1)], "sheduler=rr")
    done = director.command("check")
    assert (done.returncode, done.stdout) == (
        2,
        "ld.cf:8: there is no directive sheduler: did you mean scheduler?\n",
    )
    answer = director.json("check")
    assert (answer["exit_code"], answer["problems"][0]["line"]) == (2, 8)


def test_wrong_usage_is_explained(director):
    done = director.command("stat")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        255,
        f"ldirectord: there is no command {director.file}",
    )
    assert director.command("-x", "start").returncode == 255


def test_status_as_json_has_everything(director):
    one = director.server(1)
    director.write([one])
    director.must("start")
    answer = director.json("status")
    assert (answer["state"], answer["servers"]) == ("active", {"up": 1, "down": 0, "unknown": 0})
    server = answer["services"][0]["servers"][0]
    assert (server["server"], server["health"], server["weight"], server["reason"]) == (
        str(one),
        "up",
        1,
        "accepts connections",
    )
    texts = [change["text"] for change in answer["changes"]]
    assert texts[0] == "Added virtual server: 192.0.2.100:80"
    # What was found, and what was therefore done.
    assert f"{one} (tcp:192.0.2.100:80) is up: accepts connections" in texts
    json.dumps(answer)


def test_metrics_are_samples_with_help_and_type(director):
    one = director.server(1)
    director.write([one])
    assert "ldirectord_active 0" in director.must("metrics").stdout.splitlines()
    director.must("start")
    lines = director.must("metrics").stdout.splitlines()
    assert f'ldirectord_server_up{{service="tcp:192.0.2.100:80",server="{one}"}} 1' in lines
    assert lines[:3] == [
        "# HELP ldirectord_active Whether the table is kept by this daemon.",
        "# TYPE ldirectord_active gauge",
        "ldirectord_active 1",
    ]
