"""`hbctl config`: the configuration files without a daemon."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import ultramonkey_heartbeat
from ultramonkey_heartbeat.daemon.main import main

HA_CF = "bcast eth0\nauto_failback off\nnode lb1\nnode lb2\n"
HARESOURCES = "lb1 192.0.2.10/24/eth0\n"
AUTHKEYS = "auth 1\n1 sha1 0123456789abcdef0123456789abcdef\n"


@pytest.fixture
def directory(tmp_path):
    for name, text in (("ha.cf", HA_CF), ("haresources", HARESOURCES), ("authkeys", AUTHKEYS)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def test_a_good_configuration_needs_no_words(run, directory):
    assert run("config", "check", "--directory", str(directory), "--node", "lb1") == (0, "", "")


def test_every_problem_is_a_line_with_its_place(run, directory):
    (directory / "ha.cf").write_text("bcats eth0\n" + HA_CF)
    (directory / "haresources").write_text("lb7 192.0.2.10/24/eth0\n")
    code, output, error = run("config", "check", "--directory", str(directory), "--node", "lb1")
    lines = output.splitlines()
    assert code == 1
    assert [line.partition(": ")[0] for line in lines] == ["ha.cf:1", "haresources:1"]
    assert "bcast" in lines[0]
    assert "lb7" in lines[1]
    assert error.startswith("hbctl: the configuration has errors (bad-configuration)\n")


def test_with_json_each_problem_has_file_line_word_message_and_remedy(run, directory):
    (directory / "authkeys").chmod(0o644)
    code, output, _ = run("--json", "config", "check", "--directory", str(directory), "--node", "lb1")
    answer = json.loads(output)
    assert (code, answer["phase"], answer["error"]["code"]) == (1, "refused", "bad-configuration")
    [problem] = answer["result"]["problems"]
    assert set(problem) == {"file", "line", "word", "message", "remedy", "severity", "text"}
    assert (problem["file"], problem["severity"]) == ("authkeys", "error")
    assert "0123456789abcdef" not in output


def test_warnings_are_told_and_are_no_errors(run, directory):
    (directory / "authkeys").write_text("auth 1\n1 crc\n")
    code, output, error = run("config", "check", "--directory", str(directory), "--node", "lb1")
    assert (code, error) == (0, "")
    assert output.startswith("authkeys:2: warning: ")


@pytest.fixture
def here(directory):
    """The files are those of this machine, and need two scripts."""
    (directory / "nodeinfo").write_text("lb1\n")
    (directory / "haresources").write_text("lb1 192.0.2.10/24/eth0 \\\n  webserver::fast\nlb2 other\n")
    (directory / "resource.d").mkdir()
    return directory


def script(path, mode=0o755):
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)


def test_a_resource_that_could_not_be_started_here_is_told_with_its_line_and_where_it_was_searched(run, here):
    script(here / "resource.d" / "webservr")
    script(here / "resource.d" / "other", 0o644)
    code, output, error = run("config", "check", "--directory", str(here))
    missing, unusable = output.splitlines()
    assert (code, "(bad-configuration)" in error) == (1, True)
    assert missing == (
        "haresources:2: webserver cannot be started on this machine: no script 'webserver' in "
        f"{here}/resource.d or /etc/init.d: install it there, executable, on every node; or write webservr"
    )
    assert unusable.startswith("haresources:3: other cannot be started on this machine: ")
    assert f"{here}/resource.d/other is no executable file" in unusable


def test_resources_that_are_there_or_will_be_are_no_problem(run, here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("scripts")
    script(elsewhere / "webserver")
    words = ["config", "check", "--directory", str(here), "--scripts", str(elsewhere)]
    assert run(*words, "--later", "other") == (0, "", "")
    script(elsewhere / "other")
    assert run(*words) == (0, "", "")
    # Of another machine nothing is known.
    assert run("config", "check", "--directory", str(here), "--node", "lb2") == (0, "", "")


def test_the_daemon_misses_the_same(run, here, capsys):
    code, output, _ = run("config", "check", "--directory", str(here))
    assert main(["--check", "--directory", str(here)]) == code == 1
    assert capsys.readouterr().out == output


def test_a_node_that_is_not_in_the_file_is_told(run, directory):
    code, output, _ = run("config", "check", "--directory", str(directory), "--node", "lb9")
    assert (code, "lb9" in output) == (1, True)


def test_files_that_are_not_there_are_problems(run, tmp_path):
    code, output, _ = run("config", "check", "--directory", str(tmp_path / "nowhere"))
    assert (code, len(output.splitlines())) == (1, 3)


def test_a_file_that_cannot_be_read_is_named(run, directory):
    (directory / "ha.cf").unlink()
    (directory / "ha.cf").mkdir()
    code, output, error = run("config", "check", "--directory", str(directory))
    assert (code, output) == (1, "")
    assert str(directory / "ha.cf") in error
    assert "(unreadable)" in error


def test_the_check_is_the_daemons_own(directory, run, capsys):
    """What `hbctl config check` passes the daemon accepts; what it does not it refuses in the same words."""
    (directory / "ha.cf").write_text("deadtime 1\n" + HA_CF)
    words = ["--directory", str(directory), "--node", "lb1"]
    code, output, _ = run("config", "check", *words)
    assert main(["--check", *words]) == code == 1
    assert capsys.readouterr().out == output


@pytest.fixture
def standard_input(monkeypatch):
    def give(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


DATA = {
    "nodes": ["lb1", "lb2"],
    "links": [{"type": "bcast", "interface": "eth0"}],
    "auto_failback": "off",
    "groups": [{"node": "lb1", "resources": ["192.0.2.10/24/eth0"]}],
    "authkeys": {
        "current": 1,
        "keys": [{"index": 1, "method": "sha1", "key": "0123456789abcdef0123456789abcdef"}],
    },
}


def test_rendered_files_pass_the_check(run, standard_input, tmp_path):
    standard_input(json.dumps(DATA).encode())
    code, output, error = run("--json", "config", "render", "--node", "lb1")
    answer = json.loads(output)
    assert (code, error, answer["result"]["problems"]) == (0, "", [])
    for name, text in answer["result"]["files"].items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    assert run("config", "check", "--directory", str(tmp_path), "--node", "lb2") == (0, "", "")


def test_people_see_each_file_under_its_name(run, standard_input):
    standard_input(json.dumps(DATA).encode())
    code, output, _ = run("config", "render", "--node", "lb1")
    assert code == 0
    assert [line for line in output.splitlines() if line.startswith("# ---")] == [
        "# --- ha.cf",
        "# --- haresources",
        "# --- authkeys",
    ]
    assert "lb1 192.0.2.10/24/eth0" in output


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"1", b"null"])
def test_what_is_no_data_is_refused(run, standard_input, text):
    standard_input(text)
    code, output, error = run("config", "render", "--node", "lb1")
    assert (code, output) == (1, "")
    assert error.startswith("hbctl: standard input is not ")


def test_wrong_data_is_refused_with_its_path(run, standard_input):
    standard_input(json.dumps({**DATA, "links": [{"type": "bcats", "interface": "eth0"}]}).encode())
    code, output, _ = run("--json", "config", "render", "--node", "lb1")
    [problem, *_] = json.loads(output)["result"]["problems"]
    assert (code, problem["file"].startswith("links[0]")) == (1, True)


def test_the_command_line_needs_no_loop_no_netlink_and_no_core():
    """It starts quickly because of that."""
    code = "import sys, ultramonkey_heartbeat.cli.hbctl\nprint(*sys.modules)"
    source = Path(ultramonkey_heartbeat.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(source)},
    )
    names = done.stdout.split()
    rooms = {name.split(".")[1] for name in names if name.startswith("ultramonkey_heartbeat.")}
    assert rooms == {"cli", "control"}
    assert not {"asyncio", "pyroute2", "subprocess"} & set(names)


def test_an_explanation_says_what_would_be_done_and_what_is_doubtful(run, directory):
    words = ("config", "check", "--explain", "--directory", str(directory), "--node", "lb1")
    code, output, error = run(*words)
    assert (code, error) == (0, "")
    assert output.startswith("This is node lb1 of lb1, lb2.\n\nLinks\n  bcast eth0  ")
    assert output.endswith("add a link over another network, or a serial cable\n")
    code, output, _ = run("--json", *words)
    result = json.loads(output)["result"]
    assert result["problems"] == []
    assert "\n".join(result["explanation"]).startswith("This is node lb1")
    assert [(doubt["file"], doubt["word"], doubt["severity"]) for doubt in result["doubts"]] == [
        ("ha.cf", "eth0", "warning")
    ]


def test_what_has_errors_is_not_explained(run, directory):
    (directory / "haresources").unlink()
    code, output, _ = run("config", "check", "--explain", "--directory", str(directory), "--node", "lb1")
    assert (code, output.partition(":")[0], len(output.splitlines())) == (1, "haresources", 1)
