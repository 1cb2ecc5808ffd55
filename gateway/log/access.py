"""The line about one request, without the price of a general one.

Owns the same line that ``Log.tell("request", …)`` would write, put together from parts that were made safe and rendered before: most words
come from short lists, and addresses and fingerprints come again. What is new goes the general way, once. Must never remember without bound,
or write a text that ``plain`` has not seen, but two: hex digits, dots and colons, too short for a secret, and a request's id, both with
nothing to escape.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from gateway.log.forms import RENDER, Format, Moments
from gateway.log.outlet import Outlet
from gateway.log.values import LARGEST_VALUE, plain

LARGEST_MEMORY = 4096
"""Parts kept of each name; when one more comes, all are forgotten: whoever has many addresses costs us a rendering each, no memory."""

_HARMLESS = re.compile(r"[0-9A-Fa-f.:]{1,45}")
LONGEST_ID = 64
_HARMLESS_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}\Z")
WORDS = ("door", "method", "app", "route", "verdict", "reason")

Key = TypeVar("Key", bound=Hashable)


class _Known(dict[Key, str], Generic[Key]):
    """Rendered parts by what they were made of: a look-up where it is known; made, and kept where it is short, where it is not."""

    def __init__(self, render: Callable[[Key], str], length: Callable[[Key], int]) -> None:
        super().__init__()
        self._render, self._length = render, length

    def __missing__(self, key: Key) -> str:
        part = self._render(key)
        if self._length(key) <= LARGEST_VALUE:
            if len(self) >= LARGEST_MEMORY:
                self.clear()
            self[key] = part
        return part


class AccessLine:
    """Makes the lines about requests, in one form."""

    def __init__(self, form: Format, moments: Moments, always: Mapping[str, object], outlet: Outlet | None = None) -> None:
        """Nothing is known yet. ``always``: figures of every line; ``outlet``: None where no line is wanted."""
        self._outlet = outlet
        self._render, self._now, self._always = RENDER[form], moments.now, always
        self._outer, self._between = ("{}", ", ") if form == "json" else ("", " ")
        opening, self._closing = self._outer[:1], self._outer[1:] + "\n"
        before, self._after_moment = self._around("at")
        self._before_moment = opening + before.removeprefix(self._between)
        self._before_milliseconds = self._part({"milliseconds": 0}).removesuffix("0")
        self._words: _Known[tuple[str, ...]] = _Known(self._opened, lambda words: sum(map(len, words)))
        self._peers, self._clients, self._fingerprints = map(self._texts, ("peer", "client", "fingerprint"))
        self._before_id, self._after_id = self._around("request_id")
        self._figures: _Known[float] = _Known(lambda milliseconds: repr(round(milliseconds, 3)), lambda _: 0)

    def line(
        self, words: tuple[str, ...], status: int, peer: str, client: str, fingerprint: str, request_id: str, milliseconds: float
    ) -> str:
        """One line with its end; ``words``: door, method, app, route, verdict, reason; an empty text is left out."""
        return (
            f"{self._before_moment}{self._now()}{self._words[words]}{status}{self._peers[peer]}{self._clients[client]}"
            f"{self._fingerprints[fingerprint]}{self._id(request_id) if request_id else ''}"
            f"{self._before_milliseconds}{self._figures[milliseconds]}{self._closing}"
        )

    def tell(
        self, words: tuple[str, ...], status: int, peer: str, client: str, fingerprint: str, request_id: str, milliseconds: float
    ) -> None:
        """Have the line written soon, where lines of its level are wanted."""
        if self._outlet is not None:
            self._outlet.soon(self.line(words, status, peer, client, fingerprint, request_id, milliseconds))

    @property
    def remembered(self) -> int:
        """Parts that are kept."""
        return len(self._words) + len(self._peers) + len(self._clients) + len(self._fingerprints) + len(self._figures)

    def _id(self, request_id: str) -> str:
        """Ids never come again: nothing is remembered."""
        if (request_id.isalnum() and request_id.isascii() and len(request_id) <= LONGEST_ID) or _HARMLESS_ID.match(request_id):
            return f"{self._before_id}{request_id}{self._after_id}"
        return self._part({"request_id": request_id})

    def _part(self, figures: Mapping[str, object]) -> str:
        """Some of a line, with what stands between it and the part before."""
        rendered = self._render({name: plain(value) for name, value in figures.items()})
        return self._between + (rendered[1:-1] if self._outer else rendered)

    def _around(self, name: str) -> tuple[str, str]:
        """What stands before and after a harmless value."""
        before, _, after = self._part({name: "0"}).rpartition("0")
        return before, after

    def _opened(self, words: tuple[str, ...]) -> str:
        """From behind the moment to the status."""
        told = {name: word for name, word in zip(WORDS, words, strict=True) if word}
        after = self._part({"level": "info", "event": "request", **self._always, **told, "status": 0}).removesuffix("0")
        return self._after_moment + after

    def _text(self, name: str) -> Callable[[str], str]:
        before, after = self._around(name)

        def rendered(value: str) -> str:
            if _HARMLESS.fullmatch(value):
                return f"{before}{value}{after}"
            return self._part({name: value}) if value else ""

        return rendered

    def _texts(self, name: str) -> _Known[str]:
        return _Known(self._text(name), len)
