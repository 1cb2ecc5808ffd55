"""The client of the org's OpenID Connect endpoints: metadata, keys, the token endpoint and userinfo.

This module owns the order of the checks before a token is accepted: metadata of the configured issuer, endpoints of the same origin, a
signature by one of the published keys, then the claims (``policy.oidc.id_tokens``). It must never follow a redirect, send a code twice, or
keep a token. Strangers can cause requests here. So only a few are under way at once, and after a failure of the metadata the gateway waits
some seconds. Sources: OpenID Connect Discovery §3 and §4.3; OpenID Connect Core §3.1.3; RFC 7517.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientSession
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.clock import Clock
from gateway.errors import Busy, Nonsense
from gateway.oidc.client_auth import ClientProof
from gateway.okta import body_of
from gateway.outbound import Destination, Timeouts, send_once
from gateway.policy.http.messages import Fields
from gateway.policy.oidc.bounces import AuthorizeRequest, Unclear
from gateway.policy.oidc.id_tokens import ExpectedIdToken, Proof, login_of, proof_of
from gateway.policy.session.session import LARGEST_ANSWER_BYTES

KEPT_SECONDS: Final = 3600.0
LEAST_SECONDS: Final = 60.0
"""The shortest time between two fetches of the keys, even if a token names an unknown key."""
AFTER_FAILURE_SECONDS: Final = 2.0
MOST_AT_ONCE: Final = 10
MOST_WAITING: Final = 200
_OWN: Final = ((b"Accept", b"application/json"), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"session-gateway"))
_FORM: Final = (b"Content-Type", b"application/x-www-form-urlencoded")
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")

TOKEN_ERRORS: Final = frozenset(("invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type", "invalid_scope"))
"""The errors of RFC 6749 §5.2 about the gateway's own request. ``invalid_grant`` is about the code."""


@dataclass(frozen=True, slots=True)
class OrgClientRules:
    """``issuer``: exactly as the org writes it. ``question``: client id, redirect address and scope."""

    issuer: str
    question: AuthorizeRequest


