"""A listener that is one function: what an address of our own needs, beside the public one.

Must never be used where requests are logged or counted.
"""

from collections.abc import Awaitable, Callable

from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener, Waiting
from gateway.policy.http.messages import Malformed

Handle = Callable[[Request], Awaitable[Response | None]]
Over = Callable[[Request, int | None], None]


def _nobody_counts(request: Request, status: int | None) -> None:
    return None


class Handling(Listener):
    """Answers every request by ``handle``, and what is no request by ``refuse``."""

    def __init__(self, handle: Handle, refuse: Callable[[Malformed], Response], over: Over = _nobody_counts) -> None:
        """``over`` hears of the end of each."""
        self._handle = handle
        self._refuse = refuse
        self._over = over

    def begin(self, request: Request) -> Response | Waiting:
        """What waits for the answer, or the refusal."""
        return self._waits(request) if request.refused is None else self._refuse(request.refused)

    async def _waits(self, request: Request) -> Response | None:
        try:
            return await self._handle(request)
        except Exception as error:
            if request.is_begun or isinstance(error, ConnectionError):
                raise
            return self.failed(request, error)

    def failed(self, request: Request, error: Exception) -> Response:
        """As for what ``handle`` raises."""
        return self._refuse(Malformed(500, "internal"))

    def answered(self, request: Request, status: int | None) -> None:
        """Said to whoever wants to hear."""
        self._over(request, status)

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The refusal."""
        return self._refuse(malformed)
