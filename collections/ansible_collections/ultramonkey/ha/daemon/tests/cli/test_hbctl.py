"""`hbctl` as people and programs see it: whole outputs, and the exit codes of docs/CONTROL.md."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ultramonkey_heartbeat
from ultramonkey_heartbeat.cli import hbctl
from ultramonkey_heartbeat.control import schema

GOLDEN = Path(__file__).parent.parent / "golden"
ACCEPTED = {
    "schema": 1,
    "id": "",
    "phase": "accepted",
    "result": {"moved": [], "unchanged": [], "failed": []},
}


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


def status(**changes):
    """The golden status with another result."""
    answer = golden("status-two-nodes")
    return {**answer, "result": {**answer["result"], **changes}}


STATUS = """\
lb1 is active, for 81 s; keepalive 1.0 s, deadtime 5.0 s, auto_failback off

NODE  STATE   HEARD       LINKS
lb1   active  (here)
lb2   active  412 ms ago  bcast eth0 up

PING NODE    STATE  ANSWERED    LOST BY
192.0.2.254  seen   300 ms ago  -

GROUP               HOLDER  PREFERRED  STATE  LAST MOVE
192.0.2.10/24/eth0  lb1     lb1        held   from lb2, takeover, 70 s ago, 4 ms without holder
"""


def test_status_is_a_table_for_people(daemon, run):
    daemon.answers["status"] = [golden("status-two-nodes")]
    assert run("status") == (0, STATUS, "")
    assert daemon.requests == [("status", {})]


@pytest.mark.parametrize(
    "words", [("--json", "status"), ("status", "--json"), ("--json", "status", "--json")]
)
def test_with_json_exactly_the_answer_is_printed(daemon, run, words):
    daemon.answers["status"] = [golden("status-two-nodes")]
    code, output, error = run(*words)
    assert (code, error) == (0, "")
    assert output.count("\n") == 1
    assert json.loads(output) == golden("status-two-nodes")


TROUBLED = """\
lb1 is active, for 81 s; keepalive 1.0 s, deadtime 5.0 s, auto_failback off

NODE  STATE    HEARD   LINKS
lb1   active   (here)
lb2   unknown  never

PING NODE    STATE    ANSWERED   LOST BY
192.0.2.254  lost     9.0 s ago  lb1
gw           unknown  never      -

GROUP               HOLDER  PREFERRED  STATE                   LAST MOVE
192.0.2.10/24/eth0  -       lb1        not held, stuck on lb1  -
a                   lb1     lb1        held twice              start, 2 h 13 min ago

! lb2 is dead: nothing is heard of it
  see whether lb2 runs
