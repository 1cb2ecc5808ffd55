"""A listener that is one function: what an address of our own needs, beside the public one.

Must never be used where requests are logged or counted.
"""

from collections.abc import Awaitable, Callable

from gateway.core.messages import Malformed
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Waiting


class Handling:
    """Answers every request by ``handle``, and what is no request by ``refuse``."""

    def __init__(self, handle: Callable[[Request], Awaitable[Response]], refuse: Callable[[Malformed], Response]) -> None:
        """Both make whole answers."""
        self._handle = handle
        self._refuse = refuse

    def begin(self, request: Request) -> Waiting:
        """What waits for the answer."""
        return self._waits(request)

    async def _waits(self, request: Request) -> Response:
        return await self._handle(request)

    def answered(self, request: Request, status: int | None) -> None:
        """Nobody counts."""

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The refusal."""
        return self._refuse(malformed)
