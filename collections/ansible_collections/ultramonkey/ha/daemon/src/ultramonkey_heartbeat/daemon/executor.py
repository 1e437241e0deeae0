"""Carries out the core's effects: links, resources, answers, log. Has no opinions of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Protocol

from ..config.model import Group
from ..core import effects as fx
from ..core.notices import Notice
from ..links.base import Link
from ..wire.codec import Codec
from ..wire.message import Message
from .kept_switches import write_switches
from .notices import word
from .paths import Paths
from .persistence import HeldGroups, write_generation

Reply = Callable[[str, Mapping[str, Any]], None]


class GroupRunner(Protocol):
    """What is needed of `resources.runner.Runner`."""

    def start(self, group: Group) -> None:
        """Start the group, and report."""

    def stop(self, group: Group) -> None:
        """Stop the group, and report."""

    def announce(self, group: Group) -> None:
        """Announce the group's addresses again."""


class Executor:
    """From effect to deed, by a table."""

    def __init__(
        self,
        *,
        codec: Codec,
        links: Sequence[Link],
        runner: GroupRunner,
        groups: Sequence[Group],
        held: HeldGroups,
        paths: Paths,
        log: logging.Logger,
        note: Callable[[Notice], None],
        on_exit: Callable[[bool], None],
    ) -> None:
        self.codec = codec
        self._links = links
        self._runner = runner
        self._groups = {group.key: group for group in groups}
        self._held = held
        self._paths = paths
        self._log = log
        self._note = note
        self._on_exit = on_exit
        self._waiting: dict[str, Reply] = {}
        self._deeds: dict[type, Callable[[Any], None]] = {
            fx.SendMessage: self._send,
            fx.StartGroup: self._start,
            fx.StopGroup: self._stop,
            fx.Announce: lambda effect: self._runner.announce(self._groups[effect.group]),
            fx.AdminReply: self._reply,
            fx.PersistGeneration: self._persist,
            fx.PersistSwitches: self._persist_switches,
            fx.Exit: lambda effect: self._on_exit(effect.clean),
        }

    def configure(self, groups: Sequence[Group]) -> None:
        """Know these groups from now on; those that are gone are still to be stopped."""
        self._groups.update((group.key, group) for group in groups)

    def carry_out(self, effects: Sequence[fx.Effect]) -> None:
        """Do everything, in order. One deed that fails does not keep the others from being done."""
        for effect in effects:
            try:
                if isinstance(effect, Notice):
                    self._log.log(*word(effect))
                    self._note(effect)
                else:
                    self._deeds[type(effect)](effect)
            except Exception:  # noqa: BLE001, PERF203 - whatever it is, heartbeats must go on
                self._log.exception("could not carry out %r", effect)

    def await_reply(self, request_id: str, reply: Reply) -> None:
        """The answers to this request go there."""
        self._waiting[request_id] = reply

    def _send(self, effect: fx.SendMessage) -> None:
        frames: dict[str, bytes] = {}
        for link in self._links:
            if effect.links is None or link.name in effect.links:
                frame = frames.get(link.form)
                if frame is None:
                    frame = frames[link.form] = self._encode(effect.message, link.form)
                link.send(frame)

    def _encode(self, message: Message, form: str) -> bytes:
        return self.codec.encode(message, form)

    def _start(self, effect: fx.StartGroup) -> None:
        group = self._groups[effect.group]
        # Written down first: if we crash now, somebody must know what to clean up.
        self._held.add(group)
        self._runner.start(group)

    def _stop(self, effect: fx.StopGroup) -> None:
        self._runner.stop(self._groups[effect.group])

    def _persist(self, effect: fx.PersistGeneration) -> None:
        try:
            write_generation(self._paths.generation, effect.generation)
        except OSError as error:
            # The peers would not listen to us after the next start; the start after that is heard again.
            self._log.error("cannot keep generation %d: %s", effect.generation, error)

    def _persist_switches(self, effect: fx.PersistSwitches) -> None:
        try:
            write_switches(self._paths, effect.switches)
        except OSError as error:
            # They hold as long as one daemon that knows them runs.
            self._log.error("cannot keep maintenance and standby beyond a restart: %s", error)

    def _reply(self, effect: fx.AdminReply) -> None:
        final = effect.phase != "accepted"
        reply = self._waiting.pop(effect.request_id, None) if final else self._waiting.get(effect.request_id)
        if reply is not None:
            reply(effect.phase, effect.result)
