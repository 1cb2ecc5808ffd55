"""Which messages sign a user in to a whole connection: NTLM, Negotiate, and what is built like them.

A server that knows these schemes remembers the user for the connection, not for the request: whatever else travels on that connection is
this user's (https://github.com/haproxy/haproxy/issues/581). Must never miss such a scheme by its spelling; a word too many only costs a
connection. ``Proxy-Authorization`` and its kin never pass the gateway.
Rules from: RFC 4559 §4 to 6 (Negotiate), RFC 9110 §11.6; Microsoft MS-NTHT (NTLM), IIS ``Persistent-Auth``.
"""

import re
from typing import Final

from gateway.policy.http.messages import Fields

_SCHEMES: Final = rb"(?:ntlm|negotiate|nego2|kerberos)"
_SPOKEN: Final = re.compile(rb"[ \t]*" + _SCHEMES + rb"(?![a-z0-9!#$%&'*+.^_`|~-])", re.IGNORECASE)
_NAMED: Final = re.compile(rb"(?<![a-z0-9!#$%&'*+.^_`|~-])" + _SCHEMES + rb"(?![a-z0-9!#$%&'*+.^_`|~-])", re.IGNORECASE)
_MIDWAY: Final = re.compile(rb"(?<![a-z0-9!#$%&'*+.^_`|~-])" + _SCHEMES + rb"[ \t]+[a-z0-9+/]{3,}={0,2}(?=[ \t,]|\Z)", re.IGNORECASE)
_ANSWERING: Final = frozenset((b"www-authenticate", b"authentication-info"))
_PERSISTENT: Final = b"persistent-auth"


def signs_in_connection(fields: Fields) -> bool:
    """Whether a request with these fields speaks such a scheme."""
    return any(len(name) == 13 and name.lower() == b"authorization" and _SPOKEN.match(value) is not None for name, value in fields)


def binds_connection(fields: Fields) -> bool:
    """Whether an answer with these fields names such a scheme, whatever its status, or says that the user stays signed in."""
    for name, value in fields:
        if len(name) in (15, 16, 19):
            lowered = name.lower()
            if lowered == _PERSISTENT or (lowered in _ANSWERING and _NAMED.search(value) is not None):
                return True
    return False


def is_midway(status: int, fields: Fields) -> bool:
    """Whether an answer asks for the next message of a sign-in that has begun, so that nobody is signed in yet."""
    return status == 401 and any(name.lower() == b"www-authenticate" and _MIDWAY.search(value) is not None for name, value in fields)
