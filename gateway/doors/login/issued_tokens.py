"""Refuses refresh tokens and codes that came from a session which is revoked here.

Why: a refresh token needs no session at Okta. So after a switch or a sign-out, an application of the former user would go on as that
user. What passes the login host is known: the code in the answer to an authorization request with a live session, or in the last step of
a sign-in; the refresh token that the code is exchanged for; and each refresh token that replaces it.

Owns two kinds of records, by the fingerprint of code and token; each names the fingerprints and the id of the session. Must never store a
token. A token that never passed here (a back end asks the org directly) is not known and not refused. A revocation is kept for twelve
hours; a token that was refused once stays refused. Okta does not document how its pages spell the code that they post, so several ways
are read.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.coordination.sealed_records import SealedRecords
from gateway.doors.answers import json_answer
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.routing.navigation import named_origin
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprint, Marks, Session, SessionToken, key_of
from gateway.policy.switch.clients import client_of
from gateway.policy.switch.redemption import cookies_set
from gateway.policy.switch.token_grants import TokenGrant, codes_in, codes_in_page, interaction_codes_in, refresh_token_in
from gateway.sessions import Sessions
from gateway.shared_state import SharedState

CODE_SECONDS = 600.0
TOKEN_SECONDS = 30 * 86_400.0
"""Counted from its last use. By default Okta ends a refresh token that is not used for seven days."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The session from which a code or a token came. ``is_refused``: the session was found revoked once, and the token stays refused."""

    fingerprints: tuple[Fingerprint, ...]
    session_id: str = ""
    is_refused: bool = False

    def packed(self) -> bytes:
        """This value as bytes."""
        return json.dumps([[one.hex() for one in self.fingerprints], self.session_id, self.is_refused]).encode("ascii")

    @classmethod
    def unpacked(cls, payload: bytes) -> "Origin":
        """The value from the bytes of ``packed``."""
        fingerprints, session_id, is_refused = json.loads(payload)
        return cls(tuple(Fingerprint(bytes.fromhex(one)) for one in fingerprints), session_id, is_refused)


class IssuedTokens:
    """The codes and refresh tokens that were seen. Every call that waits raises ``StateFailed``."""

    def __init__(self, state: SharedState, sealer: Sealer, sessions: Sessions) -> None:
        """``sessions`` knows what is revoked."""
        self._sessions = sessions
        self._codes = SealedRecords(state, sealer, "issued-code", CODE_SECONDS)
        self._tokens = SealedRecords(state, sealer, "issued-refresh-token", TOKEN_SECONDS)

    @staticmethod
    def may_hand_out(head: RequestHead) -> bool:
        """Whether the answer to this request may contain a code."""
        return bool(client_of(head))

    async def note_codes(self, head: RequestHead, answered: Fields, page: bytes = b"") -> None:
        """Store the codes of an answer with the browser's session after it. ``page``: the answer's body, if it shows the codes."""
        await self._note((*codes_in(answered), *codes_in_page(page)), head, answered)

    async def note_interaction(self, head: RequestHead, answered: Fields, body: bytes) -> None:
        """Like ``note_codes``, for the answer to the last step of Identity Engine's own sign-in."""
        await self._note(interaction_codes_in(body), head, answered)

    async def _note(self, codes: Sequence[SessionToken], head: RequestHead, answered: Fields) -> None:
        cookies = tuple(dict.fromkeys((*cookies_set(answered), *session_cookies(head.fields)))) if codes else ()
        if not cookies:
            return
        living = tuple(cookie for cookie in cookies if not self._sessions.is_revoked((cookie,)))
        finding = self._sessions.from_cache(living)
        session_id = finding.id if isinstance(finding, Session) else ""
        # If all are revoked, the session ended while Okta's answer was on its way: the codes are refused from the start.
        origin = Origin(self._sessions.fingerprints(living or cookies), session_id, is_refused=not living)
        for code in codes:
            await self._codes.put(self._key(code), origin.packed())

    async def refuses(self, grant: TokenGrant) -> bool:
        """Whether one of these refresh tokens or codes came from a revoked session."""
        are_refused = [await self._is_refused(self._tokens, self._key(token)) for token in grant.refresh_tokens]
        are_refused += [await self._is_refused(self._codes, self._key(code)) for code in grant.codes]
        return any(are_refused)

    async def note_exchange(self, grant: TokenGrant, answer: Answer) -> None:
        """Store the refresh token in an answer, with the session from which its code, or the refresh token before it, came."""
        token = refresh_token_in(answer)
        if token is None:
            return
        for records, keys in ((self._tokens, grant.refresh_tokens), (self._codes, grant.codes)):
            for one in keys:
                payload = await records.get(self._key(one))
                if payload is not None:
                    await self._tokens.put(self._key(token), payload)
                    return

    @staticmethod
    def refusal(head: RequestHead) -> Answer:
        """The answer that Okta gives for a revoked refresh token. A page of any origin may read it."""
        content = {"error": "invalid_grant", "error_description": "The refresh token is invalid or expired."}
        origin = named_origin(head) if head.values(b"origin") else ""
        lines = ((b"Access-Control-Allow-Origin", origin.encode("ascii", "ignore")), (b"Vary", b"Origin")) if origin else ()
        return json_answer(400, content, *lines)

    async def _is_refused(self, records: SealedRecords, key: Fingerprint) -> bool:
        payload = await records.get(key)
        origin = Origin.unpacked(payload) if payload is not None else None
        if origin is None or origin.is_refused:
            return origin is not None
        if not self._is_revoked(origin.fingerprints) and not (origin.session_id and self._sessions.has_session_ended(origin.session_id)):
            return False
        await records.put(key, Origin(origin.fingerprints, origin.session_id, is_refused=True).packed())
        return True

    def _is_revoked(self, fingerprints: Iterable[Fingerprint]) -> bool:
        known = tuple(fingerprints)
        return self._sessions.are_revoked(Marks(known, key_of(known), False, ""))

    def _key(self, token: SessionToken) -> Fingerprint:
        return self._sessions.fingerprint_of(token)
