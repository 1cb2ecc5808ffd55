"""Forwards to Okta everything that redeems no token, byte for byte but without dead session cookies; and sends the redemptions.

Owns which fields Okta gets, and what of Okta's answers reaches the browser. Must never forward a revoked session cookie (except in
requests that close it), nor deliver an answer that sets session cookies before ``new_sessions`` has judged it.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from gateway.closing.session_closer import Closer
from gateway.doors.answers import Pair
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.new_sessions import NewSessions
from gateway.doors.login.org_relay import OrgRelay, given, readable
from gateway.doors.login.token_origins import TokenOrigins
from gateway.doors.pending_cookie import PendingCookie
from gateway.edge.http_proxy import HttpProxy, Judge
from gateway.edge.pins import Asker
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import OutsideFailed, TimedOut
from gateway.okta import browser_fields_of
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.fields import to_org
from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.routing.navigation import is_document
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.cookies import could_be_oktas, split
from gateway.policy.session.judging import dead_expiries
from gateway.policy.session.session import Cookies, Session, SessionCookie
from gateway.policy.switch.clients import client_of
from gateway.policy.switch.org_endings import LegacySession
from gateway.policy.switch.redemption import (
    ORG_ANSWER_BYTES,
    cookies_set,
    dead_or_ours,
    expiries,
    leaves_with_token,
    names_set,
    okta_values,
    parent_domains,
    relocated,
    without_deletions,
    without_gateway_cookies,
    without_session,
)
from gateway.policy.switch.token_grants import shows_code_in_page
from gateway.sessions import Sessions

ANSWER_SECONDS: Final = 5.0
"""How long the body of Okta's answer to a redemption may take. Nobody else of this browser can sign in before it is whole."""

RemovesCookie = Callable[[bytes, bytes], bool]
"""Gets name and value of a cookie in a request; True if Okta must not get it."""


@dataclass(frozen=True, slots=True)
class Origins:
    """``org``: the origin in Okta's own addresses; ``login``: what browsers see instead. Equal with a custom domain."""

    org: str
    login: str


@dataclass(frozen=True, slots=True)
class OrgPools:
    """Connections to the org: ``plain`` for what is forwarded, ``redeeming`` for tokens, so that slow uploads cannot hold them."""

    plain: OrgRelay
    redeeming: HttpProxy


