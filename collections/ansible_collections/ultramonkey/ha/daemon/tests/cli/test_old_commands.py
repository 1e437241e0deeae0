"""cl_status, hb_standby and hb_takeover by their whole outputs.

What is expected of cl_status on standard output, and its exit codes, is what Debian's heartbeat 3.0.6 printed
in the same situation.
"""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import ultramonkey_heartbeat
from ultramonkey_heartbeat.cli import cl_status, old_commands

VERSION = "3.0.6 (ultramonkey-heartbeat 0.1.0)"
SOURCE = Path(ultramonkey_heartbeat.__file__).parents[1]


def node(name, state="active", links=(), *, own=False):
    links = [{"name": link, "up": up, "silent_ms": 400} for link, up in links]
    return {"name": name, "self": own, "state": state, "links": links}


def group(key, preferred, holder=None, states=None, owner="node1"):
    states = states or {name: "held" if name == holder else "idle" for name in ("node1", "node2")}
    return {"key": key, "preferred": preferred, "holder": holder, "states": states, "owner": holder or owner}


# What the two nodes of the laboratory would say: two devices, three links, each with the group it prefers.
STATUS = {
    "node": "node1",
    "version": "0.1.0",
    "state": "active",
    "config": {
        "auto_failback": "off",
        "parameters": {"deadtime": "5", "keepalive": "500ms", "pacemaker": "false"},
    },
    "nodes": [
        node("node1", own=True),
        node("node2", links=[("bcast eth0", True), ("mcast eth1 225.0.0.7", True)]),
    ],
    "links": [
        {"name": "bcast eth0", "up": True, "reason": ""},
        {"name": "mcast eth1 225.0.0.7", "up": True, "reason": ""},
        {"name": "ucast eth1 198.51.100.12", "up": True, "reason": ""},
    ],
    "ping_nodes": [{"name": "192.0.2.100", "alive": True}, {"name": "gw", "alive": False}],
    "groups": [group("one", "node1", "node1"), group("two", "node2", "node2")],
}


def answer(phase, **payload):
    return {"schema": 1, "id": "1", "phase": phase, **payload}


class Daemon:
    """Answers on a socket with what it was told to, and notes what it was asked."""

    def __init__(self, path):
        self.path = str(path)
        self.asked = []
        self.answers = {"status": [answer("completed", result=copy.deepcopy(STATUS))]}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def status(self):
        return self.answers["status"][0]["result"]

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                line = lines.readline()
                request = json.loads(line) if line else {"command": ""}
                self.asked.append((request["command"], request.get("arguments")))
                # Whoever has heard enough may have gone.
                with contextlib.suppress(OSError):
                    for reply in self.answers.get(request["command"], ()):
                        connection.sendall(json.dumps(reply).encode() + b"\n")

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def daemon(tmp_path):
    daemon = Daemon(tmp_path / "control.sock")
    yield daemon
    daemon.close()


@pytest.fixture
def ask(daemon, capsys):
    """Run cl_status with the words of a command line: exit code and standard output."""

    def run(line):
        code = cl_status.main(line.split(), socket_path=daemon.path)
        return code, capsys.readouterr().out

    return run


ALL_NODES = """\

gw\tdead\t(nodetype: ping)
\tgw\tdead

192.0.2.100\tping\t(nodetype: ping)
\t192.0.2.100\tup
"""
CLUSTER = """\

node2\tactive\t(nodetype: normal)
\teth1\tup
\teth0\tup

node1\tactive\t(nodetype: normal)
\teth1\tup
\teth0\tup
"""


