"""What runs on managed nodes, with every Python from 3.9 to 3.13 that this machine has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from interpreters import interpreter

COLLECTION = Path(__file__).resolve().parents[2]
SOURCE = COLLECTION / "daemon/src"
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
LIBRARIES = ("pyroute2", "serial")
# Every module of the daemon, and every program that the role runs on a node.
IMPORT_ALL = """
import importlib, pkgutil, sys
count = 0
for package in ("ultramonkey_heartbeat", "ultramonkey_ldirectord"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            count += 1
for path in sys.argv[1:]:
    compile(open(path, encoding="utf-8").read(), path, "exec")
    count += 1
print(count)
"""


@pytest.fixture(params=VERSIONS)
def python(request):
    path = interpreter(request.param)
    if path is None:
        pytest.skip(f"this machine has no Python {request.param}")
    return path


def test_the_daemon_and_what_the_role_runs_on_nodes_can_be_imported(python, tmp_path):
    libraries = Path(sysconfig.get_paths()["purelib"])
    for name in LIBRARIES:
        (tmp_path / name).symlink_to(libraries / name)
    programs = [*COLLECTION.glob("roles/*/files/*.py"), *COLLECTION.glob("plugins/*/*.py")]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{SOURCE}:{tmp_path}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [python, "-W", "error::SyntaxWarning", "-c", IMPORT_ALL, *map(str, programs)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 150


def test_a_module_runs_there_as_ansible_sends_it(python, tmp_path):
    """The whole way: packed on the controller, unpacked and run by that Python, with the real `hbctl`."""
    files = tmp_path / "ha.d"
    shutil.copytree(COLLECTION / "daemon/tests/config/samples", files)
    (files / "authkeys").chmod(0o600)
    # This machine has a name that they do not know.
    (files / "nodeinfo").write_text("lb2.example.com\n")
    hbctl = tmp_path / "hbctl"
    hbctl.write_text(
        f"#!{python} -IS\nimport sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
        "sys.dont_write_bytecode = True\nfrom ultramonkey_heartbeat.cli.hbctl import main\nsys.exit(main())\n"
    )
    hbctl.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("ansible"), "-i", "localhost,", "localhost", "-c", "local"),
            *("-e", f"ansible_python_interpreter={python}", "-m", "ultramonkey.ha.config_info"),
            *("-a", f"directory={files} executable={hbctl}"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :])["data"]["nodes"]
