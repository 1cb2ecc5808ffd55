"""``POST /.gateway/starts``: a portal's server announces that a browser will come with a token that the portal chose.

Why: if a portal on another site sends no ``Referer``, its link looks like a link of any stranger. So its server, which has a secret,
announces the browser before: by the address and ``User-Agent`` that the portal saw. It should add the SHA-256 of the token, because a
whole office may share address and ``User-Agent``. An announcement is good for one start, within a minute.

    POST /.gateway/starts
    Authorization: Bearer SECRET
    {"address": "203.0.113.7", "user_agent": "Mozilla/5.0 …", "token_sha256": "…"}

Must never store a token. Must keep a portal's presented secret no longer than the comparison takes.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.doors.answers import json_answer
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.session.session import SessionToken
from gateway.shared_state import SharedState

STARTS_PATH = "/.gateway/starts"
ANNOUNCED_SECONDS = 60.0
LARGEST_ANNOUNCEMENT_BYTES = 8 * 1024

_KIND = "announced-start"
_HEX = frozenset("0123456789abcdef")


class AnnouncedStarts:
    """The announcements of the last minute."""

    def __init__(self, state: SharedState, secrets: Sequence[str]) -> None:
        """``secrets``: one for each portal that may announce. If there are none, announcements are refused."""
        self._state = state
        self._secrets = tuple(hashlib.sha256(secret.encode()).digest() for secret in secrets)

    @property
    def is_open(self) -> bool:
        """Whether any portal may announce starts."""
        return bool(self._secrets)

    def is_portal(self, head: RequestHead) -> bool:
        """Whether the request has a portal's secret. The comparison takes the same time for every wrong one."""
        shown = head.value(b"authorization") or b""
        scheme, _, secret = shown.partition(b" ")
        digest = hashlib.sha256(secret.strip()).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._secrets]
        return scheme.lower() == b"bearer" and any(matches)

    async def announce(self, body: bytes) -> Answer:
        """204; or 400 with the field that is wrong. Raises ``StateFailed``."""
        announced = _announcement(body)
        if isinstance(announced, Malformed):
            return json_answer(announced.status, {"error": announced.reason})
        await self._state.put(_KIND, announced, b"", ANNOUNCED_SECONDS)
        return Answer(204, ((b"Cache-Control", b"no-store"),), b"")

    async def take(self, head: RequestHead, tokens: Iterable[SessionToken]) -> bool:
        """Whether this start was announced. The announcement is used up by this call. Raises ``StateFailed``."""
        if not self._secrets:
            return False
        agent = head.value(b"user-agent") or b""
        for token in (*tokens, None):
            digest = hashlib.sha256(token.value.encode("utf-8", "surrogatepass")).hexdigest() if token is not None else ""
            if await self._state.take(_KIND, _key(head.client, agent, digest)) is not None:
                return True
        return False


def _announcement(body: bytes) -> bytes | Malformed:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Malformed(400, "not_json")
    if not isinstance(said, dict):
        return Malformed(400, "not_an_object")
    texts: dict[str, str] = {}
    for name, is_needed in (("address", True), ("user_agent", True), ("token_sha256", False)):
        value = said.get(name, "")
        if not isinstance(value, str) or (is_needed and not value):
            return Malformed(400, f"{name}_missing")
        texts[name] = value
    digest = texts["token_sha256"].lower()
    if digest and (len(digest) != 64 or not set(digest) <= _HEX):
        return Malformed(400, "token_sha256_not_hex")
    return _key(texts["address"], texts["user_agent"].encode("utf-8", "replace"), digest)


def _key(address: str, agent: bytes, token_sha256: str) -> bytes:
    """One key for address, agent and token. Each part is hashed by itself, so that different announcements never give the same key."""
    parts = (address.encode("utf-8", "replace"), agent, token_sha256.encode("ascii"))
    return hashlib.blake2b(b"".join(hashlib.sha256(part).digest() for part in parts), digest_size=16).digest()
