"""`hbctl config key` and `hbctl config show`: the ring changes, and no secret is shown."""

from __future__ import annotations

import io
import json
import stat

import pytest

SECRET = "the-new-secret-of-this-test"


@pytest.fixture
def key(run, tmp_path, monkeypatch):
    def ask(*words, given=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code, output, error = run("--json", "config", "key", *words, "--directory", str(tmp_path))
        text = (tmp_path / "authkeys").read_text() if (tmp_path / "authkeys").exists() else ""
        for line in text.splitlines()[1:]:
            assert line.split()[-1] not in output + error
        return code, json.loads(output)

    return ask


def test_the_first_key_is_made_and_used(key, tmp_path):
    code, answer = key("add", "1")
    assert (code, answer["result"]["changed"], answer["result"]["current"]) == (0, True, 1)
    path = tmp_path / "authkeys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().split()[-1]) >= 43
    before = path.read_text()
    assert key("add", "1")[1]["result"]["changed"] is False
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_is_changed_in_three_steps(key, tmp_path):
    key("add", "1")
    assert key("add", "2", given=f"{SECRET}\n")[1]["result"]["current"] == 1
    assert key("use", "2")[1]["result"]["current"] == 2
    code, answer = key("remove", "1")
    assert (code, [k["index"] for k in answer["result"]["keys"]]) == (0, [2])
    assert (tmp_path / "authkeys").read_text() == f"auth 2\n2 sha256 {SECRET}\n"
    assert key("list")[1]["result"] == {**answer["result"], "changed": False}


def test_a_dry_run_writes_nothing(key, tmp_path):
    assert key("add", "3", "--dry-run")[1]["result"]["changed"] is True
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_has_code_and_remedy_and_no_key(key):
    key("add", "1")
    code, answer = key("add", "1", given=f"{SECRET}\n")
    assert (code, answer["error"]["code"]) == (1, "key-exists")
    assert SECRET not in json.dumps(answer)
    assert key("remove", "1")[1]["error"]["code"] == "key-in-use"


def test_a_file_with_an_error_is_left_alone(key, tmp_path):
    (tmp_path / "authkeys").write_text("auth 7\n")
    code, answer = key("add", "1")
    assert (code, answer["error"]["code"]) == (1, "bad-configuration")
    assert (tmp_path / "authkeys").read_text() == "auth 7\n"


def test_a_terminal_sees_the_keys_by_their_digests(run, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    run("config", "key", "add", "1", "--directory", str(tmp_path))
    _, output, _ = run("config", "key", "list", "--directory", str(tmp_path))
    assert output.startswith("1 sha256 (digest ")
    assert output.endswith(", in use\n")


def test_show_tells_the_files_as_data(run, tmp_path):
    (tmp_path / "ha.cf").write_text("bcast eth0\nauto_failback off\nnode lb1\nnode lb2\n")
    (tmp_path / "haresources").write_text("lb1 192.0.2.10\n")
    words = ("--json", "config", "show", "--directory", str(tmp_path), "--node", "lb1")
    code, output, _ = run(*words)
    assert (code, json.loads(output)["result"]["data"]) == (1, None)
    (tmp_path / "authkeys").write_text(f"auth 1\n1 sha256 {SECRET}\n")
    (tmp_path / "authkeys").chmod(0o600)
    code, output, _ = run(*words)
    assert (code, SECRET in output) == (0, False)
    assert json.loads(output)["result"]["data"]["nodes"] == ["lb1", "lb2"]
