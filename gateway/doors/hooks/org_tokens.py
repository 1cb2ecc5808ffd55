"""Reads the signed tokens with which Okta calls Universal Logout.

Owns where in the request the token is, and whose key must check it; ``policy.hooks.universal_logout`` says what it must contain. Must
never use a claim before the signature is checked, except to choose the key. Rules from: RFC 6750 (Bearer), RFC 7515, RFC 7519.
"""

import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from gateway.clock import Clock
from gateway.doors.hooks.org_keys import OrgKeys
from gateway.policy.hooks.universal_logout import LARGEST_TOKEN, ExpectedLogoutToken, claims_problem, key_asked
from gateway.policy.http.messages import Malformed, RequestHead

Claims = Mapping[str, Any]


class OrgTokens:
    """Reads the tokens of the apps that may call."""

    def __init__(self, expected: ExpectedLogoutToken, keys: OrgKeys, clock: Clock) -> None:
        """``expected``: what a token must name, and which apps may call; at least one app."""
        self.expected = expected
        self._keys = keys
        self._wall = clock.wall

    async def claims(self, head: RequestHead) -> Claims | Malformed:
        """The claims of the request's token; 401 if it has no token of the org, 403 for an app that may not call.

        Raises ``OutsideFailed`` if the org's keys cannot be fetched.
        """
        scheme, _, shown = (head.value(b"authorization") or b"").partition(b" ")
        token = shown.strip().decode("latin-1")
        if scheme.lower() != b"bearer" or not token:
            return Malformed(401, "no_token")
        verified = await self._verified(token)
        if verified is None:
            return Malformed(401, "token")
        return claims_problem(verified, self.expected, self._wall()) or verified

    async def _verified(self, token: str) -> Claims | None:
        """The claims of a token with a valid signature of the org."""
        header, claims = _unverified(token) if len(token) <= LARGEST_TOKEN else ({}, {})
        app = key_asked(token, self.expected, header, claims)
        if app is None:
            return None
        # No keys are fetched for an app that may not call. The org's keys of another app are tried: if they fit, the answer is 403.
        key_app = app if app in self.expected.apps else min(self.expected.apps)
        keys = await self._keys.of(key_app, str(header.get("kid", "")))
        try:
            return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims) if keys is not None else None
        except (JoseError, ValueError):
            return None


def _unverified(token: str) -> tuple[Claims, Claims]:
    """Header and claims, without a check of the signature."""
    try:
        read = jws.extract_compact(token.encode("latin-1"))
        claims: Any = json.loads(read.payload)
        return read.headers(), claims if isinstance(claims, dict) else {}
    except (JoseError, ValueError, RecursionError, TypeError, AttributeError):
        return {}, {}
