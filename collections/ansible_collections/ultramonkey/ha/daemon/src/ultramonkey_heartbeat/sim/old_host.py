"""A machine that runs heartbeat 3.0.6: an imitation, written from what the real one was seen to do.

Edge-triggered, one-shot messages, and slow: what it hears it handles when its next timer fires, up to half a
second later. It knows one other node. After a split it drops everything and executes itself again. Who holds
what is in `old_resources`.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Sequence

from ..config.model import Group, HaCf
from ..core import effects as fx
from ..core import events as ev
from ..core import phrases
from ..core.parts import PARTS, Part
from ..core.reception import Decoder
from ..core.sequence import ReceiveWindow, Verdict
from ..core.transmit import Identity, Transmitter
from ..wire.errors import WireError
from ..wire.message import Field, Message, decimal, hexadecimal, string
from .old_resources import SECOND_MS, OldResources
from .old_scripts import OldScripts

POLL_MS_MAX = 500
GIVE_UP_AFTER_MS = 2000
EARLY_MS, EARLY_DEADTIME_MS, RESTART_DEADTIME_MS = 5000, 2000, 30_000


class OldHost:
    """One node of heartbeat 3.0.6. Rows of its state table are counted in `rows`."""

    def __init__(
        self,
        identity: Identity,
        ha: HaCf,
        groups: Sequence[Group],
        decode: Decoder,
        *,
        rng: random.Random,
        rows: Counter[str],
    ) -> None:
        self._name = identity.name
        self._peer = next(name for name in ha.nodes if name != identity.name)
        self._identity = identity
        self._ha = ha
        self._decode = decode
        self._rng = rng
        self._rows = rows
        self._effects: list[fx.Effect] = []
        self._poll_ms = min(ha.keepalive_ms, POLL_MS_MAX)
        self._scripts = OldScripts(identity.name, groups, self._effects.append)
        self._transmitter = Transmitter(identity, ha)
        self._inbox: list[Message] = []
        self._tick_at_ms = 0
        self._last_tick_ms = 0
        self._restart_at_ms: int | None = None
        self._shutdown_asked = False
        self._gone = False
        self._begin(0)

    def _begin(self, now_ms: int) -> None:
        """A new life: at the start, and after it has executed itself again."""
        self._resources = OldResources(
            (self._name, self._peer), self._ha.auto_failback, self._scripts, self._send_now, self._row
        )
        self._began_at_ms = now_ms
        self._active = False
        self._nodes_known = False
        self._asked_nodes_ms = now_ms - SECOND_MS
        self._beat_at_ms = now_ms
        self._deadtime_more_ms = 0
        self._give_up_at_ms: int | None = None
        self._leave_at_ms: int | None = None
        self._window: ReceiveWindow | None = None
        self._peer_state = "unknown"
        self._peer_generation = 0
        self._peer_heard_ms = now_ms
        self._peer_deadtime_ms = self._ha.initdead_ms
        self._status_seq = 0
        self._departed = False

    # -- the calls of a member -------------------------------------------------------------------------

    def handle(self, event: ev.Event, now_ms: int) -> list[fx.Effect]:
        """Keep what is heard for the next poll; everything else, too."""
        if isinstance(event, ev.Started):
            self._transmitter.wall_offset_ms = event.wall_offset_ms
            self._last_tick_ms = now_ms
            self._tick_at_ms = now_ms + self._rng.randint(0, self._poll_ms)
            self._begin(now_ms)
            for word in ("init", "up", "up"):
                self._say_status(word, now_ms)
        elif self._gone:
            return []
        elif isinstance(event, ev.MessageReceived):
            self._inbox.append(event.message)
        elif isinstance(event, ev.FrameReceived):
            self._take_frame(event.data)
        elif isinstance(event, ev.ResourceFinished):
            self._scripts.finished(event)
        elif isinstance(event, ev.AddressLost):
            pass
        elif isinstance(event, ev.MoveRequested):
            part = PARTS.get(event.groups[0], Part.ALL)
            if event.target == self._name:
                self._send(phrases.hb_takeover(part), now_ms)
            elif not self._shutdown_asked:
                self._resources.standby(part, now_ms)
        elif isinstance(event, ev.ShutdownRequested):
            self._shutdown_asked = True
        elif now_ms >= self._tick_at_ms:
            self._tick(now_ms)
        effects, self._effects[:] = list(self._effects), []
        return effects

    def next_deadline(self) -> int | None:
        """The next poll."""
        return None if self._gone else self._tick_at_ms

    def _take_frame(self, data: bytes) -> None:
        with contextlib.suppress(WireError):
            self._inbox.append(self._decode(data))

    # -- time ----------------------------------------------------------------------------------------

    def _tick(self, now_ms: int) -> None:
        slept_ms, self._last_tick_ms = now_ms - self._last_tick_ms, now_ms
        self._tick_at_ms += self._poll_ms * (1 + max(0, now_ms - self._tick_at_ms) // self._poll_ms)
        if self._restart_at_ms is not None:
            self._inbox.clear()
            if now_ms >= self._restart_at_ms:
                self._execute_again(now_ms)
            return
        if slept_ms > self._ha.deadtime_ms and self._give_up_at_ms is None:
            self._row("own heartbeat missing: gives up and restarts")
            self._give_up_at_ms = now_ms
        inbox, self._inbox = self._inbox, []
        for message in inbox:
            with contextlib.suppress(WireError):
                self._hear(message, now_ms)
        self._look_at_peer(now_ms)
        self._become_active(now_ms)
        self._resources.doomed = self._give_up_at_ms is not None
        self._resources.tick(now_ms, peer_active=self._peer_state == "active" and not self._departed)
        self._leave(now_ms)
        self._ask_for_missing(now_ms)
        if now_ms >= self._beat_at_ms:
            self._beat_at_ms = now_ms + self._ha.keepalive_ms - self._poll_ms // 2
            self._say_status("active" if self._active else "up", now_ms)

    def _execute_again(self, now_ms: int) -> None:
        generation = self._transmitter.generation + 1
        self._transmitter.restart(generation)
        self._effects.append(fx.PersistGeneration(generation))
        self._restart_at_ms = None
        self._begin(now_ms)
        for word in ("init", "up", "up"):
            self._say_status(word, now_ms)

    def _look_at_peer(self, now_ms: int) -> None:
        if self._peer_state == "dead":
            return
        silent_ms = now_ms - self._peer_heard_ms
        if silent_ms < self._peer_deadtime_ms:
            return
        self._peer_state = "dead"
        self._send([string("t", "stonith"), string("node", self._peer), string("result", "n_stnth")], now_ms)
        self._resources.inherit(now_ms, "peer dead", active=self._active)

    def _become_active(self, now_ms: int) -> None:
        if self._active or self._peer_state == "unknown":
            return
        if self._peer_state == "dead" or self._nodes_known:
            self._active = True
            self._say_status("active", now_ms)
            self._resources.links_up(now_ms, alone=self._peer_state == "dead")
        elif now_ms - self._asked_nodes_ms >= SECOND_MS:
            self._asked_nodes_ms = now_ms
            self._send([string("t", "reqnodes"), string("dest", self._peer)], now_ms)

    def _ask_for_missing(self, now_ms: int) -> None:
        if self._window is not None and self._peer_state in ("up", "active"):
            for seq in self._window.due(now_ms):
                self._effects.append(self._transmitter.ask_again(self._peer, seq, now_ms))

    # -- hearing ---------------------------------------------------------------------------------------

    def _hear(self, message: Message, now_ms: int) -> None:
        if (message.text("src") or "").lower() != self._peer:
            return
        kind = message.text("t") or ""
        if kind.startswith("NS_"):
            self._hear_unnumbered(kind, message, now_ms)
            return
        generation, seq = message.hexadecimal("hg") or 0, message.hexadecimal("seq") or 0
        if generation < self._peer_generation:
            self._row("an earlier generation is dropped")
            return
        if generation > self._peer_generation or self._window is None:
            if kind != "status":
                return
            self._window = ReceiveWindow(self._rng, 250)
            self._peer_generation, self._status_seq = generation, 0
            self._departed = False
            if self._peer_state == "dead":
                self._peer_state = "up"
        elif kind == "status" and self._peer_state == "dead" and self._give_up_at_ms is None:
            self._row("returning after partition: gives everything up")
            self._say_status("active", now_ms)
            self._give_up_at_ms = now_ms + GIVE_UP_AFTER_MS
        if self._window.accept(seq, now_ms) is Verdict.DUPLICATE:
            return
        if kind == "status":
            self._hear_status(message, seq, now_ms)
        elif kind == "reqnodes":
            self._send(phrases.repnodes(self._peer, self._ha.nodes), now_ms)
        elif kind == "repnodes":
            self._nodes_known = True
        else:
            self._departed |= kind == "shutdone"
            self._resources.hear(kind, message, now_ms)

    def _hear_status(self, message: Message, seq: int, now_ms: int) -> None:
        if seq < self._status_seq:
            return
        self._status_seq = seq
        self._peer_heard_ms = now_ms
        self._peer_deadtime_ms = message.hexadecimal("dt") or self._peer_deadtime_ms
        self._peer_state = message.text("st") or "up"

    def _hear_unnumbered(self, kind: str, message: Message, now_ms: int) -> None:
        if (message.text("dest") or "").lower() != self._name:
            return
        if kind == "NS_rexmit":
            first, last = message.decimal("firstseq") or 0, message.decimal("lastseq") or 0
            again, _ = self._transmitter.history.asked_for(first, last, now_ms)
            self._effects += [self._transmitter.again(sent) for sent in again]

    # -- leaving ---------------------------------------------------------------------------------------

    def _leave(self, now_ms: int) -> None:
        shut, asked = self._resources.shut, self._shutdown_asked
        give_up = self._give_up_at_ms is not None and now_ms >= self._give_up_at_ms
        if not shut and (give_up or (asked and not self._resources.busy)):
            self._resources.give_everything_up(now_ms)
        elif shut and not self._scripts.busy and self._leave_at_ms is None:
            self._effects.append(self._transmitter.shutdone(now_ms))
            if self._give_up_at_ms is not None and not asked:
                self._deadtime_more_ms = RESTART_DEADTIME_MS
                self._say_status("active", now_ms)
                seconds = -(-self._ha.deadtime_ms // SECOND_MS) + 1
                self._restart_at_ms = now_ms + seconds * SECOND_MS
            self._leave_at_ms = now_ms + 2 * SECOND_MS
        elif self._leave_at_ms is not None and now_ms >= self._leave_at_ms and asked:
            self._gone = True
            self._effects.append(fx.Exit())

    # -- speaking --------------------------------------------------------------------------------------

    def _say_status(self, word: str, now_ms: int) -> None:
        early = EARLY_DEADTIME_MS if now_ms - self._began_at_ms < EARLY_MS else 0
        deadtime_ms = self._ha.deadtime_ms + max(early, self._deadtime_more_ms)
        own = [string("t", "status"), string("st", word), hexadecimal("dt", deadtime_ms)]
        self._send([*own, decimal("protocol", 1)], now_ms)

    def _send(self, own: list[Field], now_ms: int) -> None:
        self._effects.append(self._transmitter.say(own, now_ms))

    def _send_now(self, own: list[Field]) -> None:
        self._send(own, self._last_tick_ms)

    def _row(self, name: str) -> None:
        self._rows[name] += 1
