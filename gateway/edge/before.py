"""A listener before another, made of two functions: what a demo or a test puts there need be no class of the compiled build.

Must never be used where every request passes in production.
"""

from collections.abc import Callable

from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener, Waiting
from gateway.policy.http.messages import Malformed

Begin = Callable[[Listener, Request], Response | Waiting | None]
Answered = Callable[[Listener, Request, int | None], None]


def _asked(behind: Listener, request: Request) -> Response | Waiting | None:
    return behind.begin(request)


def _told(behind: Listener, request: Request, status: int | None) -> None:
    behind.answered(request, status)


class Before(Listener):
    """Asks ``begin`` about every request, and tells ``answered`` of its end; both get the listener behind, to hand on what is for it."""

    __slots__ = ("_answered", "_begin", "_behind")

    def __init__(self, behind: Listener, begin: Begin = _asked, answered: Answered = _told) -> None:
        """What is no request, and what nobody foresaw, is said by the one behind."""
        self._behind = behind
        self._begin = begin
        self._answered = answered

    def begin(self, request: Request) -> Response | Waiting | None:
        """What the function says."""
        return self._begin(self._behind, request)

    def failed(self, request: Request, error: Exception) -> Response | None:
        """As behind."""
        return self._behind.failed(request, error)

    def answered(self, request: Request, status: int | None) -> None:
        """The function is told."""
        self._answered(self._behind, request, status)

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """As behind."""
        return self._behind.unparsable(peer, malformed)
