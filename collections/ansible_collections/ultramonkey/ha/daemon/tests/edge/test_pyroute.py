"""How pyroute2 is imported, each time in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ultramonkey_heartbeat.net import netlink

SOURCES = str(Path(netlink.__file__).parents[2])
SHOW = "print(*sorted(name for name in sys.modules if name.startswith('pyroute2')))"


def fresh(script):
    """Run lines of Python in a new interpreter that finds our sources; return the words it printed."""
    lines = f"import sys; sys.path.insert(0, {SOURCES!r})\n{script}"
    result = subprocess.run([sys.executable, "-c", lines], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_only_what_is_needed_of_pyroute2_is_imported():
    modules = fresh(f"import ultramonkey_heartbeat.net.netlink\n{SHOW}")
    assert "pyroute2.iproute.linux" in modules
    assert not [
        name for name in modules if name.startswith(("pyroute2.ndb", "pyroute2.ipdb", "pyroute2.nftables"))
    ]


def test_the_ordinary_import_is_used_when_the_short_one_fails():
    script = """
import ultramonkey_heartbeat.net.pyroute as pyroute
import importlib
original, seen = pyroute._classes, []
def fails_at_first():
    seen.append("pyroute2.iproute" in sys.modules)
    if len(seen) == 1:
        importlib.import_module("pyroute2.common")
        raise AttributeError("not in this version")
    return original()
pyroute._classes = fails_at_first
iproute, error = pyroute.load()
import pyroute2
print(iproute.__name__, error.__name__, len(seen), hasattr(pyroute2, "IPRoute"))
"""
    assert fresh(script) == ["IPRoute", "NetlinkError", "2", "True"]


def test_a_package_that_was_imported_before_is_used_as_it_is():
    script = "import pyroute2; from ultramonkey_heartbeat.net import netlink"
    assert fresh(f"{script}\nprint(netlink._IPRoute is pyroute2.iproute.linux.IPRoute)") == ["True"]


def test_without_pyroute2_the_import_says_so():
    script = """
import importlib.util
importlib.util.find_spec = lambda name: None
sys.meta_path.insert(0, type("No", (), {"find_spec": staticmethod(lambda name, *_: (_ for _ in ()).throw(
    ModuleNotFoundError(f"No module named {name!r}")) if name.startswith("pyroute2") else None)}))
try:
    import ultramonkey_heartbeat.net.netlink
except ImportError as error:
    print(error)
"""
    assert " ".join(fresh(script)) == "No module named 'pyroute2'"


def test_other_modules_of_ours_do_not_import_pyroute2():
    script = "import ultramonkey_heartbeat.net.monitor, ultramonkey_heartbeat.net.announce"
    names = fresh(
        f"{script}, ultramonkey_heartbeat.resources.runner, ultramonkey_heartbeat.links.factory\n{SHOW}"
    )
    assert names == []
