"""The admin address: liveness (`/healthz`), readiness (`/readyz`) and metrics (`/metrics`).

Owns these three paths on a listener of their own. Must never answer on the public address, and must never ask Okta anything. Must never
answer a browser, because a page of any site could then read the metrics. Browsers are recognized by their fields, but not all send them.
So the Host is checked too: a page that points a name of its own at this machine (DNS rebinding) sends that name as Host, and only IP
addresses, `localhost` and the configured name are answered.
"""

import ipaddress
from collections.abc import Callable, Mapping, Set
from typing import Protocol
from urllib.parse import parse_qs

from gateway.doors.answers import json_answer, to_response
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.observe.metrics import CONTENT_TYPE
from gateway.policy.http.messages import Answer

_BROWSERS_SAY = frozenset((b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-dest", b"origin"))


class Exposing(Protocol):
    """Something that has the metrics: of one process, or of several workers together."""

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""


class Health:
    """Answers the requests of the admin listener. Nothing here waits."""

    def __init__(
        self,
        metrics: Exposing,
        unready: Callable[[], Mapping[str, str]],
        name: str | None = None,
        details: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """``unready``: why the process wants no traffic, as part and reason; empty when ready.

        ``name``: the configured host of this listener. ``details``: shown beside readiness, without any effect on it.
        """
        self._details = details
        self._metrics = metrics
        self._unready = unready
        self._names = {"localhost", *(() if name is None else (name.lower(),))}

    async def handle(self, request: Request) -> Response:
        """The answer for one of the three paths; 403 for browsers, 404 for other paths, 405 for other methods."""
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
        """Whether this Host is an address, `localhost` or the configured name. Then no page of another site led a browser here."""
        host = named.decode("latin-1")
        bare, _, port = host.strip().rpartition(":")
        if not bare or not port.isdecimal():
            bare = host.strip()
        return bare.lower() in self._names or _is_address(bare)

    def _readiness(self, excluded: Set[str]) -> Answer:
        """Ready or not. ``excluded``: parts that the caller wants to ignore, as in `/readyz?exclude=revocations`."""
        unready = {part: reason for part, reason in self._unready().items() if part not in excluded}
        if unready:
            return json_answer(503, {"status": "not_ready", "reasons": unready, **self._details()}, (b"Retry-After", b"5"))
        return json_answer(200, {"status": "ready", **self._details()})


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return False
    return True
