"""What resource scripts find in their environment: what heartbeat 3.0.6's ResourceManager gave them.

Scripts written for it use `HA_CURHOST` to know where they are, source `$HA_FUNCS`, call `ha_log`, which
writes to `$HA_LOGFILE` or `$HA_LOGFACILITY`, and read settings of ha.cf from `HA_<name>`. Two things are
missing on purpose: `HA_FIFO`, because nobody reads the pipe, and a message written to it would be lost in
silence; and the fields of the message that made 3.0.6 act (`HA_src`, `HA_st`, ...), because here none did.
"""

from __future__ import annotations

from collections.abc import Mapping

# Also what is called without a path by a script of 3.0.6's time: hb_standby and its like.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/share/heartbeat"
# With the tabulator, which separates the time from the text in lines of ha_log.
_DATE_FORMAT = "%Y/%m/%d_%T\t"


def environment(node: str, parameters: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for scripts on this node. `parameters` are the settings of ha.cf by name.

    It is little, and the same on every host, whatever the daemon itself was started with. The locale
    matters: `status` is recognised by English words.
    """
    settings = dict(parameters or {})
    facility = settings.get("logfacility", "")
    variables = {
        "PATH": _PATH,
        "LC_ALL": "C",
        "HOME": "/root",
        "USER": "root",
        "OCF_ROOT": "/usr/lib/ocf",
        "OCF_AGENTS": "/usr/lib/ocf/resource.d/heartbeat/",
        **{f"HA_{name}": value for name, value in settings.items()},
        "HA_CURHOST": node,
        "HA_BIN": "/usr/libexec/heartbeat",
        "HA_DIR": "/etc/ha.d",
        "HA_RCDIR": "/etc/ha.d/rc.d",
        "HA_RESOURCEDIR": "/etc/ha.d/resource.d",
        "HA_FUNCS": "/etc/ha.d/shellfuncs",
        "HA_DOCDIR": "/usr/share/doc/heartbeat",
        "HA_DATEFMT": _DATE_FORMAT,
        "HA_LOGD": "no",
        "HA_LOGFACILITY": "" if facility == "none" else facility,
        "HA_DEBUGLOG": settings.get("debugfile", "/dev/null"),
    }
    if "logfile" in settings:
        variables["HA_LOGFILE"] = settings["logfile"]
    if settings.get("auto_failback", "").lower() != "legacy":
        variables["HA_NICEFAILBACK"] = "yes"
    return variables
