"""What docs/PROTOCOL.md shows is what the code does: its example frame, its fields, its conversations.

After a change of the format run with REWRITE=1, which renews the frame, and review the difference like prose.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from ultramonkey_heartbeat.config.model import BroadcastLink, HaCf
from ultramonkey_heartbeat.core.assignment import Assignment, Cause
from ultramonkey_heartbeat.core.report import (
    GroupReport,
    GroupState,
    Phase,
    Report,
    Wish,
    from_message,
    to_fields,
)
from ultramonkey_heartbeat.core.switches import Kept, Switch
from ultramonkey_heartbeat.core.transmit import Identity, Transmitter
from ultramonkey_heartbeat.wire.auth import Key, KeyRing
from ultramonkey_heartbeat.wire.codec import NETSTRING, Codec

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parents[1] / "docs" / "PROTOCOL.md"
FRAME = re.compile(r"^```frame\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LISTING = re.compile(r"^```listing (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
KEY = Key(1, "sha256", b"6b1f0c6de2a94f7c8d5537b0a1e94c22")
CODEC = Codec(KeyRing([KEY], KEY.index))
GENERATION = 1_771_234_567
NOW_MS = 1_771_239_999_000
LINE_LENGTH = 110
REPORT = Report(
    incarnation=GENERATION,
    phase=Phase.ACTIVE,
    digest="d6f0489322a0f467",
    hears=("lb2",),
    groups={
        "192.0.2.10/24/eth0": GroupReport(Assignment(3, "lb1", GENERATION, Cause.TAKEOVER), GroupState.HELD),
        "192.0.2.11/24/eth0": GroupReport(
            Assignment(1, "lb2", GENERATION + 32, Cause.START), GroupState.IDLE
        ),
    },
    wishes=(Wish(1, "lb1", "192.0.2.11/24/eth0"),),
    switches=Kept({"*": Switch(1_771_239_998_123, on=False)}, {"lb2": Switch(1_771_239_998_456, on=True)}),
)


def frame_of_now():
    """What a node sends whose state is REPORT."""
    identity = Identity("lb1", bytes.fromhex("5f1d0c9ae4b24c6f8d3a7e21b6409c58"), GENERATION)
    ha = HaCf(("lb1", "lb2"), (BroadcastLink("eth0", 694),), deadtime_ms=5000)
    transmitter = Transmitter(identity, ha)
    transmitter.history.last_seq = 41
    return CODEC.encode(transmitter.status("active", to_fields(REPORT), NOW_MS).message, NETSTRING)


def escaped(frame):
    """The bytes as the document shows them: lines filled with whole items."""
    text = "".join(
        "\\n" if byte == 0x0A else chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}"
        for byte in frame
    )
    lines = [""]
    for piece in re.findall(r"\d+:.*?,(?=\d+:|%%%|$)|.+?\\n", text):
        if lines[-1] and len(lines[-1]) + len(piece) > LINE_LENGTH:
            lines.append("")
        lines[-1] += piece
    return "".join(f"{line}\n" for line in lines)


def shown_frame():
    """The bytes of the frame in the document."""
    [block] = FRAME.findall(DOCUMENT.read_text("utf-8"))
    return block.replace("\n", "").encode("ascii").decode("unicode_escape").encode("latin-1")


def test_the_example_is_what_a_node_sends_now():
    if os.environ.get("REWRITE"):
        block = f"```frame\n{escaped(frame_of_now())}```"
        DOCUMENT.write_text(FRAME.sub(lambda _: block, DOCUMENT.read_text("utf-8")), "utf-8")
    assert shown_frame() == frame_of_now()


def test_the_example_decodes_with_the_key_that_the_document_names():
    assert f"`{KEY.index} {KEY.method} {KEY.secret.decode()}`" in DOCUMENT.read_text("utf-8")
    message = CODEC.decode(shown_frame())
    assert (message.text("t"), message.text("src"), message.hexadecimal("dt")) == ("status", "lb1", 5000)
    assert from_message(message) == REPORT


def test_the_document_explains_every_field_of_the_example():
    explained = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert {field.name for field in CODEC.decode(shown_frame()).fields} <= set(explained)


@pytest.mark.parametrize("kind", [Cause, GroupState, Phase])
def test_the_document_names_every_word_of_the_records(kind):
    section = DOCUMENT.read_text("utf-8").partition("## The status message")[2].partition("\n## ")[0]
    assert [word.value for word in kind if f"`{word.value}`" not in section] == []


@pytest.mark.parametrize("name", [name for name, _ in LISTING.findall(DOCUMENT.read_text("utf-8"))])
def test_a_conversation_is_that_of_its_transcript(name):
    story = iter((TESTS / "core" / "transcripts" / f"{name}.txt").read_text("utf-8").splitlines())
    for line in dict(LISTING.findall(DOCUMENT.read_text("utf-8")))[name].splitlines():
        told = re.sub(r" +-> \d+,\S+$", "", line)
        assert told in story, f"not in {name}.txt, or not in this order: {told}"
