"""What the environment adds to the file: single keys, and the seal keys.

Owns the names `SESSION_GATEWAY__SECTION__KEY` and `SESSION_GATEWAY_SEAL_KEYS` (with `_FILE`). Must never log or show a value that may be
a secret. Must never choose silently between two sources of one secret.

A variable that looks like a key but has no effect is a problem, with a guess at what was meant. Must never complain about what Kubernetes
sets for a Service called session-gateway (`SESSION_GATEWAY_SERVICE_HOST`, `SESSION_GATEWAY_PORT_8080_TCP`), and never show a value.
"""

import base64
import binascii
import copy
import difflib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.model import Config
from gateway.config.problems import keys_of, tables_within

PREFIX = "SESSION_GATEWAY__"
SEAL_KEYS = "SESSION_GATEWAY_SEAL_KEYS"
SEAL_KEYS_FILE = "SESSION_GATEWAY_SEAL_KEYS_FILE"
KEY_BYTES = 32
_REMEDY = "make one with `session-gateway keygen`"


@dataclass(frozen=True, slots=True)
class SealKeys:
    """The keys, newest first; errors (``problems``), and warnings about valid keys (``warnings``)."""

    keys: tuple[bytes, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SealKeys({len(self.keys)} keys)"


@dataclass(frozen=True, slots=True)
class Overlaid:
    """The file's tables with the environment's keys in them, the variable of each such key, and variables that fit into no table."""

    tables: dict[str, Any]
    origins: dict[tuple[str | int, ...], str]
    problems: tuple[str, ...]


def overlaid(tables: Mapping[str, object], environ: Mapping[str, str]) -> Overlaid:
    """Put every `SESSION_GATEWAY__SECTION__KEY` into its table. Lists of tables, such as `app`, can only be set in the file."""
    merged: dict[str, Any] = copy.deepcopy(dict(tables))
    origins: dict[tuple[str | int, ...], str] = {}
    problems = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX):
            continue
        path = tuple(part.lower() for part in variable.removeprefix(PREFIX).split("__"))
        target: Any = merged
        for name in path[:-1]:
            target = target.setdefault(name, {}) if isinstance(target, dict) else None
        if isinstance(target, dict):
            target[path[-1]] = _value(text)
            origins[path] = variable
        else:
            problems.append(f"environment {variable}: there is no table for it to go into; write [[app]] tables into the file")
    return Overlaid(merged, origins, tuple(problems))


def _value(text: str) -> object:
    """The value of a variable: JSON for lists, tables, numbers and truth values; any other text stays text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def seal_keys(name: str, keys_file: str, environ: Mapping[str, str]) -> SealKeys:
    """The seal keys from the one source that is set. A relative path is looked for beside ``name``, the configuration's file."""
    sources = {
        f"environment {SEAL_KEYS}": environ.get(SEAL_KEYS, ""),
        f"environment {SEAL_KEYS_FILE}": environ.get(SEAL_KEYS_FILE, ""),
        f"{name}: seal.keys_file": keys_file,
    }
    given = {place: value for place, value in sources.items() if value}
    if len(given) > 1:
        return SealKeys(problems=(f"{name}: seal: keys are given twice, in {' and in '.join(given)}; keep one of them",))
    if not given:
        return SealKeys(problems=(f"{name}: seal: no key; {_REMEDY} and set {SEAL_KEYS}, {SEAL_KEYS_FILE} or seal.keys_file",))
    place, value = next(iter(given.items()))
    if place == f"environment {SEAL_KEYS}":
        return _keys(place, value)
    return _keys_of_file(place, Path(name).parent / Path(value).expanduser())


def _keys_of_file(place: str, path: Path) -> SealKeys:
    try:
        text = path.read_text(encoding="ascii")
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text in base64"
        return SealKeys(problems=(f"{place}: {path}: {why}; name a readable file with base64 keys, or {_REMEDY}",))
    found = _keys(f"{place}: {path}", text)
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        warning = f"{place}: {path} is open to every user of this machine; chmod 600 it"
        return SealKeys(found.keys, found.problems, (*found.warnings, warning))
    return found


def _keys(place: str, text: str) -> SealKeys:
    keys, problems = [], []
    for number, part in enumerate(text.replace(",", " ").split(), start=1):
        key = _decoded(part)
        if len(key) != KEY_BYTES:
            problems.append(f"{place}: key {number} is not {KEY_BYTES} bytes in base64; {_REMEDY}")
        keys.append(key)
    if not keys:
        problems.append(f"{place}: no key in it; {_REMEDY}")
    if len(set(keys)) < len(keys) and not problems:
        problems.append(f"{place}: the same key stands in it twice; keep the newest first, each once")
    return SealKeys(() if problems else tuple(keys), tuple(problems))


def _decoded(text: str) -> bytes:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return b""


_OURS = "SESSION_GATEWAY_"


def misspelt_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """One problem for each such variable."""
    return tuple(f"environment {name}: is read by nobody; did you mean {meant}?" for name, meant in _misspelt(environ))


def _misspelt(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    known = {_bare(name): name for name in (*_names(), SEAL_KEYS, SEAL_KEYS_FILE)}
    for name in sorted(environ):
        if not name.upper().startswith(_OURS) or name.startswith(PREFIX) or name in (SEAL_KEYS, SEAL_KEYS_FILE):
            continue
        meant = known.get(_bare(name))
        if meant is None and "SEAL" in name.upper():
            meant = next(iter(difflib.get_close_matches(name.upper(), (SEAL_KEYS, SEAL_KEYS_FILE), n=1)), None)
        if meant is not None:
            yield name, meant


def _names() -> Iterator[str]:
    for section, annotation in keys_of(Config).items():
        for table in tables_within(annotation):
            yield from (f"{PREFIX}{section}__{key}".upper() for key in keys_of(table) if section != "app")


def _bare(name: str) -> str:
    return name.upper().replace("_", "")
