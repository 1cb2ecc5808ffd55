"""The record of an unproven closing: all that another process needs to continue it.

This module owns the layout of the record. The record holds Okta's cookies, so it is stored sealed. It is never read in part: bytes that
``packed`` did not make are no record.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from gateway.policy.session.sealed_notes import BYTES, COOKIES, TEXT, Note, list_of
from gateway.policy.session.session import SessionCookie


@dataclass(frozen=True, slots=True)
class ClosingRecord(Note):
    """``cookies``: the cookies of the sessions to close. ``users``: for each cookie the user that Okta named for it, or "".

    ``session_id``: Okta's id of the session, or "". The other fields describe the browser to Okta: raw field values and the client's
    address.
    """

    _form: ClassVar[int] = 1
    _kinds: ClassVar = (COOKIES, list_of(TEXT), TEXT, BYTES, BYTES, BYTES, TEXT)
    cookies: tuple[SessionCookie, ...]
    users: tuple[str, ...]
    session_id: str
    user_agent: bytes
    accept_language: bytes
    device: bytes = field(repr=False)
    client: str
