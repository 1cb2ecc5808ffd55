"""Connection-based authentication: recognises messages that sign a user in to a whole connection (NTLM, Negotiate and similar schemes).

With these schemes a server remembers the user of the connection, not of the request: every later request on it is made as this user
(https://github.com/haproxy/haproxy/issues/581). Such a scheme must never be missed because of its spelling. A false alarm only costs a
connection. ``Proxy-Authorization`` and related fields never pass the gateway. Sources: RFC 4559 §4 to 6 (Negotiate), RFC 9110 §11.6;
Microsoft MS-NTHT (NTLM), IIS ``Persistent-Auth``.
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
    """Whether a request with these fields uses such a scheme."""
    return any(len(name) == 13 and name.lower() == b"authorization" and _SPOKEN.match(value) is not None for name, value in fields)


def binds_connection(fields: Fields) -> bool:
    """Whether a response with these fields names such a scheme, with any status, or says that the user stays signed in to the
    connection.
    """
    for name, value in fields:
        # The lengths of the three names: quicker than to compare each name.
        if len(name) in (15, 16, 19):
            lowered = name.lower()
            if lowered == _PERSISTENT or (lowered in _ANSWERING and _NAMED.search(value) is not None):
                return True
    return False


def is_midway(status: int, fields: Fields) -> bool:
    """Whether a response asks for the next message of a sign-in that has begun: then no user is signed in yet."""
    return status == 401 and any(name.lower() == b"www-authenticate" and _MIDWAY.search(value) is not None for name, value in fields)
