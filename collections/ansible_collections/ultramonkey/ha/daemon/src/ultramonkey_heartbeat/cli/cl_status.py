"""`cl_status`: questions about the cluster, asked and answered as by heartbeat 3.0.6.

Scripts and monitoring have used it for twenty years, so its arguments, its standard output and its exit
codes are those of 3.0.6, oddities included; what goes to standard error is for people and may differ. All
answers are made from one `status` of the control socket, by functions without side effects.

Exit codes: 0 yes, or an answer; 1 no, or no daemon; 11 wrong usage or a name that is not known; 12 no
answer within 5 s; 13 anything else.

Where 3.0.6 was wrong, or has what this daemon has not:

* `rscstatus` says what this node holds, also with auto_failback legacy (3.0.6: always none) and on a node
  that no group prefers (3.0.6: local, for its none of none).
* a link of this node to itself is up when it can send; 3.0.6 wants to hear itself, which mcast does not.
* no program registers with the daemon, so `clientstatus` says offline of every one but ipfail, which is built
  in: online on every node that is alive, where ping nodes are watched.
"""

from __future__ import annotations

import getopt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ..control import client, schema

EXIT_YES, EXIT_NO, EXIT_USAGE, EXIT_TIMEOUT, EXIT_UNKNOWN = 0, 1, 11, 12, 13

_TIMEOUT_S = 5.0
# The version whose behaviour this is; scripts compare it.
_AS_VERSION = "3.0.6"

# Our node states in the words of 3.0.6. Whoever has said goodbye is gone at once.
_STATES = {
    "active": "active",
    "leaving": "active",
    "joining": "up",
    "unknown": "init",
    "left": "dead",
    "dead": "dead",
}
_GOOD_STATES = ("active", "up", "ping")
# 3.0.6 knows weights and sites of nodes, and does nothing with them in a cluster with haresources.
_WEIGHT, _SITE = "100", ""

_HELP = """\
Usage: cl_status <sub-command> [<options>] [<parameters>]

Sub-commands:
hbstatus [-v]
	Whether heartbeat runs here; -v: version and nodes too.
listnodes [-n] [-p] [-v]
	The nodes; -n: those of the cluster, -p: ping nodes, -v: with type, status and links.
nodestatus <node-name>
	Whether a node is alive.
nodetype <node-name>
	normal or ping.
nodeweight <node-name>
	The weight of a node.
nodesite <node-name>
	The site of a node.
listhblinks [-v] <node-name>
	The links to a node; -v: with their status.
hblinkstatus <node-name> <link-name>
	Whether a link to a node works.
clientstatus <node-name> <client-id> [<timeout>]
	Whether a program is registered with heartbeat on a node.
rscstatus
	What this node holds: none, local, foreign, all; or transition.
hbparameter -p <parameter-name>
	A setting of ha.cf.
With -m every answer is a sentence."""

Status = Mapping[str, Any]


class AnswerError(Exception):
    """There is no answer. `code` is the exit code, the text is for standard error."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.code = code


@dataclass(frozen=True)
class Call:
    """The words after the sub-command, taken apart."""

    flags: str
    parameter: str
    words: Sequence[str]

    @property
    def human(self) -> bool:
        """Whether the answer shall be a sentence."""
        return "m" in self.flags

    def choose(self, plain: str, sentence: str) -> list[str]:
        """The one line of the answer, in the form that is wanted."""
        return [sentence if self.human else plain]


Answer = tuple[list[str], int]


def main(arguments: Sequence[str] | None = None, *, socket_path: str = client.SOCKET_PATH) -> int:
    """Answer one question on standard output; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(_HELP)
        return EXIT_YES
    try:
        lines, code = _carry_out(words[0], words[1:], socket_path)
        for line in lines:
            print(line)
        sys.stdout.flush()
    except AnswerError as error:
        print(error, file=sys.stderr)
        return error.code
    except BrokenPipeError:
        # The reader (`| head`) has seen enough.
        sys.stderr.close()
        return EXIT_YES
    return code


def _carry_out(name: str, words: Sequence[str], socket_path: str) -> Answer:
    command = _COMMANDS.get(name)
    if command is None:
        raise AnswerError(EXIT_USAGE, f"cl_status: ERROR: {name}: invalid sub-command.")
    call = _read_call(name, command, words)
    try:
        *_, answer = client.ask("status", {}, path=socket_path, timeout_s=_TIMEOUT_S)
        status = answer["result"]
    except client.UnreachableError as error:
        if name == "hbstatus":
            return _stopped(call, str(error))
        reason = f"cl_status: ERROR: REASON: {error}"
        raise AnswerError(EXIT_NO, "cl_status: ERROR: Cannot signon with heartbeat", reason) from None
    except client.NoAnswerError as error:
        raise AnswerError(EXIT_TIMEOUT, f"cl_status: ERROR: {error}") from None
    except schema.SchemaError as error:
        raise AnswerError(EXIT_UNKNOWN, f"cl_status: ERROR: {error}") from None
    return command.answer(status, call)


