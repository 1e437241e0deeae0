"""The two come together, and groups are moved between them by request."""

from __future__ import annotations

import time

from .cell import KEEPALIVE_MS
from .members import Member
from .pair import ALL, Pair, WrongError
from .scenario import Scenarios

MOVES = Scenarios()

# -- coming together -------------------------------------------------------------------------------


def _one_after_the_other(pair: Pair, first: Member, second: Member) -> None:
    pair.start_alone(first)
    pair.start(second)
    pair.expect_after_return(stayed=first)
    pair.go_home()


@MOVES.play("r>o", "the real one is there, ours joins", cold=True)
def ours_joins(pair: Pair) -> None:
    _one_after_the_other(pair, pair.real, pair.ours)


@MOVES.play("o>r", "ours is there, the real one joins", cold=True)
def real_joins(pair: Pair) -> None:
    _one_after_the_other(pair, pair.ours, pair.real)


@MOVES.play("both", "both start at once", cold=True, cells=(False, True))
def together(pair: Pair) -> None:
    pair.start_together()


@MOVES.play("calm", "nothing happens for ten seconds")
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


def move(pair: Pair, what: str, member: Member, word: str) -> None:
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
        move(pair, what, member, word)


@MOVES.play("sbAr", "real: hb_standby all, then hb_takeover local")
def real_standby_all(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.real, "all"), ("takeover", pair.real, "local"))


@MOVES.play("sbAo", "ours: standby all, then takeover local")
def our_standby_all(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.ours, "all"), ("takeover", pair.ours, "local"))


@MOVES.play("sbLr", "real: hb_standby local; ours gives it back by standby foreign")
def real_standby_local(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.real, "local"), ("standby", pair.ours, "foreign"))


@MOVES.play("sbLo", "ours: standby local; real gives it back by hb_standby foreign")
def our_standby_local(pair: Pair) -> None:
    _there_and_back(pair, ("standby", pair.ours, "local"), ("standby", pair.real, "foreign"))


@MOVES.play("toAr", "real: hb_takeover all; ours takes its own back")
def real_takeover_all(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.real, "all"), ("takeover", pair.ours, "local"))


@MOVES.play("toAo", "ours: takeover all; real takes its own back")
def our_takeover_all(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.ours, "all"), ("takeover", pair.real, "local"))


@MOVES.play("toFr", "real: hb_takeover foreign, then hb_standby foreign")
def real_takeover_foreign(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.real, "foreign"), ("standby", pair.real, "foreign"))


@MOVES.play("toFo", "ours: takeover foreign, then standby foreign")
def our_takeover_foreign(pair: Pair) -> None:
    _there_and_back(pair, ("takeover", pair.ours, "foreign"), ("standby", pair.ours, "foreign"))
