"""Frames are lost, the link is cut, and nodes lose their ping nodes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .cell import DEADTIME_S
from .members import Member
from .moves import move
from .pair import ALL, NOTHING, Pair
from .scenario import Scenarios

NETWORK = Scenarios()

# -- the network -----------------------------------------------------------------------------------


@contextmanager
def losing(pair: Pair, percent: int, *members: Member) -> Iterator[None]:
    """Drop a share of what arrives at the members."""
    for member in members:
        pair.lose(member, percent)
    yield
    for member in members:
        pair.lose(member, 0)


@NETWORK.play("loss", "a fifth of all packets is lost, also during a move and back")
def lossy(pair: Pair) -> None:
    with losing(pair, 20, *pair.members):
        for member in pair.members:
            if pair.failback != "legacy":
                move(pair, "standby", member, "local")
                move(pair, "takeover", member, "local")
        for member in pair.members:
            asked = lambda m=member: pair.has_said(m, t="NS_rexmit")  # noqa: E731
            pair.wait(f"{member.name} has asked for a lost packet", asked)
            pair.wait(
                f"{pair.other(member).name} has repeated one", lambda m=member: _repeats(pair.other(m), pair)
            )
    pair.expect_home()


def _repeats(member: Member, pair: Pair) -> bool:
    """It has sent some message a second time."""
    numbers = [(f["hg"], f["seq"]) for f in member.frames(pair.since) if "seq" in f]
    return len(numbers) != len(set(numbers))


@NETWORK.play("blip", "the link is cut for less than the dead time, twice")
def short_cut(pair: Pair) -> None:
    # The silence is up to two keepalives longer than the cut. The second one mostly makes ours suspect that
    # it is believed dead.
    for share in (0.5, 0.7):
        pair.blink(DEADTIME_S * share)
        time.sleep(1)
    pair.expect_home()


@NETWORK.play("split", "the link is cut for longer than the dead time, and healed", two_holders=True)
def split(pair: Pair) -> None:
    pair.cut(silently=True)
    pair.wait("both hold all", lambda: pair.holding() == (ALL, ALL))
    pair.mend()
    pair.expect_each_once()
    pair.go_home()


@NETWORK.play(
    "plug", "our cable is pulled for longer than the dead time, and plugged in again", two_holders=True
)
def unplugged(pair: Pair) -> None:
    pair.cut(silently=False)
    pair.wait("real holds all", lambda: pair.real.holds() == ALL)
    time.sleep(1)
    pair.mend()
    pair.expect_each_once()
    pair.go_home()


def _deaf(pair: Pair, deaf: Member) -> None:
    with losing(pair, 100, deaf):
        pair.wait(f"{deaf.name} holds all", lambda: deaf.holds() == ALL)
        time.sleep(1)
    pair.expect_each_once()
    pair.go_home()


@NETWORK.play("deafO", "ours hears nothing for a while, the real one does", two_holders=True)
def ours_deaf(pair: Pair) -> None:
    _deaf(pair, pair.ours)


@NETWORK.play("deafR", "the real one hears nothing for a while, ours does", two_holders=True)
def real_deaf(pair: Pair) -> None:
    _deaf(pair, pair.real)


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


@NETWORK.play("pingR", "the real one loses the ping node, and gets it back", cells=(True,))
def real_cut_off(pair: Pair) -> None:
    _cut_off(pair, pair.real)


@NETWORK.play("pingO", "ours loses the ping node, and gets it back", cells=(True,))
def ours_cut_off(pair: Pair) -> None:
    _cut_off(pair, pair.ours)


@NETWORK.play("pingB", "both lose the ping node, and get it back", cells=(True,))
def both_cut_off(pair: Pair) -> None:
    pair.lose_ping_node(*pair.members)
    time.sleep(2 * DEADTIME_S)
    pair.expect_home()
    pair.lose_ping_node()
    time.sleep(DEADTIME_S)
    pair.expect_home()
