"""maintenance, node, cleanup and journal_info, with the answers that the daemon's tests share with us."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.ultramonkey.ha.plugins.module_utils._hbctl import Hbctl, HbctlError
from ansible_collections.ultramonkey.ha.plugins.module_utils._patience import Patience
from ansible_collections.ultramonkey.ha.plugins.modules import cleanup, journal_info, maintenance, node

KEY = "192.0.2.10/24/eth0"
LEFT = {
    "code": "group-left-running",
    "node": "lb2",
    "text": f"{KEY} was left running on lb2, under maintenance",
    "remedy": "",
}


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Daemon:
    """Answers as a node does whose state is the golden status, which `changes` may change."""

    def __init__(self, golden, change=None, refusals=()):
        self.golden = golden
        self.status = copy.deepcopy(golden("status-two-nodes"))
        if change:
            change(self.status["result"])
        self.refusals = list(refusals)
        self.commands = []

    def run(self, argv, data=None):
        assert data is None
        words = argv[2:]
        if words == ["status"]:
            return 0, json.dumps(self.status), ""
        self.commands.append(" ".join(words))
        if self.refusals:
            code = self.refusals.pop(0)
            error = {"code": code, "message": code, "remedy": ""}
            return (
                1,
                json.dumps({"schema": 1, "id": "", "phase": "refused", "error": error, "result": {}}),
                "",
            )
        return 0, json.dumps(getattr(self, words[0])(*words[1:])), ""

    def maintenance(self, position, *groups):
        kept = self.status["result"]["maintenance"]
        if groups:
            others = [key for key in kept["groups"] if key not in groups]
            kept["groups"] = others + (list(groups) if position == "on" else [])
        else:
            kept["cluster"] = position == "on"
        return self._answer("maintenance", maintenance=copy.deepcopy(kept))

    def node(self, position, name):
        for one in self.status["result"]["nodes"]:
            if one["name"] == name:
                one["standby"] = position == "standby"
        other = {"lb1": "lb2", "lb2": "lb1"}
        for group in self.status["result"]["groups"]:
            if position == "standby" and group["states"][name] == "held":
                group["states"] = {name: "idle", other[name]: "held"}
        return self._answer("standby", node=name, standby=position == "standby")

    def cleanup(self, *groups):
        for group in self.status["result"]["groups"]:
            if group["states"]["lb1"] == "failed":
                group["states"]["lb1"] = "idle"
        self.status["result"]["problems"] = []
        return self._answer("cleanup")

    def journal(self, *words):
        assert words[0] == "--last"
        return self.golden("journal-completed")

    def _answer(self, name, **changes):
        answer = self.golden(f"{name}-completed")
        answer["result"].update(changes)
        return answer


def patience():
    clock = Clock()
    return Patience(10, clock, clock.sleep)


def four_times(module, daemon, params):
    """Check, run, run again, check again: whether each changed, and what the run answered."""
    hbctl, told = Hbctl(daemon.run), []
    for check_mode in (True, False, False, True):
        before = len(daemon.commands)
        told.append(module.ensure(hbctl, params, check_mode=check_mode, patience=patience()))
        assert not (check_mode and len(daemon.commands) > before)
    assert [one["changed"] for one in told] == [True, True, False, False]
    assert told[0]["diff"] == told[1]["diff"]
    return told[1]


def held_elsewhere(status):
    status["groups"][0]["states"] = {"lb1": "idle", "lb2": "held"}


def failed_here(status):
    status["groups"][0]["states"] = {"lb1": "failed", "lb2": "held"}


def lb2_left_it(status):
    status["nodes"][1]["state"] = "dead"
    status["groups"][0]["states"] = {"lb1": "idle"}
    status["problems"] = [LEFT]


def under_maintenance(status):
    status["maintenance"] = {"cluster": True, "groups": [KEY]}


CASES = [
    # name, module, how the status differs, parameters, commands, part of the answer
    (
        "maintenance of the cluster",
        maintenance,
        None,
        {"enabled": True, "groups": []},
        ["maintenance on"],
        {"before": {"cluster": False, "groups": []}, "after": {"cluster": True, "groups": []}},
    ),
    (
        "maintenance of a group",
        maintenance,
        None,
        {"enabled": True, "groups": [KEY]},
        [f"maintenance on {KEY}"],
        {"after": {"cluster": False, "groups": [KEY]}},
    ),
    (
        "the end of it leaves the groups' own switches",
        maintenance,
        under_maintenance,
        {"enabled": False, "groups": []},
        ["maintenance off"],
        {"after": {"cluster": False, "groups": [KEY]}},
    ),
    (
        "this node goes on standby",
        node,
        None,
        {"name": None, "state": "standby", "wait": True},
        ["node standby lb1"],
        {"node": "lb1", "before": "active", "after": "standby", "moved": [KEY]},
    ),
    (
        "another node goes on standby, and holds nothing",
        node,
        None,
        {"name": "lb2", "state": "standby", "wait": True},
        ["node standby lb2"],
        {"node": "lb2", "moved": []},
    ),
    (
        "a node takes part again",
        node,
        lambda status: status["nodes"][0].update(standby=True),
        {"name": "lb1", "state": "active", "wait": True},
        ["node active lb1"],
        {"before": "standby", "after": "active", "moved": []},
    ),
    (
        "what failed is tried again",
        cleanup,
        failed_here,
        {"groups": []},
        ["cleanup"],
        {"cleaned": [{"group": KEY, "forgotten": ["the failed start"]}]},
    ),
    (
        "what a node that is gone has left",
        cleanup,
        lb2_left_it,
        {"groups": [KEY]},
        [f"cleanup {KEY}"],
        {},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_four_times(golden, documented, case):
    _, module, change, params, commands, part = case
    daemon = Daemon(golden, change)
    result = four_times(module, daemon, {**params, "timeout": 10})
    documented(module, result)
    assert {key: result[key] for key in part} == part
    assert daemon.commands == commands


def test_maintenance_waits_for_what_is_just_moving(golden):
    daemon = Daemon(golden, refusals=["not-settled", "not-settled"])
    params = {"enabled": True, "groups": [], "timeout": 10}
    assert maintenance.ensure(Hbctl(daemon.run), params, patience=patience())["changed"]
    assert daemon.commands == ["maintenance on"] * 3


@pytest.mark.parametrize(
    ("module", "params", "refusals", "code"),
    [
        (maintenance, {"enabled": True, "groups": ["x"]}, [], "unknown-group"),
        (maintenance, {"enabled": True, "groups": []}, ["not-settled"] * 99, "not-settled"),
        (maintenance, {"enabled": True, "groups": []}, ["old-peer"], "old-peer"),
        (node, {"name": "lb9", "state": "standby", "wait": True}, [], "unknown-node"),
        (node, {"name": "lb1", "state": "standby", "wait": True}, ["no-other-node"], "no-other-node"),
        (cleanup, {"groups": ["x"]}, [], "unknown-group"),
    ],
)
def test_a_refusal_has_its_code(golden, module, params, refusals, code):
    daemon = Daemon(golden, refusals=refusals)
    with pytest.raises(HbctlError) as raised:
        module.ensure(Hbctl(daemon.run), {**params, "timeout": 10}, patience=patience())
    assert raised.value.code == code


def of_3_0_6(status):
    status["nodes"][1]["kind"] = "heartbeat"


def failed_there(status):
    status["groups"][0]["states"] = {"lb1": "held", "lb2": "failed"}


def dead(status):
    status["nodes"][1]["state"] = "dead"


def on_standby(status):
    status["nodes"][1]["standby"] = True


@pytest.mark.parametrize(
    ("module", "params", "change", "code"),
    [
        (maintenance, {"enabled": True, "groups": []}, of_3_0_6, "old-peer"),
        (node, {"name": "lb1", "state": "standby", "wait": True}, of_3_0_6, "old-peer"),
        (node, {"name": "lb1", "state": "standby", "wait": True}, failed_there, "no-other-node"),
        (node, {"name": "lb1", "state": "standby", "wait": True}, dead, "no-other-node"),
        (node, {"name": "lb1", "state": "standby", "wait": True}, on_standby, "no-other-node"),
    ],
)
def test_check_mode_refuses_what_the_daemon_would(golden, module, params, change, code):
    daemon = Daemon(golden, change)
    with pytest.raises(HbctlError) as raised:
        module.ensure(Hbctl(daemon.run), {**params, "timeout": 10}, check_mode=True, patience=patience())
    assert raised.value.code == code
    assert daemon.commands == []


def test_check_mode_lets_a_node_on_standby_that_holds_nothing(golden):
    daemon = Daemon(golden, dead)
    params = {"name": "lb2", "state": "standby", "wait": True}
    told = node.ensure(Hbctl(daemon.run), params, check_mode=True, patience=patience())
    assert (told["changed"], told["moved"]) == (True, [])


def test_a_node_that_is_not_emptied_in_time_is_told(golden):
    daemon = Daemon(golden)
    daemon.node = lambda position, name: daemon._answer("standby")
    with pytest.raises(HbctlError, match=f"after 10 s lb1 still holds {KEY}"):
        node.ensure(Hbctl(daemon.run), {"name": "lb1", "state": "standby", "wait": True}, patience=patience())


def test_nothing_failed_is_nothing_to_clean(golden):
    daemon = Daemon(golden, held_elsewhere)
    result = cleanup.ensure(Hbctl(daemon.run), {"groups": []}, patience=patience())
    assert (result["changed"], result["cleaned"], daemon.commands) == (False, [], [])


def test_the_journal_tells_moves_and_what_failed(golden, documented):
    daemon = Daemon(golden)
    result = journal_info.journal_info(Hbctl(daemon.run), {"last": 9, "group": "web"})
    documented(journal_info, result)
    assert [entry["event"] for entry in result["entries"]] == ["node", "moved"]
    assert [move["to"] for move in result["moves"]] == ["lb2"]
    assert (result["changed"], result["healthy"], result["problems"]) == (False, True, [])
    assert daemon.commands == ["journal --last 9 web"]
