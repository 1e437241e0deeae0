"""The settings of ha.cf as text, the way heartbeat 3.0.6 tells them.

`cl_status hbparameter` prints them, and resource scripts find each as `HA_<name>` in their environment. A
setting is what the file says, letter for letter (`YES`, `500ms`), else its default in 3.0.6's spelling.
Directives that may stand more than once (links, nodes, ping, respawn and the like) are no settings.
"""

from __future__ import annotations

from .model import HaCf

# What 3.0.6 answers where the file says nothing. Timers are worked out instead; see below.
_DEFAULTS = {
    "autojoin": "none",
    "baud": "19200",
    "cluster": "linux-ha",
    "compression": "zlib",
    "compression_threshold": "2",
    "conn_logd_time": "60",
    "coredumps": "true",
    "debug": "0",
    "enable_config_writes": "on",
    "hbgenmethod": "file",
    "hopfudge": "1",
    "log_badpack": "true",
    "max_rexmit_delay": "250",
    "memreserve": "6500",
    "msgfmt": "classic",
    "pacemaker": "false",
    "realtime": "true",
    "record_config_changes": "on",
    "record_pengine_inputs": "on",
    "syslogmsgfmt": "true",
    "traditional_compression": "no",
    "udpport": "694",
    "uuidfrom": "file",
}
# Two names of one setting; 3.0.6 keeps it under the second.
_OTHER_NAMES = {"crm": "pacemaker"}


def parameters(ha: HaCf) -> dict[str, str]:
    """Every setting that has a value, in the order of names."""
    values = {
        **_DEFAULTS,
        "auto_failback": ha.auto_failback.value,
        "keepalive": f"{ha.keepalive_ms}ms",
        "deadtime": f"{ha.deadtime_ms}ms",
        "warntime": f"{ha.warntime_ms}ms",
        "initdead": f"{ha.initdead_ms}ms",
        "deadping": f"{ha.ping_deadtime_ms}ms",
    }
    for name, word in ha.written:
        # nice_failback never had a value in 3.0.6; what it means here is under auto_failback.
        if name != "nice_failback":
            values[_OTHER_NAMES.get(name, name)] = word
    return dict(sorted(values.items()))
