"""Getting hold of pyroute2 without paying for all of it.

`pyroute2/__init__.py` imports every protocol the library knows: about 10 MB of memory and a third of a
second, of which this daemon needs one class. A package's `__init__` is not run when a module of that
name is already registered, so an empty module that only knows where the package lies is registered
first. This holds for 0.7.2 (Debian 12) up to 0.9.7; when a version comes for which it does not hold,
the ordinary import is used.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

_PACKAGE = "pyroute2"


def load() -> tuple[Any, Any]:
    """The classes `IPRoute` and `NetlinkError`. Raises ImportError when pyroute2 is not installed."""
    if _PACKAGE not in sys.modules and _register_bare_package():
        try:
            return _classes()
        except Exception:  # noqa: BLE001 - whatever a future version dislikes, the ordinary import may work
            for name in [name for name in sys.modules if name.split(".")[0] == _PACKAGE]:
                del sys.modules[name]
    importlib.import_module(_PACKAGE)
    return _classes()


def _register_bare_package() -> bool:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        return False
    package = types.ModuleType(_PACKAGE)
    package.__spec__ = spec
    package.__file__ = spec.origin
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[_PACKAGE] = package
    return True


def _classes() -> tuple[Any, Any]:
    iproute = importlib.import_module(f"{_PACKAGE}.iproute.linux")
    exceptions = importlib.import_module(f"{_PACKAGE}.netlink.exceptions")
    return iproute.IPRoute, exceptions.NetlinkError
