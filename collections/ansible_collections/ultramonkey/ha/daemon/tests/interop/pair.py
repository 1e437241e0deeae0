"""The two nodes as one cluster: what is expected of it, waited for, and checked after each scenario."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Callable

from lab import Lab

from .cell import GROUPS, PING_NODE, Cell, Place, authkeys, ha_cf, haresources
from .complaints import unexpected
from .members import Member, OurMember, RealMember
from .null_modem import NullModem

NOTHING: frozenset[str] = frozenset()
ALL = frozenset(GROUPS)

# Generous: other things run on the machine. What counts is how it ends.
WITHIN_S = 30.0
# A state that lasts so long is taken as final.
CALM_S = 0.6


class WrongError(AssertionError):
    """The cluster did not do what it should."""


@dataclass
class Findings:
    """What went wrong in one scenario."""

    lines: list[str] = field(default_factory=list)

    def add(self, what: str, lines: Iterable[str]) -> None:
        self.lines += [f"{what}: {line}" for line in lines]


class Pair:
    """3.0.6 and ours. For a reference, `ours` may be another 3.0.6."""

    def __init__(
        self, lab: Lab, cell: Cell, place: Place, *, reference: bool = False, debug: int = 0
    ) -> None:
        self.cell = cell
        first, second = (lab.host(name) for name in place.names)
        real, ours = (first, second) if cell.real_first else (second, first)
        self.modem = NullModem() if cell.link == "serial" else None
        self.real = RealMember(real, place, self.modem)
        self.ours: OurMember | RealMember = (RealMember if reference else OurMember)(ours, place, self.modem)
        self.reference = reference
        addresses = (first.address, second.address)
        self._files = {
            "ha.cf": ha_cf(cell, place, addresses, debug=debug),
            "haresources": haresources(cell, place),
            "authkeys": authkeys(cell),
        }
        self.place = place
        self._read_until: dict[str, int] = {}
        self._began_at: dict[str, int] = {}
        # The nodes on which no daemon is to be waited for.
        self.down: set[str] = set()
        self._since = 0.0

    @property
    def members(self) -> tuple[RealMember, OurMember | RealMember]:
        return self.real, self.ours

    def other(self, member: Member) -> Member:
        return self.ours if member is self.real else self.real

    def local(self, member: Member) -> frozenset[str]:
        """The groups that prefer a member."""
        of_first = frozenset(self.cell.of_first)
        return of_first if member.name == self.place.names[0] else ALL - of_first

    def part(self, member: Member, word: str) -> frozenset[str]:
        """What `word` means to a member."""
        return {"all": ALL, "local": self.local(member), "foreign": ALL - self.local(member)}[word]

    @property
    def failback(self) -> str:
        return self.cell.failback

    # -- beginning --------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Two machines, configured, nothing running."""
        for member in self.members:
            member.prepare(self._files)

    def cold(self) -> None:
        """Both machines as after a power loss, a moment ago."""
        for member in self.members:
            if member.host.is_on:
                member.power_off()
            self.down.add(member.name)
        for member in self.members:
            member.power_on()

    def unplug(self) -> None:
        """Nothing more is played here."""
        if self.modem is not None:
            self.modem.unplug()

    # -- waiting ----------------------------------------------------------------------------------

    def wait(self, what: str, condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise WrongError(f"waited {within_s:g} s in vain until {what}; {self.describe()}")
            time.sleep(0.05)

    def split(self, ours: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Who is to hold what, as (real, ours)."""
        return ALL - ours, ours

    def holding(self) -> tuple[frozenset[str], frozenset[str]]:
        return self.real.holds(), self.ours.holds()

    def expect(self, ours: frozenset[str], within_s: float = WITHIN_S) -> None:
        """Return when our node holds exactly that, 3.0.6 the rest, and both are calm."""
        wanted = self.split(ours)
        self.wait(f"ours holds {_words(ours)}", lambda: self.holding() == wanted, within_s)
        self._calm(wanted, within_s)

    def expect_each_once(self, within_s: float = 60.0) -> None:
        """Return when every group is held once, by whomever, and both are calm."""

        def once() -> bool:
            real, ours = self.holding()
            return real | ours == ALL and not real & ours

        deadline = time.monotonic() + within_s
        while True:
            self.wait("each address is held once", once, max(1.0, deadline - time.monotonic()))
            held = self.holding()
            self.wait("both are settled", self.settled, max(1.0, deadline - time.monotonic()))
            if self._stays(held) and self.settled():
                return
            if time.monotonic() > deadline:
                raise WrongError(f"each address is held once, but not for long; {self.describe()}")

    def expect_home(self, within_s: float = WITHIN_S) -> None:
        """Each node holds its own."""
        self.expect(self.local(self.ours), within_s)

    def expect_after_return(self, *, stayed: Member) -> None:
        """The other one has come back: auto_failback decides."""
        if self.failback == "off":
            self.expect(ALL if stayed is self.ours else NOTHING)
        else:
            self.expect_home()

    def settled(self) -> bool:
        return all(m.settled(self.failback) for m in self.members if m.host.is_on and m in self._running())

    def _running(self) -> list[Member]:
        return [member for member in self.members if member.name not in self.down]

    def _stays(self, held: tuple[frozenset[str], frozenset[str]]) -> bool:
        until = time.monotonic() + CALM_S
        while time.monotonic() < until:
            if self.holding() != held:
                return False
            time.sleep(0.05)
        return True

    def _calm(self, wanted: tuple[frozenset[str], frozenset[str]], within_s: float) -> None:
        self.wait("both are settled", self.settled, within_s)
        if not self._stays(wanted):
            raise WrongError(f"{_words(wanted[1])} at ours was not the end; {self.describe()}")

    def describe(self) -> str:
        """Where everything is, for a failure."""
        told = []
        for member in self.members:
            state = member.state() if member.host.is_on else "off"
            told.append(f"{member.name} ({member.kind}) holds {_words(member.holds())}, {state}")
        return "; ".join(told)

    # -- things done to the cluster ---------------------------------------------------------------

    def start(self, *members: Member) -> None:
        for member in members:
            member.start()
            self.down.discard(member.name)

    def start_alone(self, member: Member) -> None:
        """Start the first of the two, and wait until it has everything.

        A 3.0.6 acquires its groups by messages to itself through its pipe, and may lose some of them there
        (see `RealMember`); then its machine is switched off and on.
        """
        wanted = (ALL, NOTHING) if member is self.real else (NOTHING, ALL)
        self.start(member)
        self.wait(f"{member.name} holds all", lambda: self.holding() == wanted or self._lost(member))
        if self.holding() != wanted:
            member.power_off()
            self.down.add(member.name)
            member.power_on()
            self.begin()
            self.start_alone(member)
        else:
            self.expect(wanted[1])

    def start_together(self) -> None:
        """Start both at once, and wait until each holds its own; 3.0.6 is begun again as in `start_alone`."""
        home = self.split(self.local(self.ours))
        self.start(*self.members)
        self.wait("each holds its own", lambda: self.holding() == home or self._lost(self.real))
        if self.holding() != home:
            self.cold()
            self.begin()
            self.start_together()
        else:
            self.expect_home()

    def _lost(self, member: Member) -> bool:
        """It has lost a message of its own, and with it a group, for good."""
        if not isinstance(member, RealMember):
            return False
        text = member.read(member.log)[self._read_until.get(member.name, 0) :]
        return bool(member.lost_in_pipe(text)) and not self._changes(member)

    def lost_in_pipe(self) -> bool:
        """A 3.0.6 has lost a message to itself since the scenario began, and says so."""
        return any(
            isinstance(member, RealMember)
            and member.host.is_on
            and bool(member.lost_in_pipe(member.read(member.log)[self._began_at.get(member.name, 0) :]))
            for member in self.members
        )

    @staticmethod
    def _changes(member: Member) -> bool:
        held = member.holds()
        time.sleep(CALM_S)
        return member.holds() != held

    def stop(self, member: Member) -> None:
        member.stop()
        self.down.add(member.name)

    def cut(self, *, silently: bool) -> None:
        """Our node's link carries nothing; `silently`: and it cannot see that. A serial line never can."""
        if self.modem is None:
            self.ours.host.cut(silently=silently)
        else:
            self._cut_line(100)

    def mend(self) -> None:
        """It does again."""
        if self.modem is None:
            self.ours.host.mend()
        else:
            self._cut_line(0)

    def blink(self, seconds: float) -> None:
        """Our node's link carries nothing for a moment."""
        if self.modem is None:
            self.ours.host.blink(seconds)
        else:
            self._cut_line(100)
            time.sleep(seconds)
            self._cut_line(0)

    def _cut_line(self, percent: int) -> None:
        for member in self.members:
            self.lose(member, percent)

    def lose(self, member: Member, percent: int) -> None:
        """A share of what is sent to the member does not arrive."""
        if self.modem is not None:
            self.modem.lose(member.host, percent)
            return
        member.host.run(["nft", "delete", "table", "inet", "loss"], check=False)
        if percent:
            chance = f"numgen random mod 100 < {percent}" if percent < 100 else ""
            rule = f"udp dport {self.place.port} {chance} drop"
            rules = f"table inet loss {{ chain c {{ type filter hook input priority 0; {rule}; }}; }}\n"
            member.host.run(["nft", "-f", "-"], stdin=rules)

    def lose_ping_node(self, *members: Member) -> None:
        """The ping node's answers do not reach these members, and do reach the others."""
        for member in self.members:
            member.host.run(["nft", "delete", "table", "inet", "noping"], check=False)
            if member in members:
                rule = f"ip saddr {PING_NODE} icmp type echo-reply drop"
                rules = f"table inet noping {{ chain c {{ type filter hook input priority 0; {rule}; }}; }}\n"
                member.host.run(["nft", "-f", "-"], stdin=rules)

    def go_home(self) -> None:
        """Whoever lacks its own takes it."""
        if self.failback == "legacy" or self.holding() == self.split(self.local(self.ours)):
            return
        for member in self.members:
            if not self.local(member) <= member.holds():
                member.takeover("local")
                self.wait(f"{member.name} has its own", lambda m=member: self.local(m) <= m.holds())
        self.expect_home()

    # -- judging ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """A scenario begins."""
        self._since = time.time()
        self.new_log()
        self._began_at = dict(self._read_until)

    def new_log(self) -> dict[str, str]:
        """What each log has got since the last call."""
        found = {}
        for member in self.members:
            text = member.read(member.log)
            found[member.name] = text[self._read_until.get(member.name, 0) :]
            self._read_until[member.name] = len(text)
        return found

    def has_logged(self, member: Member, text: str) -> bool:
        """Its log has got that since the scenario began."""
        return text in member.read(member.log)[self._began_at.get(member.name, 0) :]

    def has_said(self, member: Member, after: int = 0, **fields: str) -> bool:
        """It has sent such a message since the scenario began; the first `after` do not count."""
        return any(fields.items() <= frame.items() for frame in member.frames(self.since)[after:])

    def judge(self, scenario: str, *, two_holders: bool) -> list[str]:
        """Everything wrong since `begin`, in lines."""
        findings = Findings()
        for member in self.members:
            for group in member.started_twice(self._since):
                findings.add("started twice", [f"{group} on {member.name}"])
        if not two_holders:
            findings.add("two at a time", self._overlaps())
        shown = [address for member in self.members for address in member.addresses()]
        for group in GROUPS:
            times = shown.count(self.place.address(group))
            if times != 1:
                findings.add("ip address", [f"{self.place.address(group)} is there {times} times"])
        return findings.lines + self.complaints(scenario)

    def complaints(self, scenario: str) -> list[str]:
        """What the logs say since the last look that they should not."""
        findings = Findings()
        logs = self.new_log()
        for member in self.members:
            findings.add(f"{member.kind} log", unexpected(member, logs[member.name], scenario))
        return findings.lines

    def _overlaps(self) -> list[str]:
        mine, yours = self.real.runs(), self.ours.runs()
        return [
            f"{group} for {min(end, other_end) - max(begin, other_begin):.2f} s"
            for group, begin, end in mine
            for other, other_begin, other_end in yours
            if group == other
            and min(end, other_end) > max(begin, other_begin)
            and min(end, other_end) > self._since
        ]

    @property
    def since(self) -> float:
        """Wall time of the scenario's begin."""
        return self._since


def _words(groups: frozenset[str]) -> str:
    return "+".join(sorted(groups)) or "nothing"
