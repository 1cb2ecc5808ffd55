"""Bounces: redirects of the browser to the org (an OpenID Connect authorize request) and back with the answer.

Owns ``state`` (sealed, and bound to this browser), PKCE, the nonce, and how many codes of one client are sent to the org. Must never act
on an answer to a bounce that another browser began. Must never put a verifier into an address unsealed; the nonce only where the org must
see it. Rules from: RFC 9700 §2.1 and §4.7 (CSRF, mix-up), OpenID Connect Core §3.1.2.
"""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from gateway.clock import Clock
from gateway.coordination.sealed_records import SealedRecords
from gateway.doors.answers import redirect_answer
from gateway.doors.own.requests import parameters
from gateway.errors import OutsideFailed
from gateway.oidc import OrgClient
from gateway.policy.http.clients import client_key
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.oidc.bounces import BOUNCE_SECONDS, Bounce, Code, Nobody, Prompt, RefusedCodes, Unclear, address_of, is_of, returned
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.session.browser_id import ID_BYTES, browser_id_line, browser_id_of, new_browser_id
from gateway.policy.session.seal import Sealer
from gateway.sessions import ClientQueues
from gateway.shared_state import SharedState

CALLBACK: Final = "/.gateway/oidc"
KIND: Final = "oidc-bounce"
LONGEST_STATE: Final = 1500
"""The most characters of ``state`` in an address. A longer one is kept in the shared state, and a random name travels instead."""
MOST_RUNNING_OF_ONE: Final = 3
"""The most codes of one client that are sent to the org at once; of all clients together there are ten (``oidc.org_client``)."""
_MARK: Final = "~"


@dataclass(frozen=True, slots=True)
class ReturnedBounce:
    """A bounce that came back, the browser's id, and the result: the proven user, ``Nobody``, or why nothing was proven."""

    bounce: Bounce
    browser: str
    result: Proof | Nobody | Unclear


class Bounces:
    """Sends browsers to the org, and reads the answers that they bring back."""

    def __init__(self, host: str, org: OrgClient, sealer: Sealer, state: SharedState, clock: Clock) -> None:
        """``host``: the authority text of the gateway's host."""
        self._host = host
        self._org = org
        self._sealer = sealer
        self._clock = clock
        self._kept = SealedRecords(state, sealer, KIND, BOUNCE_SECONDS)
        self._queues = ClientQueues(most_running=MOST_RUNNING_OF_ONE)
        self._refused_codes = RefusedCodes()

    async def begin(self, head: RequestHead, purpose: str, place: str, prompt: Prompt) -> Answer:
        """Redirect to the org. ``purpose`` and ``place`` say which code handles the answer.

        Raises ``OutsideFailed`` if the org's metadata is missing.
        """
        known = browser_id_of(head.fields)
        browser = known or new_browser_id(secrets.token_bytes(ID_BYTES))
        nonce, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        bounce = Bounce(purpose, place, prompt, nonce, verifier, _hashed(browser), self._clock.wall())
        endpoint = (await self._org.metadata()).authorization_endpoint
        url = address_of(endpoint, self._org.rules.question, bounce, await self._state_of(bounce))
        return redirect_answer(302, url, *(() if known else (browser_id_line(browser),)))

    async def end(self, head: RequestHead) -> ReturnedBounce | Malformed:
        """The result of the bounce; ``Malformed("no_browser")`` if the browser did not send the cookie that it got.

        Raises ``OutsideFailed``.
        """
        given = parameters(head.query)
        if isinstance(given, Malformed):
            return given
        bounce = await self._bounce_of(given.get("state", ""))
        if bounce is None:
            return Malformed(400, "bounce")
        browser = browser_id_of(head.fields)
        if browser is None:
            return Malformed(400, "no_browser")
        if not is_of(bounce, _hashed(browser), self._clock.wall()):
            return Malformed(400, "bounce_of_another")
        found = returned(given, bounce, self._org.rules.issuer)
        if not isinstance(found, Code):
            return ReturnedBounce(bounce, browser, found)
        return ReturnedBounce(bounce, browser, await self._redeemed(found.code, bounce, head.client))

    async def _redeemed(self, code: str, bounce: Bounce, client: str) -> Proof | Unclear:
        """The user whom the code names. Too many bad codes block only the client that sent them."""
        key = client_key(client)
        async with self._queues.slot(client) as has_slot:
            if not has_slot or self._refused_codes.are_too_many(key, self._clock.monotonic()):
                return Unclear("codes_of_one_client")
            try:
                result = await self._org.redeemed(code, bounce.verifier, bounce.nonce)
            except OutsideFailed as error:
                return Unclear(error.reason)
            if result == Unclear("code_used"):
                self._refused_codes.note(key, self._clock.monotonic())
            return result

    async def _state_of(self, bounce: Bounce) -> str:
        sealed = self._sealer.seal("bounce", self._host, bounce.packed())
        if len(sealed) <= LONGEST_STATE:
            return sealed
        name = secrets.token_urlsafe(16)
        await self._kept.put(name.encode("ascii"), bounce.packed())
        return _MARK + name

    async def _bounce_of(self, text: str) -> Bounce | None:
        if text.startswith(_MARK):
            return Bounce.unpacked(await self._kept.get(text[len(_MARK) :].encode("utf-8", "surrogatepass")) or b"")
        opened = self._sealer.open("bounce", self._host, text)
        return Bounce.unpacked(opened.payload) if opened is not None else None


def _hashed(browser: str) -> str:
    """The hash of the browser's id that a bounce holds. The id itself stays in its cookie."""
    digest = blake2b(browser.encode(), digest_size=16, person=b"gateway bounce").digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
