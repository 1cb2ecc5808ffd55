"""Universal Logout: ``/.gateway/hooks/universal-logout``, Okta's global token revocation.

    token ─▶ whose key? ─▶ signature ─▶ claims ─▶ whom? ─▶ one step: first time? revoked everywhere ─▶ 204, or 404 for nobody known here
      401        401           401        401 403    400 404             401          422

Owns that order. Must never accept a token twice, nor say 204 before every process can know. While the shared state is away, no process
can tell whether a token is new: then sessions end in this process, and the answer is 422. Rules from: Okta, "Build Universal Logout for
your app".
"""

import asyncio
import hashlib
from typing import Final

from gateway.doors.hooks.hook_replies import BadSecrets, HookParts, HookReply, done, refusal
from gateway.doors.hooks.known_users import KnownUsers
from gateway.doors.hooks.org_tokens import Claims, OrgTokens
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.errors import OutsideFailed
from gateway.policy.hooks.universal_logout import (
    LARGEST_REQUEST_BYTES,
    OLDEST_SECONDS,
    SKEW_SECONDS,
    Subject,
    is_ours,
    subject_of,
)
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.session.session import login_key
from gateway.revocations import Report, Revocation

UNIVERSAL_LOGOUT_PATH: Final = "/.gateway/hooks/universal-logout"
SEEN: Final = "universal-logout"
SEEN_SECONDS: Final = OLDEST_SECONDS + 2 * SKEW_SECONDS
ANSWER_SECONDS: Final = 8.0
"""Okta names no limit. The org's keys may have to be fetched within this time."""


class UniversalLogout:
    """Ends the sessions of one user, for an app of the org that may ask for it."""

    def __init__(self, tokens: OrgTokens, known_users: KnownUsers, parts: HookParts) -> None:
        """``tokens`` knows whose calls are accepted."""
        self._tokens = tokens
        self._known_users = known_users
        self._parts = parts
        self._bad = BadSecrets(parts.clock.monotonic)

    async def answer(self, request: Request, head: RequestHead) -> HookReply:
        """The answer to Okta: 204, 400, 401, 403, 404 or 422; also 405, 413, 429 and 503, which Okta's guide does not name."""
        if head.method != "POST":
            return refusal(405, "method", (b"Allow", b"POST"))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answered(request, head)
        except (OutsideFailed, TimeoutError) as error:
            return refusal(503, error.reason if isinstance(error, OutsideFailed) else "too_slow")

    async def _answered(self, request: Request, head: RequestHead) -> HookReply:
        claims = await self._tokens.claims(head)
        if isinstance(claims, Malformed):
            return refusal(403, claims.reason) if claims.status == 403 else self._bad.refusal(head.client, claims.reason)
        body = await whole_body(request, LARGEST_REQUEST_BYTES)
        subject = subject_of(body) if not isinstance(body, Malformed) else body
        if isinstance(subject, Malformed):
            return refusal(subject.status, subject.reason)
        if not is_ours(subject, self._tokens.expected.issuers):
            return refusal(404, "another_issuer")
        return await self._ended(head, subject, claims)

    async def _ended(self, head: RequestHead, subject: Subject, claims: Claims) -> HookReply:
        user_id, failed = None, ""
        try:
            user_id = await self._known_users.id_of(subject.name)
        except OutsideFailed as error:
            failed = error.reason
        try:
            is_first = await self._parts.revocations.report(_report(subject, user_id, claims))
        except OutsideFailed as error:
            is_first, failed = True, error.reason
        if not is_first:
            return self._bad.refusal(head.client, "token_repeated")
        about = {"user": user_id or subject.name}
        if failed:
            self._parts.tell("universal_logout_failed", {"reason": failed} | about)
            return refusal(422, failed)
        self._parts.tell("universal_logout", about)
        return refusal(404, "unknown_user") if user_id is None else done("universal_logout")


def _report(subject: Subject, user_id: str | None, claims: Claims) -> Report:
    """Revoke every name of the user. Also for a user who is unknown here: the record may be lost while a pass still exists."""
    once = hashlib.blake2b(f"{claims['iss']} {claims['jti']}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    names = dict.fromkeys((user_id or subject.name, subject.name, login_key(subject.name)))
    return Report(SEEN, once, SEEN_SECONDS, tuple(Revocation(user_id=name, began_before=float(claims["iat"])) for name in names))
