"""The login door: answers every request to the login host, which is the org's host as browsers see it.

It forwards to Okta, and adds the one thing that Okta does not do: before a token is redeemed, the browser's older session is ended. Owns
which object answers which kind of request: redemptions (``redeemer``), sign-outs, calls that end sessions, silent requests of OpenID
Connect clients, everything else that goes to Okta (``OrgForwarding``), and the gateway's own paths. Must never forward anything under
``/.gateway/``.
"""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.closing.session_closer import LIMITED
from gateway.doors.announced_starts import LARGEST_ANNOUNCEMENT_BYTES, STARTS_PATH, AnnouncedStarts
from gateway.doors.answers import to_response
from gateway.doors.hooks import Hooks
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.confirmed_switch import SWITCH_PATH, ConfirmedSwitch
from gateway.doors.login.ended_sessions import EndedSessions
from gateway.doors.login.issued_tokens import IssuedTokens
from gateway.doors.login.login_browser import LoginBrowser, Withheld
from gateway.doors.login.new_sessions import NewSessions
from gateway.doors.login.org_forwarding import OrgForwarding
from gateway.doors.login.outcome_responses import OutcomeResponses
from gateway.doors.login.redeemer import Redeemer
from gateway.doors.login.redemptions import RedemptionRequest, Sent
from gateway.doors.login.token_origins import TokenOrigins, tokens_redeemed
from gateway.doors.own.login_handoff import LoginHandoff
from gateway.doors.own.paths import LoginOwnPaths
from gateway.doors.own.requests import HANDOFF, SESSION, SESSION_PAGE, SIGN_OUT, Outcome, parameters
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import OutsideFailed, StateFailed
from gateway.policy.advice.causes import OTHER_SITE_WITHOUT_COOKIE, without_cookie
from gateway.policy.advice.legacy_calls import legacy_call, legacy_fields
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import Fields, Malformed, RequestHead
from gateway.policy.routing.navigation import RequestKind, kind_of
from gateway.policy.routing.routing import is_own
from gateway.policy.session.browser_id import ID_BYTES, browser_id_line, browser_id_of, new_browser_id
from gateway.policy.session.session import NoSession, SessionToken, Unknown
from gateway.policy.switch.clients import asks_for_another_user, names_another_user
from gateway.policy.switch.foreign_forms import return_parameters
from gateway.policy.switch.org_endings import EndsSessions, LegacySession, SignOut
from gateway.policy.switch.org_places import LONGEST_PATH, OrgPath, SignOutKind
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
from gateway.policy.switch.redemption import are_too_many, expiries
from gateway.policy.switch.start import Asks, StartRefused, StartRules, Trusted, Via, is_trusted_place, judge, via_of
from gateway.policy.switch.token_grants import is_identity_step, is_token_request, token_grant

__all__ = ["LoginDoor", "LoginRooms", "SwitchRules"]

_RELY_ON_THE_SESSION = frozenset((HANDOFF, SESSION, SESSION_PAGE))
_FORM = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class SwitchRules:
    """Who may start a switch, and whether an unknown ``request_uri`` counts as a token (``switch`` in the configuration)."""

    start: StartRules
    unknown_reference_redeems: bool = True


@dataclass(frozen=True, slots=True)
class LoginParts:
    """The objects that answer for the login door."""

    own: LoginOwnPaths
    handoff: LoginHandoff
    hooks: Hooks
    redeemer: Redeemer
    forwarding: OrgForwarding
    switch: ConfirmedSwitch
    browsers: Browsers
    new_sessions: NewSessions
    token_origins: TokenOrigins
    announced_starts: AnnouncedStarts
    ended_sessions: EndedSessions
    responses: OutcomeResponses
    issued: IssuedTokens
    tell: Callable[[str, Mapping[str, object]], None]
    """Gets (event name, figures) for the log and the metrics."""


