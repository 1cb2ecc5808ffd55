"""What a front proxy is told of a decision: by which status, with which fields.

Owns these answers as far as they are fields; the pages and the JSON around them are the doors'. Must never leave out an identity field
(what is not overwritten is the client's own word), set a cookie, or let a 200 grow over what nginx reads of a head. Rules from: RFC 9110
§11.6.1.
"""

from dataclasses import dataclass, field

from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.routing.navigation import RequestKind, kind_of
from gateway.policy.session.identity import OMITTED_NAME, IdentityFields, attribute_value
from gateway.policy.session.session import Session

LARGEST_IDENTITY_BYTES = 3072
"""All identity lines of a 200 together: with everything around them they stay under the 4 kB that nginx gives an answer's head."""
SIGN_IN_NAME, REDIRECT_NAME, REASON_NAME = b"X-Gateway-Sign-In", b"X-Gateway-Redirect", b"X-Gateway-Reason"

_NO_STORE = (b"Cache-Control", b"no-store")
_CHALLENGE = (b"WWW-Authenticate", b"Session")
_NOTHING_OMITTED = (OMITTED_NAME, b"")


def redirect_status(head: RequestHead) -> int | None:
    """By which status a browser is sent to sign in: 302, or 303 where a form was sent; None where no top-level navigation asks."""
    kind = kind_of(head)
    if kind is RequestKind.NAVIGATION:
        return 302
    if kind is not RequestKind.SCRIPT or head.method in ("GET", "HEAD"):
        return None
    as_get = head.replaced(method="GET")
    return 303 if kind_of(as_get) is RequestKind.NAVIGATION else None


def terse(reason: str, *fields: tuple[bytes, bytes]) -> Answer:
    """A refusal for a proxy that knows 403; the reason is for the error page that its configuration chooses."""
    return Answer(403, (_NO_STORE, (REASON_NAME, reason.encode("ascii")), *fields))


def terse_sign_in(head: RequestHead, url: str) -> Answer:
    """For such a proxy that somebody has to sign in: where, and, for a top-level navigation, by which redirect the browser gets there."""
    status = redirect_status(head)
    redirect = ((REDIRECT_NAME, b"%d" % status),) if status is not None else ()
    return Answer(401, (_NO_STORE, _CHALLENGE, (REASON_NAME, b"no_session"), (SIGN_IN_NAME, url.encode("ascii")), *redirect))


def kept_for(seconds: int) -> Fields:
    """For how long a proxy may keep a 200, and for whom."""
    if seconds <= 0:
        return (_NO_STORE,)
    return (b"Cache-Control", b"private, max-age=%d" % seconds), (b"Vary", b"Cookie, Authorization")


@dataclass(frozen=True, slots=True)
class ForwardAuthResponse:
    """The identity lines of one app's 200.

    Each name is there every time, so that it overwrites the client's own; the value is empty where there is nothing to say.
    """

    identity: IdentityFields
    nobody: Fields = field(init=False, repr=False, compare=False)
    room: int = field(init=False, repr=False, compare=False)
    """How many bytes all values together may have."""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.identity]
        object.__setattr__(self, "nobody", (*((name, b"") for name in names), _NOTHING_OMITTED))
        object.__setattr__(self, "room", LARGEST_IDENTITY_BYTES - bytes_of_names(names))

    def fields(self, session: Session | None) -> Fields:
        """The lines for a user, or for nobody; what does not fit is sent empty and named in ``X-Gateway-Omitted``."""
        if session is None:
            return self.nobody
        lines = [(name, attribute_value(attribute, session)) for name, attribute in self.identity]
        left, omitted = self.room, []
        for index, (name, value) in enumerate(lines):
            if len(value) <= left:
                left -= len(value)
            else:
                lines[index] = (name, b"")
                omitted.append(name)
        return (*lines, (OMITTED_NAME, b", ".join(omitted)) if omitted else _NOTHING_OMITTED)


def bytes_of_names(names: list[bytes]) -> int:
    """What the lines of these names take without any value, the one that names what was omitted included."""
    return sum(2 * len(name) + 6 for name in names) + len(OMITTED_NAME) + 4
