"""Who holds what, as heartbeat 3.0.6 settles it: by one-shot messages, and states that depend on their order.

INIT           not active yet; deaf for `starting` and `resource`
STARTING       has sent `starting`
BOTHSTARTING   has heard the other's `starting` meanwhile
RSCRCVD        has heard or sent a first `resource`; waits ten seconds
STABLE         knows who holds what
SHUTDOWN       gives everything up

Times are of the poll at which something is handled.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from ..config.model import AutoFailback
from ..core import phrases
from ..core.parts import PARTS, TAKEOVER, Part
from ..wire.message import Field, Message, string
from .old_scripts import OldScripts

BOTH_STARTING_MS = 10_000
OTHER_WITHIN_MS = 10_000
DONE_WITHIN_MS = 3_600_000
SECOND_MS = 1000
FAR_MS = 10**12


class State(Enum):
    """See above."""

    INIT = "init"
    STARTING = "starting"
    BOTHSTARTING = "both starting"
    RSCRCVD = "first resource"
    STABLE = "stable"
    SHUTDOWN = "shutdown"


class OldResources:
    """One life of the resource conversation; another begins when the program executes itself again."""

    def __init__(
        self,
        names: tuple[str, str],
        policy: AutoFailback,
        scripts: OldScripts,
        send: Callable[[list[Field]], None],
        row: Callable[[str], None],
    ) -> None:
        self._name, self._peer = names
        self._policy = policy
        self._nice = policy is not AutoFailback.LEGACY
        self._scripts = scripts
        self._send = send
        self._row = row
        self._state = State.INIT
        self._mine = self._theirs = Part.NONE
        self._other_stable = False
        self._failback_wanted = False
        self._asked_failback_ms = 0
        self._timer_at_ms: int | None = None
        # It gives everything up, or soon will.
        self.shut = False
        self.doomed = False
        # A standby: we give or take, which part seen from here, and what is waited for until when.
        self._giving: bool | None = None
        self._part = Part.NONE
        self._step = ""
        self._step_until_ms = 0
        self._taking_over = Part.NONE

    @property
    def busy(self) -> bool:
        """Something is being moved."""
        return self._scripts.busy or self._giving is not None or bool(self._taking_over)

    def links_up(self, now_ms: int, *, alone: bool) -> None:
        """The node has become active."""
        if not self._nice:
            self._request_own(alone=alone)
            return
        self._row("links up: sends starting")
        self._state = State.STARTING
        self._send(phrases.starting())
        if alone:
            self.inherit(now_ms, "alone", active=True)

    def give_everything_up(self, now_ms: int) -> None:
        """It leaves, or restarts itself after a split."""
        self._row("shutdown: gives everything up")
        self.shut, self._state, self._mine = True, State.SHUTDOWN, Part.NONE
        self._giving = None
        if self._nice:
            self._report(now_ms, info="shutdown")
        self._scripts.stop(Part.ALL)

    # -- hearing ---------------------------------------------------------------------------------------

    def hear(self, kind: str, message: Message, now_ms: int) -> None:
        """One message of the other that is not about liveness."""
        if kind in ("ip-request", "ip-request-resp"):
            if not self._nice:
                self._hear_legacy(kind, message)
        elif not self._nice or self.shut:
            return
        elif kind == "shutdone":
            self.inherit(now_ms, "shutdone", active=True)
        elif self._state is State.INIT:
            self._row(f"{kind} in INIT: ignored")
        elif kind == "starting":
            self._hear_starting(now_ms)
        elif kind == "resource":
            self._hear_resource(message, now_ms)
        elif kind == "ask_resources":
            self._hear_standby(message, now_ms)
        elif kind == "hb_takeover":
            self._row("hb_takeover: runs hb_standby")
            self.standby(TAKEOVER.get(message.text("rsc_hold") or "", Part.NONE), now_ms)

    def _hear_starting(self, now_ms: int) -> None:
        self._other_stable = False
        if self._state is State.STARTING:
            self._row("starting in STARTING: both start")
            self._state = State.BOTHSTARTING
        else:
            self._row(f"starting in {self._state.name}: reports")
        self._report(now_ms)

    def _hear_resource(self, message: Message, now_ms: int) -> None:
        self._first_resource(now_ms)
        held = PARTS.get(message.text("rsc_hold") or "", Part.NONE)
        full = message.text("rtype") == "full" or held is Part.NONE
        self._theirs = held.mirrored if full else Part(self._theirs | held.mirrored)
        stable = message.text("isstable")
        if stable == "0":
            self._row("resource, not stable")
            self._other_stable = False
        elif stable == "1" and not self._other_stable:
            self._row("resource, stable now: reports")
            self._other_stable = True
            self._report(now_ms)
        if self._state is State.RSCRCVD and self._other_stable:
            self._row("stable because the other is")
            self._settle(now_ms)

    def _first_resource(self, now_ms: int) -> None:
        if self._state in (State.STARTING, State.BOTHSTARTING):
            self._row(f"first resource in {self._state.name}: waits 10 s")
            self._state = State.RSCRCVD
            if self._timer_at_ms is None:
                self._timer_at_ms = now_ms + BOTH_STARTING_MS

    # -- resources -----------------------------------------------------------------------------------

    def tick(self, now_ms: int, *, peer_active: bool) -> None:
        """Whatever time does."""
        if self._timer_at_ms is not None and now_ms >= self._timer_at_ms:
            self._timer_at_ms = FAR_MS
            if self._state is State.RSCRCVD:
                self._row("10 s have passed: takes its own")
                self._settle(now_ms)
        self._legacy_answers()
        self._taken_over()
        self._go_on_with_standby(now_ms)
        self._fail_back(now_ms, peer_active=peer_active)

    def _settle(self, now_ms: int) -> None:
        self._state = State.STABLE
        own = Part(Part.LOCAL & ~self._theirs & ~self._mine)
        self._take(own)
        self._report(now_ms)

    def _take(self, part: Part) -> None:
        self._mine = Part(self._mine | part)
        self._scripts.start(part)

    def inherit(self, now_ms: int, why: str, *, active: bool) -> None:
        """The other is gone: everything that is missing is taken."""
        self._theirs, self._other_stable, self._failback_wanted = Part.NONE, True, True
        self._giving, self._step = None, ""
        if not self._nice and active and not self.shut and not self.doomed:
            self._row("legacy: takes over")
            self._scripts.start(Part.ALL)
        if not self._nice or self.shut or self.doomed or self._state is State.INIT:
            return
        self._row(f"{why}: takes over")
        missing = Part(Part.ALL & ~self._mine)
        self._first_resource(now_ms)
        if missing & Part.LOCAL:
            self._take(Part.LOCAL)
        if missing & Part.FOREIGN:
            self._taking_over = Part.FOREIGN
            self._scripts.start(Part.FOREIGN)
        said = Part.ALL if missing else self._mine
        self._send(phrases.resource(said, stable=True, info="req_our_resources()"))

    def _taken_over(self) -> None:
        if self._taking_over and not self._scripts.busy:
            self._mine = Part(self._mine | self._taking_over)
            self._taking_over = Part.NONE
            own = [string("t", "resource"), string("rsc_hold", "foreign"), string("info", "mach_down")]
            self._send(own)

    def _report(self, now_ms: int, *, info: str | None = None) -> None:
        stable = self._state is State.STABLE and info is None
        self._send(phrases.resource(self._mine, stable=stable, info=info))
        self._first_resource(now_ms)

    # -- standby -------------------------------------------------------------------------------------

    def _settled(self) -> bool:
        calm = not self._scripts.busy and self._giving is None and not self._taking_over
        return self._state is State.STABLE and self._other_stable and calm and not self.doomed

    def standby(self, part: Part, now_ms: int) -> None:
        """An administrator, the other node or failback want a part given away."""
        part = Part(part & self._mine)
        if not self._nice or not part or not self._settled():
            self._row("hb_standby: ignored")
            return
        self._row("hb_standby: asks")
        self._giving, self._part, self._step = True, part, "other"
        self._step_until_ms = now_ms + OTHER_WITHIN_MS
        self._send(phrases.ask_resources(part.word, "me"))

    def _hear_standby(self, message: Message, now_ms: int) -> None:
        info, part = message.text("info"), PARTS.get(message.text("rsc_hold") or "", Part.NONE)
        if info == "me" and self._giving is None and self._state is State.STABLE and not self._scripts.busy:
            self._row("standby: consents")
            self._giving, self._part, self._step = False, part.mirrored, "done"
            self._step_until_ms = now_ms + DONE_WITHIN_MS
            self._send(phrases.ask_resources(part.word, "other"))
        elif info == "other" and self._giving and self._step == "other":
            self._row("standby: gives")
            self._mine = Part(self._mine & ~self._part)
            self._report(now_ms, info="standby")
            self._scripts.stop(self._part)
            self._step, self._step_until_ms = "stopping", now_ms + DONE_WITHIN_MS
        elif info == "done" and self._giving is False and self._step == "done":
            self._row("standby: takes")
            self._take(self._part)
            self._step = "starting"
        elif info == "done" and self._giving and self._step == "taken":
            self._row("standby: has given")
            self._end_standby(now_ms)

    def _go_on_with_standby(self, now_ms: int) -> None:
        if self._giving is None:
            return
        if self._step == "stopping" and not self._scripts.busy:
            self._send(phrases.ask_resources(self._part.word, "done"))
            self._step = "taken"
        elif self._step == "starting" and not self._scripts.busy:
            self._send(phrases.ask_resources(self._part.mirrored.word, "done"))
            self._end_standby(now_ms)
        elif now_ms >= self._step_until_ms:
            self._row("standby: nobody answers")
            self._end_standby(now_ms)

    def _end_standby(self, now_ms: int) -> None:
        self._giving, self._step = None, ""
        self._report(now_ms)

    def _fail_back(self, now_ms: int, *, peer_active: bool) -> None:
        if not self._failback_wanted or now_ms - self._asked_failback_ms < SECOND_MS:
            return
        self._asked_failback_ms = now_ms
        if peer_active and self._settled():
            self._failback_wanted = False
            if self._policy is AutoFailback.ON and self._mine & Part.FOREIGN:
                self._row("failback")
                self.standby(Part.FOREIGN, now_ms)

    # -- legacy ----------------------------------------------------------------------------------------

    def _request_own(self, *, alone: bool) -> None:
        if alone:
            self._scripts.start(Part.ALL)
            return
        for key in self._scripts.keys(Part.LOCAL):
            if not self._scripts.runs(key):
                self._send([string("t", "ip-request"), string("ipaddr", key)])

    def _hear_legacy(self, kind: str, message: Message) -> None:
        key = message.text("ipaddr") or ""
        if kind == "ip-request-resp":
            if message.text("dest") == self._name and key in self._scripts.keys(Part.LOCAL):
                self._row("legacy: takes its own")
                self._scripts.start_one(key)
        elif key in self._scripts.keys(Part.FOREIGN):
            self._row("legacy: gives back")
            self._scripts.answer_when_stopped(key)

    def _legacy_answers(self) -> None:
        for key, held in self._scripts.answers():
            own = [string("t", "ip-request-resp"), string("dest", self._peer), string("ipaddr", key)]
            own += [string("weown", "yes" if held else "no"), string("ok", "OK")]
            self._send(own)