def _read_call(name: str, command: Command, words: Sequence[str]) -> Call:
    try:
        options, rest = getopt.gnu_getopt(list(words), command.letters)
    except getopt.GetoptError as error:
        if name != "hbstatus":
            raise AnswerError(EXIT_USAGE, f"cl_status: ERROR: {name}: {error}") from None
        # Never a reason for hbstatus not to answer.
        print(f"cl_status: {name}: {error}", file=sys.stderr)
        options, rest = [], []
    flags = "".join(option[1:] for option, _ in options)
    parameter = next((value for option, value in reversed(options) if option == "-p"), "")
    if name == "hbparameter" and not parameter:
        raise AnswerError(EXIT_USAGE, "cl_status: ERROR: parameter name required")
    if len(rest) < command.words:
        raise AnswerError(EXIT_USAGE, f"Not enough parameters: cl_status {name} {command.syntax}")
    return Call(flags, parameter, rest)


# -- the nodes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NodeView:
    """A node as 3.0.6 shows it. `links` are names and whether they are up, the last configured first."""

    name: str
    kind: str
    state: str
    links: tuple[tuple[str, bool], ...]


def nodes_of(status: Status) -> list[NodeView]:
    """All nodes, ping nodes too, the last configured first."""
    ours: dict[str, bool] = {}
    for link in status["links"]:
        # Several links over one device are one link for 3.0.6.
        ours[_device(link)] = ours.get(_device(link), False) or link["up"]
    views = []
    for node in status["nodes"]:
        heard = {_device(link) for link in node["links"] if link["up"]}
        links = [(name, up if node["self"] else name in heard) for name, up in ours.items()]
        views.append(NodeView(node["name"], "normal", _STATES[node["state"]], tuple(reversed(links))))
    for ping in status.get("ping_nodes", ()):
        state = "ping" if ping["alive"] else "dead"
        views.append(NodeView(ping["name"], "ping", state, ((ping["name"], ping["alive"]),)))
    return views[::-1]


def _device(link: Mapping[str, Any]) -> str:
    return str(link["name"].split(" ")[1])


def _node(status: Status, name: str, code: int = EXIT_USAGE) -> NodeView:
    for node in nodes_of(status):
        if node.name.lower() == name.lower():
            return node
    raise AnswerError(code, f"Error. May be due to incorrect node name: {name}")


def _up(up: bool) -> str:  # noqa: FBT001 - the value is all there is
    return "up" if up else "dead"


# -- what this node holds ----------------------------------------------------------------------------


def holding(status: Status) -> str:
    """What this node holds, in the one word of 3.0.6: none, local, foreign or all; transition meanwhile.

    All is also what a node holds that has everything while no other node is alive, or that has everything
    and something of it prefers another node.
    """
    me, groups = status["node"], status["groups"]
    if status["state"] != "active" or any(_moves(group) for group in groups):
        return "transition"
    held = [group for group in groups if group["states"].get(me) == "held"]
    local = any(group["preferred"] == me for group in held)
    foreign = any(group["preferred"] != me for group in held)
    alone = not any(_STATES[node["state"]] in _GOOD_STATES for node in status["nodes"] if not node["self"])
    if (local and foreign) or (held and len(held) == len(groups) and (foreign or alone)):
        return "all"
    return "local" if local else "foreign" if foreign else "none"


def _moves(group: Mapping[str, Any]) -> bool:
    """The group is being started or stopped somewhere, or is about to be."""
    states = group["states"]
    return any(state in ("starting", "stopping") for state in states.values()) or (
        group["holder"] is None and states.get(group["owner"]) == "idle"
    )


# -- the sub-commands --------------------------------------------------------------------------------


def _stopped(call: Call, reason: str) -> Answer:
    lines = ["Heartbeat is stopped on this machine."]
    return ([*lines, f"({reason})"] if "v" in call.flags else lines), EXIT_NO


def _hbstatus(status: Status, call: Call) -> Answer:
    if status["state"] == "joining":
        # 3.0.6 lets nobody ask before it is active, and scripts wait for that with hbstatus.
        return _stopped(call, "it is starting")
    if "v" not in call.flags:
        return ["Heartbeat is running on this machine."], EXIT_YES
    version = _parameter_of(status, "hbversion")
    lines = call.choose(f"version:\t{version}", f"Heartbeat version {version}")
    lines += call.choose('managed by:\t"haresources"', 'Resources controlled by "haresources"')
    nodes, _ = _listnodes(status, call)
    return lines + nodes, EXIT_YES


def _listnodes(status: Status, call: Call) -> Answer:
    kinds = [kind for letter, kind in (("n", "normal"), ("p", "ping")) if letter in call.flags]
    lines = ["The nodes are as follow:"] if call.human else []
    for node in nodes_of(status):
        if kinds and node.kind not in kinds:
            continue
        if "v" in call.flags:
            lines += ["", f"{node.name}\t{node.state}\t(nodetype: {node.kind})", *_links(node, call)]
        else:
            lines.append(node.name)
    return lines, EXIT_YES


