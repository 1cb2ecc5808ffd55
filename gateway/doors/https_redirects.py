"""Redirects plain http to https, and does nothing else.

Owns the answers of ``listen.redirect_address``, and the answers of the TLS port to clients that speak plain http there. Must never show
anything of an app or a user, never read a cookie or a body, and never redirect to a host that is not configured. Rules from: RFC 9110
§15.4, §15.5.20 (421).
"""

from gateway.doors.refusals import refusal
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener
from gateway.policy.http.https_redirect import redirect_status, secure_address, secure_hosts
from gateway.policy.http.messages import Malformed, host_in
from gateway.policy.routing.routing import RouteTable

_UNKNOWN = Malformed(421, "unknown_host")


class HttpsRedirects(Listener):
    """Answers every request with a redirect or a refusal. ``count``: how many were redirected."""

    __slots__ = ("_hosts", "count")

    def __init__(self, table: RouteTable) -> None:
        """``table``: the configured hosts."""
        self._hosts = secure_hosts(table.origins)
        self.count = 0

    def begin(self, request: Request) -> Response:
        """The redirect, or the refusal."""
        if request.refusal is not None:
            return refusal(request.refusal, request.fields)
        location = secure_address(self._hosts, host_in(request.named), request.target)
        if location is None:
            return refusal(_UNKNOWN, request.fields)
        self.count += 1
        fields = ((b"Location", location.encode("latin-1")), (b"Content-Length", b"0"), (b"Cache-Control", b"no-store"))
        return Response(redirect_status(request.method), b"", fields, closes=True)

    def failed(self, request: Request, error: Exception) -> Response:
        """500, without details."""
        return refusal(Malformed(500, "internal"), ())

    def answered(self, request: Request, status: int | None) -> None:
        """Does nothing: redirects are not logged."""

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The refusal of bytes that are no HTTP request."""
        return refusal(malformed, ())
