"""JSON-like values to the words of a configuration file, with the path of each.

A value that could end a line, begin a comment or split in two would say something else in the file than it
says in the data, so it is refused here, before any parser sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .lines import COMMENT, words_of
from .problems import Problem, nearest, shown
from .values import written_boolean


@dataclass(frozen=True)
class Line:
    """A line of a file: its words, each with the path it came from, and the path of the whole."""

    path: str
    words: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, path: str, *words: tuple[str, str]) -> Line:
        """A line of a few words."""
        return cls(path, words)

    @property
    def text(self) -> str:
        """The line as it stands in the file."""
        return " ".join(word for word, _ in self.words)


class DataReader:
    """Reads values by path, and collects what is wrong with them. Every method returns something usable."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def error(self, path: str, word: str, message: str, remedy: str = "") -> None:
        """Note a problem at a path."""
        self.problems.append(Problem(path, 0, word, message, remedy))

    def mapping(self, value: Any, path: str, keys: Sequence[str]) -> Mapping[str, Any]:
        """The mapping, without keys that are not known; empty when the value is none."""
        if not isinstance(value, Mapping):
            self.error(
                path or "data",
                "",
                f"{_kind(value)} stands where a mapping belongs",
                f"keys: {', '.join(keys)}",
            )
            return {}
        known = {}
        for key, item in value.items():
            if key in keys:
                known[key] = item
                continue
            guess = nearest(str(key), keys)
            remedy = f"did you mean {guess}?" if guess else f"known are {', '.join(keys)}"
            name = shown(str(key))
            self.error(f"{path}.{name}" if path else name, str(key), f"{name} is not known", remedy)
        return known

    def sequence(self, value: Any, path: str) -> Sequence[Any]:
        """The list; empty when the value is none."""
        if isinstance(value, (list, tuple)):
            return value
        self.error(path, "", f"{_kind(value)} stands where a list belongs", "write a list")
        return ()

    def word(self, value: Any, path: str, *, commas: bool = False) -> str:
        """One word. Numbers and booleans become the words that the files use."""
        text = self._scalar(value, path)
        separators = "" if commas else ","
        if not text:
            return ""
        if any(character.isspace() or character in separators or character == COMMENT for character in text):
            self.error(path, text, f"{shown(text)} is not one word", "leave out blanks, commas and #")
        elif not text.isprintable() or text.endswith("\\"):
            self.error(
                path, text, f"{shown(text)} has a character that cannot stand here", "correct the word"
            )
        return text

    def words(self, value: Any, path: str) -> tuple[str, ...]:
        """The words of a line, for directives that take several."""
        text = self._scalar(value, path)
        words = words_of(text)
        if not text.isprintable() or COMMENT in text:
            self.error(
                path, text, f"{shown(text)} has a character that cannot stand here", "correct the line"
            )
        elif text and not words:
            self.error(path, text, "the value is empty", "give a value, or leave the directive out")
        return words

    def secret(self, value: Any, path: str) -> str:
        """One word that is never shown."""
        if not isinstance(value, str):
            self.error(path, "", f"{_kind(value)} stands where text belongs", "put the key in quotes")
            return ""
        if not value.isprintable() or any(character.isspace() for character in value):
            self.error(path, "", "the key has a blank or a character that cannot be seen", "leave it out")
        return value

    def _scalar(self, value: Any, path: str) -> str:
        if isinstance(value, bool):
            return written_boolean(value)
        if isinstance(value, (int, float)):
            return repr(value)
        if isinstance(value, str) and value:
            return value
        if value is None or value == "":
            self.error(path, "", "the value is missing", "give a value")
        else:
            self.error(path, "", f"{_kind(value)} stands where one value belongs", "write text or a number")
        return ""


def _kind(value: Any) -> str:
    kinds = (Mapping, "a mapping"), ((list, tuple), "a list"), (str, "text"), ((bool, int, float), "a number")
    return next((name for kind, name in kinds if isinstance(value, kind)), "nothing")
