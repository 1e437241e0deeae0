"""While it runs: repairs, reloads, standby, maintenance, administrators, commands."""

from __future__ import annotations

import json
import time

from directors import wait_until


def test_what_somebody_else_does_to_the_table_is_repaired_and_said(director):
    one = director.server(1)
    director.write([one])
    director.must("start")
    rows = json.loads(director.table_file.read_text())
    rows[0]["servers"][0]["weight"] = 9
    foreign = {**rows[0], "key": {**rows[0]["key"], "address": "192.0.2.7"}}
    director.table_file.write_text(json.dumps([*rows, foreign]))
    wait_until(lambda: director.table()["tcp:192.0.2.100:80"] == {str(one): 1})
    # A service of somebody else is none of ours.
    assert len(director.table()) == 2
    director.table_file.write_text("[]")
    wait_until(lambda: director.weights() == {str(one): 1})
    assert "(the table was changed by somebody else)" in director.logged()
    assert director.json("status")["repairs"] == 2


def test_a_reload_applies_the_difference_and_nothing_else(director):
    one, two, three = (director.server(number) for number in (1, 2, 3))
    director.write([one, two])
    director.must("start")
    before = len(director.changes())
    director.write([two, three], "scheduler=rr")
    director.must("reload")
    wait_until(lambda: director.weights() == {str(two): 1, str(three): 1})
    assert sorted(director.changes()[before:]) == [
        f"Added real server: {three} (192.0.2.100:80) (Weight set to 1)",
        "Changed virtual server: 192.0.2.100:80",
        f"Deleted real server: {one} (192.0.2.100:80)",
    ]


def test_a_reload_with_errors_is_refused_and_everything_goes_on(director):
    one, two = director.server(1), director.server(2)
    director.write([one, two])
    director.must("start")
    director.file.write_text(director.file.read_text() + "\tservice=htp\n")
    done = director.command("reload")
    assert done.returncode == 2
    assert "ld.cf:9: service: htp is not a service" in done.stderr
    one.down()
    wait_until(lambda: director.weights() == {str(two): 1})
    assert director.command("status").returncode == 0


def test_a_service_that_is_removed_by_reload_goes_and_a_new_one_comes(director):
    one = director.server(1)
    director.write([one])
    director.must("start")
    director.write([one], vip="192.0.2.101:80")
    director.must("reload")
    # The server is known to be well: the check is the same.
    wait_until(lambda: director.table() == {"tcp:192.0.2.101:80": {str(one): 1}})


def test_a_changed_file_is_read_again_with_autoreload_and_callback_is_run(director):
    one, two = director.server(1), director.server(2)
    seen = director.directory / "seen"
    script = director.directory / "callback"
    script.write_text(f'#!/bin/sh\necho "$@" >>{seen}\n')
    script.chmod(0o755)
    common = f'autoreload=yes\ncallback="{script}"\n'
    director.write([one], common=common)
    director.must("start")
    director.write([one, two], common=common)
    wait_until(lambda: director.weights() == {str(one): 1, str(two): 1})
    wait_until(seen.exists)
    wait_until(lambda: seen.read_text() == f"{director.file}\n")
    director.file.write_text("nonsense\n")
    wait_until(lambda: "the new configuration has errors; the old one stays in force" in director.logged())
    two.down()
    wait_until(lambda: director.weights() == {str(one): 1})


def test_who_stands_by_has_judged_everything_when_it_is_called(director):
    one, down = director.server(1), director.server(2)
    down.down()
    director.write([one, down])
    director.must("standby")
    wait_until(lambda: director.json("status")["servers"]["unknown"] == 0)
    assert director.command("status").returncode == 3
    assert director.changes() == []
    pid = director.pid()
    director.must("start")
    assert (director.weights(), director.pid()) == ({str(one): 1}, pid)
    assert director.command("status").returncode == 0
    director.must("stop")
    assert (director.table(), director.pid()) == ({}, pid)
    director.must("quit")
    assert director.pid() is None


