"""The record of one browser: the session that it received last, its user, and the session before.

This module owns the record and its layout as bytes. The record holds Okta's cookies, so it is stored sealed, under a hash of the browser's
id. It is never read in part: bytes that ``packed`` did not make are no record.
"""

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from gateway.policy.session.session import SESSION_NAMES, SessionCookie

Cookies = tuple[SessionCookie, ...]

MOST_BEFORE = 16
"""The most cookies of older sessions in a record: twice as many as one request may present."""

MOST_CLIENTS = 16
LONGEST_CLIENT_ID = 128
_FORM = 1


class RecordState(StrEnum):
    """What Okta has said so far about the session in ``BrowserRecord.cookies``."""

    SETTLED = "settled"
    """It is the only session of this browser."""
    NOBODY_YET = "nobody_yet"
    """Okta names no user for it yet, because a factor is missing. The session before it stays valid."""
    UNDECIDED = "undecided"
    """Okta did not say whose it is. Until it does, neither this session nor the one before it is accepted."""


@dataclass(frozen=True, slots=True)
class BrowserRecord:
    """``cookies``: the session that the browser received last. ``user_id``: the user that Okta named for it, or empty.

    ``before``, ``before_user_id``: the session before, as long as the change is not settled. ``clients``: pairs of OpenID Connect client
    and the user who last used it in this browser; the latest pair is the last.
    """

    cookies: Cookies = ()
    user_id: str = ""
    state: RecordState = RecordState.SETTLED
    before: Cookies = ()
    before_user_id: str = ""
    clients: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def all_cookies(self) -> Cookies:
        """All session cookies that this browser is known to hold, each once."""
        return tuple(dict.fromkeys((*self.cookies, *self.before)))

    def given(self, cookies: Cookies, user_id: str) -> "BrowserRecord":
        """The record after these cookies became the browser's only session."""
        return BrowserRecord(cookies, user_id, clients=self.clients)

    def waits(self, cookies: Cookies, state: RecordState, before: Cookies, before_user_id: str) -> "BrowserRecord":
        """The record while Okta has not named the user of these cookies. ``before``: the session that they may replace."""
        return BrowserRecord(cookies, "", state, before, before_user_id, self.clients)

    def with_unproven(self, cookies: Cookies) -> "BrowserRecord":
        """The record with these older cookies added, because their end is not proven yet. Only the latest ``MOST_BEFORE`` are kept."""
        before = tuple(dict.fromkeys((*self.before, *(cookie for cookie in cookies if cookie not in self.cookies))))
        return replace(self, before=before[-MOST_BEFORE:], before_user_id="") if cookies else self

    def used(self, client_id: str, user_id: str) -> "BrowserRecord":
        """The record after this user used an OpenID Connect client. Only the latest ``MOST_CLIENTS`` are kept."""
        if not client_id or len(client_id) > LONGEST_CLIENT_ID:
            return self
        others = tuple(pair for pair in self.clients if pair[0] != client_id)
        return replace(self, clients=(*others, (client_id, user_id))[-MOST_CLIENTS:])

    def user_of_client(self, client_id: str) -> str | None:
        """The user who last used this client in this browser; None if there was none."""
        return dict(self.clients).get(client_id)

    def packed(self) -> bytes:
        """The record as bytes for the sealer."""
        return json.dumps(
            [
                _FORM,
                _listed(self.cookies),
                self.user_id,
                self.state.value,
                _listed(self.before),
                self.before_user_id,
                [list(pair) for pair in self.clients],
            ],
            separators=(",", ":"),
        ).encode("ascii")

    @classmethod
    def unpacked(cls, payload: bytes) -> "BrowserRecord | None":
        """The record in bytes that ``packed`` made; None for any other bytes."""
        try:
            form, cookies, user_id, state, before, before_user_id, clients = json.loads(payload)
            if form != _FORM or not all(isinstance(text, str) for text in (user_id, before_user_id)):
                return None
            read = tuple((_text(client), _text(user)) for client, user in clients)
            return cls(_cookies(cookies), user_id, RecordState(state), _cookies(before), before_user_id, read)
        except (ValueError, TypeError, RecursionError):
            return None


def _listed(cookies: Cookies) -> list[list[str]]:
    return [[cookie.name.decode("latin-1"), cookie.value.decode("latin-1")] for cookie in cookies]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _cookies(value: Any) -> Cookies:
    read = tuple(SessionCookie(_text(name).encode("latin-1"), _text(text).encode("latin-1")) for name, text in value)
    if not {cookie.name for cookie in read} <= set(SESSION_NAMES):
        raise ValueError("cookie")
    return read
