"""Plays the stories in `core/transcripts`: blocks of commands, each with the lines that came out."""

from __future__ import annotations

import re
from pathlib import Path

import world as _world

STORIES = sorted((Path(__file__).parents[1] / "core" / "transcripts").glob("*.txt"))
_DURATION = re.compile(r"(\d+)(ms|s|m)\Z")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000}


def duration_ms(text):
    match = _DURATION.match(text)
    assert match, f"not a duration: {text}"
    return int(match[1]) * _UNIT_MS[match[2]]


def run(world, line):
    """Carry out one command; return what it prints itself."""
    command, *words = line.split()
    hosts = world.hosts
    if command == "nodes":
        for name in words:
            world.add_node(name)
    elif command == "old":
        for name in words:
            world.add_node(name)
            hosts[name].old = True
    elif command == "failback":
        world.ha["auto_failback"] = _world.AutoFailback(words[0])
    elif command == "group":
        world.add_group(*words)
    elif command == "start":
        for name in words:
            world.start(name)
    elif command == "advance":
        world.advance(duration_ms(words[0]))
    elif command == "kill":
        world.kill(words[0])
    elif command == "ungroup":
        world.remove_group(words[0])
    elif command == "timers":
        world.ha.update(
            {f"{name}_ms": duration_ms(words[at + 1]) for at, name in enumerate(words) if at % 2 == 0}
        )
    elif command == "reload":
        for name in words:
            world.reload(name)
    elif command == "crash":
        world.crash(words[0])
    elif command == "maintenance":
        world.ask(words[0], _world.ev.MaintenanceRequested, words[1] == "on", tuple(words[2:]))
    elif command == "node":
        world.ask(words[0], _world.ev.StandbyRequested, words[1] == "standby", words[2])
    elif command == "cleanup":
        world.ask(words[0], _world.ev.CleanupRequested, tuple(words[1:]))
    elif command == "stop":
        world.shut_down(words[0])
    elif command == "freeze":
        world.freeze(words[0], duration_ms(words[1]))
    elif command == "cut":
        world.cuts.add((words[0], words[1]))
        if words[2:] != ["one-way"]:
            world.cuts.add((words[1], words[0]))
    elif command == "heal":
        world.cuts.clear()
    elif command == "digest":
        world.digests[words[0]] = words[1]
    elif command == "pings":
        for name in words:
            world.add_ping(name)
    elif command == "cut-ping":
        world.cut_ping(*words)
    elif command == "heal-ping":
        world.heal_ping(*words)
    elif command == "fail":
        left = ", something is left behind" if words[3:] == ["unclean"] else ""
        hosts[words[0]].fails[words[1], words[2]] = f"exit code 1{left}"
    elif command == "mend":
        hosts[words[0]].fails.pop((words[1], words[2]))
    elif command == "slow":
        hosts[words[0]].takes_ms[words[1], words[2]] = duration_ms(words[3])
    elif command == "move":
        world.move(words[0], words[1:-2], words[-1])
    elif command == "standby":
        world.move(words[0], words[1:] or ["all"])
    elif command == "lose-address":
        world.give(hosts[words[0]], _world.ev.AddressLost(words[1], words[1]))
    elif command == "holders":
        return [f"{group.key}: {' '.join(world.holders(group.key)) or 'nobody'}" for group in world.groups]
    elif command == "problems":
        return [f"{p['code']}: {p['text']}" for p in world.status(words[0])["problems"]]
    else:
        raise AssertionError(f"no such command: {line}")
    return []


def play(story):
    """The story with what really came out."""
    world, told = _world.World(), []
    for block in story.strip().split("\n\n"):
        commands = block.split("\n----")[0].split("\n")
        printed = []
        for line in commands:
            if not line.startswith("#"):
                printed += run(world, line)
        told.append("\n".join([*commands, "----", *world.drain(), *printed]))
    return "\n\n".join(told) + "\n"
