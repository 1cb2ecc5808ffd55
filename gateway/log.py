"""What the gateway writes about itself: one structured line for each event, to standard error.

Owns the form of every line, and the rule that a line cannot hold a secret: only the names listed here are written, only plain short values,
and of other libraries' records only the unfilled template, the kind of the error and where it happened. Must never write fields, bodies,
cookies, tokens or queries, at any level, nor the text of a foreign exception (it may quote any of them).
Rules from: STYLE "Configuration, logs, commits", ATTACKS D10, F17.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog

from gateway import __version__

NAMES = frozenset(
    {
        # of a request
        *("door", "route", "app", "method", "verdict", "reason", "fingerprint", "status", "milliseconds", "peer", "client", "request_id"),
        # of the process
        *(
            "address",
            "admin",
            "apps",
            "engine",
            "error",
            "frames",
            "library",
            "location",
            "org",
            "problem",
            "seconds",
            "template",
            "version",
        ),
        # of sessions and switches
        *(
            "backlog",
            "code",
            "cookies",
            "goal",
            "outcome",
            "remaining",
            "rounds",
            "stage",
            "state",
            "step",
            "tries",
            "ttl_seconds",
            "until",
        ),
    }
)
"""The names that a line may hold. `cookies` is a number of cookies, `location` a place in our own source."""

LARGEST_VALUE = 200
_FIRST_WORDS = re.compile(r"[^<\n]*")
"""Of a foreign template: what stands before the first object that it may quote, on its first line."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_SECRET_LOOKING = re.compile(r"[A-Za-z0-9_\-+/=.~%]{100,}|[?&;]\s*\w*token\w*=|\b(?:sid|idx)\s*=", re.IGNORECASE)

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "text"]


class Log:
    """Writes events; handed to whoever reports something. Its level and form are fixed when it is made."""

    def __init__(self, level: Level = "info", form: Format = "json", stream: TextIO | None = None) -> None:
        """``stream`` is standard error where none is given."""
        renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
        if form == "text":
            renderer = structlog.processors.LogfmtRenderer(key_order=["at", "level", "event"], bool_as_flag=False)
        self._least = _LEVELS[level]
        self._logger: Any = structlog.wrap_logger(
            structlog.WriteLogger(stream or sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                _only_safe,
                renderer,
            ],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=True,
        )

    def write(self, level: Level, event: str, figures: Mapping[str, object] | None = None) -> None:
        """One line. Figures under a name that is not listed are left out, and the line says how many were."""
        if _LEVELS[level] >= self._least:
            getattr(self._logger, level)(event, **{f"of_{name}": value for name, value in (figures or {}).items()})

    def tell(self, event: str, figures: Mapping[str, object]) -> None:
        """One line at level info: what the rooms below call, without knowing levels."""
        self.write("info", event, figures)

    def failure(self, event: str, error: BaseException, figures: Mapping[str, object] | None = None) -> None:
        """An error nobody expected: its kind, its causes' kinds and the places in the source; never its text."""
        self.write("error", event, {**(figures or {}), "error": _kinds(error), "frames": _frames(error)})


def _only_safe(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    kept: structlog.typing.EventDict = {name: line[name] for name in ("at", "level", "event")}
    withheld = 0
    for name, value in line.items():
        given = name.removeprefix("of_")
        if given == name:
            continue
        if given in NAMES:
            kept[given] = _plain(value)
        else:
            withheld += 1
    if withheld:
        kept["withheld"] = withheld
    return kept


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str):
        return "(withheld)" if _SECRET_LOOKING.search(value) else value[:LARGEST_VALUE]
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value[:20]]
    return f"({type(value).__name__})"


def _kinds(error: BaseException) -> str:
    kinds: list[str] = []
    current: BaseException | None = error
    while current is not None and len(kinds) < 5:
        kinds.append(type(current).__name__)
        current = current.__cause__ or current.__context__
    return " < ".join(kinds)


def _frames(error: BaseException) -> list[str]:
    """The innermost places first; no line of source, no local value."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames)][:12]


class ForeignRecords(logging.Handler):
    """Takes the records of other libraries and writes what cannot hold a request: template, error kind, places."""

    def __init__(self, log: Log) -> None:
        """``log`` gets a line for each record."""
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record without its arguments and without any line but the template's first."""
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        figures: dict[str, object] = {"library": record.name, "template": "".join(_FIRST_WORDS.findall(template)[:1])}
        if record.exc_info and record.exc_info[1] is not None:
            figures |= {"error": _kinds(record.exc_info[1]), "frames": _frames(record.exc_info[1])}
        self._log.write("error" if record.levelno >= 40 else "warning" if record.levelno >= 30 else "debug", "library", figures)


def take_over_logging(log: Log) -> None:
    """Send every record of the process through ``log``; for the command line, once, before anything starts."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(ForeignRecords(log))
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    log.write("debug", "started", {"version": __version__})
