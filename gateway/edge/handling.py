"""A ``Listener`` made of one function, for small servers beside the public one, such as the admin address.

Must never be used for the public address: it neither logs nor counts requests.
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
    """Answers every request with ``handle``, and everything that is not a valid request with ``refuse``."""

    def __init__(self, handle: Handle, refuse: Callable[[Malformed], Response], over: Over = _nobody_counts) -> None:
        """``over`` is called at the end of each request."""
        self._handle = handle
        self._refuse = refuse
        self._over = over

    def begin(self, request: Request) -> Response | Waiting:
        """A coroutine for the answer, or the refusal of a malformed head."""
        return self._waits(request) if request.refusal is None else self._refuse(request.refusal)

    async def _waits(self, request: Request) -> Response | None:
        try:
            return await self._handle(request)
        except Exception as error:
            if request.is_begun or isinstance(error, ConnectionError):
                raise
            return self.failed(request, error)

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer after an unexpected error: ``refuse`` with 500."""
        return self._refuse(Malformed(500, "internal"))

    def answered(self, request: Request, status: int | None) -> None:
        """Call ``over``."""
        self._over(request, status)

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The refusal of bytes that are not a valid request."""
        return self._refuse(malformed)
