"""What the table should say: a function of the configuration, the verdicts and the administrator's wishes.

Has no clock, no socket and no table of its own. A server enters at its first good check; one that the kernel
had already keeps its place until it is judged. The fallback is there while no server takes connections.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from ..config.model import Configuration, Kind, Real, ServiceKey, Virtual
from .health import Health, State, Wish
from .probe import Probe, Target, probes, server_key
from .table import Entry, Server, ServerKey, Table, service_of


@dataclass(frozen=True)
class Judged:
    """A verdict that is worth a line in the log.

    `failures` of `failurecount` when it is not final; otherwise the health changed to `health`.
    """

    key: ServiceKey
    server: ServerKey
    health: Health
    reason: str
    changed: bool
    failures: int = 0
    failurecount: int = 1
    # A success that ended a row of failures which had not been enough.
    reset: bool = False


class Director:
    """The states of all servers of one configuration."""

    def __init__(self, configuration: Configuration, previous: Director | None = None) -> None:
        self.configuration = configuration
        self.probes: dict[Probe, list[Target]] = probes(configuration)
        self._virtuals = {virtual.key: virtual for virtual in configuration.virtuals}
        self._reals: dict[Target, Real] = {
            (virtual.key, server_key(virtual, real)): real
            for virtual in configuration.virtuals
            for real in virtual.reals
        }
        # Whatever was known before a reload is still true.
        known = previous.states if previous is not None else {}
        self.states: dict[Target, State] = {target: known.get(target, State()) for target in self._reals}
        for (key, _), state in self.states.items():
            if self._virtuals[key].check.kind is Kind.ON and state.health is not Health.UP:
                state.health, state.reason = Health.UP, "not checked"

    @property
    def keys(self) -> Collection[ServiceKey]:
        """The services of the configuration."""
        return self._virtuals.keys()

    def virtual(self, key: ServiceKey) -> Virtual:
        """The virtual service. Raises KeyError."""
        return self._virtuals[key]

    def adopt(self, table: Table) -> None:
        """Learn what the kernel has when we begin: servers in it keep their place until they are judged."""
        for (key, server), state in self.states.items():
            entry = table.get(key)
            if entry is not None and state.health is Health.UNKNOWN:
                state.adopted = entry.servers.get(server)

    def verdict(self, probe: Probe, now_ms: int, reason: str, *, ok: bool) -> list[Judged]:
        """Count the verdict for every server that the probe is about."""
        judged = []
        for key, server in self.probes.get(probe, ()):
            virtual, state = self._virtuals[key], self.states[key, server]
            failures = state.failures
            changed = state.judge(
                now_ms, reason, ok=ok, failurecount=virtual.failurecount, risecount=virtual.risecount
            )
            soft = not ok and not changed and state.health is not Health.DOWN
            reset = ok and not changed and failures > 0 and state.health is Health.UP
            if changed or soft or reset:
                news = Judged(key, server, state.health, reason, changed=changed, reset=reset)
                judged.append(replace(news, failures=state.failures, failurecount=virtual.failurecount))
        return judged

    @property
    def undecided(self) -> int:
        """How many servers that are checked have no verdict yet."""
        return sum(
            state.health is Health.UNKNOWN and self._virtuals[key].check.kind is not Kind.OFF
            for (key, _), state in self.states.items()
        )

    def has_answer(self) -> bool:
        """Whether every service has a server, or all of its servers are judged."""
        return all(
            any(server.weight for server in self._servers(virtual).values())
            or all(state.health is not Health.UNKNOWN for state in self._states(virtual))
            for virtual in self.configuration.virtuals
            if virtual.check.kind is not Kind.OFF
        )

    def wish(self, target: Target, wish: Wish | None = None, weight: int | None = None) -> None:
        """Note what the administrator wants of a server; a weight below 0 is the configured one again."""
        state = self.states[target]
        if wish is not None:
            state.wish = wish
        if weight is not None:
            state.weight = weight if weight >= 0 else None

    def file(self, targets: Collection[Target]) -> list[Target]:
        """The servers that the maintenance directory names now; returns those for which that is news."""
        news = [target for target, state in self.states.items() if state.filed != (target in targets)]
        for target in news:
            self.states[target].filed = not self.states[target].filed
        return news

    def targets(self, address: str, port: int | None = None) -> list[Target]:
        """The servers with an address, in all services; the port is the written, the kernel's or any."""
        return [
            target
            for target, real in self._reals.items()
            if real.address == address and port in (None, real.port, target[1].port)
        ]

    def wanted(self) -> dict[ServiceKey, Entry]:
        """The table as it should be."""
        return {
            virtual.key: Entry(service_of(virtual), self._with_fallback(virtual))
            for virtual in self.configuration.virtuals
        }

    def on_fallback(self, key: ServiceKey) -> bool:
        """Whether the fallback of a service is in use."""
        virtual = self._virtuals[key]
        return virtual.fallback is not None and self._needs_fallback(virtual, self._servers(virtual))

    def _with_fallback(self, virtual: Virtual) -> dict[ServerKey, Server]:
        servers = self._servers(virtual)
        if virtual.fallback is not None and self._needs_fallback(virtual, servers):
            place = ServerKey(virtual.fallback.address, virtual.fallback.port)
            servers[place] = Server(virtual.fallback.forward, 1)
        return servers

    @staticmethod
    def _needs_fallback(virtual: Virtual, servers: dict[ServerKey, Server]) -> bool:
        return virtual.check.kind is not Kind.OFF and not any(server.weight for server in servers.values())

    def _servers(self, virtual: Virtual) -> dict[ServerKey, Server]:
        servers = {}
        for real in virtual.reals:
            place = server_key(virtual, real)
            server = _server(virtual, real, self.states[virtual.key, place])
            if server is not None:
                servers[place] = server
        return servers

    def _states(self, virtual: Virtual) -> Iterator[State]:
        return (self.states[virtual.key, server_key(virtual, real)] for real in virtual.reals)


def _server(virtual: Virtual, real: Real, state: State) -> Server | None:
    """How one real server should be in the table; None when it should not."""
    if virtual.check.kind is Kind.OFF:
        return None
    weight = real.weight if state.weight is None else state.weight
    if state.in_maintenance or state.health is Health.DOWN:
        if not virtual.quiescent:
            return None
        weight = 0
    elif state.health is Health.UNKNOWN:
        if state.adopted is None:
            return None
        weight = state.adopted.weight
    if state.wish is Wish.DRAIN:
        weight = 0
    return Server(real.forward, weight, real.lower, real.upper)
