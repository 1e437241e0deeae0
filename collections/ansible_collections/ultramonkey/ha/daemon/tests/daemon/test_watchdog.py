"""`watchdog`, with a terminal in the device's place: a machine that runs tests has none, or should not."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import pty
import struct
import tty

import pytest
from ultramonkey_heartbeat.daemon.watchdog import WDIOC_SETTIMEOUT, Watchdog, timeout_s

LOG = logging.getLogger("test.watchdog")


@pytest.fixture
def device():
    """A character device, and the function that reads what was written to it."""
    master, slave = pty.openpty()
    tty.setraw(slave)

    def written():
        # What a terminal is given arrives later, but in order.
        os.write(slave, b"|")
        data = b""
        while not data.endswith(b"|"):
            data += os.read(master, 1000)
        return data[:-1]

    yield os.ttyname(slave), written
    os.close(slave)
    os.close(master)


@pytest.fixture(autouse=True)
def said(caplog):
    caplog.set_level(logging.INFO, LOG.name)
    return lambda: [record.getMessage() for record in caplog.records]


class Driver:
    """Answers the ioctl as a driver does: with the timeout that it took."""

    def __init__(self, taken_s):
        self.taken_s = taken_s
        self.asked = []

    def __call__(self, descriptor, request, argument):
        self.asked.append((request, struct.unpack("@i", argument)[0]))
        return struct.pack("@i", self.taken_s)


def run(watchdog, *, clean=True, feeds=0):
    async def main():
        watchdog.open()
        await asyncio.sleep(watchdog.interval_s * feeds)
        watchdog.close(clean=clean)

    asyncio.run(main())


@pytest.mark.parametrize(("deadtime_ms", "seconds"), [(500, 1), (990, 1), (991, 2), (30_000, 31), (1, 1)])
def test_the_timeout_is_deadtime_and_ten_milliseconds_rounded_up(deadtime_ms, seconds):
    assert timeout_s(deadtime_ms) == seconds


def test_the_timeout_is_set_and_a_third_of_what_the_driver_took_is_the_interval(device):
    driver = Driver(taken_s=20)
    watchdog = Watchdog(device[0], 29_990, LOG, driver)
    run(watchdog)
    assert driver.asked == [(WDIOC_SETTIMEOUT, 30)]
    assert watchdog.interval_s == pytest.approx(20 / 3)


def test_a_driver_that_takes_more_is_fed_as_if_it_had_not(device):
    watchdog = Watchdog(device[0], 2_990, LOG, Driver(taken_s=60))
    run(watchdog)
    assert watchdog.interval_s == pytest.approx(1)


def test_it_is_fed_at_once_and_again_and_disarmed_at_a_clean_end(device):
    watchdog = Watchdog(device[0], 500, LOG, Driver(taken_s=1))
    run(watchdog, feeds=1.5)
    food = device[1]()
    assert food[:2] == b"\0\0"
    assert food.count(b"V") == 1
    assert food.endswith(b"V")


def test_it_stays_armed_when_the_end_is_not_clean(device, said):
    run(Watchdog(device[0], 500, LOG, Driver(taken_s=1)), clean=False)
    assert device[1]() == b"\0"
    assert said()[-1].endswith("stays armed, for this end is not clean")


def test_a_device_whose_timeout_cannot_be_set_is_fed_all_the_same(device, said):
    """The terminal itself does not know the request."""
    watchdog = Watchdog(device[0], 500, LOG)
    run(watchdog)
    assert device[1]() == b"\0V"
    assert os.strerror(errno.ENOTTY) in said()[0]
    assert watchdog.interval_s == pytest.approx(1 / 3)


def test_a_device_that_is_not_there_is_a_warning(tmp_path, said):
    run(Watchdog(str(tmp_path / "watchdog"), 500, LOG))
    assert ["cannot be opened, so nothing watches" in line for line in said()] == [True]


@pytest.mark.parametrize("make", [lambda path: path.write_text("keep"), os.mkfifo])
def test_what_is_not_a_device_is_never_written_to(tmp_path, said, make):
    path = tmp_path / "watchdog"
    make(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    run(Watchdog(str(path), 500, LOG))
    assert os.read(reader, 100) in (b"keep", b"")
    os.close(reader)
    assert said() == [f"watchdog {path}: is not a device, so nothing watches"]


def test_a_device_that_does_not_eat_is_an_error_said_once(said):
    run(Watchdog("/dev/full", 500, LOG, Driver(taken_s=1)), feeds=2.5)
    assert [line for line in said() if "cannot be fed" in line] == [
        f"watchdog /dev/full: cannot be fed: {os.strerror(errno.ENOSPC)} (said once)"
    ]