class LoginDoor:
    """Answers everything that reaches the login host."""

    def __init__(self, parts: LoginParts, rules: SwitchRules) -> None:
        """``parts.confirmation`` reads the form of the confirmation page; ``parts.responses`` turns outcomes into answers."""
        self._parts = parts
        self._rules = rules

    async def resume(self) -> None:
        """Continue what the previous process left open. Call it before any request is answered. Raises ``OutsideFailed``."""
        await self._parts.new_sessions.resume()

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The whole answer. The words for the access log are left in ``request``."""
        responses = self._parts.responses
        if self._parts.hooks.answers(head.path):
            return await self._parts.hooks.handle(request, head)
        if are_too_many(session_cookies(head.fields)):
            return self._told(request, responses.refusal(head, 400, "session_cookies"))
        sender = self._sender(head)
        try:
            if len(head.path) <= LONGEST_PATH and is_own(head.path):
                return await self._own_path(request, sender)
            request.route = "org"
            if OrgPath.of(head.path).is_too_long:
                return self._told(request, responses.refusal(head, 414, "path_too_long"))
            body = await self._body(request, head)
            form = return_parameters(body) if isinstance(body, bytes) and _is_form(head) else b""
            if isinstance(body, Malformed) or form is None:
                malformed = body if isinstance(body, Malformed) else Malformed(413, "form_too_large")
                return self._told(request, responses.refusal(head, malformed.status, malformed.reason))
            found = read(head, body or b"")
            if not await self._parts.token_origins.note_request(head, form, tokens_redeemed(found)):
                return self._told(request, responses.refusal(head, 400, "nested_too_deeply"))
            return await self._judged(request, sender, body, found)
        except Withheld as withheld:
            return self._told(request, responses.withheld(head, withheld), sender)
        except OutsideFailed as error:
            return self._told(request, responses.unreachable(head, error))

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
            or (head.method == "POST" and _is_form(head) and not is_trusted_place(head, self._rules.start))
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
        found = await parts.switch.read(request, head, sender.browser_id)
        if isinstance(found, Malformed):
            allow = ((b"Allow", b"POST"),) if found.status == 405 else ()
            return self._told(request, parts.responses.refusal(head, found.status, found.reason, *allow))
        return await self._redeemed(request, sender, found)

    async def _own_answer(self, request: Request, sender: LoginBrowser) -> Response:
        """The answer of an own path.

        A ticket is sent only if the browser did not sign in again while it was made; else the browser is sent back to the same address.
        """
        head, parts = sender.head, self._parts
        if head.path == SIGN_OUT:
            return await self._own_sign_out(request, sender)
        arrived = await parts.browsers.record_of(sender) if head.path == HANDOFF else None
        if head.path in _RELY_ON_THE_SESSION:
            await parts.new_sessions.settle(sender)
        if sender.fresh:
            request.new_browser = sender.browser_id
        response = await parts.own.handle(request, head)
        if arrived is not None and request.verdict == "ticket" and not await parts.new_sessions.handed_out(sender, arrived):
            return self._told(request, await parts.handoff.sent_back(head))
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
            return self._told(request, parts.responses.refusal(head, 405, "method", (b"Allow", b"POST")))
        if not parts.announced_starts.is_portal(head):
            return self._told(request, parts.responses.refusal(head, 401, "portal_secret", (b"WWW-Authenticate", b"Bearer")))
        body = await whole_body(request, LARGEST_ANNOUNCEMENT_BYTES)
        if isinstance(body, Malformed):
            return self._told(request, parts.responses.refusal(head, body.status, body.reason))
        answer = await parts.announced_starts.announce(body)
        return self._told(request, Outcome(answer, "announced" if answer.status == 204 else "refused"))

    async def _judged(self, request: Request, sender: LoginBrowser, body: bytes | None, found: OrgRequest) -> Response:
        """Hand a request to the org to the method for its kind."""
        match found:
            case Redemption():
                return await self._redeem(request, sender, body, found)
            case PushedByReference(references):
                return await self._by_reference(request, sender, body, references)
            case SilentAuthorize(client_id):
                return await self._silently(request, sender, body, client_id)
            case SignOut():
                return await self._sign_out(request, sender, body, found)
            case EndsSessions():
                return await self._ending(request, sender, body, found)
            case LegacySession():
                return await self._legacy(request, sender, body, found)
            case Plain() if is_token_request(sender.head):
                return await self._granting(request, sender, body or b"")
            case Plain():
                return await self._plain(request, sender, body)
            case _:
                assert_never(found)

    async def _redeem(
        self, request: Request, sender: LoginBrowser, body: bytes | None, found: Redemption, references: tuple[str, ...] = ()
    ) -> Response:
        """Judge who chose the token; then redeem it, ask the user, or refuse."""
        head, parts = sender.head, self._parts
        if kind_of(head) is RequestKind.PREFETCH:
            return self._told(request, parts.responses.refusal(head, 503, "prefetch"))
        if head.method not in ("GET", "POST"):
            return self._told(request, parts.responses.refusal(head, 405, "method", (b"Allow", b"GET, POST")))
        token = await parts.token_origins.of(head, found, sender.browser_id)
        if not token.announced:
            await parts.token_origins.note_tokens(head, found.tokens)
        judgement = judge(head, token, self._rules.start)
        if len(references) > 1 and isinstance(judgement, Trusted) and not await self._are_pushed_here(references):
            judgement = Asks("unknown_references")
        match judgement:
            case StartRefused(reason):
                return self._told(request, parts.responses.refusal(head, 403, reason))
            case Trusted("own_transaction") if sender.presented:
                request.reason = "own_transaction"
                return await self._plain(request, sender, body)
            case Trusted() | Asks():
                tokens = () if references else found.tokens
                redemption = RedemptionRequest(
                    head,
                    body or b"",
                    tokens,
                    isinstance(judgement, Trusted),
                    references,
                    is_program=via_of(head) is Via.PROGRAM,
                    browser_id=sender.browser_id,
                    is_new_browser=bool(sender.fresh),
                    started_by=judgement.origin if isinstance(judgement, Asks) else "",
                )
                return await self._redeemed(request, sender, redemption)
            case _:
                assert_never(judgement)

    async def _redeemed(self, request: Request, sender: LoginBrowser, redemption: RedemptionRequest) -> Response:
        """Carry out the redemption, store what Okta issued with it, and answer."""
        outcome = await self._parts.redeemer.redeem(redemption)
        if isinstance(outcome, Sent):
            await self._parts.token_origins.note_answer(redemption.head, sender.browser_id, False, outcome.answer.fields)
            if self._parts.issued.may_hand_out(redemption.head):
                await self._parts.issued.note_codes(redemption.head, outcome.answer.fields, outcome.answer.body)
        told = self._parts.responses.of(redemption, outcome)
        told = replace(told, answer=told.answer.plus(*self._legacy_fields(redemption.head)))
        if is_pushed_request(redemption.head):
            await self._parts.redeemer.note_pushed(told.answer, may_hold_token=True)
        return self._told(request, told, sender)

    async def _are_pushed_here(self, references: tuple[str, ...]) -> bool:
        return all([await self._parts.redeemer.pushed_here(reference) is not None for reference in references])

    async def _by_reference(self, request: Request, sender: LoginBrowser, body: bytes | None, references: tuple[str, ...]) -> Response:
        """An authorize request with a ``request_uri``, behind which a token may stand.

        If it may, the reference is redeemed like a token.
        """
        redeemer, unknown = self._parts.redeemer, self._rules.unknown_reference_redeems
        as_tokens = Redemption(tuple(map(SessionToken, references)))
        if not any([await redeemer.reference_redeems(one, sender, unknown) for one in references]):
            await self._parts.token_origins.note_tokens(sender.head, as_tokens.tokens)
            return await self._plain(request, sender, body)
        return await self._redeem(request, sender, body, as_tokens, references)

    async def _silently(self, request: Request, sender: LoginBrowser, body: bytes | None, client_id: str) -> Response:
        """A page asks for tokens without asking the user (``prompt=none``). The page may still belong to the former user.

        If this client was last used by another user, the request is forwarded without session cookies.
        """
        if without_cookie(sender.head) is OTHER_SITE_WITHOUT_COOKIE:
            self._parts.tell("silent_request_without_cookie", {})  # the browser blocks third-party cookies: it finds no session
        record = await self._parts.browsers.record_of(sender)
        used_by = record.user_of_client(client_id)
        session = await self._parts.forwarding.session(sender) if used_by is not None else None
        if session is not None and asks_for_another_user(used_by, session.user_id):
            request.verdict, request.reason = "forwarded", "client_of_another_user"
            return await self._parts.forwarding.hidden(request, sender, body)
        return await self._plain(request, sender, body)

    async def _granting(self, request: Request, sender: LoginBrowser, body: bytes) -> Response:
        """A token request.

        It is refused if its code or refresh token came from a revoked session; what Okta issues is stored by its fingerprint.
        """
        head, parts = sender.head, self._parts
        grant = token_grant(body)
        if isinstance(grant, Malformed):
            return self._told(request, parts.responses.refusal(head, grant.status, grant.reason))
        if await parts.issued.refuses(grant):
            parts.tell("refresh_token_refused", {})
            return self._told(request, Outcome(parts.issued.refusal(head), "refused", "session_revoked"))
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
            await self._parts.redeemer.note_pushed(answer, may_hold_token=False)
            return to_response(answer)
        return await self._parts.forwarding.plain(request, sender, body)

    async def _sign_out(self, request: Request, sender: LoginBrowser, body: bytes | None, found: SignOut) -> Response:
        """Revoke the session and forward the sign-out. If another site sent the browser here, do no more than Okta itself would do."""
        head, parts = sender.head, self._parts
        if found.how in (SignOutKind.OIDC, SignOutKind.SAML):
            return await self._proven_logout(request, sender, body, found.hint_subject)
        if found.how is SignOutKind.API or self._is_trusted(head):
            return await self._signed_out(request, sender, body)
        if kind_of(head) is not RequestKind.NAVIGATION:
            return self._told(request, parts.responses.refusal(head, 403, "other_site"))
        if await parts.forwarding.has_session(head):
            return self._told(request, parts.responses.asks_to_sign_out(_way_back(head)))
        return await self._plain(request, sender, body)

    async def _signed_out(self, request: Request, sender: LoginBrowser, body: bytes | None, *more: tuple[bytes, bytes]) -> Response:
        """Forward a sign-out, after a check of unknown cookies.

        Okta is asked first about cookies that the gateway has never seen, and the question counts as a guess. So a client cannot use up
        Okta's rate limit with invented cookies.
        """
        head, parts = sender.head, self._parts
        found = await parts.forwarding.made_up(sender)
        if isinstance(found, Unknown) and found.reason in LIMITED:
            return self._told(request, parts.responses.refusal(head, 503, found.reason))
        request.verdict = "signed_out"
        if isinstance(found, NoSession):
            gone = expiries({cookie.name for cookie in session_cookies(head.fields)}, ())
            return await parts.forwarding.hidden(request, sender, body, *gone, *more)
        return await parts.forwarding.sign_out(request, sender, body, *more)

    async def _proven_logout(self, request: Request, sender: LoginBrowser, body: bytes | None, hint_subject: str | None) -> Response:
        """A logout that carries a proof which Okta checks: an ID token, or the signature of an app."""
        head, parts = sender.head, self._parts
        whole = body if body is not None else await whole_body(request, LARGEST_BODY_BYTES)
        if isinstance(whole, Malformed):
            return self._told(request, parts.responses.refusal(head, whole.status, whole.reason))
        request.verdict = "forwarded"
        session = await parts.forwarding.session(sender) if hint_subject is not None else None
        if session is not None and names_another_user(hint_subject, session):
            request.reason = "logout_of_another_user"
            return await parts.forwarding.hidden(request, sender, whole)
        return await parts.forwarding.sign_out_as_okta_does(request, sender, whole)

    async def _ending(self, request: Request, sender: LoginBrowser, body: bytes | None, found: EndsSessions) -> Response:
        """Forward a call that ends sessions by name; if Okta did it, revoke them here too."""
        request.verdict, request.reason = "forwarded", "ends_sessions"
        parts, more = self._parts, self._legacy_fields(sender.head)
        return await parts.forwarding.ending(request, sender, body, lambda: parts.ended_sessions.end(found, sender), *more)

    def _legacy_fields(self, head: RequestHead) -> Fields:
        """The fields that pass on Okta's advice against this call, which is counted; none for other calls."""
        call = legacy_call(head)
        if call is not None:
            self._parts.tell(f"legacy_{call}", {})
        return legacy_fields(call)

    async def _legacy(self, request: Request, sender: LoginBrowser, body: bytes | None, legacy: LegacySession) -> Response:
        """A call that names a session by its id. If it is the browser's own session, the call is sent to ``/sessions/me`` instead."""
        head, forwarding = sender.head, self._parts.forwarding
        current = await forwarding.as_current(head, legacy)
        if current is None and head.method == "DELETE":
            return await self._ending(request, sender, body, EndsSessions(legacy.session_id, None))
        more = self._legacy_fields(head)
        if current is None:
            request.verdict = "forwarded"
            return await forwarding.plain(request, sender, body, *more)
        request.verdict, request.reason = "forwarded", "legacy_session_id"
        if current.method == "DELETE":
            return await self._signed_out(request, replace(sender, head=current), body, *more)
        return await forwarding.plain(request, replace(sender, head=current), body, *more)

    def _is_trusted(self, head: RequestHead) -> bool:
        """Whether the request's origin may ask for a sign-out. A script may only if it runs on the login host itself."""
        if via_of(head) is Via.SCRIPT and head.values(b"sec-fetch-site") != (b"same-origin",):
            return False
        return b"no-cors" not in head.values(b"sec-fetch-mode") and is_trusted_place(head, self._rules.start)

    def _told(self, request: Request, outcome: Outcome, sender: LoginBrowser | None = None) -> Response:
        """The outcome as a response. ``sender``: if this browser's id is new, the answer sets it."""
        request.verdict, request.reason = outcome.verdict, outcome.reason
        fresh = sender.fresh if sender is not None else ()
        return to_response(outcome.answer.plus(*fresh), closes=request.has_unread_body)


def _is_form(head: RequestHead) -> bool:
    return b",".join(head.values(b"content-type")).partition(b";")[0].strip().lower() == _FORM


def _way_back(head: RequestHead) -> str:
    """Where Okta's own sign-out would lead. The sign-out page checks whether that is allowed."""
    given = parameters(head.query)
    return "" if isinstance(given, Malformed) else given.get("fromURI", "")
