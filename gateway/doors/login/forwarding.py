"""Everything of the org that is no redemption: forwarded byte for byte, with dead sessions left out.

Owns what travels to Okta besides tokens, and what of Okta's answers reaches the browser. Must never forward a revoked
session cookie (the closing requests apart), nor let a late answer put one back. Rules from: DESIGN section 4, ATTACKS L8, L9.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from aiohttp import web

from gateway.closing import Closer
from gateway.core.cookies import session_cookies
from gateway.core.fields import to_org
from gateway.core.messages import Answer, Fields, RequestHead
from gateway.core.org_requests import LegacySession
from gateway.core.redemption import (
    ORG_ANSWER_BYTES,
    cookies_set,
    dead_or_ours,
    leaves_with_token,
    relocated,
    without_deletions,
    without_gateway_cookies,
    without_session,
    without_session_settings,
)
from gateway.core.session import NoSession, Session, SessionCookie
from gateway.doors.login.ledger import neighbour_of
from gateway.doors.login.successors import Successors
from gateway.okta import browser_of
from gateway.proxy.http import HttpProxy
from gateway.proxy.pins import Asker
from gateway.sessions import Sessions

Pair = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Origins:
    """``org``: the origin in Okta's own addresses; ``login``: what browsers see instead. Equal with a custom domain."""

    org: str
    login: str


