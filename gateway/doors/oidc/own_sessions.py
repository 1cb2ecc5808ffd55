"""The gateway's own session of a browser, for an org that is not behind the gateway: a pass for the gateway's host, like those of the apps.

Owns the change from one user to another: the former user's session is revoked everywhere before a pass for the next user is made. The
changes of one browser happen one after the other, in all processes. Must never make a pass from a proof that was asked for before such a
change, nor for a session that is revoked.
"""

import secrets
from dataclasses import dataclass
from typing import assert_never

from gateway.clock import Clock
from gateway.coordination.browser_leases import BrowserLeases
from gateway.coordination.sealed_records import SealedRecords
from gateway.doors.own.requests import pass_of, session_of_pass
from gateway.doors.pending_cookie import PendingCookie
from gateway.oidc import Proofs
from gateway.okta import browser_fields_of
from gateway.policy.http.cookies import PASS_NAME
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.oidc.browser_proof import BrowserProof, GoesOn, Outdated, Switches, following
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.oidc.own_session import OwnSession, cookie_of, own_of
from gateway.policy.session.browser_id import browser_id_line, browser_key
from gateway.policy.session.passes import Pass
from gateway.policy.session.revocation_epoch import with_epoch
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.session.split_cookies import expired_lines, set_lines
from gateway.sessions import Sessions
from gateway.shared_state import SharedState

KIND = "oidc-browser"
BROWSER_SECONDS = 24 * 3600.0
LEASE_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Named:
    """The user whom a proof named, the cookies that passes and tickets hold for this session, and the ``Set-Cookie`` lines of this host."""

    session: Session
    cookies: tuple[SessionCookie, ...]
    lines: Fields


class OwnSessions:
    """The sessions of this host in the browsers."""

    def __init__(self, host: str, sealer: Sealer, sessions: Sessions, proofs: Proofs, state: SharedState, clock: Clock) -> None:
        """``host``: the authority text of the gateway's host."""
        self._host = host
        self._sealer = sealer
        self._sessions = sessions
        self._proofs = proofs
        self._clock = clock
        self._records = SealedRecords(state, sealer, KIND, BROWSER_SECONDS)
        self._pending_cookie = PendingCookie(host, sealer)
        self._leases = BrowserLeases(state)

    async def aclose(self) -> None:
        """Release the leases that are held."""
        await self._leases.aclose()

    def held(self, head: RequestHead) -> Pass | None:
        """The browser's pass for this host, if it has one."""
        return pass_of(self._sealer, head)

    async def found(self, head: RequestHead) -> Finding:
        """Who is signed in here."""
        return await session_of_pass(self._sessions, self.held(head), head)

    def is_recent(self, held: Pass) -> bool:
        """Whether less than half of the proof's time is over. Then it may serve another app without another bounce."""
        own = own_of(held.cookies[0]) if held.cookies else None
        return own is not None and 0 <= self._clock.wall() - own.proven_at < self._proofs.interval / 2

    def must_sign_in(self, head: RequestHead) -> bool:
        """Whether this browser signed out here and the org's session is not proven gone. A silent bounce would sign the user in again."""
        return bool(self._pending_cookie.carried(head))

    def carried(self, head: RequestHead, cookies: tuple[SessionCookie, ...]) -> Fields:
        """The lines that remove the session of this host, and store in the pending cookie that the user must sign in."""
        return (*expired_lines(PASS_NAME, head.fields), *self._pending_cookie.kept(head, cookies))

    def cleared(self, head: RequestHead) -> Fields:
        """The lines that remove the pending cookie: the end is proven."""
        return self._pending_cookie.cleared(head) if self._pending_cookie.carried(head) else ()

    async def named(self, head: RequestHead, browser: str, proof: Proof, asked_at: float) -> Named | NoSession | Unknown:
        """The session that this proof begins or continues. ``asked_at``: when its bounce began; ``browser``: the browser's id.

        ``NoSession("outdated")`` if the browser's user changed since then. ``NoSession("revoked")`` if this user's sessions from before a
        moment were ended, and this one began before it. Raises ``OutsideFailed`` if a switch could not be shared with other processes.
        """
        key = browser_key(browser)
        async with self._leases.held([key], LEASE_WAIT_SECONDS):
            recorded = BrowserProof.unpacked(await self._records.get(key) or b"")
            has_ended = recorded is not None and self._sessions.has_session_ended(recorded.session_id)
            next_step = following(recorded, proof, asked_at, has_ended)
            match next_step:
                case Outdated():
                    return NoSession("outdated")
                case Switches(old_session_id):
                    held = self.held(head)
                    old = held.cookies if held is not None and held.session_id == old_session_id else ()
                    await self._sessions.revoke(old, session_id=old_session_id)
                    session_id = ""
                case GoesOn(session_id):
                    pass
                case _:
                    assert_never(next_step)
            now = self._clock.wall()
            began_at, session_id = now - proof.signed_in_ago, session_id or secrets.token_urlsafe(16)
            own = OwnSession(session_id, proof.user_id, proof.login, began_at, now, proof.amr)
            await self._records.put(key, BrowserProof(own.id, own.user_id, now).packed())
        await self._proofs.keep(own)
        held = self.held(head)
        if held is not None:  # the cache may still say that its proof is due
            self._sessions.forget(held.cookies)
        return await self._passed(head, browser, own)

    async def _passed(self, head: RequestHead, browser: str, own: OwnSession) -> Named | NoSession | Unknown:
        cookies = (cookie_of(own),)
        self._sessions.vouch(cookies, own.user_id)
        found = await self._sessions.current(cookies, browser_fields_of(head), vouched=True)
        if not isinstance(found, Session):
            return found
        epoch = with_epoch(self._sessions.epoch.name, "")
        held = Pass(cookies, own.user_id, own.id, own.proven_at, browser, epoch)
        lines = set_lines(PASS_NAME, self._sealer.seal("pass", self._host, held.packed()), head.fields)
        return Named(found, cookies, (*(lines or ()), *self.cleared(head), browser_id_line(browser)))
