# ruff: noqa: E501 - the rows of a table are read best as lines
"""The directives of ldirectord.cf: one row each, for the parser, the help and the manual."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ultramonkey_heartbeat.config.values import integer, read_path, read_port

from . import values
from .values import Reader


class Scope(Enum):
    """Where a directive may stand."""

    GLOBAL = "global"
    SECTION = "section"
    # In both; the section's value counts there.
    BOTH = "both"


class Quotes(Enum):
    """How the value is written for the original; other ways are read with a warning."""

    NEVER = "never"
    MAY = "may"
    MUST = "must"


class Treatment(Enum):
    """What is done with it. Nothing is ever ignored without a word."""

    DONE = "done"
    NO_EFFECT = "no effect"
    NOT_CARRIED_OUT = "not carried out"
    REFUSED = "refused"


@dataclass(frozen=True)
class Directive:
    """One row of the table."""

    name: str
    scope: Scope
    syntax: str
    explanation: str
    read: Reader
    default: str = ""
    quotes: Quotes = Quotes.NEVER
    treatment: Treatment = Treatment.DONE
    # What to do instead, for all that is not done.
    remedy: str = ""
    # The value that asks for what happens anyway: no word is lost on it.
    quiet: object = None
    # Not in the original: it would refuse the file.
    ours: bool = False


_G, _S, _B = Scope.GLOBAL, Scope.SECTION, Scope.BOTH
_MUST, _MAY = Quotes.MUST, Quotes.MAY
_SECONDS = values.read_seconds_ms
_YES_NO = values.read_yes_no

# Read by the parser itself: they are no plain values.
SERVERS = ("real", "real6", "fallback", "fallback6")
SECTIONS = ("virtual", "virtual6")


def _no_mail(
    name: str, syntax: str, explanation: str, read: Reader = values.read_text, *, scope: Scope = Scope.BOTH
) -> Directive:
    remedy = "watch the log, the journal or `status --json`"
    quotes = Quotes.MAY if name == "emailalert" else Quotes.NEVER
    return Directive(
        name,
        scope,
        syntax,
        explanation,
        read,
        quotes=quotes,
        treatment=Treatment.NOT_CARRIED_OUT,
        remedy=remedy,
    )


DIRECTIVES: tuple[Directive, ...] = (
    Directive("checktimeout", _B, "SECONDS", "longest time of a connect, ping or external check, and of one of ldap, "
              "ldaps and radius", _SECONDS, "negotiatetimeout where that is given, else 5"),
    Directive("negotiatetimeout", _B, "SECONDS", "longest time of any other negotiation", _SECONDS,
              "checktimeout where that is given, else 30"),
    Directive("checkinterval", _B, "SECONDS", "time from one check of a server to the next", _SECONDS, "10"),
    Directive("checkcount", _B, "NUMBER", "how many echo requests a ping check sends before it has failed",
              values.read_count, "1"),
    Directive("failurecount", _B, "NUMBER", "how many checks in a row must fail before a server is taken out",
              values.read_count, "1"),
    Directive("risecount", _B, "NUMBER", "how many checks in a row must succeed before a server that was down is put "
              "in again", values.read_count, "1", ours=True),
    Directive("autoreload", _G, "yes|no", "read the file again when it has changed", _YES_NO, "no"),
    Directive("callback", _G, '"COMMAND"', "run with the path of this file after the file has changed",
              values.read_text, quotes=_MAY),
    Directive("fallbackcommand", _B, '"COMMAND"', "run with `start|stop ADDRESS:PORT tcp|udp` when the fallback "
              "begins and ends to be used", values.read_text, quotes=_MAY),
    Directive("logfile", _G, '"PATH|FACILITY"', "the log: a file, or a facility of syslog", values.read_logfile,
              "/var/log/ldirectord.log", quotes=_MUST),
    Directive("supervised", _G, "yes|no", "stay in the foreground and log to standard output", _YES_NO, "no"),
    Directive("fork", _G, "yes|no", "one process a section", _YES_NO, treatment=Treatment.NO_EFFECT, quiet=False,
              remedy="checks never wait for each other here; leave it out"),
    Directive("quiescent", _B, "yes|no", "a server that is down stays in the table with weight 0", _YES_NO, "no"),
    Directive("readdquiescent", _G, "yes|no", "put a server that is down and absent into the table with weight 0",
              _YES_NO, treatment=Treatment.NO_EFFECT, quiet=True,
              remedy="with quiescent=yes every server that is down is in the table with weight 0"),
    Directive("cleanstop", _B, "yes|no", "take the service out of the kernel at stop", _YES_NO, "yes"),
    Directive("maintenancedir", _G, "PATH", "a directory; a file in it named ADDRESS, ADDRESS:PORT or a host name "
              "takes that server out", read_path, quotes=_MAY),
    Directive("ipvstimeouts", _G, "TCP TCPFIN UDP", "how many seconds the kernel remembers connections that are idle: "
              "established, being closed, and of UDP", values.read_timeouts, "as the kernel has them", quotes=_MAY,
              ours=True),
    Directive("execute", _G, "NAME", "start another ldirectord", values.read_text, treatment=Treatment.REFUSED,
              remedy="put its sections into this file, or start it as a resource of its own"),
    _no_mail("emailalert", "ADDRESS[, ADDRESS]", "send mail when a server changes"),
    _no_mail("emailalertfrom", "ADDRESS", "sender of the mail", scope=_G),
    _no_mail("emailalertfreq", "SECONDS", "how often mail is repeated", integer(0, 31_536_000)),
    _no_mail("emailalertstatus", "all|none|STATE[,STATE]", "when mail is sent", values.read_when),
    _no_mail("smtp", "HOST", "mail server"),
    Directive("servicename", _S, "TEXT", "a name of the service for people", values.read_text),
    Directive("comment", _S, "TEXT", "a remark for people", values.read_text),
    Directive("checktype", _S, "connect|negotiate|N|ping|external|external-perl|on|off",
              "what a check does; N is N connects and then one negotiation", values.read_kind, "negotiate"),
    Directive("service", _S, "NAME", "the service to negotiate with", values.read_service,
              "by the port of the virtual service"),
    Directive("checkcommand", _S, '"COMMAND"', "program of an external check; gets address and port of the virtual "
              "service and of the real server", values.read_command, quotes=_MAY),
    Directive("checkport", _S, "PORT", "port to check instead of the real server's", read_port),
    Directive("request", _S, '"TEXT"', "what the service is asked for", values.read_request, "/", quotes=_MUST),
    Directive("receive", _S, '"PATTERN"', "regular expression that the answer must contain", values.read_receive,
              quotes=_MUST),
    Directive("httpmethod", _S, "GET|HEAD", "method of an http check", values.read_method, "GET", quotes=_MAY),
    Directive("virtualhost", _S, "NAME", "name that an http check asks for, also in TLS", values.read_text,
              quotes=_MAY),
    Directive("tlsverify", _S, "yes|no", "whether the certificate of the server must be good", _YES_NO, "no",
              ours=True),
    Directive("redirects", _S, "yes|no", "whether an http check follows redirections", _YES_NO, "yes", ours=True),
    Directive("login", _S, '"NAME"', "user to log in as", values.read_text, quotes=_MUST),
    Directive("passwd", _S, '"PASSWORD"', "password to log in with", values.read_text, quotes=_MUST),
    Directive("database", _S, '"NAME"', "database to use", values.read_text, quotes=_MUST),
    Directive("secret", _S, '"SECRET"', "shared secret of radius", values.read_text, quotes=_MUST),
    Directive("load", _S, '"WORD"', "never did anything", values.read_text, quotes=_MUST,
              treatment=Treatment.NO_EFFECT, remedy="leave it out"),
    Directive("scheduler", _S, "NAME", "how the kernel chooses a server", values.read_scheduler, "wrr"),
    Directive("schedflags", _S, "FLAG[,FLAG]", "flags of the scheduler, such as sh-port", values.read_flags),
    Directive("persistent", _S, "SECONDS", "how long a client stays with its server", _SECONDS),
    Directive("netmask", _S, "MASK", "clients that stay together; only with persistent", values.read_netmask),
    Directive("protocol", _S, "tcp|udp|fwm", "fwm for a firewall mark", values.read_protocol,
              "tcp; udp when the port is 53; fwm for a mark"),
    Directive("ops", _S, "yes|no", "choose a server for each packet (udp only)", _YES_NO, "no"),
    Directive("monitorfile", _S, "PATH", "a file with a line for each check", values.read_text, quotes=_MAY,
              treatment=Treatment.NOT_CARRIED_OUT, remedy="see `status --json` and the log"),
    *(
        Directive(name, _B, "", "", values.read_text, treatment=Treatment.REFUSED,
                  remedy="write checktimeout or negotiatetimeout")
        for name in ("timeout", "connecttimeout")
    ),
)  # fmt: skip

BY_NAME = {directive.name: directive for directive in DIRECTIVES}
NAMES = (*BY_NAME, *SERVERS, *SECTIONS)
