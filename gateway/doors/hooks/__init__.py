"""The login host's paths that Okta calls by itself: its event hook, and Universal Logout.

Owns which of the two answers, and the words for the log. A request here is a program's: it shows a secret or a signed token, and its
cookies are never looked at. Must never forward anything, or answer for a feature that is not configured.
"""

from collections.abc import Mapping
from typing import Protocol

from gateway.doors.answers import to_response
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH, EventHook
from gateway.doors.hooks.known_users import KnownUsers
from gateway.doors.hooks.org_keys import OrgKeys
from gateway.doors.hooks.org_tokens import OrgTokens
from gateway.doors.hooks.outcomes import HookParts, HookReply
from gateway.doors.hooks.universal_logout import UNIVERSAL_LOGOUT_PATH, UniversalLogout
from gateway.doors.hooks.watching import HookWatch, WatchRules
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.policy.http.messages import RequestHead

__all__ = [
    "EVENT_HOOK_PATH",
    "UNIVERSAL_LOGOUT_PATH",
    "EventHook",
    "HookParts",
    "HookWatch",
    "Hooks",
    "KnownUsers",
    "OktaCall",
    "OrgKeys",
    "OrgTokens",
    "UniversalLogout",
    "WatchRules",
]


class OktaCall(Protocol):
    """What Okta may call under one path."""

    async def answer(self, request: Request, head: RequestHead) -> HookReply:
        """What Okta is answered."""


class Hooks:
    """The paths that are configured."""

    def __init__(self, calls: Mapping[str, OktaCall]) -> None:
        """``calls``: by path; one that is absent is no path of ours."""
        self._calls = calls

    def answers(self, path: str) -> bool:
        """Whether a request for this path belongs here."""
        return path in self._calls

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The whole answer, for a path of these; what the access log says of it is left in ``request``."""
        told = await self._calls[head.path].answer(request, head)
        request.route, request.verdict, request.reason = head.path, told.verdict, told.reason
        return to_response(told.answer, closes=request.has_unread_body)
