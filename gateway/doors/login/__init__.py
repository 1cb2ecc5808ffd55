"""The login door: answers every request to the login host, which is the org's host as browsers see it.

It forwards to Okta, and adds the one thing that Okta does not do: before a token is redeemed, the browser's older session is ended. Owns
which object answers which kind of request: tokens (``token_requests``), sign-outs (``org_sign_outs``), calls that end sessions
(``ended_sessions``), everything else that goes to Okta (``org_forwarding``), and the gateway's own paths. Must never forward anything
under ``/.gateway/``.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.doors.announced_starts import LARGEST_ANNOUNCEMENT_BYTES, STARTS_PATH, AnnouncedStarts
from gateway.doors.answers import to_response
from gateway.doors.hooks import Hooks
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.confirmation_form import SWITCH_PATH, ConfirmationForm
from gateway.doors.login.ended_sessions import EndedSessions
from gateway.doors.login.issued_tokens import IssuedTokens
from gateway.doors.login.login_browser import LoginBrowser, Withheld
from gateway.doors.login.org_forwarding import OrgForwarding
from gateway.doors.login.org_sign_outs import OrgSignOuts
from gateway.doors.login.outcome_responses import OutcomeResponses, to_client
from gateway.doors.login.presented_sessions import PresentedSessions
from gateway.doors.login.pushed_references import PushedReferences
from gateway.doors.login.token_origins import TokenOrigins, tokens_redeemed
from gateway.doors.login.token_requests import TokenRequests
from gateway.doors.login.undecided_sessions import UndecidedSessions
from gateway.doors.login.undelivered_answers import UndeliveredAnswers
from gateway.doors.own.addresses import HANDOFF, SESSION, SESSION_PAGE, SIGN_OUT
from gateway.doors.own.login_handoff import LoginHandoff
from gateway.doors.own.outcomes import Outcome
from gateway.doors.own.paths import LoginOwnPaths
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import OutsideFailed, StateFailed
from gateway.observe import Tell
from gateway.policy.advice.causes import OTHER_SITE_WITHOUT_COOKIE, without_cookie
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import Fields, Malformed, RequestHead
from gateway.policy.routing.routing import is_own
from gateway.policy.session.browser_id import ID_BYTES, browser_id_line, browser_id_of, new_browser_id
from gateway.policy.switch.clients import asks_for_another_user
from gateway.policy.switch.foreign_forms import return_parameters
from gateway.policy.switch.org_endings import EndsSessions, LegacySession, SignOut
from gateway.policy.switch.org_places import LONGEST_PATH, OrgPath
from gateway.policy.switch.org_requests import (
    LARGEST_BODY_BYTES,
    OrgRequest,
    Plain,
    PushedByReference,
    Redemption,
    SilentAuthorize,
    has_readable_body,
    is_pushed_request,
    read,
)
from gateway.policy.switch.redemption import are_too_many
from gateway.policy.switch.start import StartRules, Via, is_trusted_place, via_of
from gateway.policy.switch.token_grants import is_identity_step, is_token_request, token_grant

_RELY_ON_THE_SESSION = frozenset((HANDOFF, SESSION, SESSION_PAGE))
_FORM = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class LoginParts:
    """The objects that answer for the login door. ``trusts``: who may start a switch."""

    own: LoginOwnPaths
    handoff: LoginHandoff
    hooks: Hooks
    token_requests: TokenRequests
    confirmation: ConfirmationForm
    references: PushedReferences
    forwarding: OrgForwarding
    sign_outs: OrgSignOuts
    ended_sessions: EndedSessions
    browsers: Browsers
    presented_sessions: PresentedSessions
    undecided_sessions: UndecidedSessions
    undelivered: UndeliveredAnswers
    token_origins: TokenOrigins
    announced_starts: AnnouncedStarts
    issued: IssuedTokens
    responses: OutcomeResponses
    trusts: StartRules
    tell: Tell


class LoginDoor:
    """Answers everything that reaches the login host."""

    def __init__(self, parts: LoginParts) -> None:
        """The objects among which the door chooses."""
        self._parts = parts

    async def resume(self) -> None:
        """Continue what the previous process left open. Call it before any request is answered. Raises ``OutsideFailed``."""
        await self._parts.undecided_sessions.resume()
        await self._parts.undelivered.resume()

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The whole answer. The words for the access log are left in ``request``."""
        responses = self._parts.responses
        if self._parts.hooks.answers(head.path):
            return await self._parts.hooks.handle(request, head)
        if are_too_many(session_cookies(head.fields)):
            return to_client(request, responses.refusal(head, 400, "session_cookies"))
        sender = self._sender(head)
        try:
            if len(head.path) <= LONGEST_PATH and is_own(head.path):
                return await self._own_path(request, sender)
            request.route = "org"
            if OrgPath.of(head.path).is_too_long:
                return to_client(request, responses.refusal(head, 414, "path_too_long"))
            body = await self._body(request, head)
            form = return_parameters(body) if isinstance(body, bytes) and _is_form(head) else b""
            if isinstance(body, Malformed) or form is None:
                malformed = body if isinstance(body, Malformed) else Malformed(413, "form_too_large")
                return to_client(request, responses.refusal(head, malformed.status, malformed.reason))
            found = read(head, body or b"")
            if not await self._parts.token_origins.note_request(head, form, tokens_redeemed(found)):
                return to_client(request, responses.refusal(head, 400, "nested_too_deeply"))
            return await self._judged(request, sender, body, found)
        except Withheld as withheld:
            return to_client(request, responses.withheld(head, withheld), sender)
        except OutsideFailed as error:
            return to_client(request, responses.unreachable(head, error))

    def _sender(self, head: RequestHead) -> LoginBrowser:
        """The browser behind the request. A browser without an id gets a new one; an answer to a page's request sets its cookie."""
        known = browser_id_of(head.fields)
        is_program = known is None and via_of(head) is Via.PROGRAM
        browser_id = known or ("" if is_program else new_browser_id(secrets.token_bytes(ID_BYTES)))
        fresh: Fields = (browser_id_line(browser_id),) if browser_id and known is None else ()
        return self._parts.forwarding.sender(head, browser_id, fresh)

    async def _body(self, request: Request, head: RequestHead) -> bytes | Malformed | None:
        """The whole body, if it must be read before the request is judged; None if it may be streamed.

        A form of another site is read too: a return address in it may contain a token that is redeemed later.
        """
        if (
            has_readable_body(head)
            or is_token_request(head)
            or is_identity_step(head)
            or (head.method == "POST" and _is_form(head) and not is_trusted_place(head, self._parts.trusts))
        ):
            return await whole_body(request, LARGEST_BODY_BYTES)
        return None

    async def _own_path(self, request: Request, sender: LoginBrowser) -> Response:
        head, parts = sender.head, self._parts
        if head.path == STARTS_PATH and parts.announced_starts.is_open:
            return await self._announce(request, head)
        if head.path != SWITCH_PATH:
            return await self._own_answer(request, sender)
        request.route = SWITCH_PATH
        found = await parts.confirmation.read(request, sender)
        if isinstance(found, Malformed):
            allow = ((b"Allow", b"POST"),) if found.status == 405 else ()
            return to_client(request, parts.responses.refusal(head, found.status, found.reason, *allow))
        return await parts.token_requests.carry_out(request, found)

    async def _own_answer(self, request: Request, sender: LoginBrowser) -> Response:
        """The answer of an own path.

        A ticket is sent only if the browser did not sign in again while it was made; else the browser is sent back to the same address.
        """
        head, parts = sender.head, self._parts
        if head.path == SIGN_OUT:
            return await self._own_sign_out(request, sender)
        arrived = await parts.browsers.record_of(sender) if head.path == HANDOFF else None
        if head.path in _RELY_ON_THE_SESSION:
            await parts.presented_sessions.settle(sender)
        if sender.fresh:
            request.new_browser = sender.browser_id
        response = await parts.own.handle(request, head)
        if arrived is not None and request.verdict == "ticket" and not await parts.presented_sessions.may_hand_out(sender, arrived):
            return to_client(request, await parts.handoff.sent_back(head))
        return response

    async def _own_sign_out(self, request: Request, sender: LoginBrowser) -> Response:
        """The sign-out page.

        It never waits for the shared state: if that is away, the sessions that the browser presents end all the same.
        """
        if sender.fresh:
            request.new_browser = sender.browser_id
        response = await self._parts.own.handle(request, sender.head)
        if sender.head.method == "POST" and request.verdict == "sign_out":
            with suppress(StateFailed):
                await self._parts.ended_sessions.signed_out(sender)
        return response

    async def _announce(self, request: Request, head: RequestHead) -> Response:
        """A portal's announcement (see ``announced_starts``)."""
        request.route = STARTS_PATH
        parts = self._parts
        if head.method != "POST":
            return to_client(request, parts.responses.refusal(head, 405, "method", (b"Allow", b"POST")))
        if not parts.announced_starts.is_portal(head):
            return to_client(request, parts.responses.refusal(head, 401, "portal_secret", (b"WWW-Authenticate", b"Bearer")))
        body = await whole_body(request, LARGEST_ANNOUNCEMENT_BYTES)
        if isinstance(body, Malformed):
            return to_client(request, parts.responses.refusal(head, body.status, body.reason))
        answer = await parts.announced_starts.announce(body)
        return to_client(request, Outcome(answer, "announced" if answer.status == 204 else "refused"))

    async def _judged(self, request: Request, sender: LoginBrowser, body: bytes | None, found: OrgRequest) -> Response:
        """Hand a request to the org to the object for its kind; what needs nothing special is forwarded."""
        parts, response = self._parts, None
        match found:
            case Redemption():
                response = await parts.token_requests.redeem(request, sender, body, found)
            case PushedByReference(references):
                response = await parts.token_requests.by_reference(request, sender, body, references)
            case SilentAuthorize(client_id):
                response = await self._silently(request, sender, body, client_id)
            case SignOut():
                response = await parts.sign_outs.sign_out(request, sender, body, found)
            case EndsSessions():
                response = await self._end_sessions(request, sender, body, found)
            case LegacySession():
                response = await self._legacy(request, sender, body, found)
            case Plain():
                response = await self._granting(request, sender, body or b"") if is_token_request(sender.head) else None
            case _:
                assert_never(found)
        return response if response is not None else await self._plain(request, sender, body)

    async def _silently(self, request: Request, sender: LoginBrowser, body: bytes | None, client_id: str) -> Response | None:
        """A page asks for tokens without asking the user (``prompt=none``). The page may still belong to the former user.

        If this client was last used by another user, the request is forwarded without session cookies. None: it is forwarded as it is.
        """
        if without_cookie(sender.head) is OTHER_SITE_WITHOUT_COOKIE:
            self._parts.tell("silent_request_without_cookie", {})  # the browser blocks third-party cookies: it finds no session
        record = await self._parts.browsers.record_of(sender)
        used_by = record.user_of_client(client_id)
        session = await self._parts.forwarding.session(sender) if used_by is not None else None
        if session is not None and asks_for_another_user(used_by, session.user_id):
            request.verdict, request.reason = "forwarded", "client_of_another_user"
            return await self._parts.forwarding.hidden(request, sender, body)
        return None

    async def _granting(self, request: Request, sender: LoginBrowser, body: bytes) -> Response:
        """A token request.

        It is refused if its code or refresh token came from a revoked session; what Okta issues is stored by its fingerprint.
        """
        head, parts = sender.head, self._parts
        grant = token_grant(body)
        if isinstance(grant, Malformed):
            return to_client(request, parts.responses.refusal(head, grant.status, grant.reason))
        if await parts.issued.refuses(grant):
            parts.tell("refresh_token_refused", {})
            return to_client(request, Outcome(parts.issued.refusal(head), "refused", "session_revoked"))
        request.verdict = "forwarded"
        answer = await parts.forwarding.pushed(head, body)
        await parts.issued.note_exchange(grant, answer)
        return to_response(answer)

    async def _plain(self, request: Request, sender: LoginBrowser, body: bytes | None) -> Response:
        """Forward a request that needs nothing special."""
        head = sender.head
        request.verdict = "forwarded"
        if is_pushed_request(head) and body is not None:
            answer = await self._parts.forwarding.pushed(head, body)
            await self._parts.references.note_pushed(answer, may_hold_token=False)
            return to_response(answer)
        return await self._parts.forwarding.plain(request, sender, body)

    async def _legacy(self, request: Request, sender: LoginBrowser, body: bytes | None, legacy: LegacySession) -> Response:
        """A call that names a session by its id. If it is the browser's own session, the call is sent to ``/sessions/me`` instead."""
        head, parts = sender.head, self._parts
        current = await parts.forwarding.as_current(head, legacy)
        if current is None and head.method == "DELETE":
            return await self._end_sessions(request, sender, body, EndsSessions(legacy.session_id, None))
        more = parts.responses.legacy_fields(head)
        request.verdict = "forwarded"
        if current is None:
            return await parts.forwarding.plain(request, sender, body, *more)
        request.reason = "legacy_session_id"
        sender = replace(sender, head=current)
        if current.method == "DELETE":
            return await parts.sign_outs.of_browser(request, sender, body, *more)
        return await parts.forwarding.plain(request, sender, body, *more)

    async def _end_sessions(self, request: Request, sender: LoginBrowser, body: bytes | None, named: EndsSessions) -> Response:
        more = self._parts.responses.legacy_fields(sender.head)
        return await self._parts.ended_sessions.forward(request, sender, body, named, *more)


def _is_form(head: RequestHead) -> bool:
    return b",".join(head.values(b"content-type")).partition(b";")[0].strip().lower() == _FORM
