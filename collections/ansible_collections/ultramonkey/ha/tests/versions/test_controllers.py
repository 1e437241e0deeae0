"""The collection on every ansible-core from the oldest that it supports to the newest that can run here.

Each gets a virtual environment of its own in build/controllers, which is kept. The oldest and the newest of
them also deploy a cluster, move it and take it away.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from interpreters import interpreter
from lab import Lab
from lab.cluster import PACKAGES, Cluster, variables

COLLECTION = Path(__file__).resolve().parents[2]
REPOSITORY = COLLECTION.parents[3]
PLACE = REPOSITORY / "build/controllers"
# ansible-core, and the Pythons that it runs on, the preferred one first.
CONTROLLERS = {
    "2.16.19": ("3.10", "3.11", "3.12"),
    "2.17.14": ("3.10", "3.11", "3.12"),
    "2.18.19": ("3.11", "3.12", "3.13"),
    "2.19.14": ("3.11", "3.12", "3.13"),
    "2.20.10": ("3.12", "3.13"),
    "2.21.5": ("3.13", "3.12"),
}
# What it needs beside that.
FOR_OUR_TESTS = ("pytest==9.2.0",)


def python_for(version):
    return next((path for path in map(interpreter, CONTROLLERS[version]) if path), None)


@pytest.fixture(scope="module", params=CONTROLLERS)
def controller(request):
    """The directory of the programs of one ansible-core."""
    python = python_for(request.param)
    if python is None:
        pytest.skip(f"ansible-core {request.param} needs a Python of {', '.join(CONTROLLERS[request.param])}")
    place = PLACE / request.param
    if not (place / "installed").exists():
        subprocess.run([python, "-m", "venv", "--clear", str(place)], check=True)
        pip = [str(place / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"ansible-core=={request.param}", *FOR_OUR_TESTS], check=True)
        (place / "installed").touch()
    return place / "bin"


def run(controller, program, *arguments, directory=REPOSITORY):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment = {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
        "ANSIBLE_HOME": str(controller.parent / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [controller / program, *arguments],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    # The version that the collection says it needs is looked at; an old one only warns.
    assert "does not support" not in done.stderr
    return done.stdout


def test_it_is_the_oldest_that_the_collection_says_it_needs(controller):
    wanted = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())["requires_ansible"]
    oldest = next(iter(CONTROLLERS))
    assert wanted == f">={oldest.rpartition('.')[0]}.0"
    said = run(controller, "ansible", "--version")
    assert re.search(r"core 2\.\d+", said)


def test_it_understands_every_playbook_and_tells_every_manual_page(controller):
    playbooks = [f"ultramonkey.ha.{path.stem}" for path in sorted(COLLECTION.glob("playbooks/*.yml"))]
    run(controller, "ansible-playbook", "--syntax-check", "-i", "localhost,", *playbooks)
    modules = [f"ultramonkey.ha.{path.stem}" for path in sorted(COLLECTION.glob("plugins/modules/*.py"))]
    told = json.loads(run(controller, "ansible-doc", "--json", *modules))
    assert sorted(told) == modules
    assert all(one["examples"] and one["return"] for one in told.values())
    roles = json.loads(run(controller, "ansible-doc", "--json", "-t", "role", "ultramonkey.ha.heartbeat"))
    assert "main" in roles["ultramonkey.ha.heartbeat"]["entry_points"]


def test_the_modules_do_there_what_they_do_here(controller):
    said = run(
        controller,
        "python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(COLLECTION / "tests/unit/plugins"),
    )
    assert re.search(r"\d+ passed", said)


def test_a_cluster_is_deployed_moved_and_taken_away(controller):
    runnable = [version for version in CONTROLLERS if python_for(version)]
    here = controller.parent.name
    if here not in (runnable[0], runnable[-1]):
        pytest.skip("the oldest and the newest do this")
    if here == metadata.version("ansible-core"):
        pytest.skip("make test-role does this")
    subprocess.run([sys.executable, str(REPOSITORY / "tools/build")], check=True)
    with Lab(packages=PACKAGES, client=False) as lab:
        cluster = Cluster(lab, variables("lb1"))
        cluster.ansible.programs = controller
        cluster.deploy()
        cluster.wait_healthy()
        assert cluster.ansible.playbook("ultramonkey.ha.site").stdout.count("changed=0") == 2
        moved = cluster.ansible.module("heartbeat", "ultramonkey.ha.failover", "to=lb2")
        assert any(one["moved"] for one in moved.values())
        assert cluster.holder().name == "lb2"
        cluster.ansible.playbook("ultramonkey.ha.remove", "-e", "heartbeat_really_remove=true")
        for host in lab.nodes:
            assert host.run(["ls", "/usr/sbin/hbctl"], check=False).stdout == ""