def _links(node: NodeView, call: Call) -> list[str]:
    lines = ["\tthis node has the following heartbeat links:"] if call.human else []
    return lines + [f"\t{name}\t{_up(up)}" if "v" in call.flags else f"\t{name}" for name, up in node.links]


def _nodestatus(status: Status, call: Call) -> Answer:
    node = _node(status, call.words[0])
    lines = call.choose(node.state, f"The cluster node {node.name} is {node.state}")
    return lines, EXIT_YES if node.state in _GOOD_STATES else EXIT_NO


def _nodetype(status: Status, call: Call) -> Answer:
    node = _node(status, call.words[0])
    return call.choose(node.kind, f"The node {node.name}'s type: {node.kind}"), EXIT_YES


def _nodeweight(status: Status, call: Call) -> Answer:
    name = _node(status, call.words[0]).name
    return call.choose(_WEIGHT, f"The weight of the cluster node {name} is {_WEIGHT}"), EXIT_YES


def _nodesite(status: Status, call: Call) -> Answer:
    name = _node(status, call.words[0]).name
    return call.choose(_SITE, f"The site of the cluster node {name} is {_SITE}"), EXIT_YES


def _listhblinks(status: Status, call: Call) -> Answer:
    return _links(_node(status, call.words[0], EXIT_UNKNOWN), call), EXIT_YES


def _hblinkstatus(status: Status, call: Call) -> Answer:
    node = _node(status, call.words[0], EXIT_UNKNOWN)
    name = call.words[1]
    up = dict(node.links).get(name)
    if up is None:
        known = ", ".join(link for link, _ in node.links)
        raise AnswerError(
            EXIT_UNKNOWN, f"cl_status: ERROR: Cannot get heartbeat link status: {name} is none of {known}"
        )
    sentence = f"The node {node.name}'s heartbeat link {name} is {_up(up)}"
    return call.choose(_up(up), sentence), EXIT_YES if up else EXIT_NO


def _clientstatus(status: Status, call: Call) -> Answer:
    node = _node(status, call.words[0], EXIT_UNKNOWN)
    wait_ms = call.words[2] if len(call.words) > 2 else "500"  # noqa: PLR2004 - NODE CLIENT [MILLISECONDS]
    if not wait_ms.isdecimal() or not int(wait_ms):
        raise AnswerError(EXIT_UNKNOWN, f"cl_status: ERROR: {wait_ms} is no time to wait for an answer")
    # As with ipfail itself, which ends at once in legacy mode.
    watched = bool(status.get("ping_nodes")) and status["config"]["auto_failback"] != "legacy"
    if call.words[1] == "ipfail" and watched and node.state in ("active", "up"):
        return ["online"], EXIT_YES
    return ["offline"], EXIT_NO


def _rscstatus(status: Status, call: Call) -> Answer:
    word = holding(status)
    return call.choose(word, f"This node is holding {word} resources."), EXIT_YES


def _hbparameter(status: Status, call: Call) -> Answer:
    name = call.parameter
    value = _parameter_of(status, name)
    if value is None:
        raise AnswerError(EXIT_NO, f"cl_status: ERROR: Cannot get parameter {name}'s value")
    return call.choose(value, f"Heartbeat parameter {name}'s value: {value}"), EXIT_YES


def _parameter_of(status: Status, name: str) -> str | None:
    if name == "hbversion":
        return f"{_AS_VERSION} (ultramonkey-heartbeat {status['version']})"
    # crm and pacemaker are two names of one setting.
    value = status["config"]["parameters"].get("pacemaker" if name == "crm" else name)
    return None if value is None else str(value)


@dataclass(frozen=True)
class Command:
    """A sub-command: its option letters, the words that it must have, and what answers it."""

    letters: str
    syntax: str
    words: int
    answer: Callable[[Status, Call], Answer]


_COMMANDS: Mapping[str, Command] = {
    "hbstatus": Command("mv", "", 0, _hbstatus),
    "listnodes": Command("mvnp", "", 0, _listnodes),
    "nodestatus": Command("m", "NODE", 1, _nodestatus),
    "nodetype": Command("m", "NODE", 1, _nodetype),
    "nodeweight": Command("m", "NODE", 1, _nodeweight),
    "nodesite": Command("m", "NODE", 1, _nodesite),
    "listhblinks": Command("mv", "NODE", 1, _listhblinks),
    "hblinkstatus": Command("m", "NODE LINK", 2, _hblinkstatus),
    "clientstatus": Command("m", "NODE CLIENT [MILLISECONDS]", 2, _clientstatus),
    "rscstatus": Command("m", "", 0, _rscstatus),
    "hbparameter": Command("mp:", "-p NAME", 0, _hbparameter),
}


if __name__ == "__main__":
    sys.exit(main())
