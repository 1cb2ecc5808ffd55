"""Methods beyond the one in the first line: those that a field asks for in its place, and the preflights of browsers.

Owns which requests are preflights, and which rule holds where a field names another method. Must never let a field lead a request past the
rule of either method. Sources: https://fetch.spec.whatwg.org/#cors-preflight-request; OData 2.0 (``X-HTTP-Method``).
"""

import re
from typing import Final

from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.routing.routing import Access, App, Rule, place_of

PREFLIGHT: Final = Rule("preflight", Access.ANYONE)
"""What holds for a preflight that the app answers itself."""

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}\Z")
_NO_METHOD: Final = Malformed(400, "method_override")


def is_preflight(head: RequestHead) -> bool:
    """Whether a browser asks with this request whether a script of another site may send one."""
    if head.method != "OPTIONS" or not isinstance(head.named.get(b"origin"), bytes):
        return False
    wanted = head.named.get(b"access-control-request-method")
    return isinstance(wanted, bytes) and _TOKEN.match(wanted) is not None


def overridden(rule: Rule | Malformed, head: RequestHead, app: App) -> Rule | Malformed:
    """``rule`` is that of the method in the first line: the rules of all methods that a field asks for bind too.

    400 for a value that is no method. Some servers take the value as it is, others in capitals.
    """
    for name in app.overrides:
        for value in head.values(name):
            if _TOKEN.match(value) is None:
                return _NO_METHOD
            for method in dict.fromkeys((value.decode("ascii"), value.decode("ascii").upper())):
                other = place_of(app, head.path, method)
                if isinstance(rule, Malformed) or isinstance(other, Malformed):
                    return rule if isinstance(rule, Malformed) else other
                rule = rule.and_also(other)
    return rule
