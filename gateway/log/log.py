"""The log: one structured line for each event.

Owns the levels, and which way a line goes: the general one through structlog, written at once, with all that was told before it; the one
about a request through ``AccessLine``, written soon. Must never write what ``values`` has not made safe, or raise into whoever reports
something.
"""

import sys
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Literal, TextIO

import structlog

from gateway.log.access import AccessLine
from gateway.log.forms import RENDER, Format, Moments, Render, Wall
from gateway.log.outlet import Later, Outlet, never, on_the_loop
from gateway.log.sinks import LogSink, sink_of
from gateway.log.values import NAMES, frames, kinds, plain
from gateway.reasons import level_of

Level = Literal["debug", "info", "warning", "error"]

_LEVELS: dict[Level, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Writes events; handed to whoever reports something. Its level and form are fixed when it is made."""

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
        """``stream`` is standard error where none is given; ``always``: figures of every line, such as which worker writes it.

        ``later``: how lines about requests wait for each other. Those for standard error wait on the running loop, a stream that is
        handed in has every line at once. ``wall``: Unix seconds.
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
        # Whatever ends the process in good order ends with all lines written, whether or not somebody said `close`.
        weakref.finalize(self, _end, self._outlet, sink)

    @property
    def lost(self) -> int:
        """Lines that could not be written, and never will be."""
        return self._outlet.lost

    def write(self, level: Level, event: str, figures: Mapping[str, object] | None = None) -> None:
        """One line. Figures under a name that is not listed are left out, and the line says how many were."""
        if _LEVELS[level] >= self._least:
            told = {**self._always, **(figures or {})}
            getattr(self._logger, level)(event, **{f"of_{name}": value for name, value in told.items()})

    def tell(self, event: str, figures: Mapping[str, object]) -> None:
        """One line at the level of this event: what the rooms below call, without knowing levels."""
        self.write(level_of(event), event, figures)

    def failure(self, event: str, error: BaseException, figures: Mapping[str, object] | None = None) -> None:
        """An error nobody expected: its kind, its causes' kinds and the places in the source; never its text."""
        self.write("error", event, {**(figures or {}), "error": kinds(error), "frames": frames(error)})

    def access(
        self,
        *,
        door: str,
        method: str = "",
        app: str = "",
        route: str = "",
        verdict: str = "",
        reason: str = "",
        status: int,
        peer: str = "",
        client: str = "",
        fingerprint: str = "",
        request_id: str = "",
        milliseconds: float,
    ) -> None:
        """What ``tell("request", …)`` would write of these, in this order, without the empty ones; at a fraction of the price, and soon.

        Door, method, app, route, verdict and reason are words from short lists; ``milliseconds`` is finite.
        """
        self.requests.tell((door, method, app, route, verdict, reason), status, peer, client, fingerprint, request_id, milliseconds)

    def flush(self) -> None:
        """Write now what waits, as far as there is room."""
        self._outlet.flush()

    def close(self) -> None:
        """Write what waits, when the loop ends; later lines are still written, each at once."""
        self._outlet.close()


class _AtOnce:
    """What structlog writes into: the outlet, and no waiting."""

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
    def told(lost: int) -> str:
        safe = {name: plain(value) for name, value in always.items()}
        return render({"at": moments.now(), "level": "warning", "event": "log_lines_lost", **safe, "lost": lost}) + "\n"

    return told


def _unsaid(lost: int) -> str:
    return ""


def _end(outlet: Outlet, sink: LogSink) -> None:
    outlet.close()
    sink.close()
