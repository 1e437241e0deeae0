"""What two ends of a serial line tell each other to find out whether it works. No clock and no device.

Each end sends probes of one fixed length:

    umprobe ID SEQ HEARD_ID HEARD_SEQ HELD_MS FILLING CHECKSUM

ID is drawn for each run, so that one's own voice is known when it comes back. HEARD names the newest probe of
the other end and HELD_MS for how long it was kept, which gives the round trip without a common clock.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

PROBE_BYTES = 96
_NOBODY = "0" * 8
_PROBE = re.compile(
    rb"umprobe ([0-9a-f]{8}) ([0-9]{6}) ([0-9a-f]{8}) ([0-9]{6}) ([0-9]{6}) [U*]+ ([0-9a-f]{8})\Z"
)
# A heartbeat daemon's frames, in whatever is in between.
_HEARTBEAT = re.compile(rb">>>\n(?:[^\n]*=[^\n]*\n)*?t=", re.MULTILINE)
# Less than that may be what was left in a buffer.
_NOISE_BYTES_MIN = 16
# More than this share of damaged probes, and heartbeats will be lost in a row.
_DAMAGE_MAX = 0.02
_SEQ_MAX = 999_999
_KEPT_BYTES = 8192

Json = dict[str, Any]


class Verdict(NamedTuple):
    """What is the matter, in a word, a sentence, and what to do about it."""

    code: str
    text: str
    remedy: str


VERDICTS = {
    verdict.code: verdict
    for verdict in (
        Verdict("line-good", "the line works in both directions", ""),
        Verdict(
            "line-silent",
            "nothing is heard",
            "run this test on the other end at the same time; see the cable (null modem, not straight), the "
            "port, and without handshake wires the signal CTS",
        ),
        Verdict(
            "line-echo",
            "what is sent comes back: the cable or the port is looped",
            "connect the cable to the other machine; no program (getty) may answer there",
        ),
        Verdict(
            "line-garbled",
            "bytes arrive and make no sense",
            "the other end most probably has another speed; use the same --baud on both",
        ),
        Verdict(
            "line-one-way",
            "the other end is heard, and does not hear this one",
            "see the wire that sends here (pin 3 of 9), and CTS: the other end must be allowed to hear",
        ),
        Verdict(
            "line-daemon",
            "a heartbeat daemon speaks on the other end, at this speed",
            "for figures stop it there, too, and run this test on both ends at the same time",
        ),
        Verdict(
            "line-bad",
            "the line works, and damages too much",
            "use a lower --baud, a shorter or shielded cable, or another port",
        ),
    )
}


@dataclass
class Probe:
    """One end. Times are seconds of one monotonic clock."""

    identity: str
    sent: int = 0
    received: int = 0
    damaged: int = 0
    echoes: int = 0
    noise_bytes: int = 0
    peer: str = _NOBODY
    heard_by_peer: bool = False
    heartbeat: bool = False
    round_trips_ms: list[float] = field(default_factory=list)
    _first_seq: int = 0
    _last_seq: int = 0
    _last_at: float = 0.0
    _sent_at: dict[int, float] = field(default_factory=dict)
    _rest: bytes = b""
    _recent: bytes = b""

    def next_probe(self, now: float) -> bytes:
        """The bytes to send now."""
        self.sent += 1
        self._sent_at[self.sent] = now
        held_ms = min(_SEQ_MAX, int(1000 * (now - self._last_at))) if self._last_seq else 0
        heard = f"{self.peer} {self._last_seq:06d} {held_ms:06d}"
        head = f"umprobe {self.identity} {self.sent:06d} {heard} ".encode()
        # Bits that change as often as they can, and as seldom.
        head += (b"U*" * PROBE_BYTES)[: PROBE_BYTES - len(head) - 10] + b" "
        return head + b"%08x\n" % crc32(head)

    def feed(self, data: bytes, now: float) -> None:
        """Take in what was read."""
        if not self.heartbeat:
            self._recent = (self._recent + data)[-_KEPT_BYTES:]
            self.heartbeat = _HEARTBEAT.search(self._recent) is not None
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.strip(b"\0\r"), now)
        # Without any newline this would grow for ever.
        if len(self._rest) > PROBE_BYTES * 4:
            self.noise_bytes += len(self._rest)
            self._rest = b""

    def _line(self, line: bytes, now: float) -> None:
        match = _PROBE.match(line)
        if match is None or int(match[6], 16) != crc32(line[: match.start(6)]):
            self.noise_bytes += len(line)
            return
        identity, seq = match[1].decode(), int(match[2])
        if identity == self.identity:
            self.echoes += 1
            return
        if identity != self.peer:
            # It began, or began again.
            self.peer, self._first_seq, self.received = identity, seq, 0
        self.received += 1
        self._last_seq, self._last_at = seq, now
        if match[3].decode() == self.identity and int(match[4]):
            self.heard_by_peer = True
            sent_at = self._sent_at.pop(int(match[4]), None)
            if sent_at is not None:
                self.round_trips_ms.append(1000 * (now - sent_at) - int(match[5]))

    @property
    def heard(self) -> bool:
        """The other end's test was heard."""
        return self.received > 0

    @property
    def expected(self) -> int:
        """How many probes the other end sent between the first and the last that came."""
        return self._last_seq - self._first_seq + 1 if self.heard else 0

    def error_rate(self) -> float | None:
        """The share of damaged or lost bytes, as the share of damaged probes tells; None if none came."""
        if not self.heard:
            return None
        return float(1 - self._share_heard() ** (1 / PROBE_BYTES))

    def _share_heard(self) -> float:
        return self.received / max(self.expected, self.received)

    def verdict(self) -> Verdict:
        """What is to be said about the line."""
        if self.heard:
            code = "line-good" if self._share_heard() >= 1 - _DAMAGE_MAX else "line-bad"
            code = code if self.heard_by_peer else "line-one-way"
        elif self.echoes:
            code = "line-echo"
        elif self.heartbeat:
            code = "line-daemon"
        else:
            noise = self.noise_bytes + len(self._rest)
            code = "line-garbled" if noise >= _NOISE_BYTES_MIN else "line-silent"
        return VERDICTS[code]

    def result(self) -> Json:
        """Everything that was found, as plain data."""
        trips, rate = sorted(self.round_trips_ms), self.error_rate()
        return {
            "peer_heard": self.heard,
            "heard_by_peer": self.heard_by_peer,
            "echo": self.echoes > 0,
            "probes_sent": self.sent,
            "probes_received": self.received,
            "probes_expected": max(self.expected, self.received),
            "byte_error_rate": None if rate is None else round(rate, 8),
            "round_trip_ms": {
                "min": round(trips[0], 1),
                "median": round(statistics.median(trips), 1),
                "max": round(trips[-1], 1),
            }
            if trips
            else None,
        }
