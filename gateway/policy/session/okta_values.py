"""The form of what Okta puts into its session cookies: known without asking anybody, after a restart and in every replica.

Owns these forms, as observed in traces of real orgs; Okta documents none of them. Must never be taken as a proof that a session exists.
An app's own cookie that happens to have one is not sent to the app: its value has 22 characters or more that nobody chose.
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
    """A cookie's value without quotes, and without a stamp of the gateway's."""
    own = value[STAMP_BYTES:] if value.startswith(MARK) else value
    return own.strip(b' \t"')
