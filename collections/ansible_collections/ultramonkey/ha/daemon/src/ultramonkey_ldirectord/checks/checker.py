"""Performs checks: chooses what a probe asks for, and bounds it in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Callable

from ..config.model import Kind
from ..core.probe import Probe
from .connect import connect
from .dns import check_dns
from .external import check_external
from .ftp import check_ftp
from .http import check_http
from .ldap import check_ldap
from .lines import check_imap, check_nntp, check_pop, check_simpletcp, check_smtp
from .outcome import CheckFailedError, Outcome, reason_of
from .ping import Pinger
from .radius import check_radius
from .sip import check_sip
from .sql import check_sql

# Programs are dearer than sockets: more at once would starve the rest of the machine.
PROGRAMS_MAX = 64

SERVICES: Mapping[str, Callable[[Probe], Awaitable[str]]] = {
    "http": check_http,
    "https": check_http,
    "http_proxy": check_http,
    "ftp": check_ftp,
    "smtp": check_smtp,
    "submission": check_smtp,
    "pop": check_pop,
    "pops": check_pop,
    "imap": check_imap,
    "imaps": check_imap,
    "nntp": check_nntp,
    "ldap": check_ldap,
    "ldaps": check_ldap,
    "dns": check_dns,
    "sip": check_sip,
    "radius": check_radius,
    "simpletcp": check_simpletcp,
}
SQL = ("mysql", "pgsql", "oracle")


class Checker:
    """Everything that checks share. One for an event loop."""

    def __init__(self) -> None:
        self._pinger = Pinger()
        self._programs = asyncio.Semaphore(PROGRAMS_MAX)

    async def perform(self, probe: Probe, *, only_connect: bool = False) -> Outcome:
        """One check. Never raises but when it is cancelled; a check that takes too long has failed."""
        kind = Kind.CONNECT if only_connect else probe.kind
        limit_ms = probe.connect_ms if kind is Kind.CONNECT else probe.deadline_ms
        try:
            return Outcome(ok=True, reason=await self._ask(probe, kind, limit_ms))
        except (asyncio.TimeoutError, TimeoutError) as error:
            # The kernel's own verdict on a connection is a TimeoutError, too, and then has a number.
            if isinstance(error, OSError) and error.errno:
                return Outcome(ok=False, reason=reason_of(error))
            return Outcome(ok=False, reason=f"no answer within {limit_ms / 1000:g} s")
        except (CheckFailedError, OSError) as error:
            return Outcome(ok=False, reason=reason_of(error))
        except Exception as error:  # noqa: BLE001 - whatever a server provokes, it is that server's failure
            return Outcome(ok=False, reason=f"the check broke: {error!r}")

    async def _ask(self, probe: Probe, kind: Kind, limit_ms: int) -> str:
        if kind is Kind.CONNECT:
            await connect(probe.address, probe.port, limit_ms / 1000)
            return "accepts connections"
        if kind is Kind.PING:
            return await self._pinger.ping(probe.address, probe.attempts, limit_ms / 1000 / probe.attempts)
        if kind is Kind.EXTERNAL:
            async with self._programs:
                return await check_external(probe.argv, limit_ms)
        if probe.service in SQL:
            async with self._programs:
                return await check_sql(probe)
        return await asyncio.wait_for(SERVICES[probe.service](probe), limit_ms / 1000)

    def close(self) -> None:
        """Close what is shared."""
        self._pinger.close()
