"""How busy a line is, of bytes and seconds."""

from __future__ import annotations

from ultramonkey_heartbeat.links.meter import WINDOW_SECONDS, Meter


def test_a_line_that_carries_half_of_what_it_can_is_half_busy():
    meter = Meter(960)
    for tenth in range(10 * WINDOW_SECONDS):
        meter.add(100 + tenth / 10, 48)
    assert meter.share(100 + WINDOW_SECONDS) == 0.5


def test_what_was_long_ago_does_not_count_and_the_present_second_not_yet():
    meter = Meter(960)
    meter.add(100.5, 960)
    assert meter.share(100.9) == 0
    assert meter.share(101.0) == meter.share(110.9) == 1 / WINDOW_SECONDS
    assert meter.share(111.0) == 0


def test_what_the_kernel_took_ahead_makes_nothing_busier_than_full():
    meter = Meter(960)
    for second in range(WINDOW_SECONDS):
        meter.add(100 + second, 2000)
    assert meter.share(100 + WINDOW_SECONDS) == 1
