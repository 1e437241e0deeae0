"""The variables: what the role reads, its defaults, its specs, the playbooks and the documents agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

COLLECTION = Path(__file__).resolve().parents[3]
ROLE = COLLECTION / "roles/heartbeat"
PLAYBOOKS = sorted(COLLECTION.glob("playbooks/*.yml"))
VARIABLE = re.compile(r"(?<![\w/.-])heartbeat_[a-z0-9_]+")
ENTRY_POINTS = ["configure", "install", "main", "preflight", "remove", "service"]
# Generated, when it is not set.
WITHOUT_DEFAULT = {"heartbeat_authkeys"}


def read(path):
    return yaml.safe_load((ROLE / path).read_text())


SPECS = read("meta/argument_specs.yml")["argument_specs"]
OPTIONS = SPECS["main"]["options"]
DEFAULTS = read("defaults/main.yml")


def of_playbooks():
    """The variables that only playbooks have."""
    texts = [path.read_text() for path in (*PLAYBOOKS, *COLLECTION.glob("playbooks/tasks/*.yml"))]
    return set(VARIABLE.findall("\n".join(texts))) - set(OPTIONS)


def test_every_variable_has_a_default_and_is_explained():
    assert set(DEFAULTS) == set(OPTIONS) - WITHOUT_DEFAULT
    assert all(option["description"] for option in OPTIONS.values())


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_the_default_is_the_one_that_is_told(name):
    value, option = DEFAULTS[name], OPTIONS[name]
    if "{{" in str(value):
        assert "default" not in option, "made of facts, so it is told in the description"
        told = option["description"]
        assert "default" in (told if isinstance(told, str) else " ".join(told))
    elif option.get("required"):
        assert not value
    else:
        assert option["default"] == value


def test_every_entry_point_has_its_tasks_and_its_specs():
    assert sorted(SPECS) == ENTRY_POINTS
    assert all((ROLE / f"tasks/{name}.yml").exists() for name in ENTRY_POINTS)
    assert set(SPECS["remove"]["options"]) < set(OPTIONS)


def test_the_role_reads_nothing_that_is_not_explained():
    files = [path for place in ("tasks", "templates", "vars") for path in (ROLE / place).iterdir()]
    read_there = set(VARIABLE.findall("\n".join(path.read_text() for path in files)))
    assert read_there - set(OPTIONS) <= of_playbooks()
    assert set(OPTIONS) <= read_there


def test_what_is_internal_looks_so():
    names = set()
    for path in (ROLE / "tasks").iterdir():
        text = path.read_text()
        names |= set(re.findall(r"(?:register|loop_var): (\w+)", text))
        for block in re.findall(r"set_fact:\n((?:      +.*\n)+)", text):
            names |= set(re.findall(r"(?m)^      (\w+):", block))
    assert len(names) > 30
    assert [name for name in {*names, *read("vars/main.yml")} if not name.startswith("__heartbeat_")] == []


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_playbook_says_what_it_is_how_it_is_called_and_what_may_be_set(path):
    text = path.read_text()
    header = "".join(re.findall(r"(?m)^#.*\n", text[: text.index("- name:")]))
    assert f"ansible-playbook -i inventory ultramonkey.ha.{path.stem}" in header
    # The hosts go for all playbooks; what one sets itself is not for its users.
    set_here = set(re.findall(r"(?m)^ +(heartbeat_\w+): ", text))
    own = set(VARIABLE.findall(text)) - set(OPTIONS) - {"heartbeat_hosts"} - set_here
    assert own <= set(VARIABLE.findall(header))


def test_no_variable_of_a_playbook_is_taken_for_a_mistake():
    looked = subprocess.run(
        [sys.executable, "-I", str(ROLE / "files/look.py"), json.dumps(asked(of_playbooks() | set(OPTIONS)))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(looked.stdout)["misspelt"] == {}


def asked(given):
    """What the role asks look.py for, where there is nothing to be seen."""
    nothing = {name: [] for name in ("paths", "devices", "ours", "files", "commands", "programs")}
    return {
        **nothing,
        "ports": [70000],
        "sources": ["192.0.2.1", "192.0.2.0/24", "2001:db8::/64", "192.0.2.1/24", "lb2"],
        "settings": {
            "kernel.hostname": "lb1",
            "kernel/hostname": "lb1",
            "net.ipv4.nonsense": "1",
            "-net.ipv4.nonsense": "1",
            "kernel.panic": "-1",
            "kernel.pid_max": "0x8000",
            "net.ipv4.ip_forward": "True",
            "net.ipv4.ip_local_port_range": "1024 many",
        },
        "control": "/nonexistent",
        "current": "/nonexistent",
        "held": "/nonexistent",
        "known": [*OPTIONS, "heartbeat_hosts"],
        "given": sorted(given),
        "service": "none.service",
    }


def test_what_would_fail_later_is_seen(tmp_path):
    """A port that is none ends nothing here: the checker of the configuration has words for it."""
    looked = subprocess.run(
        [sys.executable, "-I", str(ROLE / "files/look.py"), json.dumps(asked([]))],
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(looked.stdout)
    assert seen["taken_ports"] == []
    assert sorted(seen["bad_sources"]) == ["192.0.2.1/24", "lb2"]
    assert seen["no_settings"] == ["net.ipv4.nonsense"]
    assert sorted(seen["bad_settings"]) == ["net.ipv4.ip_forward", "net.ipv4.ip_local_port_range"]


@pytest.mark.parametrize("path", ["README.md", *(f"docs/{p.name}" for p in COLLECTION.glob("docs/*.md"))])
def test_the_documents_speak_of_variables_that_there_are(path):
    told = set(VARIABLE.findall((COLLECTION / path).read_text()))
    assert told <= set(OPTIONS) | of_playbooks()
