"""The access log line, one per request, written faster than other lines.

Owns the line that ``Log.tell("request", …)`` would write. It is put together from parts that were checked and rendered before: most words
come from short lists, and addresses and fingerprints repeat. A new part is rendered in the general way, once, and then remembered.
Must never remember without bound. Must never write a text that ``values.plain`` has not checked, with two exceptions: short texts of hex
digits, dots and colons, which are too short for a secret, and a well-formed request id. Neither needs escaping.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from gateway.memo import BoundedDict
from gateway.observe.formats import RENDER, Format, Moments
from gateway.observe.log_values import LARGEST_VALUE, plain
from gateway.observe.outlet import Outlet

LARGEST_MEMORY = 4096
"""How many parts are remembered per name. One more, and all are forgotten: a client with many addresses costs CPU time, but no memory."""

_HARMLESS = re.compile(r"[0-9A-Fa-f.:]{1,45}")
LONGEST_ID = 64
_HARMLESS_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}\Z")
WORDS = ("door", "method", "app", "route", "verdict", "reason")

Key = TypeVar("Key", bound=Hashable)


class _Known(BoundedDict[Key, str], Generic[Key]):
    """Rendered parts by their values. An unknown value is rendered, and remembered if it is short."""

    def __init__(self, render: Callable[[Key], str], length: Callable[[Key], int]) -> None:
        super().__init__(LARGEST_MEMORY)
        self._render, self._length = render, length

    def __missing__(self, key: Key) -> str:
        part = self._render(key)
        if self._length(key) <= LARGEST_VALUE:
            self.store(key, part)
        return part


class AccessLine:
    """Makes the access log lines in one format."""

    def __init__(self, form: Format, moments: Moments, always: Mapping[str, object], outlet: Outlet | None = None) -> None:
        """``always``: values that stand in every line. ``outlet``: None if lines of this level are not wanted."""
        self._outlet = outlet
        self._render, self._now, self._always = RENDER[form], moments.now, always
        self._outer, self._between = ("{}", ", ") if form == "json" else ("", " ")
        opening, self._closing = self._outer[:1], self._outer[1:] + "\n"
        before, self._after_moment = self._split_at_value("at")
        self._before_moment = opening + before.removeprefix(self._between)
        self._before_milliseconds = self._part({"milliseconds": 0}).removesuffix("0")
        self._words: _Known[tuple[str, ...]] = _Known(self._opened, lambda words: sum(map(len, words)))
        self._peers, self._clients, self._fingerprints = map(self._texts, ("peer", "client", "fingerprint"))
        self._before_id, self._after_id = self._split_at_value("request_id")
        self._figures: _Known[float] = _Known(lambda milliseconds: repr(round(milliseconds, 3)), lambda _: 0)

    def line(
        self, words: tuple[str, ...], status: int, peer: str, client: str, fingerprint: str, request_id: str, milliseconds: float
    ) -> str:
        """One line with its line break. ``words``: door, method, app, route, verdict, reason. Empty texts are left out."""
        return (
            f"{self._before_moment}{self._now()}{self._words[words]}{status}{self._peers[peer]}{self._clients[client]}"
            f"{self._fingerprints[fingerprint]}{self._id(request_id) if request_id else ''}"
            f"{self._before_milliseconds}{self._figures[milliseconds]}{self._closing}"
        )

    def tell(
        self, words: tuple[str, ...], status: int, peer: str, client: str, fingerprint: str, request_id: str, milliseconds: float
    ) -> None:
        """Write the line soon, if lines of this level are wanted."""
        if self._outlet is not None:
            self._outlet.soon(self.line(words, status, peer, client, fingerprint, request_id, milliseconds))

    @property
    def remembered(self) -> int:
        """How many parts are remembered."""
        return len(self._words) + len(self._peers) + len(self._clients) + len(self._fingerprints) + len(self._figures)

    def _id(self, request_id: str) -> str:
        """The part with the request's id. It is not remembered, because no id repeats."""
        if (request_id.isalnum() and request_id.isascii() and len(request_id) <= LONGEST_ID) or _HARMLESS_ID.match(request_id):
            return f"{self._before_id}{request_id}{self._after_id}"
        return self._part({"request_id": request_id})

    def _part(self, figures: Mapping[str, object]) -> str:
        """A part of a line, with the separator before it."""
        rendered = self._render({name: plain(value) for name, value in figures.items()})
        return self._between + (rendered[1:-1] if self._outer else rendered)

    def _split_at_value(self, name: str) -> tuple[str, str]:
        """The texts before and after a value that needs no escaping."""
        before, _, after = self._part({name: "0"}).rpartition("0")
        return before, after

    def _opened(self, words: tuple[str, ...]) -> str:
        """The part between the time and the status."""
        present = {name: word for name, word in zip(WORDS, words, strict=True) if word}
        after = self._part({"level": "info", "event": "request", **self._always, **present, "status": 0}).removesuffix("0")
        return self._after_moment + after

    def _text(self, name: str) -> Callable[[str], str]:
        before, after = self._split_at_value(name)

        def rendered(value: str) -> str:
            if _HARMLESS.fullmatch(value):
                return f"{before}{value}{after}"
            return self._part({name: value}) if value else ""

        return rendered

    def _texts(self, name: str) -> _Known[str]:
        return _Known(self._text(name), len)
