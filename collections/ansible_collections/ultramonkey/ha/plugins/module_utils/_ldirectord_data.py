"""Private to this collection: what ldirectord.cf says, as options of modules (docs/LDIRECTORD.md, "Data")."""

from __future__ import annotations

FALLBACK = {
    "type": "dict",
    "options": {
        "server": {"type": "str", "required": True},
        "forward": {"type": "str", "choices": ["gate", "masq", "ipip"]},
    },
}
REAL = {
    "server": {"type": "str", "required": True},
    "forward": {"type": "str", "required": True, "choices": ["gate", "masq", "ipip"]},
    "weight": {"type": "int"},
    "request": {"type": "str"},
    "receive": {"type": "str"},
    "lower": {"type": "int"},
    "upper": {"type": "int"},
}
# May stand before all services and in one.
BOTH = {
    "checktimeout": {"type": "int"},
    "negotiatetimeout": {"type": "int"},
    "checkinterval": {"type": "int"},
    "checkcount": {"type": "int"},
    "failurecount": {"type": "int"},
    "risecount": {"type": "int"},
    "fallbackcommand": {"type": "str"},
    "quiescent": {"type": "bool"},
    "cleanstop": {"type": "bool"},
    "emailalert": {"type": "str"},
    "emailalertfreq": {"type": "int"},
    "emailalertstatus": {"type": "str"},
    "smtp": {"type": "str"},
}
GLOBALS = {
    **BOTH,
    "autoreload": {"type": "bool"},
    "callback": {"type": "str"},
    "logfile": {"type": "str"},
    "supervised": {"type": "bool"},
    "fork": {"type": "bool"},
    "readdquiescent": {"type": "bool"},
    "maintenancedir": {"type": "str"},
    "ipvstimeouts": {"type": "str"},
    "emailalertfrom": {"type": "str"},
    "fallback": FALLBACK,
    "fallback6": FALLBACK,
}
SERVICE = {
    **BOTH,
    "virtual": {"type": "raw", "required": True},
    "version": {"type": "int", "choices": [4, 6]},
    "reals": {"type": "list", "elements": "dict", "options": REAL},
    "fallback": FALLBACK,
    "servicename": {"type": "str"},
    "comment": {"type": "str"},
    "checktype": {"type": "raw"},
    "service": {"type": "str"},
    "checkcommand": {"type": "str"},
    "checkport": {"type": "int"},
    "request": {"type": "str"},
    "receive": {"type": "str"},
    "httpmethod": {"type": "str"},
    "virtualhost": {"type": "str"},
    "tlsverify": {"type": "bool"},
    "redirects": {"type": "bool"},
    "login": {"type": "str"},
    "passwd": {"type": "str", "no_log": True},
    "database": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "load": {"type": "str"},
    "scheduler": {"type": "str"},
    "schedflags": {"type": "list", "elements": "str"},
    "persistent": {"type": "int"},
    "netmask": {"type": "str"},
    "protocol": {"type": "str"},
    "ops": {"type": "bool"},
    "monitorfile": {"type": "str"},
}
ARGUMENT_SPEC = {
    "globals": {"type": "dict", "options": GLOBALS},
    "services": {"type": "list", "elements": "dict", "options": SERVICE},
}


def data_of(params):
    """What `ldirectord render` reads: the parameters that were given."""
    return _given({"globals": params["globals"] or {}, "services": params["services"]})


def _given(value):
    if isinstance(value, dict):
        return {key: _given(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_given(each) for each in value]
    return value
