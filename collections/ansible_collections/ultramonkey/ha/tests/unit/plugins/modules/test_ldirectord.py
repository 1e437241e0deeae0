"""ldirectord_info from golden answers; ldirectord_config against the real command line."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.ultramonkey.ha.plugins.doc_fragments import _ldirectord_data as documented
from ansible_collections.ultramonkey.ha.plugins.module_utils import _ldirectord_data
from ansible_collections.ultramonkey.ha.plugins.module_utils._answers import CommandError
from ansible_collections.ultramonkey.ha.plugins.module_utils._ldirectord import Ldirectord
from ansible_collections.ultramonkey.ha.plugins.modules import ldirectord_config, ldirectord_info

COLLECTION = Path(__file__).resolve().parents[4]
SECRET = "a-password-of-these-tests-only"
SERVICE = {
    "virtual": "192.0.2.100:80",
    "reals": [{"server": "192.0.2.21:80", "forward": "gate"}],
    "checktype": "connect",
}
DATA = {
    "globals": {"quiescent": False},
    "services": [SERVICE],
    "content": None,
    "backup": True,
    "reload": True,
    "assume_libraries": False,
}
TEXT = "quiescent=no\n\nvirtual=192.0.2.100:80\n\treal=192.0.2.21:80 gate\n\tchecktype=connect\n"


# -- ldirectord_info ---------------------------------------------------------------------------------


def info(answer):
    return ldirectord_info.ldirectord_info(
        Ldirectord(lambda _argv: (answer["exit_code"], json.dumps(answer), ""))
    )


def test_the_info_holds_the_status_and_its_conclusions(golden):
    told = info(golden("ldirectord/active"))
    assert (told["changed"], told["state"], told["healthy"]) == (False, "active", False)
    assert [problem["code"] for problem in told["problems"]] == ["server-down"]
    assert told["servers"]["tcp:192.0.2.100:80"] == {
        "192.0.2.21:80": {"state": "up", "weight": 1, "active": 7},
        "192.0.2.22:80": {"state": "down", "weight": None, "active": 0},
    }
    assert told["status"]["release"] == "0.1.0-21be29f51832"
    assert "schema" not in told["status"]


def test_no_daemon_is_an_answer_and_a_problem(golden):
    told = info(golden("ldirectord/stopped"))
    assert (told["state"], told["healthy"], told["servers"]) == ("stopped", False, {})
    (problem,) = told["problems"]
    assert (problem["code"], problem["text"]) == (
        "stopped",
        "ldirectord is stopped for /etc/ha.d/ldirectord.cf",
    )


def test_a_daemon_that_died_is_another(golden):
    told = info({**golden("ldirectord/stopped"), "exit_code": 1, "error": "pid file x is stale: 7 has died"})
    assert told["state"] == "failed"
    assert told["problems"][0]["text"] == "pid file x is stale: 7 has died"


@pytest.mark.parametrize("change", [{"wish": "drain"}, {"in_maintenance": True}])
def test_what_an_administrator_wants_is_told_before_what_the_checks_say(golden, change):
    status = golden("ldirectord/active")
    status["services"][0]["servers"][0].update(change)
    state = info(status)["servers"]["tcp:192.0.2.100:80"]["192.0.2.21:80"]["state"]
    assert state == change.get("wish", "maintenance")


# -- ldirectord_config -------------------------------------------------------------------------------


class Node:
    """The real command for files; a daemon that runs, or not, for the rest."""

    def __init__(self, main, monkeypatch):
        self._main, self._monkeypatch = main, monkeypatch
        self.in_force = None
        self.reloads = 0

    def run(self, argv, data=None):
        words = argv[1:]
        if words[-1] == "status":
            answer = {"schema": 1, "exit_code": 3, "state": "stopped"}
            if self.in_force is not None:
                answer = {"schema": 1, "exit_code": 0, "state": "active", "digest": self.in_force}
            return answer["exit_code"], json.dumps(answer), ""
        if words[-1] == "reload":
            self.reloads += 1
            self.in_force = json.loads(self.run([argv[0], *words[:-1], "check"])[1])["result"]["digest"]
            return 0, json.dumps({"schema": 1, "exit_code": 0, "result": {}}), ""
        out, err = io.StringIO(), io.StringIO()
        self._monkeypatch.setattr("sys.stdin", io.StringIO(data or ""))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            rc = self._main(words)
        return rc, out.getvalue(), err.getvalue()


@pytest.fixture
def node(monkeypatch):
    monkeypatch.syspath_prepend(str(COLLECTION / "daemon/src"))
    return Node(importlib.import_module("ultramonkey_ldirectord.cli.ldirectord").main, monkeypatch)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ha.d" / "ldirectord.cf"


def ensure(node, path, check_mode=False, **changes):
    ldirectord = Ldirectord(node.run, "ldirectord", str(path))
    return ldirectord_config.ensure(ldirectord, {**DATA, **changes}, check_mode=check_mode)


def content(text):
    return {"globals": None, "services": None, "content": text}


@pytest.mark.parametrize("changes", [{}, content(TEXT), content(TEXT.rstrip("\n"))])
def test_the_file_four_times(node, path, changes):
    told = [ensure(node, path, mode, **changes) for mode in (True, False, False, True)]
    assert [one["changed"] for one in told] == [True, True, False, False]
    assert told[0]["diff"] == told[1]["diff"]
    assert "+\treal=192.0.2.21:80 gate" in told[1]["diff"]["prepared"]
    assert told[2]["diff"]["prepared"] == ""
    assert path.read_text() == TEXT
    assert path.stat().st_mode & 0o777 == 0o600
    assert told[1]["uses"]["forward"] == ["gate"]


def test_a_daemon_that_runs_reads_it_and_only_then_when_it_has_not(node, path):
    node.in_force = "another one"
    told = [ensure(node, path, mode) for mode in (True, False, False, True)]
    assert [one["reloaded"] for one in told] == [True, True, False, False]
    assert [one["changed"] for one in told] == [True, True, False, False]
    assert node.reloads == 1
    # Somebody else has replaced the file, and has not told the daemon.
    node.in_force = "another one"
    assert (ensure(node, path)["changed"], node.reloads) == (True, 2)
    node.in_force = "another one"
    assert (ensure(node, path, reload=False)["changed"], node.reloads) == (False, 2)


def test_what_was_there_is_kept(node, path):
    ensure(node, path)
    told = ensure(node, path, globals={"quiescent": True})
    assert Path(told["backup"]).read_text() == TEXT
    assert "-quiescent=no" in told["diff"]["prepared"]
    assert ensure(node, path, backup=False)["backup"] == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"services": [{**SERVICE, "scheduler": "rrr"}]}, "services[0].scheduler: scheduler: rrr is not"),
        ({"services": [{**SERVICE, "virtual": "192.0.2.100"}]}, "services[0].virtual"),
        (content("virtual=192.0.2.100:80\n\treal=192.0.2.21:80 gat\n"), "ldirectord.cf:2: real: gat is not"),
    ],
)
def test_with_an_error_nothing_is_changed(node, path, changes, said):
    ensure(node, path)
    with pytest.raises(CommandError, match="nothing has been changed") as raised:
        ensure(node, path, **changes)
    assert said in str(raised.value)
    assert path.read_text() == TEXT
    assert [each.name for each in path.parent.iterdir()] == ["ldirectord.cf"]


def test_a_disk_that_is_full_changes_nothing(node, path):
    ensure(node, path)

    def replace(_source, _target):
        raise OSError(28, "No space left on device")

    changed = {**DATA, "globals": {"quiescent": True}, "backup": False}
    with pytest.raises(CommandError, match="No space left"):
        ldirectord_config.ensure(Ldirectord(node.run, "ldirectord", str(path)), changed, replace=replace)
    assert path.read_text() == TEXT
    assert [each.name for each in path.parent.iterdir()] == ["ldirectord.cf"]


def test_a_broken_file_that_was_there_is_replaced(node, path):
    path.parent.mkdir()
    path.write_text("nonsense\n")
    assert ensure(node, path)["changed"] is True
    assert path.read_text() == TEXT


def test_libraries_that_will_be_installed_may_be_taken_for_granted(node, path, monkeypatch):
    sql = importlib.import_module("ultramonkey_ldirectord.checks.sql")
    monkeypatch.setattr(sql, "library", lambda _service: None)
    service = {**SERVICE, "checktype": "negotiate", "service": "mysql", "login": "me", "request": "SELECT 1"}
    with pytest.raises(CommandError, match="needs the Python library PyMySQL"):
        ensure(node, path, services=[service])
    told = ensure(node, path, check_mode=True, services=[service], assume_libraries=True)
    assert told["uses"]["services"] == ["mysql"]


def test_warnings_are_told(node, path):
    (warning,) = ensure(node, path, globals={})["problems"]
    assert warning.startswith("globals.quiescent: warning")


def test_no_password_is_told(node, path):
    for secret in (SECRET, f"{SECRET}2"):
        service = {**SERVICE, "login": "me", "passwd": secret}
        told = ensure(node, path, services=[service])
        assert (told["changed"], secret in path.read_text()) == (True, True)
        assert SECRET not in json.dumps(told)
    assert told["diff"]["prepared"] == f"{path}: a password has changed\n"


# -- one list of directives --------------------------------------------------------------------------


def names(options, above=""):
    """Every option by its path."""
    found = set()
    for name, option in options.items():
        inner = option.get("options", option.get("suboptions", {}))
        found |= {f"{above}{name}", *names(inner, f"{above}{name}.")}
    return found


def test_modules_documentation_role_and_daemon_know_the_same_directives(node):
    table = importlib.import_module("ultramonkey_ldirectord.config.data")
    directives = importlib.import_module("ultramonkey_ldirectord.config.directives")
    expected = {
        scope: {
            d.name
            for d in table.directives_of(getattr(directives.Scope, scope))
            if d.treatment.value != "refused"
        }
        for scope in ("GLOBAL", "SECTION")
    }
    assert set(_ldirectord_data.GLOBALS) == expected["GLOBAL"] | set(table.FALLBACKS)
    assert set(_ldirectord_data.SERVICE) == expected["SECTION"] | set(table.SERVICE_KEYS)
    assert set(_ldirectord_data.REAL) == set(table.REAL_KEYS)
    documentation = yaml.safe_load(documented.ModuleDocFragment.DOCUMENTATION)["options"]
    assert names(documentation) == names(_ldirectord_data.ARGUMENT_SPEC)
    path = COLLECTION / "roles/ldirectord/meta/argument_specs.yml"
    role = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    for name, option in _ldirectord_data.ARGUMENT_SPEC.items():
        assert names(role[f"ldirectord_{name}"]["options"]) == names(option["options"])