class OrgForwarding:
    """The requests that the login door passes on."""

    def __init__(
        self, http: HttpProxy, redeeming: HttpProxy, sessions: Sessions, closer: Closer, successors: Successors, origins: Origins
    ) -> None:
        """``http`` leads to the org, ``redeeming`` too, by connections that no slow upload can hold.

        ``origins`` say how the org's own addresses are turned into the login host's.
        """
        self._http = http
        self._redeeming = redeeming
        self._sessions = sessions
        self._closer = closer
        self._successors = successors
        self._origins = origins

    async def redeem(self, head: RequestHead, body: bytes) -> Answer:
        """Send a redemption, once, without any session cookie, and return Okta's whole answer; raises ``OutsideFailed``."""
        fields = self._outbound(to_org(head.fields, head.client, leaves_with_token))
        exchange = await self._redeeming.exchange(head.method, head.target, fields, _given(head, body), Asker(head.client))
        answered = await exchange.read(ORG_ANSWER_BYTES)
        fields = tuple(field for field in exchange.fields if field[0].lower() != b"content-length")
        return Answer(exchange.status, self._inbound(fields), answered)

    async def plain(self, request: web.BaseRequest, head: RequestHead, body: bytes | None, *more: Pair) -> web.StreamResponse:
        """Forward, streaming both ways; ``body`` where it was read already, ``more`` fields behind the answer's own.

        Raises ``OutsideFailed`` before the first byte.
        """
        presented = tuple(cookie for cookie in session_cookies(head.fields) if not self._sessions.is_revoked((cookie,)))
        fields = self._outbound(to_org(head.fields, head.client, dead_or_ours(lambda cookie: self._sessions.is_revoked((cookie,)))))

        with ExitStack() as until_head:
            until_head.enter_context(self._closer.underway.carrying(self._sessions.fingerprints(presented)))

            def rewrite(status: int, answered: Fields) -> Fields:
                with until_head:
                    return (*self._inbound(self._believed(answered, presented, head)), *more)

            return await self._send(request, head, (fields, body), rewrite)

    async def sign_out(self, request: web.BaseRequest, head: RequestHead, body: bytes | None, *more: Pair) -> web.StreamResponse:
        """Revoke, then forward with the cookies, then see to it that the session is really gone (OKTA-1163605)."""
        presented = session_cookies(head.fields)
        browser = browser_of(head)
        known = self._sessions.recall(presented)
        await self._sessions.revoke(presented, session_id=known.id if isinstance(known, Session) else None)
        fields = self._outbound(to_org(head.fields, head.client, dead_or_ours(lambda cookie: False)))

        def rewrite(status: int, answered: Fields) -> Fields:
            return (*self._inbound(without_session_settings(answered)), *more)

        try:
            return await self._send(request, head, (fields, body), rewrite)
        finally:
            self._closer.close_soon(presented, browser)

    async def sign_out_as_okta_does(self, request: web.BaseRequest, head: RequestHead, body: bytes) -> web.StreamResponse:
        """Forward, and believe in the sign-out only when Okta then no longer knows the session; the answer waits for that."""
        browser = browser_of(head)
        presented = tuple(cookie for cookie in session_cookies(head.fields) if not self._sessions.is_revoked((cookie,)))
        fields = self._outbound(to_org(head.fields, head.client, dead_or_ours(lambda cookie: self._sessions.is_revoked((cookie,)))))
        with self._closer.underway.carrying(self._sessions.fingerprints(presented)):
            exchange = await self._http.exchange(head.method, head.target, fields, _given(head, body), Asker(head.client))
            try:
                answered = self._believed(exchange.fields, presented, head)
                if not self._sessions.is_revoked(presented) and presented and await self._closer.has_ended(presented, browser):
                    await self._sessions.revoke(presented)
                    self._closer.close_soon(presented, browser)
                    answered = without_session_settings(answered)
            except BaseException:
                exchange.abort()
                raise
        return await exchange.relay(request, self._inbound(answered))

    async def has_session(self, head: RequestHead) -> bool:
        """Whether the browser has, or for all that Okta says may have, a live session."""
        return not isinstance(await self._closer.who(session_cookies(head.fields), browser_of(head)), NoSession)

    async def as_current(self, head: RequestHead, legacy: LegacySession) -> RequestHead | None:
        """The same call on ``/me`` where the id is the browser's own session; None where it is not, or a token speaks."""
        if head.values(b"authorization"):
            return None
        finding = await self._sessions.current(session_cookies(head.fields), browser_of(head))
        if not isinstance(finding, Session) or finding.id != legacy.session_id:
            return None
        return replace(head, target="/api/v1/sessions/me" + legacy.tail)

    async def pushed(self, head: RequestHead, body: bytes) -> Answer:
        """Okta's whole answer to a pushed authorization request that carries no token; it begins and ends nobody's session."""
        answer = await self.redeem(head, body)
        return replace(answer, fields=without_session(answer.fields))

    async def _send(
        self, request: web.BaseRequest, head: RequestHead, outgoing: tuple[Fields, bytes | None], rewrite: Callable[[int, Fields], Fields]
    ) -> web.StreamResponse:
        fields, body = outgoing
        if body is None:
            return await self._http.forward(request, head.method, head.target, fields, rewrite, Asker.of(head))
        exchange = await self._http.exchange(head.method, head.target, fields, _given(head, body), Asker(head.client))
        return await exchange.relay(request, rewrite(exchange.status, exchange.fields))

    def _believed(self, answered: Fields, presented: tuple[SessionCookie, ...], head: RequestHead) -> Fields:
        """The answer's fields, less a session that was revoked while it was on its way; a rotated cookie is kin of the old.

        What such a late answer would have set is alive at Okta and in nobody's hands: it is closed.
        """
        begun = cookies_set(answered)
        if not presented:
            self._sessions.issued(begun)
            return without_deletions(answered)
        if self._sessions.is_revoked(presented):
            if begun:
                self._close_with(begun, presented, head)
            return without_session(answered)
        if begun:
            self._sessions.adopt(presented, begun)
            self._successors.note(presented, begun, neighbour_of(head))
        return answered

    def _close_with(self, begun: tuple[SessionCookie, ...], presented: tuple[SessionCookie, ...], head: RequestHead) -> None:
        """Close what a late answer began; whoever waits for its request waits for that too.

        A value that was presented is being closed by whoever revoked it.
        """
        begun = tuple(cookie for cookie in begun if cookie not in presented)
        if not begun:
            return
        self._sessions.issued(begun)  # Okta has just set them: closing them is no guess
        until_closed = ExitStack()
        until_closed.enter_context(self._closer.underway.carrying(self._sessions.fingerprints(presented)))
        self._closer.close_soon(begun, browser_of(head)).add_done_callback(lambda _: until_closed.close())

    def _outbound(self, fields: Fields) -> Fields:
        """Origin and Referer as Okta knows its own pages."""
        if self._origins.org == self._origins.login:
            return fields
        return relocated(fields, self._origins.login, self._origins.org, (b"origin", b"referer"))

    def _inbound(self, fields: Fields) -> Fields:
        """Okta's answer without cookies in the gateway's name, its addresses as browsers know them."""
        kept = without_gateway_cookies(fields)
        return kept if self._origins.org == self._origins.login else relocated(kept, self._origins.org, self._origins.login, (b"location",))


def _given(head: RequestHead, body: bytes) -> bytes | None:
    return None if not body and head.method in ("GET", "HEAD", "DELETE") else body
