"""The services that can be negotiated with: what each is called, and where it usually listens."""

from __future__ import annotations

NONE = "none"

# Name -> usual port; 0 where there is none.
PORTS = {
    "ftp": 21,
    "smtp": 25,
    "dns": 53,
    "http": 80,
    "pop": 110,
    "nntp": 119,
    "imap": 143,
    "ldap": 389,
    "https": 443,
    "submission": 587,
    "ldaps": 636,
    "imaps": 993,
    "pops": 995,
    "oracle": 1521,
    "radius": 1812,
    "http_proxy": 3128,
    "mysql": 3306,
    "sip": 5060,
    "pgsql": 5432,
    "simpletcp": 0,
    NONE: 0,
}
BY_PORT = {port: name for name, port in PORTS.items() if port}

# Their checks are bounded by checktimeout, all others by negotiatetimeout.
WITH_CHECKTIMEOUT = ("ldap", "ldaps", "radius")
# Without these a database cannot be asked anything.
WITH_LOGIN_AND_QUERY = ("mysql", "pgsql", "oracle")

SCHEDULERS = (
    *("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos"),
)
# Names of scheduler flags as ipvsadm has them -> number of the flag.
SCHEDULER_FLAGS = {
    "flag-1": 1,
    "flag-2": 2,
    "flag-3": 3,
    "sh-fallback": 1,
    "sh-port": 2,
    "mh-fallback": 1,
    "mh-port": 2,
}
