"""The login host's paths that Okta calls by itself: its event hook, and Universal Logout.

Owns which of the two answers, and the words for the log. A request here is a program's: it shows a secret or a signed token, and its
cookies are never looked at. Must never forward anything, or answer for a feature that is not configured.
"""

from gateway.core.messages import Answer, RequestHead
from gateway.doors.answers import to_response
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH, EventHook
from gateway.doors.hooks.known_users import KnownUsers
from gateway.doors.hooks.org_keys import OrgKeys
from gateway.doors.hooks.org_tokens import OrgTokens
from gateway.doors.hooks.outcomes import Told
from gateway.doors.hooks.universal_logout import UNIVERSAL_LOGOUT_PATH, UniversalLogout
from gateway.doors.hooks.watching import HookWatch, WatchRules
from gateway.edge.request import Request
from gateway.edge.responses import Response

__all__ = [
    "EVENT_HOOK_PATH",
    "UNIVERSAL_LOGOUT_PATH",
    "EventHook",
    "HookWatch",
    "Hooks",
    "KnownUsers",
    "OrgKeys",
    "OrgTokens",
    "UniversalLogout",
    "WatchRules",
]


class Hooks:
    """Both paths, as far as they are configured."""

    def __init__(self, event_hook: EventHook | None, universal_logout: UniversalLogout | None) -> None:
        """None: not configured, so that its path is no path of ours."""
        self._event_hook = event_hook
        self._universal_logout = universal_logout

    def answers(self, path: str) -> bool:
        """Whether a request for this path belongs here."""
        return (path == EVENT_HOOK_PATH and self._event_hook is not None) or (
            path == UNIVERSAL_LOGOUT_PATH and self._universal_logout is not None
        )

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The whole answer; what the access log says of it is left in ``request``."""
        request.route = head.path
        if head.path == EVENT_HOOK_PATH and self._event_hook is not None:
            told = await self._event_hook.answer(request, head)
        elif head.path == UNIVERSAL_LOGOUT_PATH and self._universal_logout is not None:
            told = await self._universal_logout.answer(request, head)
        else:
            told = Told(Answer(404, (), b""), "refused", "no_such_path")
        request.verdict, request.reason = told.verdict, told.reason
        return to_response(told.answer, closes=request.has_unread_body)
