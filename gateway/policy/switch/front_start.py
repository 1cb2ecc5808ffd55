"""The JSON that a portal's server sends to start a front-channel switch.

It must never accept a target address that is not on one of the allowed origins. The portal sends::

    {"session_token": "…", "to": "https://app.example.com/", "address": "203.0.113.7", "user_agent": "Mozilla/5.0 …", "login": "bob@…"}

``address`` and ``user_agent`` are those of the browser, as the portal saw them. If both are given, the start counts as announced. ``login``
is the user that the browser must have at the end. Without it, the last check of the switch proves only that the session is new.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.policy.http.messages import Malformed
from gateway.policy.routing.navigation import return_url
from gateway.policy.session.session import login_key

LONGEST_TOKEN: Final = 1024
LONGEST_TEXT: Final = 1024


@dataclass(frozen=True, slots=True)
class FrontStart:
    """One order of a portal. ``to``: an absolute address. ``sender``: a hash of the browser's address and agent, empty if not given."""

    token: str = field(repr=False)
    to: str
    sender: bytes = b""
    login: str = ""


def order_of(body: bytes, origins: Collection[str]) -> FrontStart | Malformed | None:
    """The order in a body; None if the body is another kind of announcement. ``origins``: the allowed origins of ``to``."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Malformed(400, "not_json")
    if not isinstance(said, dict):
        return Malformed(400, "not_an_object")
    if "session_token" not in said:
        return None
    token, login = said["session_token"], said.get("login", "")
    if not _is_text(token, LONGEST_TOKEN) or not token.isascii() or not token.isprintable() or " " in token:
        return Malformed(400, "session_token")
    if not isinstance(login, str) or len(login) > LONGEST_TEXT:
        return Malformed(400, "login")
    to = said.get("to")
    url = return_url(to, origins) if isinstance(to, str) else None
    if url is None or url.startswith("/"):
        return Malformed(400, "to")
    address, agent = said.get("address", ""), said.get("user_agent", "")
    if not isinstance(address, str) or not isinstance(agent, str) or bool(address) is not bool(agent):
        return Malformed(400, "address_and_user_agent")
    sender = sender_of(address, agent.encode("utf-8", "replace")) if address else b""
    return FrontStart(token, url, sender, login_key(login) if login else "")


def sender_of(address: str, agent: bytes) -> bytes:
    """A hash by which the browser is recognized. Both values are hashed alone first, so two different pairs never give the same hash."""
    parts = (address.encode("utf-8", "replace"), agent)
    return hashlib.blake2b(b"".join(hashlib.sha256(part).digest() for part in parts), digest_size=16).digest()


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest
