"""Universal Logout: ``/.gateway/hooks/universal-logout``, Okta's global token revocation.

    token ─▶ whose key? ─▶ signature ─▶ claims ─▶ first time? ─▶ whom? ─▶ revoked everywhere ─▶ 204
      401        401           401        401 403     401         400 404        422

Owns that order. Must never take a token twice, or say 204 before every process can know. Rules from: Okta, "Build Universal Logout for
your app".
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from gateway.clock import Clock
from gateway.core.messages import Malformed, RequestHead
from gateway.doors.hooks.known_users import KnownUsers
from gateway.doors.hooks.org_tokens import Claims, OrgTokens
from gateway.doors.hooks.outcomes import BadSecrets, Told, done, refused
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
from gateway.revocations import Revocation, Revocations
from gateway.shared_state import SharedState

UNIVERSAL_LOGOUT_PATH: Final = "/.gateway/hooks/universal-logout"
SEEN: Final = "universal-logout"
ANSWER_SECONDS: Final = 8.0
"""Okta names no bound; the org's keys may have to be asked for."""

Tell = Callable[[str, Mapping[str, object]], None]


class UniversalLogout:
    """Ends the sessions of one user for an app of the org that may ask so."""

    def __init__(
        self,
        tokens: OrgTokens,
        known_users: KnownUsers,
        revocations: Revocations,
        state: SharedState,
        clock: Clock,
        tell: Tell,
    ) -> None:
        """``tokens`` say whose calls are accepted."""
        self._tokens = tokens
        self._known_users = known_users
        self._revocations = revocations
        self._state = state
        self._clock = clock
        self._tell = tell
        self._bad = BadSecrets(clock.monotonic)

    async def answer(self, request: Request, head: RequestHead) -> Told:
        """What Okta is answered: 204, 400, 401, 403, 404 or 422; 413 and 503 for what its guide does not name."""
        if head.method != "POST":
            return refused(405, "method", (b"Allow", b"POST"))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                claims = await self._claims(head)
                if isinstance(claims, Malformed):
                    return refused(403, claims.reason) if claims.status == 403 else self._bad.refused(head.client, claims.reason)
                return await self._ended(request, claims)
        except (OutsideFailed, TimeoutError) as error:
            return refused(503, error.reason if isinstance(error, OutsideFailed) else "too_slow")

    async def _claims(self, head: RequestHead) -> Claims | Malformed:
        """What the token says, once it is known to be Okta's and new."""
        claims = await self._tokens.claims(head)
        if isinstance(claims, Malformed):
            return claims
        once = hashlib.blake2b(f"{claims['iss']} {claims['jti']}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        is_first = await self._state.claim(SEEN, once, OLDEST_SECONDS + 2 * SKEW_SECONDS)
        return claims if is_first else Malformed(401, "token_repeated")

    async def _ended(self, request: Request, claims: Claims) -> Told:
        body = await whole_body(request, LARGEST_REQUEST_BYTES)
        if isinstance(body, Malformed):
            return refused(body.status, body.reason)
        subject = subject_of(body)
        if isinstance(subject, Malformed):
            return refused(subject.status, subject.reason)
        if not is_ours(subject, self._tokens.expected.issuers):
            return refused(404, "another_issuer")
        user_id = await self._known_users.id_of(subject.name)
        try:
            await self._revoke(subject, user_id, float(claims["iat"]))
        except OutsideFailed as error:
            self._tell("universal_logout_failed", {"reason": error.reason, "user": user_id or subject.name})
            return refused(422, error.reason)
        return refused(404, "unknown_user") if user_id is None else done("universal_logout")

    async def _revoke(self, subject: Subject, user_id: str | None, before: float) -> None:
        """By every name: also of somebody unknown here, because a record may have been lost where a pass was not."""
        for name in dict.fromkeys((user_id or subject.name, subject.name, subject.name.casefold())):
            await self._revocations.publish(Revocation(user_id=name, began_before=before))
        self._tell("universal_logout", {"user": user_id or subject.name})