@pytest.mark.parametrize(
    ("line", "code", "output"),
    [
        ("hbstatus", 0, "Heartbeat is running on this machine.\n"),
        ("hbstatus -m", 0, "Heartbeat is running on this machine.\n"),
        ("hbstatus extra words", 0, "Heartbeat is running on this machine.\n"),
        ("hbstatus -x", 0, "Heartbeat is running on this machine.\n"),
        ("hbstatus -v", 0, f'version:\t{VERSION}\nmanaged by:\t"haresources"\n{ALL_NODES}{CLUSTER}'),
        ("listnodes", 0, "gw\n192.0.2.100\nnode2\nnode1\n"),
        ("listnodes -n", 0, "node2\nnode1\n"),
        ("listnodes -p", 0, "gw\n192.0.2.100\n"),
        ("listnodes -n -p", 0, "gw\n192.0.2.100\nnode2\nnode1\n"),
        ("listnodes -m", 0, "The nodes are as follow:\ngw\n192.0.2.100\nnode2\nnode1\n"),
        ("listnodes -v", 0, ALL_NODES + CLUSTER),
        ("listnodes -vn", 0, CLUSTER),
        ("listnodes foo", 0, "gw\n192.0.2.100\nnode2\nnode1\n"),
        ("listnodes -x", 11, ""),
        ("nodestatus node1", 0, "active\n"),
        ("nodestatus NODE2", 0, "active\n"),
        ("nodestatus node2 node1", 0, "active\n"),
        ("nodestatus -m node2", 0, "The cluster node node2 is active\n"),
        ("nodestatus node2 -m", 0, "The cluster node node2 is active\n"),
        ("nodestatus 192.0.2.100", 0, "ping\n"),
        ("nodestatus gw", 1, "dead\n"),
        ("nodestatus nobody", 11, ""),
        ("nodestatus", 11, ""),
        ("nodestatus -v node2", 11, ""),
        ("nodetype node2", 0, "normal\n"),
        ("nodetype gw", 0, "ping\n"),
        ("nodetype -m node2", 0, "The node node2's type: normal\n"),
        ("nodetype nobody", 11, ""),
        ("nodetype", 11, ""),
        ("nodeweight node2", 0, "100\n"),
        ("nodeweight gw", 0, "100\n"),
        ("nodeweight -m node2", 0, "The weight of the cluster node node2 is 100\n"),
        ("nodeweight nobody", 11, ""),
        ("nodeweight", 11, ""),
        ("nodesite node2", 0, "\n"),
        ("nodesite -m node2", 0, "The site of the cluster node node2 is \n"),
        ("nodesite nobody", 11, ""),
        ("listhblinks node2", 0, "\teth1\n\teth0\n"),
        ("listhblinks -v node2", 0, "\teth1\tup\n\teth0\tup\n"),
        ("listhblinks -m node2", 0, "\tthis node has the following heartbeat links:\n\teth1\n\teth0\n"),
        ("listhblinks gw", 0, "\tgw\n"),
        ("listhblinks -v 192.0.2.100", 0, "\t192.0.2.100\tup\n"),
        ("listhblinks nobody", 13, ""),
        ("listhblinks", 11, ""),
        ("listhblinks -p node1", 11, ""),
        ("hblinkstatus node2 eth0", 0, "up\n"),
        ("hblinkstatus -m node2 eth0", 0, "The node node2's heartbeat link eth0 is up\n"),
        ("hblinkstatus gw gw", 1, "dead\n"),
        ("hblinkstatus node2 eth7", 13, ""),
        ("hblinkstatus nobody eth0", 13, ""),
        ("hblinkstatus node2", 11, ""),
        ("clientstatus node2 nothere", 1, "offline\n"),
        ("clientstatus node2 nothere 1000", 1, "offline\n"),
        ("clientstatus node2 ipfail", 0, "online\n"),
        ("clientstatus node1 ipfail 1000", 0, "online\n"),
        ("clientstatus gw ipfail", 1, "offline\n"),
        ("clientstatus nobody ipfail", 13, ""),
        ("clientstatus node2 ipfail abc", 13, ""),
        ("clientstatus node2 ipfail 0", 13, ""),
        ("clientstatus node2", 11, ""),
        ("rscstatus", 0, "local\n"),
        ("rscstatus foo", 0, "local\n"),
        ("rscstatus -m", 0, "This node is holding local resources.\n"),
        ("rscstatus -v", 11, ""),
        ("hbparameter -p deadtime", 0, "5\n"),
        ("hbparameter -p keepalive foo", 0, "500ms\n"),
        ("hbparameter -m -p deadtime", 0, "Heartbeat parameter deadtime's value: 5\n"),
        ("hbparameter -p crm", 0, "false\n"),
        ("hbparameter -p hbversion", 0, f"{VERSION}\n"),
        ("hbparameter -p node", 1, ""),
        ("hbparameter -p nonsense", 1, ""),
        ("hbparameter deadtime", 11, ""),
        ("hbparameter -p", 11, ""),
        ("hbparameter", 11, ""),
        ("hbparameter -v -p deadtime", 11, ""),
        ("parameter -p deadtime", 11, ""),
        ("nonsense", 11, ""),
        ("-m rscstatus", 11, ""),
    ],
)
def test_a_question_is_answered_as_by_heartbeat(ask, line, code, output):
    assert ask(line) == (code, output)