class OrgForwarding:
    """Forwards the requests of the login host."""

    def __init__(
        self,
        pools: OrgPools,
        sessions: Sessions,
        closer: Closer,
        pending_cookie: PendingCookie,
        browsers: Browsers,
        new_sessions: NewSessions,
        token_origins: TokenOrigins,
        origins: Origins,
    ) -> None:
        """``origins``: how the org's own addresses are turned into the login host's."""
        self._pools = pools
        self._sessions = sessions
        self._closer = closer
        self._pending_cookie = pending_cookie
        self._browsers = browsers
        self._new_sessions = new_sessions
        self._token_origins = token_origins
        self._origins = origins

    def sender(self, head: RequestHead, browser_id: str, fresh: Fields) -> LoginBrowser:
        """The browser behind a request: the session cookies that may be forwarded, and what its pending cookie holds."""
        living = tuple(cookie for cookie in session_cookies(head.fields) if not self._is_dead(cookie))
        return LoginBrowser(head, browser_id, living, self._pending_cookie.carried(head), fresh)

    async def redeem(self, head: RequestHead, body: bytes) -> Answer:
        """Send a redemption once, without any session cookie, and return Okta's whole answer. Raises ``OutsideFailed``.

        If the answer breaks off after its head, or is not whole within ``ANSWER_SECONDS``, the session that it begins is closed.
        """
        fields = self._outbound(to_org(head.fields, head.client, leaves_with_token))
        if not is_document(head) or shows_code_in_page(head):
            fields = readable(fields)
        exchange = await self._pools.redeeming.exchange(head.method, head.target, fields, given(head, body), Asker(head.client))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answered = await exchange.read(ORG_ANSWER_BYTES)
        except OutsideFailed:
            self._close_lost(cookies_set(exchange.fields), head)
            raise
        except TimeoutError as error:
            self._close_lost(cookies_set(exchange.fields), head)
            raise TimedOut("idle") from error
        fields = tuple(field for field in exchange.fields if field[0].lower() != b"content-length")
        return Answer(exchange.status, self._inbound(fields), answered)

    def _close_lost(self, begun: Cookies, head: RequestHead) -> None:
        """Close the session of an answer that is lost: no browser gets these cookies, and no record names them."""
        if begun:
            self._closer.close_issued(begun, browser_fields_of(head))

    async def pushed(self, head: RequestHead, body: bytes) -> Answer:
        """Okta's whole answer to a pushed authorization request (RFC 9126) without a token. It neither begins nor ends a session."""
        answer = await self.redeem(head, body)
        return replace(answer, fields=without_session(answer.fields))

    async def send(
        self, request: Request, head: RequestHead, body: bytes | None, judge: Judge, removes: RemovesCookie | None = None
    ) -> Response:
        """Forward, streaming both ways. ``body``: if it was read already. ``judge`` gets Okta's fields with the login host's addresses.

        ``removes``: which cookies Okta does not get; by default the gateway's own and dead sessions. Raises what ``judge`` raises, and
        ``OutsideFailed`` before the first byte.
        """

        async def judged(status: int, answered: Fields) -> Fields:
            return await judge(status, self._inbound(answered))

        fields = self._outbound(to_org(head.fields, head.client, removes or dead_or_ours(self._is_dead)))
        return await self._pools.plain.send(request, head, fields, body, judged)

    async def plain(self, request: Request, sender: LoginBrowser, body: bytes | None, *more: Pair) -> Response:
        """Forward a request that needs nothing special. ``more``: fields to add to the answer. Raises ``Withheld``; see ``send``."""
        head, own_key = sender.head, (sender.known_key,) if sender.known_key else ()
        with ExitStack() as in_flight:
            in_flight.enter_context(self._closer.in_flight.counting((*self._sessions.fingerprints(sender.living_cookies), *own_key)))

            async def judge(status: int, answered: Fields) -> Fields:
                with in_flight:
                    await self._token_origins.note_answer(head, sender.browser_id, bool(sender.living_cookies), answered)
                    judged = await self._new_sessions.judged(answered, sender, in_flight)
                await self._note_client(status, sender)
                return (*judged, *await self._dead_cookies(sender, answered), *self._fresh(sender, judged), *more)

            return await self.send(request, head, body, judge)

    async def hidden(self, request: Request, sender: LoginBrowser, body: bytes | None, *more: Pair) -> Response:
        """Forward without session cookies, as if nobody were signed in; the browser keeps its own. Raises ``Withheld``; see ``send``."""

        async def judge(status: int, answered: Fields) -> Fields:
            kept = without_deletions(answered)
            return (*await self._new_sessions.judged(kept, replace(sender, living_cookies=()), ExitStack()), *more)

        return await self.send(request, sender.head, body, judge, leaves_with_token)

    async def session(self, sender: LoginBrowser) -> Session | None:
        """The browser's live session, if Okta names its user."""
        finding = await self._closer.questions.who(sender.living_cookies, sender.browser_fields) if sender.living_cookies else None
        return finding if isinstance(finding, Session) else None

    async def as_current(self, head: RequestHead, legacy: LegacySession) -> RequestHead | None:
        """The same call on ``/me``, if the id names the browser's own session; else, or with an ``Authorization`` field, None."""
        if head.values(b"authorization"):
            return None
        received = session_cookies(head.fields)
        finding = await self._sessions.current(received, browser_fields_of(head))
        # `POST /sessions` returns the value of `sid` as the session's id; portals keep that value.
        values = {cookie.value.decode("latin-1") for cookie in received if cookie.name == b"sid"}
        if not isinstance(finding, Session) or legacy.session_id not in {finding.id, *values}:
            return None
        return head.replaced(target="/api/v1/sessions/me" + legacy.tail)

    async def _note_client(self, status: int, sender: LoginBrowser) -> None:
        """Record that the browser's user has used this OpenID Connect client."""
        client_id = client_of(sender.head)
        if not client_id or status >= 400 or not sender.living_cookies:
            return
        record = await self._browsers.record(sender.browser_id)
        finding = self._sessions.from_cache(sender.living_cookies)
        user_id = finding.user_id if isinstance(finding, Session) else record.user_id
        if user_id and sender.browser_id and record.user_of_client(client_id) != user_id:
            # Under the browser's lease, because a sign-in may write the same record, in this process or another one.
            async with self._browsers.leases.held((browser_key(sender.browser_id),)):
                record = await self._browsers.record(sender.browser_id)
                if not self._sessions.is_revoked(sender.living_cookies):
                    await self._browsers.keep(sender.browser_id, record.used(client_id, user_id))

    @staticmethod
    def _fresh(sender: LoginBrowser, answered: Fields) -> Fields:
        """The line that sets a new browser id, for pages and answers that begin a session. Scripts and images get Okta's answer only."""
        return sender.fresh if sender.fresh and (is_document(sender.head) or cookies_set(answered)) else ()

    async def _dead_cookies(self, sender: LoginBrowser, answered: Fields) -> Fields:
        """Lines that expire cookies which the browser presents but Okta is not sent: revoked ones, and ones that are not Okta's.

        Revoked ones only beside a living session, under names that neither it nor this answer uses: under any other name a newer cookie
        may have come. Cookies that Okta cannot have issued were planted, perhaps for a parent domain.
        """
        head = sender.head
        possible, impossible = split(session_cookies(head.fields))
        kept = (*sender.living_cookies, *cookies_set(answered))
        planted = dead_expiries(kept, impossible, parent_domains(head.authority.host)) if impossible and is_document(head) else ()
        dead = {cookie.name for cookie in possible if cookie not in sender.living_cookies}
        if not dead or not sender.living_cookies:
            return planted
        record = await self._browsers.record(sender.browser_id)
        living = {cookie.name for cookie in (*sender.living_cookies, *record.cookies)}
        return (*planted, *expiries(dead - living - names_set(answered), ()))

    def _is_dead(self, cookie: SessionCookie) -> bool:
        return not could_be_oktas(cookie.value) or self._sessions.is_revoked((cookie,))

    def _outbound(self, fields: Fields) -> Fields:
        """The fields with the org's own origin in ``Origin`` and ``Referer``."""
        if self._origins.org == self._origins.login:
            return fields
        return relocated(fields, self._origins.login, self._origins.org, (b"origin", b"referer"))

    def _inbound(self, fields: Fields) -> Fields:
        """Okta's answer without cookies of the gateway's names, with the login host's addresses; its cookies are noted as Okta's."""
        self._sessions.note_set(okta_values(fields))
        kept = without_gateway_cookies(fields)
        return kept if self._origins.org == self._origins.login else relocated(kept, self._origins.org, self._origins.login, (b"location",))
