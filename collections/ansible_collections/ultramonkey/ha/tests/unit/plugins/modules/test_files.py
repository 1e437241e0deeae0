"""ha_config, authkeys and config_info against the real `hbctl config`, which needs no daemon."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from pathlib import Path

import pytest
from ansible_collections.ultramonkey.ha.plugins.module_utils._hbctl import Hbctl, HbctlError
from ansible_collections.ultramonkey.ha.plugins.modules import authkeys, config_info, ha_config

SOURCE = Path(__file__).resolve().parents[4] / "daemon" / "src"
SECRET = "a-secret-of-these-tests-only"
DATA = {
    "node": "lb1",
    "nodes": ["lb1", "lb2"],
    "links": [{"type": "bcast", "interface": "eth0"}],
    "keepalive": "500ms",
    "deadtime": "5",
    "warntime": None,
    "initdead": None,
    "auto_failback": "off",
    "directives": {},
    "groups": [{"node": "lb1", "resources": ["192.0.2.10/24/eth0"]}],
    "backup": True,
    "overwrite": False,
}
KEY = {"index": 1, "state": "present", "method": "sha256", "key": SECRET, "generate": False}


@pytest.fixture
def hbctl(monkeypatch):
    monkeypatch.syspath_prepend(str(SOURCE))
    main = importlib.import_module("ultramonkey_heartbeat.cli.hbctl").main
    said = []

    def run(argv, data=None):
        out, err = io.StringIO(), io.StringIO()
        # Read as text or as bytes.
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((data or "").encode())))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            rc = main(argv[1:])
        said.append(" ".join(argv) + out.getvalue() + err.getvalue())
        return rc, out.getvalue(), err.getvalue()

    yield Hbctl(run)
    # Neither in arguments, which everybody on the machine sees, nor in an answer.
    assert SECRET not in "".join(said)


def files(directory):
    return {path.name: path.read_text() for path in directory.iterdir()}


def test_the_files_four_times(hbctl, documented, tmp_path):
    params = {**DATA, "directory": str(tmp_path / "ha.d")}
    told = [ha_config.ensure(hbctl, params, check_mode=mode) for mode in (True, False, False, True)]
    assert [one["changed"] for one in told] == [True, True, False, False]
    assert told[0]["diff"] == told[1]["diff"]
    documented(ha_config, told[1])
    assert "+deadtime" not in told[1]["diff"][0]["before"]
    assert "deadtime 5" in told[1]["diff"][0]["after"]
    assert sorted(files(tmp_path / "ha.d")) == [".written", "ha.cf", "haresources"]


def test_what_somebody_edited_is_shown_and_kept_unless_told(hbctl, tmp_path):
    params = {**DATA, "directory": str(tmp_path)}
    ha_config.ensure(hbctl, params)
    with (tmp_path / "ha.cf").open("a") as file:
        file.write("debug 1\n")
    before = files(tmp_path)
    for changes in ({}, {"deadtime": "7"}):
        for mode in (True, False):
            with pytest.raises(HbctlError, match=r"\| -debug 1") as raised:
                ha_config.ensure(hbctl, {**params, **changes}, check_mode=mode)
            assert raised.value.code == "edited"
    assert files(tmp_path) == before
    told = ha_config.ensure(hbctl, {**params, "overwrite": True})
    assert (told["files"], len(told["backups"])) == (["ha.cf"], 1)
    assert ha_config.ensure(hbctl, params)["changed"] is False


def test_files_of_another_hand_are_adopted_only_when_they_say_the_same(hbctl, tmp_path):
    params = {**DATA, "directory": str(tmp_path)}
    ha_config.ensure(hbctl, params)
    (tmp_path / ".written").unlink()
    assert ha_config.ensure(hbctl, params)["changed"] is False
    assert ha_config.ensure(hbctl, {**params, "deadtime": "7"})["changed"] is True
    (tmp_path / ".written").unlink()
    with pytest.raises(HbctlError, match="somebody else wrote"):
        ha_config.ensure(hbctl, params)


def test_only_what_differs_is_replaced_and_the_old_one_kept(hbctl, tmp_path):
    params = {**DATA, "directory": str(tmp_path)}
    ha_config.ensure(hbctl, params)
    before = files(tmp_path)
    result = ha_config.ensure(hbctl, {**params, "deadtime": "7"})
    assert result["files"] == ["ha.cf"]
    [backup] = result["backups"]
    assert Path(backup).read_text() == before["ha.cf"]
    assert (tmp_path / "haresources").read_text() == before["haresources"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"deadtime": "300ms"}, "deadtime"),
        ({"links": [{"type": "bcats", "interface": "eth0"}]}, "links[0].type"),
        ({"groups": [{"node": "lb7", "resources": ["192.0.2.10"]}]}, "lb7"),
        ({"node": "lb9"}, "lb9"),
    ],
)
def test_with_an_error_nothing_is_changed(hbctl, tmp_path, change, said):
    params = {**DATA, "directory": str(tmp_path)}
    ha_config.ensure(hbctl, params)
    before = files(tmp_path)
    with pytest.raises(HbctlError, match="nothing has been changed") as raised:
        ha_config.ensure(hbctl, {**params, **change})
    assert said in str(raised.value)
    assert files(tmp_path) == before


def test_when_one_file_cannot_be_replaced_the_other_is_not_either(hbctl, tmp_path):
    params = {**DATA, "directory": str(tmp_path), "backup": False}
    ha_config.ensure(hbctl, params)
    before = files(tmp_path)

    def replace(source, target):
        if target.endswith("haresources"):
            raise OSError(28, "No space left on device")
        Path(source).replace(target)

    changed = {**params, "deadtime": "7", "groups": []}
    with pytest.raises(HbctlError, match="nothing has been changed"):
        ha_config.ensure(hbctl, changed, replace=replace)
    assert files(tmp_path) == before


def test_a_broken_key_ring_is_told_before_the_files_are_replaced(hbctl, tmp_path):
    (tmp_path / "authkeys").write_text("auth 7\n")
    with pytest.raises(HbctlError, match="authkeys:1"):
        ha_config.ensure(hbctl, {**DATA, "directory": str(tmp_path)})
    assert list(files(tmp_path)) == ["authkeys"]


KEY_CASES = [
    ("a first key is used", [], KEY, 1),
    ("a second one is not", [KEY], {**KEY, "index": 2, "key": f"{SECRET}2"}, 1),
    (
        "a key is used",
        [KEY, {**KEY, "index": 2, "key": f"{SECRET}2"}],
        {**KEY, "index": 2, "state": "used", "key": None},
        2,
    ),
    (
        "a key is removed",
        [KEY, {**KEY, "index": 2, "key": f"{SECRET}2"}],
        {**KEY, "index": 2, "state": "absent", "key": None},
        1,
    ),
    ("a key is made", [], {**KEY, "key": None, "generate": True}, 1),
]


@pytest.mark.parametrize("case", KEY_CASES, ids=[case[0] for case in KEY_CASES])
def test_a_key_four_times(hbctl, documented, tmp_path, case):
    _, before, params, current = case
    for one in before:
        authkeys.ensure(hbctl, {**one, "directory": str(tmp_path)})
    told = [
        authkeys.ensure(hbctl, {**params, "directory": str(tmp_path)}, check_mode=mode)
        for mode in (True, False, False, True)
    ]
    assert [one["changed"] for one in told] == [True, True, False, False]
    documented(authkeys, told[1])
    assert told[1]["current"] == current
    assert SECRET not in json.dumps(told)
    assert {key: told[1][key] for key in ("keys", "digest")} == {
        key: told[3][key] for key in ("keys", "digest")
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": f"{SECRET}-other"}, "key-exists"),
        ({"index": 2, "key": None}, "bad-request"),
        ({"index": 2, "key": f"{SECRET}\n{SECRET}"}, "bad-request"),
        ({"index": 2, "key": f"{SECRET} and"}, "bad-request"),
        ({"index": 2, "key": "short"}, "bad-request"),
        ({"index": 16}, "bad-request"),
        ({"state": "absent", "key": None}, "key-in-use"),
        ({"index": 5, "state": "used", "key": None}, "no-such-key"),
    ],
)
def test_what_cannot_be_is_refused(hbctl, tmp_path, change, code):
    authkeys.ensure(hbctl, {**KEY, "directory": str(tmp_path)})
    before = files(tmp_path)
    with pytest.raises(HbctlError) as raised:
        authkeys.ensure(hbctl, {**KEY, **change, "directory": str(tmp_path)})
    assert raised.value.code == code
    assert SECRET not in json.dumps(raised.value.details) + str(raised.value)
    assert files(tmp_path) == before


def test_what_was_written_is_told_as_data(hbctl, documented, tmp_path):
    ha_config.ensure(hbctl, {**DATA, "directory": str(tmp_path)})
    authkeys.ensure(hbctl, {**KEY, "directory": str(tmp_path)})
    told = config_info.config_info(Named(hbctl, "lb1"), {"directory": str(tmp_path)})
    documented(config_info, told)
    assert (told["healthy"], told["problems"], told["changed"]) == (True, [], False)
    assert told["data"]["nodes"] == ["lb1", "lb2"]
    assert told["data"]["groups"] == DATA["groups"]
    assert [key["index"] for key in told["data"]["authkeys"]["keys"]] == [1]


def test_files_with_errors_are_told_as_problems(hbctl, tmp_path):
    told = config_info.config_info(hbctl, {"directory": str(tmp_path)})
    assert (told["healthy"], told["data"], told["digest"]) == (False, None, None)
    assert {problem["code"] for problem in told["problems"]} == {"configuration-error"}
    assert all(problem["remedy"] for problem in told["problems"])


class Named:
    """The same, on a machine of that name."""

    def __init__(self, hbctl, name):
        self._hbctl = hbctl
        self._name = name

    def show_configuration(self, directory):
        return self._hbctl._look(["config", "show", "--directory", directory, "--node", self._name])
