"""Where the gateway, nginx and Caddy differ, and why.

Owns the table of explanations: one row for each case on which not all three agree. The words are those of ``Fate.shown``.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Difference:
    """One case, what became of it at each of the three, and why the gateway does what it does."""

    case: bytes
    gateway: str
    nginx: str
    caddy: str
    why: str

    @property
    def words(self) -> tuple[str, ...]:
        """In the order of ``NAMES``."""
        return self.gateway, self.nginx, self.caddy


TWO_RULES: Final = "one reading is under /admin, another is not: nobody can tell which the app makes of it"
NO_GUESS: Final = "both resolve it and judge /admin; the gateway forwards paths as sent, and refuses where the app may read another one"
PARAMETERS: Final = "an app that takes path parameters off finds /admin there: its rule binds"
ABOVE_ROOT: Final = "a reading climbs above the root, and is no path of the app"
CONTROL: Final = "an escaped control character ends a path, or a line, in some servers"
NOT_ESCAPED: Final = "browsers escape this in a path; only old ones left bytes raw, and in the query alone"
ORIGIN_FORM: Final = "a request names its host once, in Host; another form of target would name it twice, or not at all"
REFLECTS: Final = "TRACE and TRACK send back the cookies of the request, CONNECT opens a tunnel"
TOKEN: Final = "any token is a method (RFC 9110 §9.1): nginx knows capitals, - and _ alone"
LONG_METHOD: Final = "any token is a method: only the request line's length is limited; this Caddy refuses long ones"

DIFFERENCES: Final = (
    Difference(b"//admin/x", "400", "401", "401", NO_GUESS),
    Difference(b"/x%2F..%2Fadmin%2Fx", "400", "401", "401", NO_GUESS),
    Difference(b"/..", "400", "400", "as sent", ABOVE_ROOT),
    Difference(b"/../a", "400", "400", "as sent", ABOVE_ROOT),
    Difference(b"/a/../../b", "400", "400", "as sent", ABOVE_ROOT),
    Difference(b"/x/../admin/x", "400", "401", "401", NO_GUESS),
    Difference(b"/x/%2e%2e/admin/x", "400", "401", "401", NO_GUESS),
    Difference(b"/admin/../x", "400", "as sent", "as sent", TWO_RULES),
    Difference(b"/x/..;/admin/x", "400", "as sent", "as sent", TWO_RULES),
    Difference(b"/users/CORP\\alice", "400", "as sent", "as /users/CORP%5Calice", NOT_ESCAPED),
    Difference(b"/x%5C..%5Cadmin%5Cx", "400", "as sent", "as sent", TWO_RULES),
    Difference(b"/admin;x/y", "401", "as sent", "as sent", PARAMETERS),
    Difference(b"/x;/../admin/x", "400", "401", "401", NO_GUESS),
    Difference(b"/%C0%AE%C0%AE/a", "400", "as sent", "as sent", ABOVE_ROOT),
    Difference(b"/x/%C0%AE%C0%AE/admin/x", "400", "as sent", "as sent", TWO_RULES),
    Difference(b"/\xc3\xa9", "400", "as sent", "as /%C3%A9", NOT_ESCAPED),
    Difference(b"/a%00b", "400", "400", "as sent", CONTROL),
    Difference(b"/a%0ab", "400", "as sent", "as sent", CONTROL),
    Difference(b"/a%0d%0aX:1", "400", "as sent", "as sent", CONTROL),
    Difference(b"/a%7fb", "400", "as sent", "as sent", CONTROL),
    Difference(b"*", "400", "400", "as sent", ORIGIN_FORM),
    Difference(b"http://hr.example.com/x", "400", "as /x", "as /x", ORIGIN_FORM),
    Difference(b"/x#y", "400", "as sent", "as /x%23y", "a fragment is no part of a request; servers cut it off, or escape it, or keep it"),
    Difference(b"CONNECT", "405", "405", "as sent", REFLECTS),
    Difference(b"TRACE", "405", "405", "as sent", REFLECTS),
    Difference(b"TRACK", "405", "as sent", "as sent", REFLECTS),
    Difference(b"get", "as sent", "400", "as sent", TOKEN),
    Difference(b"Get", "as sent", "400", "as sent", TOKEN),
    Difference(b"0", "as sent", "400", "as sent", TOKEN),
    Difference(b"!#$%&'*+-.^_`|~", "as sent", "400", "as sent", TOKEN),
    Difference(b"A" * 200, "as sent", "as sent", "405", LONG_METHOD),
)
EXPLAINED: Final = {one.case: one for one in DIFFERENCES}
