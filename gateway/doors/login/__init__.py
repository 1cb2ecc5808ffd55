"""The login door: the org as browsers see it, with the one thing added that Okta does not do.

Owns which kind of request goes which way on the login host: redemptions through the switch, sign-outs, legacy session calls
and everything else to ``OrgForwarding``, the gateway's own paths to their pages. Must never forward anything under
``/.gateway/``. Rules from: DESIGN section 4, ATTACKS L1, L8.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import assert_never

from aiohttp import web

from gateway.core.cookies import session_cookies
from gateway.core.messages import Malformed, RequestHead
from gateway.core.navigation import Kind, is_trusted_start, kind_of
from gateway.core.org_places import Ending
from gateway.core.org_requests import (
    LARGEST_BODY_BYTES,
    EndsSessions,
    LegacySession,
    OrgRequest,
    Plain,
    PushedByReference,
    Redemption,
    SignOut,
    SilentAuthorize,
    has_readable_body,
    is_pushed_request,
    read,
)
from gateway.core.redemption import are_too_many
from gateway.core.routing import is_own
from gateway.core.session import SessionToken
from gateway.doors.answers import to_response
from gateway.doors.login.forwarding import OrgForwarding
from gateway.doors.login.outcomes import Wording
from gateway.doors.login.redeemed import Redeeming
from gateway.doors.login.redeeming import Redeemer
from gateway.doors.login.switching import SWITCH_PATH, ConfirmedSwitch
from gateway.doors.notes import REASON, ROUTE, VERDICT
from gateway.doors.own_paths import LoginOwnPaths
from gateway.doors.own_requests import Outcome
from gateway.doors.reading import whole_body
from gateway.errors import OutsideFailed

__all__ = ["LoginDoor", "Start"]

DEPRECATION = (b"Deprecation", b"true")


@dataclass(frozen=True, slots=True)
class Start:
    """What makes a start trusted, and whether an unknown ``request_uri`` counts as a token (``switch`` in the configuration)."""

    own_origin: str
    trusted_origins: Collection[str] = ()
    unknown_reference_redeems: bool = True


class LoginDoor:
    """Everything that reaches the login host."""

    def __init__(
        self, own: LoginOwnPaths, redeemer: Redeemer, forwarding: OrgForwarding, switch: ConfirmedSwitch, wording: Wording, start: Start
    ) -> None:
        """``switch`` reads the confirmation's form; ``wording`` turns outcomes into answers."""
        self._own = own
        self._redeemer = redeemer
        self._forwarding = forwarding
        self._switch = switch
        self._wording = wording
        self._start = start

    async def handle(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        """The whole answer; the words for the access log are left in ``request``."""
        if are_too_many(session_cookies(head.fields)):
            return self._told(request, self._wording.refusal(head, 400, "session_cookies"))
        if is_own(head.path):
            return await self._own_path(request, head)
        request[ROUTE] = "org"
        body: bytes | None = None
        if has_readable_body(head):
            whole = await whole_body(request, LARGEST_BODY_BYTES)
            if isinstance(whole, Malformed):
                return self._told(request, self._wording.refusal(head, whole.status, whole.reason))
            body = whole
        try:
            return await self._judged(request, head, body, read(head, body or b""))
        except OutsideFailed as error:
            return self._told(request, self._wording.unreachable(head, error))

    async def _own_path(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        if head.path != SWITCH_PATH:
            return await self._own.handle(request, head)
        request[ROUTE] = SWITCH_PATH
        found = await self._switch.read(request, head)
        if isinstance(found, Malformed):
            allow = ((b"Allow", b"POST"),) if found.status == 405 else ()
            return self._told(request, self._wording.refusal(head, found.status, found.reason, *allow))
        return self._told(request, self._wording.of(found, await self._redeemer.redeem(found)))

    async def _judged(self, request: web.BaseRequest, head: RequestHead, body: bytes | None, found: OrgRequest) -> web.StreamResponse:
        match found:
            case Redemption(tokens):
                return await self._redeem(request, Redeeming(head, body or b"", tokens, self._is_trusted(head)))
            case PushedByReference(references):
                return await self._by_reference(request, head, body, references)
            case SignOut(how):
                return await self._sign_out(request, head, body, how)
            case LegacySession():
                return await self._legacy(request, head, body, found)
            case Plain() | SilentAuthorize() | EndsSessions():
                return await self._plain(request, head, body)
            case _:
                assert_never(found)

    async def _by_reference(
        self, request: web.BaseRequest, head: RequestHead, body: bytes | None, references: tuple[str, ...]
    ) -> web.StreamResponse:
        """Any of several references may redeem. Which of them Okta took is not known afterwards, so none is judged by the answer."""
        unknown = self._start.unknown_reference_redeems
        if not any(self._redeemer.reference_redeems(reference, head, unknown) for reference in references):
            return await self._plain(request, head, body)
        if len(references) > 1:
            return await self._redeem(request, Redeeming(head, body or b"", tuple(map(SessionToken, references)), trusted=False))
        return await self._redeem(request, Redeeming(head, body or b"", (), self._is_trusted(head), references[0]))

    async def _redeem(self, request: web.BaseRequest, redeeming: Redeeming) -> web.StreamResponse:
        head = redeeming.head
        if kind_of(head) is Kind.PREFETCH:
            return self._told(request, self._wording.refusal(head, 503, "prefetch"))
        if head.method not in ("GET", "POST"):
            return self._told(request, self._wording.refusal(head, 405, "method", (b"Allow", b"GET, POST")))
        outcome = await self._redeemer.redeem(redeeming)
        told = self._wording.of(redeeming, outcome)
        if is_pushed_request(head):
            self._redeemer.note_pushed(told.answer, may_hold_token=True)
        return self._told(request, told)

    async def _plain(self, request: web.BaseRequest, head: RequestHead, body: bytes | None) -> web.StreamResponse:
        request[VERDICT] = "forwarded"
        if is_pushed_request(head) and body is not None:
            answer = await self._forwarding.pushed(head, body)
            self._redeemer.note_pushed(answer, may_hold_token=False)
            return to_response(answer)
        return await self._forwarding.plain(request, head, body)

    async def _sign_out(self, request: web.BaseRequest, head: RequestHead, body: bytes | None, how: Ending) -> web.StreamResponse:
        """Revoke and forward; where another site sent the browser here, not more than Okta itself would do (L8)."""
        if how is Ending.API or self._is_trusted(head):
            request[VERDICT] = "signed_out"
            return await self._forwarding.sign_out(request, head, body)
        if how is Ending.OIDC:
            whole = body if body is not None else await whole_body(request, LARGEST_BODY_BYTES)
            if isinstance(whole, Malformed):
                return self._told(request, self._wording.refusal(head, whole.status, whole.reason))
            request[VERDICT] = "forwarded"
            return await self._forwarding.sign_out_as_okta_does(request, head, whole)
        if kind_of(head) is not Kind.NAVIGATION:
            return self._told(request, self._wording.refusal(head, 403, "other_site"))
        if await self._forwarding.has_session(head):
            return self._told(request, self._wording.asks_to_sign_out())
        return await self._plain(request, head, body)

    async def _legacy(self, request: web.BaseRequest, head: RequestHead, body: bytes | None, legacy: LegacySession) -> web.StreamResponse:
        current = await self._forwarding.as_current(head, legacy)
        if current is None:
            return await self._plain(request, head, body)
        request[REASON] = "legacy_session_id"
        if current.method == "DELETE":
            return await self._forwarding.sign_out(request, current, body, DEPRECATION)
        return await self._forwarding.plain(request, current, body, DEPRECATION)

    def _is_trusted(self, head: RequestHead) -> bool:
        return is_trusted_start(head, self._start.own_origin, self._start.trusted_origins)

    def _told(self, request: web.BaseRequest, outcome: Outcome) -> web.StreamResponse:
        request[VERDICT], request[REASON] = outcome.verdict, outcome.reason
        return to_response(outcome.answer, closes=request.can_read_body and not request.content.is_eof())
