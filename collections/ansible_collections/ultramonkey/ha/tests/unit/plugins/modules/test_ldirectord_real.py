"""What ldirectord_real asks of the daemon, and answers; the cases are in test_ldirectord_real.yml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.ultramonkey.ha.plugins.module_utils._answers import CommandError
from ansible_collections.ultramonkey.ha.plugins.module_utils._ldirectord import Ldirectord
from ansible_collections.ultramonkey.ha.plugins.module_utils._patience import Patience
from ansible_collections.ultramonkey.ha.plugins.modules import ldirectord_real

CASES = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
DEFAULTS = {"service": None, "state": None, "weight": None, "wait": True, "timeout": 60}
PATH = "/etc/ha.d/ldirectord.cf"


class Director:
    """Answers as the golden daemon would, with what it is told carried out."""

    def __init__(self, case, golden):
        self.case = case
        self.golden = golden
        self.status = golden("ldirectord/stopped" if case.get("daemon") == "stopped" else "ldirectord/active")
        if "daemon" in case:
            self.status["state"] = case["daemon"]
        for server, change in case.get("status", {}).items():
            self.change(server, change)
        self.looks = 0
        self.commands = []

    def servers(self, name="", service=None):
        return [
            server
            for each in self.status.get("services", ())
            if service in (None, each["service"])
            for server in each["servers"]
            if name in (server["server"], server["address"], "")
        ]

    def change(self, name, change):
        found = self.servers(name)
        assert found, name
        for server in found:
            server.update(change)

    def run(self, argv):
        assert argv[:3] == ["ldirectord", "--json", PATH]
        words = argv[3:]
        if words == ["status"]:
            self.looks += 1
            for server, change in self.case.get("meanwhile", {}).get(self.looks, {}).items():
                self.change(server, change)
            return self.answer(self.status)
        self.commands.append(" ".join(words))
        if "refusal" in self.case:
            return self.answer(self.golden(self.case["refusal"]))
        service = words[1] if words[0] == "--service" else None
        command, name, *number = words[2:] if service else words
        for server in self.servers(name, service):
            if command == "weight":
                server["weight_set"] = int(number[0]) if int(number[0]) >= 0 else None
            else:
                server["wish"] = command
                server["in_maintenance"] = command == "maintenance"
        return self.answer({"schema": 1, "exit_code": 0, "result": self.status})

    @staticmethod
    def answer(answer):
        return answer["exit_code"], json.dumps(answer), ""


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def ensure(case, director, **changes):
    clock = Clock()
    params = {**DEFAULTS, **case["params"]}
    ldirectord = Ldirectord(director.run, "ldirectord", PATH)
    patience = Patience(params["timeout"], clock, clock.sleep)
    check_mode = changes.get("check_mode", case.get("check_mode", False))
    return ldirectord_real.ensure(ldirectord, params, check_mode=check_mode, patience=patience)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case, golden):
    director = Director(case, golden)
    if "error" in case:
        with pytest.raises(CommandError) as raised:
            ensure(case, director)
        assert (raised.value.code, str(raised.value)) == (case["error"]["code"], case["error"]["message"])
    else:
        result = ensure(case, director)
        assert {key: result[key] for key in case["result"]} == case["result"]
        assert result["diff"] == {"before": result["before"], "after": result["after"]}
    assert director.commands == case["commands"]


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if "result" in c and not c.get("check_mode")],
    ids=lambda case: case["name"],
)
def test_check_run_run_again_check_again(case, golden):
    director = Director(case, golden)
    told = [ensure(case, director, check_mode=True)]
    assert director.commands == []
    director.looks = 0
    told.append(ensure(case, director))
    director.commands.clear()
    told.append(ensure(case, director))
    told.append(ensure(case, director, check_mode=True))
    first = case["result"].get("changed", True)
    assert [one["changed"] for one in told] == [first, first, False, False]
    assert told[0]["diff"] == told[1]["diff"]
    assert director.commands == []
