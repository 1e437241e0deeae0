"""The rules of the house for ldirectord, read from its source: as for the heartbeat package beside it.

What it takes from that package is a short list of modules; the other way nothing is taken.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import ultramonkey_heartbeat
import ultramonkey_ldirectord

PACKAGE, OTHER = "ultramonkey_ldirectord", "ultramonkey_heartbeat"
SOURCE = Path(ultramonkey_ldirectord.__file__).parent
LINES_MAX = 400

MAY_IMPORT = {
    "config": (),
    "core": ("config",),
    "ipvs": ("config", "core"),
    "checks": ("config", "core"),
    "place": (),
    "reading": ("config", "checks.sql", "place"),
    "daemon": ("config", "core", "ipvs", "checks", "reading", "place"),
    "cli": ("config", "core", "daemon", "ipvs", "reading", "place"),
}
# The seam: what is the same for both daemons.
SHARED = {
    "ipvs": ("net.generic", "net.generic_socket", "net.sync_daemon", "net.types"),
    "config": (
        *("config.problems", "config.values", "config.lines", "config.spelling", "config.data_reader"),
    ),
    "checks": ("resources.process",),
    "daemon": ("resources.process", "control", "config.problems"),
    "reading": ("config.problems",),
    "cli": (
        "config.problems",
        "config.sync_daemon",
        "config.values",
        "control",
        "cli.tables",
        "net.sync_daemon",
        "net.types",
    ),
}
PURE = (
    "config/",
    "core/",
    "ipvs/wire.py",
    "checks/http_message.py",
    "checks/ber.py",
    "checks/dns_message.py",
    "cli/show.py",
)
PURE_STANDARD_LIBRARY = (
    *("__future__", "collections", "dataclasses", "enum", "functools", "ipaddress", "re", "shlex", "struct"),
    "typing",
)
# Libraries from elsewhere are loaded by name, where they are asked for.
ONLY_IN = {"importlib": "checks/sql.py"}


class File:
    """One file of the source."""

    def __init__(self, path):
        self.name = path.relative_to(SOURCE).as_posix()
        self.room = path.relative_to(SOURCE).with_suffix("").parts[0]
        self.text = path.read_text()
        self.tree = ast.parse(self.text, str(path))
        self.imports = list(self._imports([PACKAGE, *path.relative_to(SOURCE).parent.parts]))

    def _imports(self, package):
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*base, *([node.module] if node.module else [])])
                if node.module is None or module in (PACKAGE, OTHER) or module.count(".") == 1:
                    # `from ..checks import sql`: the names may be modules, and are judged as such.
                    yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)
                else:
                    yield module, node.lineno

    @property
    def pure(self):
        return self.name.startswith(PURE)


FILES = [File(path) for path in sorted(SOURCE.rglob("*.py"))]


def allowed(wanted, names):
    return any(wanted == name or wanted.startswith(f"{name}.") for name in names)


def test_every_room_has_a_line_in_the_table():
    assert sorted({file.room for file in FILES} - {"__init__"}) == sorted(MAY_IMPORT)


def test_a_room_imports_only_the_rooms_that_it_may_know():
    wrong = []
    for file in FILES:
        for module, line in file.imports:
            root, _, rest = module.partition(".")
            if root == PACKAGE and rest not in ("", "__version__"):
                if not allowed(rest, (file.room, *MAY_IMPORT.get(file.room, ()))):
                    wrong.append(f"{file.name}:{line}: {file.room} must not know {rest}")
            elif (
                root == OTHER
                and rest not in ("", "__version__")
                and not allowed(rest, SHARED.get(file.room, ()))
            ):
                wrong.append(f"{file.name}:{line}: {rest} is not shared with {file.room}")
    assert wrong == []


def test_the_heartbeat_package_knows_nothing_of_this_one():
    for path in Path(ultramonkey_heartbeat.__file__).parent.rglob("*.py"):
        assert PACKAGE not in path.read_text(), path


def test_what_decides_has_no_clock_no_socket_and_no_process():
    wrong = [
        f"{file.name}:{line}: {module} is not for what is pure"
        for file in FILES
        if file.pure
        for module, line in file.imports
        if module.partition(".")[0] not in (PACKAGE, OTHER, *PURE_STANDARD_LIBRARY)
    ]
    assert wrong == []


def test_a_foreign_library_is_known_to_one_file():
    wrong = [
        f"{file.name}:{line}: only {ONLY_IN[module.partition('.')[0]]} imports {module}"
        for file in FILES
        for module, line in file.imports
        if ONLY_IN.get(module.partition(".")[0], file.name) != file.name
    ]
    assert wrong == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python cannot list its standard library")
def test_nothing_is_needed_beside_the_standard_library():
    known = {*sys.stdlib_module_names, PACKAGE, OTHER}
    assert {module.partition(".")[0] for file in FILES for module, _ in file.imports} <= known


def test_every_file_says_what_it_is_for_and_has_one_idea():
    assert [file.name for file in FILES if not ast.get_docstring(file.tree)] == []
    lengths = {file.name: len(file.text.splitlines()) for file in FILES}
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_annotations_are_text():
    """`X | None` works on Python 3.9 only where annotations are not evaluated."""
    annotated = (ast.FunctionDef, ast.AsyncFunctionDef, ast.AnnAssign)
    assert [
        file.name
        for file in FILES
        if any(isinstance(node, annotated) for node in ast.walk(file.tree))
        and not any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in file.tree.body)
    ] == []
