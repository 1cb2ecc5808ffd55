"""Which rule applies if a request means another method than that of its request line: method override fields, and CORS preflights.

A field that names another method must never let a request avoid a rule: the rules of both methods apply. Sources:
https://fetch.spec.whatwg.org/#cors-preflight-request; OData 2.0 (``X-HTTP-Method``).

Also: which requests are sent a second time, on a new connection, if a kept connection ended before the first byte of the response.
A server may close a kept connection at the moment when a request is on its way. The gateway cannot know whether the server read that
request. So only idempotent requests are sent again, and only once. Sources: RFC 9110 §9.2.2 (idempotent methods), §9.2.1; RFC 4918 §9.1 and
RFC 3253 §3.6 (PROPFIND and REPORT are safe); RFC 9112 §9.3.1 (a client may repeat an idempotent request by itself).
"""

import re
from typing import Final

from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.routing.routing import Access, App, Rule, rule_of_path

PREFLIGHT: Final = Rule("preflight", Access.ANYONE)
"""The rule for a preflight that the app answers itself."""

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}\Z")
_NO_METHOD: Final = Malformed(400, "method_override")


def is_preflight(head: RequestHead) -> bool:
    """Whether this is a CORS preflight: a browser asks whether a script of another site may send a request."""
    if head.method != "OPTIONS" or not isinstance(head.named.get(b"origin"), bytes):
        return False
    wanted = head.named.get(b"access-control-request-method")
    return isinstance(wanted, bytes) and _TOKEN.match(wanted) is not None


def overridden(rule: Rule | Malformed, head: RequestHead, app: App) -> Rule | Malformed:
    """``rule``, which is that of the request line's method, combined with the rules of all methods that override fields name.

    400 for a value that is not a method. Some servers use the value as it is, others in upper case; both are checked.
    """
    for name in app.overrides:
        for value in head.values(name):
            if _TOKEN.match(value) is None:
                return _NO_METHOD
            for method in dict.fromkeys((value.decode("ascii"), value.decode("ascii").upper())):
                other = rule_of_path(app, head.path, method)
                if isinstance(rule, Malformed) or isinstance(other, Malformed):
                    return rule if isinstance(rule, Malformed) else other
                rule = rule.and_also(other)
    return rule


_IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "REPORT"))


def may_repeat(method: str, has_body: bool) -> bool:
    """Whether a request with this method may be sent a second time. Never with a body, because bodies are not kept for that."""
    return not has_body and method in _IDEMPOTENT
