"""mysql, pgsql and oracle: log in and get at least one row, by the database's own Python library.

The libraries are optional and block, so each check is a process of its own, which can be ended whatever the
server does. Run as a program, this file is that process: the question comes in one environment variable.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from typing import Any

from ..core.probe import Probe
from .external import check_external

# Service -> the modules that can ask it, the preferred one first.
LIBRARIES = {
    "mysql": ("pymysql",),
    "pgsql": ("psycopg", "psycopg2"),
    "oracle": ("oracledb",),
}
_PACKAGES = {"pymysql": "PyMySQL", "psycopg": "psycopg", "oracledb": "oracledb"}
_QUESTION = "LDIRECTORD_QUESTION"


def library(service: str) -> str | None:
    """The module that is installed for a service, or None."""
    return next((name for name in LIBRARIES[service] if importlib.util.find_spec(name) is not None), None)


def missing(service: str) -> str:
    """What is not installed for a service, in words; empty when all is there."""
    if service not in LIBRARIES or library(service) is not None:
        return ""
    name = _PACKAGES[LIBRARIES[service][0]]
    return f"service={service} needs the Python library {name}, which is not installed"


async def check_sql(probe: Probe) -> str:
    """Raises CheckFailedError, TimeoutError."""
    question = {
        "service": probe.service,
        "address": probe.address,
        "port": probe.port,
        "login": probe.login,
        "password": probe.password,
        "database": probe.database,
        # The grammar of the original puts a slash before a request that has none.
        "request": probe.request.removeprefix("/"),
        "timeout_s": max(1, probe.deadline_ms // 1000),
    }
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, _QUESTION: json.dumps(question), "PYTHONPATH": path}
    return await check_external((sys.executable, "-m", __name__), probe.deadline_ms, environment)


def rows(question: dict[str, Any]) -> int:
    """Ask, and count the rows of the answer up to one."""
    module: Any = importlib.import_module(library(question["service"]) or LIBRARIES[question["service"]][0])
    with _connection(module, question) as connection:
        cursor = connection.cursor()
        cursor.execute(question["request"])
        return 0 if cursor.fetchone() is None else 1


def _connection(module: Any, question: dict[str, Any]) -> Any:
    common = {"host": question["address"], "port": question["port"], "user": question["login"]}
    secret = question["password"]
    timeout_s = question["timeout_s"]
    if module.__name__ == "pymysql":
        limits = {"connect_timeout": timeout_s, "read_timeout": timeout_s, "write_timeout": timeout_s}
        return module.connect(**common, password=secret, database=question["database"] or None, **limits)
    if module.__name__ == "oracledb":
        place = {"service_name": question["database"], "tcp_connect_timeout": timeout_s}
        return module.connect(**common, password=secret, **place)
    return module.connect(
        **common, password=secret, dbname=question["database"] or None, connect_timeout=timeout_s
    )


def main() -> int:
    """Exit code 0 when there is a row."""
    try:
        found = rows(json.loads(os.environ.pop(_QUESTION)))
    except Exception as error:  # noqa: BLE001 - each library has exceptions of its own; all mean no
        print(f"{type(error).__name__}: {error}".replace("\n", " "))  # noqa: T201 - this is its answer
        return 1
    print("a row came back" if found else "no row came back")  # noqa: T201 - likewise
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
