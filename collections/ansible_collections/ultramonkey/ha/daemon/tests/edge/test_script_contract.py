"""What scripts written for heartbeat 3.0.6 see and say means the same here."""

from __future__ import annotations

import asyncio
import random
import subprocess

from ultramonkey_heartbeat.config.ha_cf import parse_ha_cf
from ultramonkey_heartbeat.config.model import Resource
from ultramonkey_heartbeat.config.parameters import parameters
from ultramonkey_heartbeat.resources.environment import environment
from ultramonkey_heartbeat.resources.factory import Surroundings, make_agent
from ultramonkey_heartbeat.resources.script import says_running

HA_CF = """\
logfile /var/log/ha-log
debugfile /var/log/ha-debug
logfacility none
keepalive 500ms
deadtime 5
initdead 5
udpport 694
bcast eth0
mcast eth1 225.0.0.7 694 1 0
auto_failback on
node node1 node2
ping 192.0.2.100
respawn hacluster /usr/libexec/heartbeat/ipfail
"""
# What a script printed that Debian's heartbeat 3.0.6 started with this ha.cf; without the variables that
# come from one message (HA_src and its like), HA_FIFO, and the shell's own.
RECORDED = """\
HA_BIN=/usr/libexec/heartbeat
HA_CURHOST=node1
HA_DATEFMT=%Y/%m/%d_%T\t
HA_DEBUGLOG=/var/log/ha-debug
HA_DIR=/etc/ha.d
HA_DOCDIR=/usr/share/doc/heartbeat
HA_FUNCS=/etc/ha.d/shellfuncs
HA_LOGD=no
HA_LOGFACILITY=
HA_LOGFILE=/var/log/ha-log
HA_NICEFAILBACK=yes
HA_RCDIR=/etc/ha.d/rc.d
HA_RESOURCEDIR=/etc/ha.d/resource.d
HA_auto_failback=on
HA_autojoin=none
HA_baud=19200
HA_cluster=linux-ha
HA_compression=zlib
HA_compression_threshold=2
HA_conn_logd_time=60
HA_coredumps=true
HA_deadping=5000ms
HA_deadtime=5
HA_debug=0
HA_debugfile=/var/log/ha-debug
HA_enable_config_writes=on
HA_hbgenmethod=file
HA_hopfudge=1
HA_initdead=5
HA_keepalive=500ms
HA_log_badpack=true
HA_logfacility=none
HA_logfile=/var/log/ha-log
HA_max_rexmit_delay=250
HA_memreserve=6500
HA_msgfmt=classic
HA_pacemaker=false
HA_realtime=true
HA_record_config_changes=on
HA_record_pengine_inputs=on
HA_syslogmsgfmt=true
HA_traditional_compression=no
HA_udpport=694
HA_uuidfrom=file
HA_warntime=2500ms
HOME=/root
LC_ALL=C
OCF_AGENTS=/usr/lib/ocf/resource.d/heartbeat/
OCF_ROOT=/usr/lib/ocf
USER=root
"""
# How ResourceManager decides: the same patterns, in the language in which they were written.
DECIDE = """\
for said; do
  case "$said" in
    *[Nn][Oo][Tt]\\ *[Rr]unning*) echo no;;
    *[Rr]unning*|*OK*) echo yes;;
    *) echo no;;
  esac
done
"""


def settings(text):
    ha, problems = parse_ha_cf(text)
    assert ha is not None, problems
    return parameters(ha)


def test_a_script_sees_what_heartbeat_showed_it(tmp_path):
    """A real script, called by the agent as the daemon calls it."""
    script = tmp_path / "seen"
    script.write_text(f"#!/bin/sh\nenv >{tmp_path}/environment\n")
    script.chmod(0o755)
    surroundings = Surroundings("node1", None, None, directories=[tmp_path], parameters=settings(HA_CF))
    agent = make_agent(Resource("seen", (), "seen"), None, surroundings)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(agent.stop())
    finally:
        loop.close()
    seen = (tmp_path / "environment").read_text().splitlines()
    of_the_shell = ("PATH=", "PWD=", "OLDPWD=", "_=", "SHLVL=")
    assert sorted(line for line in seen if not line.startswith(of_the_shell)) == RECORDED.splitlines()


def test_settings_of_the_log_reach_the_functions_that_write_it():
    plain = environment("lb1", settings("bcast eth0\nnode lb1\nauto_failback off\n"))
    assert plain["HA_DEBUGLOG"] == "/dev/null"
    assert plain["HA_LOGFACILITY"] == ""
    assert "HA_LOGFILE" not in plain
    syslog = environment("lb1", settings("bcast eth0\nnode lb1\nauto_failback off\nlogfacility local0\n"))
    assert syslog["HA_LOGFACILITY"] == "local0"


def test_legacy_is_not_nice():
    assert "HA_NICEFAILBACK" not in environment("lb1", settings("bcast eth0\nnode lb1\n"))
    assert (
        environment("lb1", settings("bcast eth0\nnode lb1\nauto_failback YES\n"))["HA_NICEFAILBACK"] == "yes"
    )


def test_status_is_read_as_the_shell_reads_it():
    """5000 outputs made of the words that matter, judged by the shell and by us."""
    generator = random.Random(694)
    pieces = [
        "not",
        "NOT",
        "nOt",
        " ",
        "\n",
        "\t",
        "running",
        "Running",
        "RUNNING",
        "OK",
        "ok",
        "is",
        ".",
        "unning",
    ]
    outputs = ["".join(generator.choices(pieces, k=generator.randrange(7))) for _ in range(5000)]
    judged = subprocess.run(
        ["/bin/sh", "-c", DECIDE, "sh", *outputs], capture_output=True, text=True, check=True
    ).stdout.split()
    wrong = [
        (output, verdict)
        for output, verdict in zip(outputs, judged)
        if says_running(output) is not (verdict == "yes")
    ]
    assert wrong == []
    assert 500 < judged.count("yes") < 4500
