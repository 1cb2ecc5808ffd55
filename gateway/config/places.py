"""Reads a TOML file as tables, and finds the line of each of its keys.

`tomllib` reads the values; a second, simpler reading finds the lines. Must never judge a value. A key whose line is not found is reported
without a line, never with a wrong one. Rules from: TOML 1.0.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The path of a key: `("app", 0, "rule", 1, "path")`."""


Problem = tuple[Path, str]
"""A key, and a sentence with its remedy. Inside an app's checks the key is relative to the app's table."""

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_TABLE = re.compile(rf"\s*(?P<open>\[\[?)\s*(?P<name>{_DOTTED})\s*\]\]?\s*(?:#.*)?$")
_PAIR = re.compile(rf"\s*(?P<name>{_DOTTED})\s*=(?P<value>.*)$")
_STRINGS = re.compile(r"""\"{3}|'{3}|"(?:\\.|[^"\\])*"|'[^']*'|\#.*$""")
_PLACE_OF_ERROR = re.compile(r"(?P<what>.*?) \((?:at line (?P<line>\d+), column (?P<column>\d+)|at end of document)\)$")


@dataclass(frozen=True, slots=True)
class ConfigText:
    """The content of a file, and the line of each key and table that was found."""

    name: str
    tables: Mapping[str, object]
    lines: Mapping[Path, int]

    def place(self, path: Path) -> str:
        """`gateway.toml:12` for a key, or for the nearest table around it; only the file's name if no line is known."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return f"{self.name}:{self.lines[path[:length]]}"
        return self.name


def read_toml(name: str, text: str) -> ConfigText | str:
    """The file's tables and lines; or the one problem that makes it unreadable: `gateway.toml:3: …`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _unreadable(name, str(error), len(text.splitlines()))
    return ConfigText(name, tables, dict(_lines(text)))


def _unreadable(name: str, said: str, last_line: int) -> str:
    found = _PLACE_OF_ERROR.match(said)
    if found is None:
        return f"{name}: {said}; correct the TOML"
    place = f"{name}:{found['line'] or last_line}"
    column = f" (column {found['column']})" if found["column"] else " (at the end of the file)"
    what = found["what"]
    if what.startswith(("Cannot overwrite", "Cannot declare")):
        return f"{place}: a key or table stands here for the second time{column}: {what}; keep one of them"
    return f"{place}: {what}{column}; correct the TOML"


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    counts: dict[Path, int] = {}
    pending = _Pending()
    for number, line in enumerate(text.splitlines(), start=1):
        if pending.is_open:
            pending.read(line)
        elif header := _TABLE.match(line):
            table = _entered(_names(header["name"]), header["open"] == "[[", counts)
            yield table, number
        elif pair := _PAIR.match(line):
            yield (*table, *_names(pair["name"])), number
            pending.read(pair["value"])


def _entered(names: tuple[str, ...], begins_item: bool, counts: dict[Path, int]) -> Path:
    """The path of a table's header. A name that is an array of tables is followed by the number of its last item."""
    path: Path = ()
    for position, name in enumerate(names):
        path = (*path, name)
        if begins_item and position == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


class _Pending:
    """Whether a value from an earlier line is not complete: a bracket or a long string is still open."""

    __slots__ = ("_depth", "_quote")

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    @property
    def is_open(self) -> bool:
        return bool(self._depth or self._quote)

    def read(self, line: str) -> None:
        if self._quote:
            _, quote, line = line.partition(self._quote)
            if not quote:
                return
            self._quote = ""
        for found in _STRINGS.finditer(line):
            if found[0] in ('"""', "'''"):
                self._depth += _opened(line[: found.start()])
                self._quote = found[0]
                return self.read(line[found.end() :])
        self._depth += _opened(line)


def _opened(text: str) -> int:
    bare = _STRINGS.sub("", text)
    return sum(bare.count(sign) for sign in "[{") - sum(bare.count(sign) for sign in "]}")
