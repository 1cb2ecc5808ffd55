"""Requests by which a browser signs out at Okta: its sign-out page, the call that ends its session, logouts of OpenID Connect and SAML.

Owns what the gateway adds to them: the session is refused everywhere, and its end is proven (Okta bug OKTA-1163605). Must never sign
anybody out because another site asked for it: then the user confirms it on the sign-out page, or Okta checks a proof. A logout that Okta
refused ends nothing.
"""

import asyncio
from contextlib import ExitStack, suppress

from gateway.background import BackgroundTasks
from gateway.closing.session_closer import LIMITED, Closer
from gateway.doors.answers import Pair
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.new_sessions import NewSessions
from gateway.doors.login.org_forwarding import OrgForwarding
from gateway.doors.login.outcome_responses import OutcomeResponses, to_client
from gateway.doors.own.requests import parameters
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import OutsideFailed
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import Fields, Malformed, RequestHead
from gateway.policy.routing.navigation import RequestKind, kind_of
from gateway.policy.session.cookies import could_be_oktas, split
from gateway.policy.session.session import Finding, NoSession, Unknown
from gateway.policy.switch.clients import names_another_user
from gateway.policy.switch.org_endings import SignOut
from gateway.policy.switch.org_places import SignOutKind
from gateway.policy.switch.org_requests import LARGEST_BODY_BYTES
from gateway.policy.switch.redemption import dead_or_ours, expiries, without_session_settings
from gateway.policy.switch.start import StartRules, Via, is_trusted_place, via_of
from gateway.sessions import Sessions


