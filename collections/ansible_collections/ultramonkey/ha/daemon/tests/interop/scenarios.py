"""Everything that happens to a cell, in this order. Each begins where the one before ended: at home.

Home is: both nodes run, and each holds the groups that prefer it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable

from .cell import DEADTIME_MS, KEEPALIVE_MS, Cell
from .members import Member, OurMember
from .pair import ALL, NOTHING, Pair, WrongError

DEADTIME_S = DEADTIME_MS / 1000


@dataclass(frozen=True)
class Scenario:
    """One column. `code` is its heading."""

    code: str
    title: str
    play: Callable[[Pair], None]
    # Two holders at a time cannot be avoided: the nodes do not hear each other, or one was killed.
    two_holders: bool = False
    # Begins with both machines just booted instead of at home.
    cold: bool = False
    # In which cells it is played: those without a ping node, those with one.
    cells: tuple[bool, ...] = (False,)

    def fits(self, cell: Cell) -> bool:
        """Whether it is played in that cell."""
        return cell.ping in self.cells


SCENARIOS: list[Scenario] = []


def scenario(
    code: str,
    title: str,
    *,
    two_holders: bool = False,
    cold: bool = False,
    cells: tuple[bool, ...] = (False,),
):
    def register(play: Callable[[Pair], None]) -> Callable[[Pair], None]:
        SCENARIOS.append(Scenario(code, title, play, two_holders, cold, cells))
        return play

    return register


# -- coming together -------------------------------------------------------------------------------


def _one_after_the_other(pair: Pair, first: Member, second: Member) -> None:
    pair.start_alone(first)
    pair.start(second)
    pair.expect_after_return(stayed=first)
    pair.go_home()


@scenario("r>o", "the real one is there, ours joins", cold=True)
def ours_joins(pair: Pair) -> None:
    _one_after_the_other(pair, pair.real, pair.ours)


@scenario("o>r", "ours is there, the real one joins", cold=True)
def real_joins(pair: Pair) -> None:
    _one_after_the_other(pair, pair.ours, pair.real)


@scenario("both", "both start at once", cold=True, cells=(False, True))
def together(pair: Pair) -> None:
    pair.start_together()


@scenario("calm", "nothing happens for ten seconds")
def steady(pair: Pair) -> None:
    # A 3.0.6 answers up to half a second late, and in legacy mode by a script.
    time.sleep(1)
    pair.wait("they have said all there was to say", lambda: not _talk(pair, time.time() - 1))
    begun = time.time()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if pair.holding() != pair.split(pair.local(pair.ours)):
            raise WrongError(f"somebody moved; {pair.describe()}")
        time.sleep(0.1)
    talk = _talk(pair, begun)
    if talk:
        raise WrongError(f"they talk about {talk[0]}")


def _talk(pair: Pair, since: float) -> list[dict[str, str]]:
    """What was said since then beside heartbeats and their acknowledgements."""
    return [f for m in pair.members for f in m.frames(since) if f["t"] not in ("status", "NS_ackmsg")]


# -- planned moves ---------------------------------------------------------------------------------


def _move(pair: Pair, what: str, member: Member, word: str) -> None:
    """hb_standby or hb_takeover on a member; afterwards the cluster is as it must be."""
    moved = pair.part(member, word)
    mine = member.holds() - moved if what == "standby" else member.holds() | moved
    if pair.failback == "legacy":
        _refused(pair, what, member, word)
        return
    getattr(member, what)(word)
    pair.expect(mine if member is pair.ours else ALL - mine)


def _refused(pair: Pair, what: str, member: Member, word: str) -> None:
    """In legacy mode nothing is moved: 3.0.6 says nothing, ours says why."""
    try:
        getattr(member, what)(word)
    except Exception as error:
        if "legacy" not in str(error):
            raise
    time.sleep(4 * KEEPALIVE_MS / 1000)
    pair.expect_home()


def _there_and_back(pair: Pair, *steps: tuple[str, Member, str]) -> None:
    for what, member, word in steps:
        _move(pair, what, member, word)


@scenario("sbAr", "real: hb_standby all, then hb_takeover local")
def real_standby_all(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.real, "all"), ("takeover", pair.real, "local"))


@scenario("sbAo", "ours: standby all, then takeover local")
def our_standby_all(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.ours, "all"), ("takeover", pair.ours, "local"))


@scenario("sbLr", "real: hb_standby local; ours gives it back by standby foreign")
def real_standby_local(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.real, "local"), ("standby", pair.ours, "foreign"))


@scenario("sbLo", "ours: standby local; real gives it back by hb_standby foreign")
def our_standby_local(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.ours, "local"), ("standby", pair.real, "foreign"))


@scenario("toAr", "real: hb_takeover all; ours takes its own back")
def real_takeover_all(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.real, "all"), ("takeover", pair.ours, "local"))


@scenario("toAo", "ours: takeover all; real takes its own back")
def our_takeover_all(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.ours, "all"), ("takeover", pair.real, "local"))


@scenario("toFr", "real: hb_takeover foreign, then hb_standby foreign")
def real_takeover_foreign(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.real, "foreign"), ("standby", pair.real, "foreign"))


@scenario("toFo", "ours: takeover foreign, then standby foreign")
def our_takeover_foreign(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.ours, "foreign"), ("standby", pair.ours, "foreign"))


# -- death and return ------------------------------------------------------------------------------


def _power_loss(pair: Pair, victim: Member) -> None:
    stays = pair.other(victim)
    victim.power_off()
    pair.down.add(victim.name)
    pair.expect(ALL if stays is pair.ours else NOTHING)
    victim.power_on()
    pair.start(victim)
    pair.expect_after_return(stayed=stays)
    pair.go_home()


@scenario("dieR", "the real one loses power and comes back")
def real_dies(pair: Pair) -> None:
    _power_loss(pair, pair.real)


@scenario("dieO", "ours loses power and comes back")
def ours_dies(pair: Pair) -> None:
    _power_loss(pair, pair.ours)


def _stop_and_start(pair: Pair, member: Member) -> None:
    stays = pair.other(member)
    pair.stop(member)
    pair.expect(ALL if stays is pair.ours else NOTHING)
    # Longer than its dead time: only then has 3.0.6 seen all of a departure.
    time.sleep(DEADTIME_S + 1)
    pair.start(member)
    pair.expect_after_return(stayed=stays)
    pair.go_home()


@scenario("endR", "the real one is stopped and started")
def real_stopped(pair: Pair) -> None:
    _stop_and_start(pair, pair.real)


@scenario("endO", "ours is stopped and started")
def ours_stopped(pair: Pair) -> None:
    _stop_and_start(pair, pair.ours)


def _restart(pair: Pair, member: Member) -> None:
    member.get_ready()
    pair.stop(member)
    pair.start(member)
    pair.expect_after_return(stayed=pair.other(member))
    pair.go_home()


@scenario("resR", "the real one is restarted at once")
def real_restarted(pair: Pair) -> None:
    _restart(pair, pair.real)


@scenario("resO", "ours is restarted at once")
def ours_restarted(pair: Pair) -> None:
    _restart(pair, pair.ours)


@scenario("backO", "ours is stopped, and started while the real one takes over", two_holders=True)
def ours_returns_early(pair: Pair) -> None:
    # Two holders: the takeover of a 3.0.6 and what it gives back meanwhile run side by side.
    pair.ours.get_ready()
    pair.stop(pair.ours)
    pair.wait("real takes over", lambda: pair.has_logged(pair.real, "Taking over resource group"))
    pair.start(pair.ours)
    pair.wait("real is done with that", lambda: pair.has_logged(pair.real, "mach_down takeover complete"))
    pair.expect_after_return(stayed=pair.real)
    pair.go_home()


@scenario("relR", "the real one reads its configuration again (heartbeat -r)")
def real_reloaded(pair: Pair) -> None:
    before = len(pair.real.frames(pair.since))
    pair.real.reload()
    pair.wait("it begins again", lambda: _has_said(pair.real, pair, before, t="status", st="init"))
    pair.expect_home()


@scenario("relO", "ours reads its keys again (SIGHUP)")
def ours_reloaded(pair: Pair) -> None:
    pair.ours.reload()
    if pair.reference:
        time.sleep(5)
    pair.expect_home()


def _has_said(member: Member, pair: Pair, after: int, **fields: str) -> bool:
    return any(fields.items() <= frame.items() for frame in member.frames(pair.since)[after:])


@scenario("k9R", "the real one is killed (-9) and started again within its dead time")
def real_killed(pair: Pair) -> None:
    pair.real.kill()
    pair.real.start()
    pair.expect_home()


@scenario("k9O", "ours is killed (-9) and started again within its dead time")
def ours_killed(pair: Pair) -> None:
    pair.ours.get_ready()
    pair.ours.kill()
    pair.ours.start()
    pair.expect_home()


@scenario("k9rel", "ours is killed (-9) and released by the service manager, later started")
def ours_killed_and_released(pair: Pair) -> None:
    ours = pair.ours
    ours.get_ready("--release")
    ours.kill()
    pair.down.add(ours.name)
    if isinstance(ours, OurMember):
        ours.release()
        pair.expect(NOTHING)
    time.sleep(DEADTIME_S + 1)
    pair.start(ours)
    pair.expect_after_return(stayed=pair.real)
    pair.go_home()


@scenario(
    "k9lat", "ours is killed (-9), nobody cleans up, and it is started after its dead time", two_holders=True
)
def ours_killed_for_long(pair: Pair) -> None:
    pair.ours.kill()
    pair.down.add(pair.ours.name)
    pair.wait("real has taken over", lambda: pair.real.holds() == ALL)
    pair.start(pair.ours)
    pair.expect_after_return(stayed=pair.real)
    pair.go_home()


# -- the network -----------------------------------------------------------------------------------


@contextmanager
def losing(pair: Pair, percent: int, *members: Member) -> Iterator[None]:
    """Drop a share of what arrives at the members."""
    for member in members:
        pair.lose(member, percent)
    yield
    for member in members:
        pair.lose(member, 0)


@scenario("loss", "a fifth of all packets is lost, also during a move and back")
def lossy(pair: Pair) -> None:
    with losing(pair, 20, *pair.members):
        for member in pair.members:
            if pair.failback != "legacy":
                _move(pair, "standby", member, "local")
                _move(pair, "takeover", member, "local")
        for member in pair.members:
            asked = lambda m=member: _has_said(m, pair, 0, t="NS_rexmit")  # noqa: E731
            pair.wait(f"{member.name} has asked for a lost packet", asked)
            pair.wait(
                f"{pair.other(member).name} has repeated one", lambda m=member: _repeats(pair.other(m), pair)
            )
    pair.expect_home()


def _repeats(member: Member, pair: Pair) -> bool:
    """It has sent some message a second time."""
    numbers = [(f["hg"], f["seq"]) for f in member.frames(pair.since) if "seq" in f]
    return len(numbers) != len(set(numbers))


@scenario("blip", "the link is cut for less than the dead time, twice")
def short_cut(pair: Pair) -> None:
    # The silence is up to two keepalives longer than the cut. The second one mostly makes ours suspect that
    # it is believed dead.
    for share in (0.5, 0.7):
        pair.blink(DEADTIME_S * share)
        time.sleep(1)
    pair.expect_home()


@scenario("split", "the link is cut for longer than the dead time, and healed", two_holders=True)
def split(pair: Pair) -> None:
    pair.cut(silently=True)
    pair.wait("both hold all", lambda: pair.holding() == (ALL, ALL))
    pair.mend()
    pair.expect_each_once()
    pair.go_home()


@scenario("plug", "our cable is pulled for longer than the dead time, and plugged in again", two_holders=True)
def unplugged(pair: Pair) -> None:
    pair.cut(silently=False)
    pair.wait("real holds all", lambda: pair.real.holds() == ALL)
    time.sleep(1)
    pair.mend()
    pair.expect_each_once()
    pair.go_home()


@scenario("deafO", "ours hears nothing for a while, the real one does", two_holders=True)
def ours_deaf(pair: Pair) -> None:
    with losing(pair, 100, pair.ours):
        pair.wait("ours holds all", lambda: pair.ours.holds() == ALL)
        time.sleep(1)
    pair.expect_each_once()
    pair.go_home()


@scenario("deafR", "the real one hears nothing for a while, ours does", two_holders=True)
def real_deaf(pair: Pair) -> None:
    with losing(pair, 100, pair.real):
        pair.wait("real holds all", lambda: pair.real.holds() == ALL)
        time.sleep(1)
    pair.expect_each_once()
    pair.go_home()


# -- ping nodes ------------------------------------------------------------------------------------


def _cut_off(pair: Pair, victim: Member) -> None:
    """One node hears the other and not the ping node: who is cut off from the clients hands over."""
    stays = pair.other(victim)
    pair.lose_ping_node(victim)
    if pair.failback == "legacy":
        # 3.0.6's ipfail does not run there, and ours moves nothing either.
        time.sleep(2 * DEADTIME_S)
        pair.expect_home()
    else:
        pair.expect(ALL if stays is pair.ours else NOTHING)
    pair.lose_ping_node()
    if pair.failback == "legacy":
        pair.expect_home()
    else:
        pair.expect_after_return(stayed=stays)
        pair.go_home()


@scenario("pingR", "the real one loses the ping node, and gets it back", cells=(True,))
def real_cut_off(pair: Pair) -> None:
    _cut_off(pair, pair.real)


@scenario("pingO", "ours loses the ping node, and gets it back", cells=(True,))
def ours_cut_off(pair: Pair) -> None:
    _cut_off(pair, pair.ours)


@scenario("pingB", "both lose the ping node, and get it back", cells=(True,))
def both_cut_off(pair: Pair) -> None:
    pair.lose_ping_node(*pair.members)
    time.sleep(2 * DEADTIME_S)
    pair.expect_home()
    pair.lose_ping_node()
    time.sleep(DEADTIME_S)
    pair.expect_home()
