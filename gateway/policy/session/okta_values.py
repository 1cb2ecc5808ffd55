"""The check whether a cookie value looks like a value that Okta sets. It needs no question to Okta and no memory.

This module owns the patterns. They come from traces of real orgs; Okta documents none of them. A match must never count as a proof that a
session exists. An app's own cookie whose value matches is not sent to the app. That is unlikely: the value would need at least 22 random
characters in exactly this form.
"""

import re
from typing import Final

from gateway.policy.http.cookie_stamps import MARK, STAMP_BYTES
from gateway.policy.session.session import SessionCookie
from gateway.policy.switch.new_session import session_name

_SESSION_ID: Final = re.compile(rb"102[A-Za-z0-9_-]{22}\Z")
_DEVICE: Final = re.compile(rb"DI[01][A-Za-z0-9_-]{20,40}\Z")


def has_form(value: bytes) -> bool:
    """Whether a cookie's value looks like one of Okta's: ``sid``, ``xids`` and ``myr`` are ids, ``idx`` is a JWE, ``DT`` a device token."""
    if _SESSION_ID.match(value) or _DEVICE.match(value):
        return True
    return value.startswith(b"ey") and session_name(SessionCookie(b"idx", value)) is not None


def bare(value: bytes) -> bytes:
    """A cookie's value without quotes, and without the stamp that the gateway may have put before it."""
    own = value[STAMP_BYTES:] if value.startswith(MARK) else value
    return own.strip(b' \t"')
