"""``Log``: writes one structured line for each event.

Owns the levels, and how lines are written. Most lines go through structlog and are written at once, after all lines before them. Access
log lines go through ``AccessLine`` and are written soon, several together.
Must never write a value that ``values`` has not checked, or raise an error to its caller.
"""

import sys
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO

import structlog

from gateway.observe.access_log import AccessLine
from gateway.observe.formats import RENDER, Format, Moments, Render, Wall
from gateway.observe.log_values import NAMES, frames, kinds, plain
from gateway.observe.outlet import Later, Outlet, never, on_the_loop
from gateway.observe.reasons import level_of
from gateway.observe.sinks import LogSink, sink_of

Level = Literal["debug", "info", "warning", "error"]

_LEVELS: dict[Level, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Writes events. Its level and format are fixed when it is made."""

    def __init__(
        self,
        level: Level = "info",
        form: Format = "json",
        stream: TextIO | None = None,
        always: Mapping[str, object] | None = None,
        *,
        later: Later | None = None,
        wall: Wall = time.time,
    ) -> None:
        """``stream``: None for standard error. ``always``: values that stand in every line, such as the worker's number.

        ``later``: how access log lines are delayed, to be written together. By default lines for standard error are delayed on the running
        event loop, and a given ``stream`` gets every line at once. ``wall``: the time in Unix seconds.
        """
        self._least = _LEVELS[level]
        self._always = {name: value for name, value in (always or {}).items() if name in NAMES}
        moments = Moments(wall)
        sink = sink_of(sys.stderr if stream is None else stream)
        told_lost = _lost_line(RENDER[form], moments, self._always) if self._least <= _LEVELS["warning"] else _unsaid
        self._outlet = Outlet(sink, later or (on_the_loop if stream is None else never), told_lost)
        self.requests = AccessLine(form, moments, self._always, self._outlet if self._least <= _LEVELS["info"] else None)
        self._logger: Any = structlog.wrap_logger(
            _AtOnce(self._outlet),
            processors=[structlog.processors.add_log_level, _only_safe(moments), _rendered(RENDER[form])],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=True,
        )
        # At a normal end of the process all lines are written, even if ``close`` was not called.
        weakref.finalize(self, _end, self._outlet, sink)

    @property
    def lost(self) -> int:
        """How many lines could not be written and are lost."""
        return self._outlet.lost

    def write(self, level: Level, event: str, figures: Mapping[str, object] | None = None) -> None:
        """Write one line. Figures whose name is not in ``NAMES`` are left out, and ``withheld`` in the line says how many."""
        if _LEVELS[level] >= self._least:
            present = {**self._always, **(figures or {})}
            getattr(self._logger, level)(event, **{f"of_{name}": value for name, value in present.items()})

    def tell(self, event: str, figures: Mapping[str, object]) -> None:
        """Write one line at the level that ``reasons`` gives this event. The caller need not know levels."""
        self.write(level_of(event), event, figures)

    def failure(self, event: str, error: BaseException, figures: Mapping[str, object] | None = None) -> None:
        """Write one line for an unexpected error: its class, the classes of its causes, and the places in the source; never its text."""
        self.write("error", event, {**(figures or {}), "error": kinds(error), "frames": frames(error)})

    def flush(self) -> None:
        """Write the delayed lines now, as far as standard error takes them."""
        self._outlet.flush()

    def close(self) -> None:
        """Write the delayed lines, when the event loop ends. Later lines are still written, each at once."""
        self._outlet.close()


class _AtOnce:
    """The logger that structlog writes to: it passes each line to the outlet, which writes it at once."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def debug(self, line: str) -> None:
        self._outlet.now(line + "\n")

    info = debug
    warning = debug
    error = debug


def _only_safe(moments: Moments) -> structlog.typing.Processor:
    def safe(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        given = [(name.removeprefix("of_"), value) for name, value in line.items() if name.startswith("of_")]
        kept = {"at": moments.now(), "level": line["level"], "event": line["event"]}
        kept |= {name: plain(value) for name, value in given if name in NAMES}
        withheld = sum(name not in NAMES for name, _ in given)
        return {**kept, "withheld": withheld} if withheld else kept

    return safe


def _rendered(render: Render) -> structlog.typing.Processor:
    return lambda _, __, line: render(line)


def _lost_line(render: Render, moments: Moments, always: Mapping[str, object]) -> Callable[[int], str]:
    def line(lost: int) -> str:
        safe = {name: plain(value) for name, value in always.items()}
        return render({"at": moments.now(), "level": "warning", "event": "log_lines_lost", **safe, "lost": lost}) + "\n"

    return line


def _unsaid(lost: int) -> str:
    return ""


def _end(outlet: Outlet, sink: LogSink) -> None:
    outlet.close()
    sink.close()