def test_sentences_of_everything(ask):
    nodes = "".join(
        f"\n{name}\tactive\t(nodetype: normal)\n\tthis node has the following heartbeat links:\n"
        "\teth1\tup\n\teth0\tup\n"
        for name in ("node2", "node1")
    )
    assert ask("listnodes -vmn") == (0, f"The nodes are as follow:\n{nodes}")
    head = f'Heartbeat version {VERSION}\nResources controlled by "haresources"\nThe nodes are as follow:\n'
    assert ask("hbstatus -vm")[1].startswith(f"{head}\ngw\t")


def test_without_a_question_there_is_help(ask):
    for line in ("", "-h", "--help"):
        code, output = ask(line)
        assert (code, output.splitlines()[0]) == (
            0,
            "Usage: cl_status <sub-command> [<options>] [<parameters>]",
        )
        assert sorted(word.split(" ")[0] for word in output.splitlines()[3:-1] if word[0] != "\t") == sorted(
            cl_status._COMMANDS
        )


@pytest.mark.parametrize(
    ("state", "word", "code"),
    [
        ("active", "active", 0),
        ("leaving", "active", 0),
        ("joining", "up", 0),
        ("unknown", "init", 1),
        ("left", "dead", 1),
        ("dead", "dead", 1),
    ],
)
def test_the_state_of_a_node_is_one_that_scripts_know(daemon, ask, state, word, code):
    daemon.status["nodes"][1]["state"] = state
    assert ask("nodestatus node2") == (code, f"{word}\n")


def test_a_dead_node_has_dead_links(daemon, ask):
    daemon.status["nodes"][1] = node("node2", "dead", [("bcast eth0", False)])
    assert ask("listhblinks -v node2") == (0, "\teth1\tdead\n\teth0\tdead\n")
    assert ask("hblinkstatus node2 eth0") == (1, "dead\n")


def test_a_device_is_up_while_one_of_its_links_is(daemon, ask):
    links = [("mcast eth1 225.0.0.7", False), ("ucast eth1 198.51.100.12", True)]
    daemon.status["nodes"][1] = node("node2", "active", links)
    assert ask("listhblinks -v node2") == (0, "\teth1\tup\n\teth0\tdead\n")


def test_our_own_links_are_up_while_they_can_send(daemon, ask):
    daemon.status["links"][0]["up"] = False
    assert ask("listhblinks -v node1") == (0, "\teth1\tup\n\teth0\tdead\n")


def test_ipfail_is_offline_where_no_ping_node_is_watched_and_on_nodes_that_are_dead(daemon, ask):
    daemon.status["nodes"][1]["state"] = "dead"
    assert ask("clientstatus node2 ipfail")[:2] == (1, "offline\n")
    daemon.status["config"]["auto_failback"] = "legacy"
    assert ask("clientstatus node1 ipfail")[:2] == (1, "offline\n")
    daemon.status["config"]["auto_failback"] = "on"
    daemon.status["ping_nodes"] = []
    assert ask("clientstatus node1 ipfail")[:2] == (1, "offline\n")


def test_without_ping_nodes_there_are_only_the_nodes(daemon, ask):
    del daemon.status["ping_nodes"]
    assert ask("listnodes") == (0, "node2\nnode1\n")
    assert ask("listnodes -p") == (0, "")


ONE, TWO = ("one", "node1"), ("two", "node2")


