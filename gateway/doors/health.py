"""The admin address: whether the process lives, whether it wants traffic, and its metrics.

Owns `/healthz`, `/readyz`, `/metrics` on a listener of their own. Must never answer on the public address, ask Okta anything, or answer a
browser: a page of any site could otherwise read what happens here, and not all browsers say that they are one. What a page can reach by
pointing a name of its own at this machine comes with that name as Host: so only names that are ours are answered.
"""

import ipaddress
from collections.abc import Callable, Mapping, Set
from typing import Protocol
from urllib.parse import parse_qs

from gateway.doors.answers import json_answer, to_response
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.metrics import CONTENT_TYPE
from gateway.policy.http.messages import Answer

_BROWSERS_SAY = frozenset((b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-dest", b"origin"))


class Exposing(Protocol):
    """What was counted: by one process, or by several workers together."""

    def exposition(self) -> bytes:
        """Everything, in Prometheus' text format."""


class Health:
    """Answers the admin listener; nothing here waits."""

    def __init__(
        self,
        metrics: Exposing,
        unready: Callable[[], Mapping[str, str]],
        name: str | None = None,
        notes: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """``unready``: what keeps traffic away, as part and reason; empty when ready. ``name``: the configured host of this listener.

        ``notes``: what is said beside readiness, and keeps no traffic away.
        """
        self._notes = notes
        self._metrics = metrics
        self._unready = unready
        self._names = {"localhost", *(() if name is None else (name.lower(),))}

    async def handle(self, request: Request) -> Response:
        """One of the three answers, or 403 for browsers, 405 and 404 for the rest."""
        return to_response(self._answer(request))

    def _answer(self, request: Request) -> Answer:
        if not _BROWSERS_SAY.isdisjoint(request.named):
            return json_answer(403, {"error": "no_browsers"})
        if not all(self._is_ours(host) for name, host in request.fields if name.lower() == b"host"):
            return json_answer(403, {"error": "host"})
        path, _, query = request.target.partition("?")
        if path not in ("/healthz", "/readyz", "/metrics"):
            return json_answer(404, {"error": "not_found"})
        if request.method not in ("GET", "HEAD"):
            return json_answer(405, {"error": "method"}, (b"Allow", b"GET, HEAD"))
        if path == "/healthz":
            return json_answer(200, {"status": "alive"})
        if path == "/readyz":
            return self._readiness(set(parse_qs(query).get("exclude", ())))
        fields = ((b"Content-Type", CONTENT_TYPE.encode("ascii")), (b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff"))
        return Answer(200, fields, self._metrics.exposition())

    def _is_ours(self, named: bytes) -> bool:
        """Whether no browser can have been led here by this Host: an address, `localhost`, or the name in the configuration."""
        host = named.decode("latin-1")
        bare, _, port = host.strip().rpartition(":")
        if not bare or not port.isdecimal():
            bare = host.strip()
        return bare.lower() in self._names or _is_address(bare)

    def _readiness(self, excluded: Set[str]) -> Answer:
        """Ready or not; ``excluded``: parts that the caller does not want to know of, as in `/readyz?exclude=revocations`."""
        unready = {part: reason for part, reason in self._unready().items() if part not in excluded}
        if unready:
            return json_answer(503, {"status": "not_ready", "reasons": unready, **self._notes()}, (b"Retry-After", b"5"))
        return json_answer(200, {"status": "ready", **self._notes()})


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return False
    return True
