from __future__ import annotations

import re

from ultramonkey_heartbeat.config.directive import Treatment
from ultramonkey_heartbeat.config.directives import BY_NAME, DIRECTIVES
from ultramonkey_heartbeat.config.reference import help_text, markdown


def test_every_directive_is_explained_once():
    assert len(BY_NAME) == len(DIRECTIVES)
    for text, pattern in ((help_text(), r"^  (\S+) "), (markdown(), r"^\| `(\S+) ")):
        assert sorted(re.findall(pattern, text, re.MULTILINE)) == sorted(BY_NAME)


# ha.cf(5) of 3.0.6 and what its reader accepts, what 1.2 and 2.x had besides, and what became of each here.
OF_HEARTBEAT = {
    Treatment.DONE: (
        *("node", "keepalive", "deadtime", "warntime", "initdead", "deadping", "auto_failback", "bcast"),
        *("mcast", "mcast6", "ucast", "ucast6", "serial", "ping", "ping6", "ping_group", "udpport", "baud"),
        *("hopfudge", "logfile", "debugfile", "logfacility", "debug", "respawn", "watchdog", "realtime"),
        *("rtprio", "hbgenmethod", "uuidfrom", "coredumps", "max_rexmit_delay"),
    ),
    Treatment.ALIAS: ("udp", "nice_failback"),
    Treatment.NO_EFFECT: (
        *("use_logd", "conn_logd_time", "syslogmsgfmt", "log_badpack", "apiauth", "env", "memreserve"),
        *("msgfmt", "compression", "compression_threshold", "traditional_compression", "cluster"),
        *("quorum_server", "coreroot", "use_apphbd", "crm_daemon_dir", "crmd_spawns_pengine"),
        *("record_config_changes", "record_pengine_inputs", "enable_config_writes", "normalpoll"),
    ),
    Treatment.REFUSED: (
        *("crm", "pacemaker", "autojoin", "stonith", "stonith_host", "failfast", "hbaping", "rds", "tipc"),
    ),
}


def test_every_directive_that_heartbeat_knew_is_in_the_table():
    became = {name: BY_NAME[name].treatment for names in OF_HEARTBEAT.values() for name in names}
    assert became == {name: treatment for treatment, names in OF_HEARTBEAT.items() for name in names}
    # The rest is what 1.x had as PPP.
    assert set(BY_NAME) - set(became) <= {"ppp-udp"}


def test_what_is_not_carried_out_names_the_way_out():
    assert [row.name for row in DIRECTIVES if row.treatment is not Treatment.DONE and not row.remedy] == []


def test_a_row_of_the_help_says_syntax_meaning_and_bounds():
    assert (
        "  deadtime TIME\n"
        "      how long a node is silent before it is declared dead\n"
        "      default: 30\n"
        "      unit: seconds, or with ms or us\n"
        "      allowed: more than twice keepalive\n"
    ) in help_text()


def test_markdown_cells_are_not_broken_by_choices():
    assert "| `auto_failback on\\|off\\|legacy` |" in markdown()