def test_heartbeat_reads_one_line_and_waits_for_little(director, monkeypatch):
    """What a takeover asks is answered without the program's other parts."""
    monkeypatch.setenv("HA_CURHOST", "lb1")
    one = director.server(1)
    director.write([one])
    assert director.command("status").returncode == 3
    director.must("standby")
    wait_until(lambda: director.json("status")["servers"]["unknown"] == 0)
    done = director.command("status")
    assert (done.returncode, done.stdout) == (
        3, f"ldirectord is stopped for {director.file} (it stands by and checks)\n",
    )  # fmt: skip
    for command, said in (
        ("start", f"ldirectord for {director.file} is active\n"),
        ("status", f"ldirectord for {director.file} is running with pid: {director.pid()}\n"),
        ("stop", f"ldirectord for {director.file} stands by\n"),
    ):
        assert director.must(command).stdout == said
    assert not QUICK_IMPORTS & director.imported("start")
    director.must("quit")
    assert director.command("status").returncode == 3


# Each takes longer to import than everything that the quick way needs.
QUICK_IMPORTS = {"asyncio", "dataclasses", "pathlib", "ipaddress", "ultramonkey_ldirectord.cli.command"}


def test_a_file_in_the_maintenance_directory_takes_a_server_out(director):
    one, two = director.server(1), director.server(2)
    place = director.directory / "maintenance"
    place.mkdir()
    (place / str(one)).touch()
    director.write([one, two], common=f"maintenancedir={place}\n")
    director.must("start")
    assert director.weights() == {str(two): 1}
    (place / str(one)).unlink()
    (place / two.address).touch()
    wait_until(lambda: director.weights() == {str(one): 1})
    assert director.json("status")["services"][0]["servers"][1]["in_maintenance"] is True


def test_an_administrator_drains_weighs_and_takes_out(director):
    one, two = director.server(1), director.server(2)
    director.write([one, two])
    director.must("start")
    director.must("drain", str(one))
    assert director.weights() == {str(one): 0, str(two): 1}
    director.must("maintenance", one.address)
    assert director.weights() == {str(two): 1}
    director.must("normal", str(one))
    director.must("weight", str(one), "7")
    assert director.weights() == {str(one): 7, str(two): 1}
    director.must("weight", str(one), "-1")
    assert director.weights() == {str(one): 1, str(two): 1}
    done = director.command("drain", "192.0.2.55")
    assert (done.returncode, "there is no real server 192.0.2.55 here" in done.stderr) == (1, True)
    assert "an administrator says drain" in director.logged()


def test_draining_waits_until_no_connection_is_left(director):
    one = director.server(1)
    director.write([one])
    director.must("start")
    rows = json.loads(director.table_file.read_text())
    rows[0]["servers"][0]["active"] = 3
    director.table_file.write_text(json.dumps(rows))
    wait_until(lambda: director.json("status")["services"][0]["servers"][0]["active"] == 3)
    done = director.command("drain", str(one), "--wait", "0")
    assert done.returncode == 1
    assert f"{one}: 3 connections are left after 0 s; it stays drained" in done.stderr
    rows = json.loads(director.table_file.read_text())
    rows[0]["servers"][0]["active"] = 0
    director.table_file.write_text(json.dumps(rows))
    done = director.must("drain", str(one), "--wait", "20")
    assert done.stdout == f"{one}: drained, no connection is left\n"
    assert director.weights() == {str(one): 0}


def test_the_fallback_command_is_told_when_the_fallback_begins_and_ends(director):
    one = director.server(1)
    told = director.directory / "told"
    script = director.directory / "command"
    script.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    script.chmod(0o755)
    director.write([one], f'fallback=127.0.0.9:80\nfallbackcommand="{script}"')
    director.must("start")
    one.down()
    wait_until(lambda: told.exists() and told.read_text() == "start 192.0.2.100:80 tcp\n")
    one.up()
    wait_until(lambda: told.read_text().splitlines()[1:] == ["stop 192.0.2.100:80 tcp"])


def test_a_table_that_cannot_be_read_is_said_once_and_mended_when_it_can(director):
    one = director.server(1)
    director.write([one])
    director.must("start")
    good = director.table_file.read_text()
    director.table_file.write_text("{")
    wait_until(lambda: director.json("status")["problems"])
    time.sleep(1.5)
    director.table_file.write_text(good)
    wait_until(lambda: not director.json("status")["problems"])
    assert director.logged().count("Expecting property name") == 1


def test_a_quiescent_server_keeps_its_place_with_weight_0(director):
    one, two = director.server(1), director.server(2)
    director.write([one, two], "quiescent=yes")
    director.must("start")
    one.down()
    wait_until(lambda: director.weights() == {str(one): 0, str(two): 1})
    one.up()
    wait_until(lambda: director.weights() == {str(one): 1, str(two): 1})
