"""How `hbctl --json` is called and its answers and errors are understood."""

from __future__ import annotations

import json

import pytest
from ansible_collections.ultramonkey.ha.plugins.module_utils._hbctl import Hbctl, HbctlError


def hbctl_that_says(stdout, rc=0, stderr="", calls=None):
    def run(argv):
        if calls is not None:
            calls.append(argv)
        return rc, stdout if isinstance(stdout, str) else json.dumps(stdout), stderr

    return Hbctl(run, "/usr/sbin/hbctl")


def test_status_is_the_result_of_the_golden_answer(golden):
    answer = golden("status-two-nodes")
    assert hbctl_that_says(answer).status() == answer["result"]


def test_a_move_names_target_time_and_groups(golden):
    calls = []
    answer = golden("move-completed")
    result = hbctl_that_says(answer, calls=calls).move(["vip1", "vip2"], "lb2", timeout_s=30)
    assert result["moved"][0]["without_holder_ms"] == 4
    expected = ["/usr/sbin/hbctl", "--json", "move", "--to", "lb2", "--timeout", "30", "vip1", "vip2"]
    assert calls == [expected]


def test_a_move_without_target_is_a_standby(golden):
    calls = []
    hbctl_that_says(golden("move-completed"), calls=calls).move(["all"], None, wait=False)
    assert calls == [["/usr/sbin/hbctl", "--json", "standby", "--timeout", "60", "--no-wait", "all"]]


def test_a_refusal_carries_code_sentence_and_what_was_said(golden):
    with pytest.raises(HbctlError) as raised:
        hbctl_that_says(golden("move-refused"), rc=1).move(["all"], "lb2")
    error = raised.value
    assert error.code == "target-not-ready"
    assert str(error) == (
        "lb2 is dead: nothing heard for 9.2 s: start heartbeat on lb2, or name another node"
    )
    assert error.details["rc"] == 1
    assert error.details["cmd"][0] == "/usr/sbin/hbctl"
    assert error.details["result"] == {"moved": [], "unchanged": [], "failed": []}


def test_an_unreachable_daemon_without_remedy_gets_one():
    answer = {
        "schema": 1,
        "id": "1",
        "phase": "refused",
        "error": {"code": "unreachable", "message": "no daemon"},
    }
    with pytest.raises(HbctlError, match="no daemon: start heartbeat on this node"):
        hbctl_that_says(answer, rc=3).status()


CASES = [
    ("", 127, "hbctl: not found", "gave no JSON answer; it said: hbctl: not found"),
    ("", 1, "", "gave no JSON answer; it said: nothing"),
    ("[]", 0, "", "not an object"),
    ('{"schema": 2, "result": {}}', 0, "", "hbctl speaks schema 2, this collection only schema 1"),
    ('{"result": {}}', 0, "", "hbctl speaks schema None"),
    ('{"schema": 1, "result": {}}', 4, "odd", "hbctl ended with 4: odd"),
]


@pytest.mark.parametrize(("stdout", "rc", "stderr", "message"), CASES)
def test_an_answer_that_is_none_is_an_error(stdout, rc, stderr, message):
    with pytest.raises(HbctlError, match=message) as raised:
        hbctl_that_says(stdout, rc, stderr).status()
    assert raised.value.details["rc"] == rc
