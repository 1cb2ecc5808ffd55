"""The paths of the login host that Okta itself calls: its event hook, and Universal Logout.

Owns which object answers which path, and the words for the log. The client is a program: it shows a secret or a signed token, and its
cookies are never read. Must never forward anything, nor answer for a feature that is not configured.
"""

from collections.abc import Mapping
from typing import Protocol

from gateway.doors.answers import to_response
from gateway.doors.hooks.hook_replies import HookReply
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.policy.http.messages import RequestHead


class OktaCall(Protocol):
    """Answers what Okta calls under one path."""

    async def answer(self, request: Request, head: RequestHead) -> HookReply:
        """The answer to Okta."""


class Hooks:
    """The hook paths that are configured."""

    def __init__(self, calls: Mapping[str, OktaCall]) -> None:
        """``calls``: by path. A path that is missing is not answered here."""
        self._calls = calls

    def answers(self, path: str) -> bool:
        """Whether a request for this path is answered here."""
        return path in self._calls

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The whole answer for one of these paths. The words for the access log are left in ``request``."""
        reply = await self._calls[head.path].answer(request, head)
        request.route, request.verdict, request.reason = head.path, reply.verdict, reply.reason
        return to_response(reply.answer, closes=request.has_unread_body)
