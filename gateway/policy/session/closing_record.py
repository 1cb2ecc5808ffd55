"""What is remembered of a session whose end at Okta is not proven yet, so that another process can go on with closing it.

Owns the form of the record. It holds Okta's cookies, so it is kept sealed. It must never be half read: bytes that ``packed`` did not
make are no record.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from gateway.policy.session.sealed_notes import BYTES, COOKIES, TEXT, Note, list_of
from gateway.policy.session.session import SessionCookie


@dataclass(frozen=True, slots=True)
class ClosingRecord(Note):
    """``cookies``: what is to be closed; ``users``: for each cookie the user whom Okta named for it, or "" where it named none.

    ``session_id``: Okta's id of the session, or "". The other fields are what Okta may know of the browser: raw field values and the
    client's address.
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
