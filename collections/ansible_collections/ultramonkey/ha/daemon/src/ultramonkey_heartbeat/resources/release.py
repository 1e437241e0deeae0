"""Taking down what an earlier run of the daemon left on this host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..config.model import Group
from ..core.events import ResourceFinished
from .address import AddressAgent
from .agent import Agent, MissingResourceError, ResourceError


class Stop(Protocol):
    """Stop one agent, trying as often as is usual. Raises ResourceError."""

    async def __call__(self, agent: Agent, *, started: bool) -> None:
        """`started`: whether we know that it runs."""


async def release_groups(
    groups: Sequence[tuple[Group, Sequence[Agent]]], stop: Stop
) -> tuple[ResourceFinished, ...]:
    """Remove all addresses first, at once, then stop what else runs, group by group at the same time.

    Addresses come first, against the usual order, because another node may hold them already: each
    millisecond both answer for them hurts, while a service without its address hurts nobody.
    """
    addresses = [agent for _, agents in groups for agent in agents if isinstance(agent, AddressAgent)]
    results = await asyncio.gather(*(_try(stop, agent, started=True) for agent in addresses))
    problems = {id(agent): problem for agent, problem in zip(addresses, results)}
    return tuple(await asyncio.gather(*(_release(group, agents, stop, problems) for group, agents in groups)))


async def _release(
    group: Group, agents: Sequence[Agent], stop: Stop, problems: Mapping[int, str | None]
) -> ResourceFinished:
    found: list[str] = []
    for agent in reversed(agents):
        if isinstance(agent, AddressAgent):
            problem = problems[id(agent)]
        else:
            problem = await _stop_if_running(stop, agent)
        if problem is not None:
            found.append(problem)
    return ResourceFinished(group.key, "stop", ok=not found, reason="; ".join(found), clean=not found)


async def _stop_if_running(stop: Stop, agent: Agent) -> str | None:
    try:
        if not await agent.status():
            return None
    except MissingResourceError:
        # Nothing there that could have been started.
        return None
    except ResourceError:
        # Its status is no help, so it is stopped to be sure.
        pass
    return await _try(stop, agent, started=True)


async def _try(stop: Stop, agent: Agent, *, started: bool) -> str | None:
    try:
        await stop(agent, started=started)
    except ResourceError as error:
        return str(error)
    return None
