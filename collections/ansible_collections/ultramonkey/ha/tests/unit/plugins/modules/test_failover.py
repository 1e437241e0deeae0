"""What the failover module asks of the daemon, and answers; the cases are in test_failover.yml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.ultramonkey.ha.plugins.module_utils._hbctl import Hbctl, HbctlError
from ansible_collections.ultramonkey.ha.plugins.module_utils._patience import Patience
from ansible_collections.ultramonkey.ha.plugins.modules import failover

CASES = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
NODES = ("lb1", "lb2", "lb3")
DEFAULTS = {"to": None, "away_from": None, "groups": ["all"], "wait": True, "timeout": 60}


class Cluster:
    """Answers hbctl's commands as a cluster of three nodes would."""

    def __init__(self, case):
        self.asked = case.get("asked", "lb1")
        self.dead = case.get("dead", [])
        self.holders = dict(case["groups"])
        self.refusal = case.get("refusal")
        self.meanwhile = case.get("meanwhile", {})
        self.stuck = case.get("stuck", [])
        self.maintained = case.get("maintained", [])
        self.failed = case.get("failed", {})
        self.standby = case.get("standby", [])
        self.failback = case.get("auto_failback", "off")
        self.commands = []

    def run(self, argv):
        """An `hbctl --json` that was run."""
        assert argv[:2] == ["hbctl", "--json"]
        if argv[2] == "status":
            return 0, self.answer(self.status()), ""
        self.commands.append(" ".join(argv[2:]))
        if self.refusal:
            self.holders.update(self.meanwhile)
            return 1, json.dumps({"schema": 1, "id": "1", "phase": "refused", "error": self.refusal}), ""
        keys = [word for word in argv[3:] if word in self.holders]
        target = argv[argv.index("--to") + 1] if argv[2] == "move" else self.other()
        moved = []
        for key in keys:
            moved.append(
                {
                    "group": key,
                    "from": self.holders[key],
                    "to": target,
                    "without_holder_ms": 4,
                    "phases_ms": None,
                }
            )
            if key not in self.stuck:
                self.holders[key] = target
        return 0, self.answer({"moved": moved, "unchanged": [], "failed": []}), ""

    def other(self):
        return next(node for node in NODES if node not in (self.asked, *self.dead))

    def status(self):
        return {
            "node": self.asked,
            "config": {"auto_failback": self.failback},
            "nodes": [
                {"name": n, "state": "dead" if n in self.dead else "active", "standby": n in self.standby}
                for n in NODES
            ],
            "groups": [
                {
                    "key": key,
                    "preferred": "lb1",
                    "holder": holder,
                    "maintenance": key in self.maintained,
                    "states": {
                        n: "held" if n == holder else "failed" if self.failed.get(key) == n else "idle"
                        for n in NODES
                        if n not in self.dead
                    },
                }
                for key, holder in self.holders.items()
            ],
        }

    @staticmethod
    def answer(result):
        return json.dumps({"schema": 1, "id": "1", "phase": "completed", "result": result})


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def ensure(case, cluster):
    clock = Clock()
    params = {**DEFAULTS, **case["params"]}
    hbctl = Hbctl(cluster.run)
    patience = Patience(params["timeout"], clock, clock.sleep)
    return failover.ensure(hbctl, params, check_mode=case.get("check_mode", False), patience=patience)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case, documented):
    cluster = Cluster(case)
    if "error" in case:
        with pytest.raises(HbctlError) as raised:
            ensure(case, cluster)
        assert (raised.value.code, str(raised.value)) == (case["error"]["code"], case["error"]["message"])
    else:
        result = ensure(case, cluster)
        documented(failover, result)
        assert {key: result[key] for key in case["result"]} == case["result"]
        assert result["diff"] == {
            "before": {"holders": result["before"]},
            "after": {"holders": result["after"]},
        }
    assert cluster.commands == case["commands"]


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if "result" in c and not c.get("check_mode") and c["params"].get("wait", True)],
    ids=lambda case: case["name"],
)
def test_a_second_run_changes_nothing(case):
    """What was brought about stays so: the second run asks for nothing and says unchanged."""
    cluster = Cluster(case)
    ensure(case, cluster)
    cluster.commands.clear()
    assert ensure(case, cluster)["changed"] is False
    assert cluster.commands == []
