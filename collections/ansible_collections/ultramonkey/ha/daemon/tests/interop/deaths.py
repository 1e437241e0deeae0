"""One of the two dies, ends or is restarted, and comes back."""

from __future__ import annotations

import time

from .cell import DEADTIME_S
from .members import Member, OurMember
from .pair import ALL, NOTHING, Pair
from .scenario import Scenarios

DEATHS = Scenarios()


def _power_loss(pair: Pair, victim: Member) -> None:
    stays = pair.other(victim)
    victim.power_off()
    pair.down.add(victim.name)
    pair.expect(ALL if stays is pair.ours else NOTHING)
    victim.power_on()
    pair.start(victim)
    pair.expect_after_return(stayed=stays)
    pair.go_home()


@DEATHS.play("dieR", "the real one loses power and comes back")
def real_dies(pair: Pair) -> None:
    _power_loss(pair, pair.real)


@DEATHS.play("dieO", "ours loses power and comes back")
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


@DEATHS.play("endR", "the real one is stopped and started")
def real_stopped(pair: Pair) -> None:
    _stop_and_start(pair, pair.real)


@DEATHS.play("endO", "ours is stopped and started")
def ours_stopped(pair: Pair) -> None:
    _stop_and_start(pair, pair.ours)


def _restart(pair: Pair, member: Member) -> None:
    member.get_ready()
    pair.stop(member)
    pair.start(member)
    pair.expect_after_return(stayed=pair.other(member))
    pair.go_home()


@DEATHS.play("resR", "the real one is restarted at once")
def real_restarted(pair: Pair) -> None:
    _restart(pair, pair.real)


@DEATHS.play("resO", "ours is restarted at once")
def ours_restarted(pair: Pair) -> None:
    _restart(pair, pair.ours)


@DEATHS.play("backO", "ours is stopped, and started while the real one takes over", two_holders=True)
def ours_returns_early(pair: Pair) -> None:
    # Two holders: the takeover of a 3.0.6 and what it gives back meanwhile run side by side.
    pair.ours.get_ready()
    pair.stop(pair.ours)
    pair.wait("real takes over", lambda: pair.has_logged(pair.real, "Taking over resource group"))
    pair.start(pair.ours)
    pair.wait("real is done with that", lambda: pair.has_logged(pair.real, "mach_down takeover complete"))
    pair.expect_after_return(stayed=pair.real)
    pair.go_home()


@DEATHS.play("relR", "the real one reads its configuration again (heartbeat -r)")
def real_reloaded(pair: Pair) -> None:
    before = len(pair.real.frames(pair.since))
    pair.real.reload()
    pair.wait("it begins again", lambda: pair.has_said(pair.real, before, t="status", st="init"))
    pair.expect_home()


@DEATHS.play("relO", "ours reads its keys again (SIGHUP)")
def ours_reloaded(pair: Pair) -> None:
    pair.ours.reload()
    if pair.reference:
        time.sleep(5)
    pair.expect_home()


@DEATHS.play("k9R", "the real one is killed (-9) and started again within its dead time")
def real_killed(pair: Pair) -> None:
    pair.real.kill()
    pair.real.start()
    pair.expect_home()


@DEATHS.play("k9O", "ours is killed (-9) and started again within its dead time")
def ours_killed(pair: Pair) -> None:
    pair.ours.get_ready()
    pair.ours.kill()
    pair.ours.start()
    pair.expect_home()


@DEATHS.play("k9rel", "ours is killed (-9) and released by the service manager, later started")
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


@DEATHS.play(
    "k9lat", "ours is killed (-9), nobody cleans up, and it is started after its dead time", two_holders=True
)
def ours_killed_for_long(pair: Pair) -> None:
    pair.ours.kill()
    pair.down.add(pair.ours.name)
    pair.wait("real has taken over", lambda: pair.real.holds() == ALL)
    pair.start(pair.ours)
    pair.expect_after_return(stayed=pair.real)
    pair.go_home()