@pytest.mark.parametrize(
    ("groups", "peer", "word"),
    [
        ([group(*ONE, "node1"), group(*TWO, "node2")], "active", "local"),
        ([group(*ONE, "node2"), group(*TWO, "node2")], "active", "none"),
        ([group(*ONE, "node2"), group(*TWO, "node1")], "active", "foreign"),
        ([group(*ONE, "node1"), group(*TWO, "node1")], "active", "all"),
        ([group(*ONE, "node1"), group(*TWO, "node1")], "dead", "all"),
        # Clusters with one group: whoever has it says so, and whoever has not, says none.
        ([group(*ONE, "node1")], "active", "local"),
        ([group(*ONE, "node1")], "dead", "all"),
        ([group(*ONE, "node2")], "active", "none"),
        ([group(*TWO, "node1")], "active", "all"),
        ([], "active", "none"),
        ([], "dead", "none"),
        # On the way from one node to the other.
        ([group(*ONE, None, {"node1": "stopping", "node2": "idle"})], "active", "transition"),
        ([group(*ONE, None, {"node1": "idle", "node2": "idle"}, "node2")], "active", "transition"),
        ([group(*ONE, None, {"node1": "idle", "node2": "starting"})], "active", "transition"),
        # It failed everywhere, so nothing moves any more.
        ([group(*ONE, None, {"node1": "failed", "node2": "failed"}, None)], "active", "none"),
    ],
)
def test_what_a_node_holds_in_one_word(daemon, ask, groups, peer, word):
    daemon.status["groups"] = groups
    daemon.status["nodes"][1]["state"] = peer
    assert ask("rscstatus") == (0, f"{word}\n")


def test_a_daemon_that_joins_does_not_run_yet_for_scripts_that_wait(daemon, ask):
    daemon.status["state"] = "joining"
    assert ask("hbstatus") == (1, "Heartbeat is stopped on this machine.\n")
    assert ask("hbstatus -v") == (1, "Heartbeat is stopped on this machine.\n(it is starting)\n")
    assert ask("rscstatus") == (0, "transition\n")


def test_without_a_daemon_the_answer_is_no(tmp_path, capsys):
    path = str(tmp_path / "none.sock")
    assert cl_status.main(["hbstatus"], socket_path=path) == 1
    assert capsys.readouterr() == ("Heartbeat is stopped on this machine.\n", "")
    assert cl_status.main(["hbstatus", "-v"], socket_path=path) == 1
    reason = f"{path}: No such file or directory"
    assert capsys.readouterr() == (f"Heartbeat is stopped on this machine.\n({reason})\n", "")
    assert cl_status.main(["rscstatus"], socket_path=path) == 1
    assert capsys.readouterr() == (
        "",
        f"cl_status: ERROR: Cannot signon with heartbeat\ncl_status: ERROR: REASON: {reason}\n",
    )


def test_wrong_usage_is_told_without_asking_the_daemon(tmp_path, capsys):
    path = str(tmp_path / "none.sock")
    assert cl_status.main(["nonsense"], socket_path=path) == 11
    assert cl_status.main(["nodestatus"], socket_path=path) == 11
    assert cl_status.main(["listnodes", "-x"], socket_path=path) == 11
    assert capsys.readouterr().err == (
        "cl_status: ERROR: nonsense: invalid sub-command.\n"
        "Not enough parameters: cl_status nodestatus NODE\n"
        "cl_status: ERROR: listnodes: option -x not recognized\n"
    )


def test_a_daemon_that_hangs_is_given_up(daemon, capsys, monkeypatch):
    monkeypatch.setattr(cl_status, "_TIMEOUT_S", 0.05)
    block = threading.Event()
    monkeypatch.setattr(daemon, "asked", type("Hang", (), {"append": lambda *_: block.wait(10)})())
    assert cl_status.main(["rscstatus"], socket_path=daemon.path) == 12
    block.set()
    assert capsys.readouterr() == ("", "cl_status: ERROR: the daemon did not answer in time\n")


def test_a_daemon_of_another_age_is_not_understood(daemon, ask):
    daemon.answers["status"] = [{"schema": 99}]
    assert ask("rscstatus") == (13, "")


# -- hb_standby and hb_takeover ----------------------------------------------------------------------

