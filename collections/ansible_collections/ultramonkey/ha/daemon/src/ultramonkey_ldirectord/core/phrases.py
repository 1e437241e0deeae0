"""Lines of the log. Those that others look for are worded as the original words them."""

from __future__ import annotations

from ..config.model import ServiceKey, Virtual, host_text
from .changes import Change, Verb
from .director import Judged
from .health import Health


def place(key: ServiceKey) -> str:
    """A virtual service as the original's log names it: `192.0.2.1:80`, or the mark."""
    return f"{host_text(key.address)}:{key.port}" if key.protocol else str(key.mark)


def change(step: Change, virtual: Virtual | None) -> str:
    """What was done to the table."""
    where = place(step.key)
    if step.server_key is None:
        verb = {Verb.ADD_SERVICE: "Added", Verb.EDIT_SERVICE: "Changed"}.get(step.verb, "Purged")
        return f"{verb} virtual server: {where}"
    kind = "real"
    if virtual is not None and virtual.fallback is not None:
        fallback = (virtual.fallback.address, virtual.fallback.port)
        reals = {real.address for real in virtual.reals}
        if fallback == (step.server_key.address, step.server_key.port) and fallback[0] not in reals:
            kind = "fallback"
    if step.server is None:
        return f"Deleted {kind} server: {step.server_key} ({where})"
    verb_text = "Added" if step.before is None else "Changed"
    if step.server.weight == 0:
        verb_text = "Quiescent"
    elif step.before is not None and step.before.weight == 0:
        verb_text = "Restored"
    return f"{verb_text} {kind} server: {step.server_key} ({where}) (Weight set to {step.server.weight})"


def judged(verdict: Judged) -> str:
    """What a check found, when that is news."""
    where = f"{verdict.server} ({verdict.key})"
    if verdict.reset:
        return f"Resetting soft failure count: {where}"
    if not verdict.changed:
        count = f"failure {verdict.failures}/{verdict.failurecount}"
        return f"Soft failure real server: {where} {count}: {verdict.reason}"
    state = "up" if verdict.health is Health.UP else "down"
    return f"{where} is {state}: {verdict.reason}"