"""


def test_status_shows_what_is_wrong(daemon, run):
    [lb1, lb2], [group] = (golden("status-two-nodes")["result"][key] for key in ("nodes", "groups"))
    [ping] = golden("status-two-nodes")["result"]["ping_nodes"]
    stuck = {**group, "holder": None, "states": {"lb1": "stuck", "lb2": "idle"}, "last_move": None}
    move = {"from": None, "to": "lb1", "reason": "start", "without_holder_ms": None, "age_ms": 8_000_000}
    twice = {**group, "key": "a", "states": {"lb1": "held", "lb2": "held"}, "last_move": move}
    text = "lb2 is dead: nothing is heard of it"
    daemon.answers["status"] = [
        status(
            nodes=[
                {**lb1, "ping_lost": ["192.0.2.254"]},
                {**lb2, "ping_lost": None, "state": "unknown", "silent_ms": None, "links": []},
            ],
            ping_nodes=[
                {**ping, "state": "lost", "alive": False, "silent_ms": 9000},
                {**ping, "name": "gw", "state": "unknown", "alive": False, "silent_ms": None},
            ],
            groups=[stuck, twice],
            problems=[{"code": "node-dead", "node": "lb2", "text": text, "remedy": "see whether lb2 runs"}],
            healthy=False,
        )
    ]
    assert run("status") == (0, TROUBLED, "")


def test_status_without_groups_says_so(daemon, run):
    daemon.answers["status"] = [status(groups=[])]
    code, output, _ = run("status")
    assert (code, output.splitlines()[-1]) == (0, "no groups in haresources")


def test_a_move_says_who_went_where(daemon, run):
    daemon.answers["move"] = [ACCEPTED, golden("move-completed")]
    assert run("move", "--to", "lb2", "192.0.2.10/24/eth0", "--timeout", "7.5") == (
        0,
        "192.0.2.10/24/eth0: lb1 -> lb2 (4 ms without holder)\n",
        "",
    )
    arguments = {"groups": ["192.0.2.10/24/eth0"], "target": "lb2", "timeout_ms": 7500}
    assert daemon.requests == [("move", arguments)]


def test_a_move_of_what_nobody_held_or_is_there_already_says_so(daemon, run):
    result = {
        "moved": [{"group": "a", "from": None, "to": "lb2", "without_holder_ms": None}],
        "unchanged": ["b"],
        "failed": [{"group": "c", "code": "timeout", "message": "c was not held by lb2 in time"}],
    }
    daemon.answers["move"] = [{**golden("move-completed"), "result": result}]
    output = "a: nobody -> lb2\nb: is there already\nc: c was not held by lb2 in time\n"
    assert run("standby") == (0, output, "")


@pytest.mark.parametrize(
    ("words", "request_", "result_and_output"),
    [
        (
            ("maintenance", "on"),
            ("maintenance", {"on": True, "groups": []}),
            (
                {"maintenance": {"cluster": True, "groups": []}, "changed": True},
                "the cluster is under maintenance: nothing is started, stopped or taken over\n",
            ),
        ),
        (
            ("maintenance", "off", "a"),
            ("maintenance", {"on": False, "groups": ["a"]}),
            (
                {"maintenance": {"cluster": False, "groups": ["b"]}, "changed": True},
                "b is under maintenance\n",
            ),
        ),
        (
            ("maintenance", "off"),
            ("maintenance", {"on": False, "groups": []}),
            (
                {"maintenance": {"cluster": False, "groups": []}, "changed": False},
                "nothing is under maintenance\n",
            ),
        ),
        (
            ("node", "standby", "lb2"),
            ("standby", {"on": True, "node": "lb2"}),
            (
                {"node": "lb2", "standby": True, "changed": True, "holds": ["a"]},
                "lb2 is on standby, and gives away a\n",
            ),
        ),
        (
            ("node", "active"),
            ("standby", {"on": False, "node": None}),
            (
                {"node": "lb1", "standby": False, "changed": True, "holds": []},
                "lb1 takes part\n",
            ),
        ),
        (
            ("cleanup", "a"),
            ("cleanup", {"groups": ["a"]}),
            (
                {"cleaned": [{"group": "a", "forgotten": ["the failed start"]}], "changed": True},
                "a: forgot the failed start\n",
            ),
        ),
        (
            ("cleanup",),
            ("cleanup", {"groups": []}),
            (
                {"cleaned": [], "changed": False},
                "nothing had failed here\n",
            ),
        ),
    ],
    ids=lambda value: " ".join(word if isinstance(word, str) else "" for word in value).strip()[:20],
)
def test_switches_are_asked_for_and_told(daemon, run, words, request_, result_and_output):
    result, output = result_and_output
    daemon.answers[request_[0]] = [{"schema": 1, "id": "", "phase": "completed", "result": result}]
    assert run(*words) == (0, output, "")
    assert daemon.requests == [request_]


def test_a_reload_tells_what_is_taken_over(daemon, run):
    result = {"changed": ["authkeys", "groups"], "restart": []}
    daemon.answers["reload"] = [{"schema": 1, "id": "", "phase": "completed", "result": result}]
    assert run("reload") == (0, "took over: authkeys, groups\n", "")
    result["changed"] = []
    assert run("reload") == (0, "nothing to take over\n", "")


def test_the_journal_is_told_in_local_time(daemon, run, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    daemon.answers["journal"] = [golden("journal-completed")]
    code, output, error = run("journal", "web", "--last", "9")
    assert (code, error) == (0, "")
    assert output.splitlines() == [
        "2026-02-16 09:36:07.120  node lb1: active -> dead (silent for 5000 ms, its deadtime is 5000 ms)",
        "2026-02-16 09:36:07.131  group web: moved from lb1 to lb2 (takeover, 5012 ms without holder)",
    ]
    assert daemon.requests == [("journal", {"last": 9, "group": "web"})]


def test_a_refusal_names_reason_code_and_remedy(daemon, run):
    daemon.answers["move"] = [golden("move-refused")]
    code, output, error = run("move", "--to", "lb2")
    assert (code, output) == (1, "")
    assert error == (
        "hbctl: lb2 is dead: nothing heard for 9.2 s (target-not-ready)\n"
        "  start heartbeat on lb2, or name another node\n"
    )
    code, output, error = run("--json", "move", "--to", "lb2")
    assert (code, json.loads(output), error) == (1, {**golden("move-refused"), "id": "1"}, "")


@pytest.mark.parametrize(
    ("words", "groups", "target"),
    [
        (("standby",), ["all"], None),
        (("standby", "local"), ["local"], None),
        (("standby", "a", "b"), ["a", "b"], None),
        (("takeover",), ["all"], "lb1"),
        (("takeover", "foreign"), ["foreign"], "lb1"),
        (("move", "--to", "lb3"), ["all"], "lb3"),
        (("move", "a", "--to", "lb3"), ["a"], "lb3"),
    ],
)
def test_the_three_commands_are_one_request(daemon, run, words, groups, target):
    daemon.answers = {"status": [golden("status-two-nodes")], "move": [golden("move-completed")]}
    assert run(*words)[0] == 0
    assert daemon.requests[-1] == ("move", {"groups": groups, "target": target, "timeout_ms": 60_000})


def test_takeover_on_a_node_that_does_not_know_itself_yet_is_refused(daemon, run):
    daemon.answers["status"] = [schema.refusal("", "not-active", "the daemon begins", "wait")]
    assert run("takeover") == (1, "", "hbctl: the daemon begins (not-active)\n  wait\n")


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_without_waiting_the_answer_is_that_it_has_begun(daemon, run, extra):
    daemon.answers["move"] = [ACCEPTED, "wait"]
    code, output, error = run("standby", "--no-wait", *extra)
    assert (code, error) == (0, "")
    assert json.loads(output)["phase"] == "accepted" if extra else output == ""


def test_version_names_both(daemon, run):
    version = ultramonkey_heartbeat.__version__
    daemon.answers["version"] = [
        {**ACCEPTED, "phase": "completed", "result": {"version": "9.9", "schema": 1}}
    ]
    assert run("version") == (0, f"hbctl {version}\ndaemon 9.9\n", "")


def test_version_works_without_a_daemon(run):
    version = ultramonkey_heartbeat.__version__
    assert run("version") == (0, f"hbctl {version}\ndaemon not running\n", "")
    code, output, _ = run("--json", "version")
    assert (code, json.loads(output)["result"]) == (0, {"hbctl": version, "daemon": None})


# Exit codes.


def test_wrong_usage_is_2(run, capsys):
    for words in (
        ("status", "--no-such-option"),
        ("no-such-command",),
        (),
        ("move",),
        ("config",),
        *(("standby", "--timeout", seconds) for seconds in ("0", "-1", "nan", "inf", "x", "1e9")),
    ):
        code, output, error = run(*words)
        assert (code, output) == (2, ""), words
        assert error.startswith("usage: hbctl"), words
    del capsys


def test_no_daemon_is_3(run, path):
    code, output, error = run("status")
    assert (code, output) == (3, "")
    assert error.startswith(f"hbctl: no daemon answers: {path}: No such file or directory (unreachable)\n")
    code, output, error = run("--json", "takeover")
    assert (code, json.loads(output)["error"]["code"], error) == (3, "unreachable", "")


def test_a_daemon_that_goes_away_is_3(daemon, run):
    daemon.answers["move"] = [ACCEPTED]
    assert run("standby")[0] == 3


def test_no_answer_in_time_is_4(daemon, run, monkeypatch):
    monkeypatch.setattr(hbctl, "_PATIENCE_S", 0.05)
    daemon.answers["status"] = ["wait"]
    code, output, error = run("status")
    assert (code, output, "(timeout)" in error) == (4, "", True)


def test_the_daemons_own_timeout_is_4(daemon, run):
    daemon.answers["move"] = [ACCEPTED, schema.refusal("", "timeout", "not held in time", "see status")]
    assert run("standby")[0] == 4


def test_a_daemon_of_another_schema_is_1(daemon, run):
    daemon.answers["status"] = [{**golden("status-two-nodes"), "schema": 2}]
    code, output, error = run("status")
    assert (code, output) == (1, "")
    assert "the daemon speaks schema 2, this program 1 (bad-answer)" in error


# As a process: what only happens there.


def process(*words, **options):
    # A test run in the background of a shell ignores SIGINT, and so would its children.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "ultramonkey_heartbeat.cli.hbctl", *words]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(ultramonkey_heartbeat.__file__).parent.parent),
        **options.pop("env", {}),
    }
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, **options)


def test_a_reader_that_goes_away_is_no_error(daemon, path):
    daemon.answers["status"] = [golden("status-two-nodes")]
    reading, writing = os.pipe()
    os.close(reading)
    child = process("--socket", path, "status", stdout=writing)
    os.close(writing)
    assert child.communicate(timeout=10) == (None, "")
    assert child.returncode == 0


def test_a_terminal_that_cannot_show_a_letter_gets_the_rest(daemon, path):
    [group] = golden("status-two-nodes")["result"]["groups"]
    daemon.answers["status"] = [status(groups=[{**group, "key": "gr\u00fc\u00df\ud800e"}])]
    child = process("--socket", path, "status", stdout=subprocess.PIPE, env={"PYTHONIOENCODING": "ascii"})
    output, error = child.communicate(timeout=10)
    assert (child.returncode, error) == (0, "")
    assert "gr\\xfc\\xdf\\ud800e" in output


def test_interrupted_while_waiting_it_says_so(daemon, path):
    daemon.answers["move"] = [ACCEPTED, "wait"]
    child = process("--socket", path, "standby", stdout=subprocess.PIPE)
    while not daemon.requests:
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=10) == ("", "hbctl: interrupted; what was begun goes on\n")
    assert child.returncode == 130


HELP = """\
usage: hbctl [-h] [--socket SOCKET] [--json] COMMAND ...

Ask the heartbeat daemon of this node, and move groups between nodes.

positional arguments:
  COMMAND
    status         who is there, who holds what, what is wrong
    standby        give groups of this node to another
    takeover       take groups to this node
    move           put groups on a node, asked from any node
    maintenance    leave the cluster or groups alone, or no longer
    node           have a node hold nothing, or take part again
    cleanup        forget what failed here, once it is mended
    reload         have the daemon read its files again
    journal        what happened here, and why
    version        versions
    link           the links
    address        virtual addresses
    config         the configuration files

OPTIONS:
  -h, --help       show this help message and exit
  --socket SOCKET  control socket (default: /run/heartbeat/control.sock)
  --json           print the answer as one line of JSON

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no daemon, 4 no answer in time.
"""


def test_help_tells_all_there_is(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    # Python 3.9 has another heading.
    heading = "optional arguments:" if sys.version_info < (3, 10) else "options:"
    assert run("--help") == (0, HELP.replace("OPTIONS:", heading), "")
    for words in (("status",), ("standby",), ("takeover",), ("move",), ("version",), ("config", "check")):
        code, output, error = run(*words, "--help")
        assert (code, error) == (0, "")
        assert "--json" in output
