"""A ``Listener`` in front of another one, made of two functions.

``session-gateway dev`` and the tests use it: in a compiled build their own classes cannot derive from the compiled class ``Listener``,
but their functions can be passed to this one. Must never be used in production, where it would cost every request two more calls.
"""

from collections.abc import Callable

from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener, Waiting
from gateway.policy.http.messages import Malformed

Begin = Callable[[Listener, Request], Response | Waiting | None]
Answered = Callable[[Listener, Request, int | None], None]


def _begin_behind(behind: Listener, request: Request) -> Response | Waiting | None:
    return behind.begin(request)


def _answered_behind(behind: Listener, request: Request, status: int | None) -> None:
    behind.answered(request, status)


class Before(Listener):
    """Calls ``begin`` for every request and ``answered`` at its end. Both get the listener behind it, so that they can pass the call on."""

    __slots__ = ("_answered", "_begin", "_behind")

    def __init__(self, behind: Listener, begin: Begin = _begin_behind, answered: Answered = _answered_behind) -> None:
        """``behind``: the listener behind this one; it alone answers malformed requests and unexpected errors."""
        self._behind = behind
        self._begin = begin
        self._answered = answered

    def begin(self, request: Request) -> Response | Waiting | None:
        """The result of the function ``begin``."""
        return self._begin(self._behind, request)

    def failed(self, request: Request, error: Exception) -> Response | None:
        """The answer of the listener behind."""
        return self._behind.failed(request, error)

    def answered(self, request: Request, status: int | None) -> None:
        """Call the function ``answered``."""
        self._answered(self._behind, request, status)

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The answer of the listener behind."""
        return self._behind.unparsable(peer, malformed)