@dataclass(frozen=True, slots=True)
class Metadata:
    """The endpoints in the issuer's metadata. All have the issuer's origin."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str


class OrgClient:
    """The gateway as one registered client of one issuer."""

    def __init__(
        self,
        rules: OrgClientRules,
        proof: ClientProof,
        client: ClientSession,
        destination: Destination,
        timeouts: Timeouts,
        clock: Clock,
    ) -> None:
        """``client`` comes from ``outbound.open_client``. ``destination``: how to connect to the issuer's origin."""
        self.rules = rules
        self._proof = proof
        self._client = client
        self._destination = destination
        self._timeouts = timeouts
        self._clock = clock
        self._known: tuple[float, Metadata] | None = None
        self._failed: tuple[float, Nonsense] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._learning = asyncio.Lock()
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._waiting = 0

    async def metadata(self) -> Metadata:
        """The issuer's metadata, fetched once an hour. Raises ``OutsideFailed``."""
        async with self._learning:
            now = self._clock.monotonic()
            if self._known is not None and now - self._known[0] < KEPT_SECONDS:
                return self._known[1]
            if self._failed is not None and now - self._failed[0] < AFTER_FAILURE_SECONDS:
                raise Nonsense("the issuer's metadata could not be had a moment ago") from self._failed[1]
            try:
                address = f"{self.rules.issuer}/.well-known/openid-configuration"
                found = _metadata(await self._fetched("GET", address), self.rules.issuer)
            except Nonsense as error:
                self._failed = now, error
                raise
            self._known, self._failed = (now, found), None
            return found

    async def redeemed(self, code: str, verifier: str, nonce: str) -> Proof | Unclear:
        """Exchange a code for the proof of its user. ``Unclear("code_used")`` if the org refuses the code. Raises ``OutsideFailed``."""
        endpoints, rules = await self.metadata(), self.rules
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": rules.question.redirect_uri,
            "code_verifier": verifier,
        }
        async with self._slot():
            form |= self._proof.form(endpoints.token_endpoint, self._clock.wall())
            answer = await self._fetched("POST", endpoints.token_endpoint, (*self._proof.fields(), _FORM), urlencode(form).encode("ascii"))
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            error = answer.get("error")
            return Unclear("code_used" if error == "invalid_grant" else f"token_{error if error in TOKEN_ERRORS else 'refused'}")
        claims = await self._verified(token, endpoints)
        proven = (
            proof_of(claims, ExpectedIdToken(rules.issuer, rules.question.client_id, nonce), self._clock.wall()) if claims else "signature"
        )
        if isinstance(proven, str):
            return Unclear(f"id_token_{proven}")
        return proven if proven.login else await self._named(proven, access, endpoints)

    async def _named(self, proven: Proof, access: object, endpoints: Metadata) -> Proof | Unclear:
        """The proof with the login from userinfo. Okta may leave the login out of the ID token if it also issues an access token."""
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            return Unclear("no_login")
        fields = ((b"Authorization", b"Bearer " + access.encode("ascii")),)
        login = login_of(await self._fetched("GET", endpoints.userinfo_endpoint, fields), proven.user_id)
        return Proof(proven.user_id, login, proven.signed_in_ago, proven.amr) if login else Unclear("no_login")

    async def _verified(self, token: str, endpoints: Metadata) -> Mapping[str, Any]:
        """The claims of a token with a valid signature; empty if the signature is not valid."""
        try:
            key_id = jws.extract_compact(token.encode("ascii", "replace")).headers().get("kid")
            keys = await self._keys_with(key_id, endpoints)
            return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)
        except (JoseError, ValueError, RecursionError, TypeError, AttributeError):
            return {}

    async def _keys_with(self, key_id: object, endpoints: Metadata) -> KeySet:
        async with self._learning:
            now = self._clock.monotonic()
            age = now - self._keys[0] if self._keys is not None else KEPT_SECONDS
            is_missing = self._keys is None or all(key.kid != key_id for key in self._keys[1].keys)
            if self._keys is None or age >= KEPT_SECONDS or (is_missing and age >= LEAST_SECONDS):
                self._keys = now, _key_set(await self._fetched("GET", endpoints.jwks_uri))
            return self._keys[1]

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Hold one of the ``MOST_AT_ONCE`` slots for codes. Raises ``Busy`` if too many codes wait already."""
        if self._waiting >= MOST_WAITING:
            raise Busy(f"{MOST_WAITING} codes wait for the token endpoint")
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1

    async def _fetched(self, method: str, address: str, fields: Fields = (), body: bytes | None = None) -> Mapping[str, Any]:
        """Send a request, and return the JSON object of its answer: status 200, and for a POST also the refusals 400 and 401.

        Raises ``OutsideFailed``; ``Nonsense`` for any other answer.
        """
        target = address[len(origin_of(address)) :]
        request = (method, target, (*_OWN, *fields))
        response = await send_once(self._client, self._destination, request, self._timeouts.first_byte, body)
        text = await body_of(response, self._timeouts.idle)
        if response.status not in ((200, 400, 401) if method == "POST" else (200,)) or len(text) > LARGEST_ANSWER_BYTES:
            raise Nonsense(f"{urlsplit(address).path} answered with {response.status}")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Nonsense(f"{urlsplit(address).path} did not answer in JSON") from error
        if not isinstance(content, dict):
            raise Nonsense(f"{urlsplit(address).path} did not answer with an object")
        return content


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, exactly as written there."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _metadata(content: Mapping[str, Any], issuer: str) -> Metadata:
    if content.get("issuer") != issuer:
        raise Nonsense("the metadata are another issuer's")
    found = {name: content.get(name) for name in _ENDPOINTS}
    addresses = {name: address for name, address in found.items() if isinstance(address, str) and origin_of(address) == origin_of(issuer)}
    if len(addresses) != len(_ENDPOINTS):
        raise Nonsense("the metadata lack an endpoint, or one is of another origin")
    return Metadata(**addresses)


def _key_set(content: Mapping[str, Any]) -> KeySet:
    try:
        keys = KeySet.import_key_set(content)  # type: ignore[arg-type]  # a mapping from JSON: its form is checked right here
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Nonsense("no key set") from error
    if not keys.keys:
        raise Nonsense("an empty key set")
    return keys
