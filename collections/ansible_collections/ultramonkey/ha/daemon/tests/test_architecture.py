"""The rules of the house, read from the source itself: who may import whom, how long a file may be.

A failure here is a question, not a typo: either the import is in the wrong room, or the rule has changed,
and then the table below and docs/ARCHITECTURE.md change together.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import ultramonkey_heartbeat

PACKAGE = "ultramonkey_heartbeat"
SOURCE = Path(ultramonkey_heartbeat.__file__).parent
LINES_MAX = 400

# Room -> the other rooms, or modules of them, that it may import; `reading` and `safe_files` are modules.
MAY_IMPORT = {
    "wire": (),
    "config": (),
    "core": ("wire", "config"),
    # Finding frames in bytes is the line's work; what they mean and who signed them is not.
    "links": ("core", "config", "wire.stream"),
    "net": ("core", "config"),
    "resources": ("net", "core", "config"),
    "control": ("core",),
    "reading": ("config",),
    "safe_files": (),
    # Links and addresses are tested without the daemon: the links must be free for that.
    "cli": (
        *("control", "config", "reading", "safe_files"),
        *("links.line_test", "links.network_test", "net.duplicate", "resources.search"),
    ),
    "daemon": ("wire", "config", "core", "links", "net", "resources", "control", "reading", "safe_files"),
    # The words of the log are those of the story.
    "sim": ("wire", "config", "core", "daemon.notices"),
}

PURE_ROOMS = ("wire", "config", "core")
PURE_MODULES = ("control/schema.py", "cli/tables.py", "daemon/notices.py")
# Everything that what is pure uses of the standard library: values and text, nothing that acts or waits.
# A module that is not here is not forbidden for ever, but somebody must have thought about it.
PURE_STANDARD_LIBRARY = (
    *("__future__", "binascii", "collections", "dataclasses", "difflib", "enum", "fractions", "functools"),
    *("hashlib", "hmac", "ipaddress", "itertools", "json", "random", "re", "struct", "typing", "zlib"),
)
# The type of the injected generator; the module's own functions draw from a hidden state.
PURE_NAMES_OF_RANDOM = ("Random",)
IMPURE_BUILTINS = ("open", "input", "print", "breakpoint")
# The levels of the log are only numbers.
EXCEPTIONS = {("daemon/notices.py", "logging")}

# Libraries from elsewhere -> the one file that knows each. `importlib` would be the way round that.
ONLY_IN = {"pyroute2": "net/pyroute.py", "importlib": "net/pyroute.py", "serial": "links/serial.py"}


class File:
    """One file of the source."""

    def __init__(self, path):
        self.path = path
        self.name = path.relative_to(SOURCE).as_posix()
        self.room = path.relative_to(SOURCE).with_suffix("").parts[0]
        self.text = path.read_text()
        self.tree = ast.parse(self.text, str(path))
        self.imports = list(self._imports())

    def _imports(self):
        """Every module imported, also inside functions: absolute dotted names, with the line."""
        package = (PACKAGE, *self.path.relative_to(SOURCE).parent.parts)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node.lineno
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else ()
                module = ".".join([*base, *([node.module] if node.module else [])])
                if node.module is None or module == PACKAGE:
                    # `from . import a, b`: each name may be a module.
                    for alias in node.names:
                        yield f"{module}.{alias.name}", node.lineno
                else:
                    yield module, node.lineno

    @property
    def pure(self):
        return self.room in PURE_ROOMS or self.name in PURE_MODULES


FILES = [File(path) for path in sorted(SOURCE.rglob("*.py"))]


def test_every_room_has_a_line_in_the_table():
    # The package itself only has the version, which is for everybody.
    assert sorted({file.room for file in FILES} - {"__init__"}) == sorted(MAY_IMPORT)


def test_a_room_imports_only_the_rooms_that_it_may_know():
    wrong = []
    for file in FILES:
        for module, line in file.imports:
            root, _, rest = module.partition(".")
            other = rest.partition(".")[0]
            if root != PACKAGE or other in ("", "__version__", file.room):
                continue
            if not {other, rest} & set(MAY_IMPORT.get(file.room, ())):
                wrong.append(f"{file.name}:{line}: {file.room} must not know {rest}")
    assert wrong == []


def test_what_decides_has_no_clock_no_socket_and_no_process():
    wrong = []
    for file in FILES:
        if not file.pure:
            continue
        for module, line in file.imports:
            root = module.partition(".")[0]
            if root not in (PACKAGE, *PURE_STANDARD_LIBRARY) and (file.name, root) not in EXCEPTIONS:
                wrong.append(f"{file.name}:{line}: {module} is not for what is pure")
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in IMPURE_BUILTINS:
                wrong.append(f"{file.name}:{node.lineno}: {node.func.id}() is not for what is pure")
            if (
                isinstance(node, ast.Attribute)
                and getattr(node.value, "id", "") == "random"
                and node.attr not in PURE_NAMES_OF_RANDOM
            ):
                wrong.append(f"{file.name}:{node.lineno}: random.{node.attr}; use the generator given")
    assert wrong == []


def test_following_the_table_nothing_pure_ever_reaches_what_acts():
    for pure in PURE_ROOMS:
        reachable, todo = set(), [pure]
        while todo:
            news = set(MAY_IMPORT[todo.pop()]) - reachable
            reachable |= news
            todo += news
        assert reachable <= set(PURE_ROOMS)


def test_a_foreign_library_is_known_to_one_file():
    wrong = [
        f"{file.name}:{line}: only {ONLY_IN[module.partition('.')[0]]} imports {module}"
        for file in FILES
        for module, line in file.imports
        if ONLY_IN.get(module.partition(".")[0], file.name) != file.name
    ]
    assert wrong == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python cannot list its standard library")
def test_nothing_is_needed_beside_the_standard_library_and_those():
    known = {*sys.stdlib_module_names, *ONLY_IN, PACKAGE}
    assert {module.partition(".")[0] for file in FILES for module, _ in file.imports} <= known


def test_every_file_says_what_it_is_for():
    assert [file.name for file in FILES if not ast.get_docstring(file.tree)] == []


def test_no_file_has_grown_a_second_idea():
    lengths = {file.name: len(file.text.splitlines()) for file in FILES}
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_annotations_are_text():
    """`X | None` works on Python 3.9 only where annotations are not evaluated."""
    annotated = (ast.FunctionDef, ast.AsyncFunctionDef, ast.AnnAssign)
    wrong = [
        file.name
        for file in FILES
        if any(isinstance(node, annotated) for node in ast.walk(file.tree))
        and not any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in file.tree.body)
    ]
    assert wrong == []
