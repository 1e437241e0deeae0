"""Settings as heartbeat 3.0.6 tells them; the values expected were printed by its cl_status hbparameter."""

from __future__ import annotations

from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.parameters import parameters

DEFAULTS = {
    "auto_failback": "legacy",
    "autojoin": "none",
    "baud": "19200",
    "cluster": "linux-ha",
    "compression": "zlib",
    "compression_threshold": "2",
    "conn_logd_time": "60",
    "coredumps": "true",
    "deadping": "30000ms",
    "deadtime": "30000ms",
    "debug": "0",
    "enable_config_writes": "on",
    "hbgenmethod": "file",
    "hopfudge": "1",
    "initdead": "30000ms",
    "keepalive": "1000ms",
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
    "warntime": "15000ms",
}


def told(text):
    ha, problems = parse_ha_cf(f"bcast eth0\nnode node1 node2\n{text}")
    assert ha is not None, problems
    return parameters(ha)


def test_a_file_without_settings_has_the_defaults():
    assert list(told("").items()) == list(DEFAULTS.items())


def test_what_the_file_says_is_told_letter_for_letter():
    assert told(
        "keepalive 1 700ms\ndeadtime 3000ms\ninitdead 4\nwarntime 1.5\nauto_failback YES\nudpport 695\n"
        "crm No\nrealtime OFF\nhopfudge 3\nuse_logd no\nwatchdog /dev/watchdog\ndebug 1\nlogfacility local0\n"
        "logfile /var/log/ha-log\n"
    ) == {
        **DEFAULTS,
        "keepalive": "700ms",
        "deadtime": "3000ms",
        "initdead": "4",
        "warntime": "1.5",
        "auto_failback": "YES",
        "udpport": "695",
        "pacemaker": "No",
        "realtime": "OFF",
        "hopfudge": "3",
        "use_logd": "no",
        "watchdog": "/dev/watchdog",
        "debug": "1",
        "logfacility": "local0",
        "logfile": "/var/log/ha-log",
        "deadping": "3000ms",
    }


def test_timers_that_follow_from_another_are_told_in_milliseconds():
    assert told("keepalive 500ms\ndeadtime 3\ninitdead 6\n") == {
        **DEFAULTS,
        "keepalive": "500ms",
        "deadtime": "3",
        "initdead": "6",
        "warntime": "1500ms",
        "deadping": "3000ms",
    }


def test_the_old_name_of_auto_failback_is_told_as_what_it_means():
    assert told("nice_failback on\n") == {**DEFAULTS, "auto_failback": "off"}


def test_a_setting_given_again_has_its_last_word():
    assert told("keepalive 2\nkeepalive 3\n")["keepalive"] == "3"
