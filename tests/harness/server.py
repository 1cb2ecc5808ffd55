"""The server of production before one function that a test writes. Checks nothing by itself."""

from collections.abc import Awaitable, Callable

from gateway.edge.handling import Handling
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.server import HttpServer

Handle = Callable[[Request], Awaitable[Response | None]]


def noted(request: Request) -> dict[str, str]:
    """The words that doors left in a request; none where no door had any."""
    return (
        {}
        if not (request.route or request.verdict)
        else {name: getattr(request, name) for name in ("route", "verdict", "reason", "fingerprint")}
    )


def said(status: int, text: str = "") -> Response:
    """An answer of the test's own."""
    return Response(status, b"", ((b"Content-Length", b"%d" % len(text)),), body=text.encode())


def client_server(handle: Handle, answered: Callable[[Request, int | None], None] = lambda request, status: None) -> HttpServer:
    """The server of production, before one function; the loop is given its ``guest``."""
    return HttpServer(Handling(handle, lambda malformed: said(malformed.status), answered))