ACCEPTED = [answer("accepted", result={}), answer("completed", result={})]
REFUSED = [
    answer(
        "refused",
        error={"code": "no-other-node", "message": "no other node can take one", "remedy": "start node2"},
        result={},
    )
]
PROGRAM = "/usr/share/heartbeat/hb"


@pytest.mark.parametrize(
    ("command", "words", "groups", "target"),
    [
        (old_commands.hb_standby, [], "all", None),
        (old_commands.hb_standby, ["all"], "all", None),
        (old_commands.hb_standby, ["local"], "local", None),
        (old_commands.hb_standby, ["foreign"], "foreign", None),
        (old_commands.hb_standby, ["failback"], "foreign", None),
        (old_commands.hb_takeover, [], "all", "node1"),
        (old_commands.hb_takeover, ["all"], "all", "node1"),
        (old_commands.hb_takeover, ["local"], "local", "node1"),
        (old_commands.hb_takeover, ["foreign"], "foreign", "node1"),
        (old_commands.hb_takeover, ["failback"], "local", "node1"),
    ],
)
def test_a_move_is_asked_for_and_not_waited_for(daemon, command, words, groups, target):
    """The daemon says that it has begun, and nothing more: that is enough."""
    daemon.answers["move"] = ACCEPTED[:1]
    assert command(PROGRAM, words, daemon.path) == 0
    assert daemon.asked[-1] == ("move", {"groups": [groups], "target": target, "timeout_ms": 60_000})


def test_standby_says_on_standard_error_what_it_does(daemon, capsys):
    daemon.answers["move"] = ACCEPTED
    old_commands.hb_standby(PROGRAM, ["failback"], daemon.path)
    old_commands.hb_takeover(PROGRAM, ["failback"], daemon.path)
    assert capsys.readouterr() == ("", "Going standby [foreign].\n")


def test_nothing_to_do_is_fine(daemon):
    daemon.answers["move"] = ACCEPTED[1:]
    assert old_commands.hb_standby(PROGRAM, [], daemon.path) == 0


def test_a_refusal_is_told(daemon, capsys):
    daemon.answers["move"] = REFUSED
    assert old_commands.hb_takeover(PROGRAM, [], daemon.path) == 1
    assert capsys.readouterr() == ("", "hb_takeover: no other node can take one\n  start node2\n")


def test_without_a_daemon_nothing_is_pretended(tmp_path, capsys):
    path = str(tmp_path / "none.sock")
    assert old_commands.hb_takeover(PROGRAM, [], path) == 1
    said = f"hb_takeover: no daemon has taken the request: {path}: No such file or directory\n"
    assert capsys.readouterr() == ("", f"{said}  see `hbctl status`\n")


@pytest.mark.parametrize("command", [old_commands.hb_standby, old_commands.hb_takeover])
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["a", "b"], f"{PROGRAM}: too many arguments\n"),
        (["wrong"], f"{PROGRAM}: wrong resources(wrong).\n"),
        (["--help"], ""),
    ],
)
def test_usage_is_told_as_ever(tmp_path, capsys, command, words, complaint):
    assert command(PROGRAM, words, str(tmp_path / "none.sock")) == 1
    assert capsys.readouterr() == (f"{complaint}usage:\n", f"{PROGRAM} [all|foreign|local|failback]\n")


@pytest.mark.parametrize(
    ("name", "words", "code", "output"),
    [
        ("cl_status", ["nonsense"], 11, ""),
        ("hb_standby", ["wrong"], 1, "wrong resources(wrong).\nusage:\n"),
        ("hb_takeover", ["--help"], 1, "usage:\n"),
        ("hb_nothing", [], 1, ""),
    ],
)
def test_one_launcher_is_each_command_by_its_name(tmp_path, name, words, code, output):
    launcher = tmp_path / name
    launcher.write_text(
        f"import sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
        "from ultramonkey_heartbeat.cli.old_commands import main\nsys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-IS", launcher, *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.replace(f"{launcher}: ", "")) == (code, output)


def test_a_reader_that_has_seen_enough_is_no_error(daemon):
    script = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"
        "from ultramonkey_heartbeat.cli import cl_status\n"
        f"sys.exit(cl_status.main(['listnodes'], socket_path={daemon.path!r}))"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -IS -c "$1" | :', sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