class OrgSignOuts:
    """Forwards sign-outs to Okta, and ends the sessions here. Close it with ``aclose``."""

    def __init__(
        self,
        forwarding: OrgForwarding,
        sessions: Sessions,
        closer: Closer,
        browsers: Browsers,
        new_sessions: NewSessions,
        responses: OutcomeResponses,
        trusts: StartRules,
    ) -> None:
        """``trusts``: which sites may begin a sign-out."""
        self._sessions = sessions
        self._forwarding = forwarding
        self._closer = closer
        self._browsers = browsers
        self._new_sessions = new_sessions
        self._responses = responses
        self._trusts = trusts
        self._tasks = BackgroundTasks()

    async def sign_out(self, request: Request, sender: LoginBrowser, body: bytes | None, found: SignOut) -> Response | None:
        """Answer a sign-out. None if the browser has no session that another site could end: then it is forwarded as it is."""
        head = sender.head
        if found.how in (SignOutKind.OIDC, SignOutKind.SAML):
            return await self._proven_by_okta(request, sender, body, found.hint_subject)
        if found.how is SignOutKind.API or self._is_trusted(head):
            return await self.of_browser(request, sender, body)
        if kind_of(head) is not RequestKind.NAVIGATION:
            return to_client(request, self._responses.refusal(head, 403, "other_site"))
        if isinstance(await self._closer.questions.who(session_cookies(head.fields), sender.browser_fields), NoSession):
            return None
        return to_client(request, self._responses.asks_to_sign_out(_return_address(head)))

    async def of_browser(self, request: Request, sender: LoginBrowser, body: bytes | None, *more: Pair) -> Response:
        """Forward a sign-out, after a check of unknown cookies. ``more``: fields that are added to the answer.

        Okta is asked first about cookies that the gateway has never seen, and the question counts as a guess. So a client cannot use up
        Okta's rate limit with invented cookies.
        """
        head = sender.head
        found = await self._invented(sender)
        if isinstance(found, Unknown) and found.reason in LIMITED:
            return to_client(request, self._responses.refusal(head, 503, found.reason))
        request.verdict = "signed_out"
        if isinstance(found, NoSession):
            gone = expiries({cookie.name for cookie in session_cookies(head.fields)}, ())
            return await self._forwarding.hidden(request, sender, body, *gone, *more)
        return await self._revoked_first(request, sender, body, *more)

    async def aclose(self) -> None:
        """Wait until everything that Okta has ended is ended here too."""
        await self._tasks.ended()

    async def _invented(self, sender: LoginBrowser) -> Finding | None:
        """What Okta says of session cookies that the gateway has never seen, so a client may have invented them; else None.

        The question is a guess: ``Unknown`` with a reason of ``LIMITED`` if this client, or all together, made too many.
        """
        possible, _ = split(session_cookies(sender.head.fields))
        if not possible or any(map(self._sessions.is_known, possible)):
            return None
        return await self._closer.questions.who(possible, sender.browser_fields)

    async def _revoked_first(self, request: Request, sender: LoginBrowser, body: bytes | None, *more: Pair) -> Response:
        """Revoke, forward with the cookies, then make sure that the session is really gone.

        The closing is a task of its own and revokes once more. So nothing is left half done if the client leaves.
        """
        cookies, _ = split(session_cookies(sender.head.fields))

        async def judge(status: int, answered: Fields) -> Fields:
            return (*without_session_settings(answered), *more)

        try:
            with suppress(OutsideFailed):  # if the state is away, sign out here and at Okta; ``close_soon`` revokes again
                record = await self._browsers.record_of(sender)
                cookies = tuple(dict.fromkeys((*cookies, *record.all_cookies)))
            self._closer.note_signed_out(cookies, sender.browser_fields)
            with suppress(OutsideFailed):
                await self._closer.revoke(cookies, sender.browser_fields)
            removes = dead_or_ours(lambda cookie: not could_be_oktas(cookie.value))  # revoked ones must reach Okta: it ends them
            return await self._forwarding.send(request, sender.head, body, judge, removes)
        finally:
            self._closer.close_soon(cookies, sender.browser_fields)

    async def _proven_by_okta(self, request: Request, sender: LoginBrowser, body: bytes | None, hint_subject: str | None) -> Response:
        """A logout that carries a proof which Okta checks: an ID token, or the signature of an app.

        The session counts as ended only if Okta then no longer knows it. The answer waits for that check.
        """
        head, browser, living = sender.head, sender.browser_fields, sender.living_cookies
        whole = body if body is not None else await whole_body(request, LARGEST_BODY_BYTES)
        if isinstance(whole, Malformed):
            return to_client(request, self._responses.refusal(head, whole.status, whole.reason))
        request.verdict = "forwarded"
        session = await self._forwarding.session(sender) if hint_subject is not None else None
        if session is not None and names_another_user(hint_subject, session):
            request.reason = "logout_of_another_user"
            return await self._forwarding.hidden(request, sender, whole)
        with ExitStack() as in_flight:
            in_flight.enter_context(self._closer.in_flight.counting(self._sessions.fingerprints(living)))

            async def judge(status: int, answered: Fields) -> Fields:
                with in_flight:
                    if status < 400 and living and await self._closer.questions.has_ended(living, browser):
                        self._closer.note_signed_out(living, browser)
                        await asyncio.shield(self._tasks.start(self._sessions.revoke(living), "ending sessions"))
                        self._closer.close_soon(living, browser)
                        return without_session_settings(answered)
                    return await self._new_sessions.judged(answered, sender, in_flight)

            return await self._forwarding.send(request, head, whole, judge)

    def _is_trusted(self, head: RequestHead) -> bool:
        """Whether the request's origin may ask for a sign-out. A script may only if it runs on the login host itself."""
        if via_of(head) is Via.SCRIPT and head.values(b"sec-fetch-site") != (b"same-origin",):
            return False
        return b"no-cors" not in head.values(b"sec-fetch-mode") and is_trusted_place(head, self._trusts)


def _return_address(head: RequestHead) -> str:
    """Where Okta's own sign-out would lead. The sign-out page checks whether that is allowed."""
    given = parameters(head.query)
    return "" if isinstance(given, Malformed) else given.get("fromURI", "")
