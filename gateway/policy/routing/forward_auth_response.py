"""The gateway's answers to sub-requests of front proxies: their status and their header fields.

Pages and JSON bodies are made in the doors. An answer must never leave out an identity field: a field that is not overwritten keeps the
value that the client sent. It must never set a cookie. A 200 must never be larger than what nginx reads of a head. Source: RFC 9110
§11.6.1.
"""

from dataclasses import dataclass, field

from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.routing.navigation import RequestKind, kind_of
from gateway.policy.session.identity import OMITTED_NAME, IdentityFields, attribute_value
from gateway.policy.session.session import Session

LARGEST_IDENTITY_BYTES = 3072
"""The most bytes for all identity fields of a 200. With the other fields the head stays below nginx's buffer of 4 kB."""
SIGN_IN_NAME, REDIRECT_NAME, REASON_NAME = b"X-Gateway-Sign-In", b"X-Gateway-Redirect", b"X-Gateway-Reason"

_NO_STORE = (b"Cache-Control", b"no-store")
_CHALLENGE = (b"WWW-Authenticate", b"Session")
_NOTHING_OMITTED = (OMITTED_NAME, b"")


def redirect_status(head: RequestHead) -> int | None:
    """The status that sends this browser to sign in: 302, or 303 if it posted a form; None if the request is not a top-level navigation."""
    kind = kind_of(head)
    if kind is RequestKind.NAVIGATION:
        return 302
    if kind is not RequestKind.SCRIPT or head.method in ("GET", "HEAD"):
        return None
    # A posted form is a top-level navigation too. ``kind_of`` says so only for GET.
    as_get = head.replaced(method="GET")
    return 303 if kind_of(as_get) is RequestKind.NAVIGATION else None


def terse(reason: str, *fields: tuple[bytes, bytes]) -> Answer:
    """A 403 for a terse proxy. The reason goes into a field, for the error page that the proxy's configuration chooses."""
    return Answer(403, (_NO_STORE, (REASON_NAME, reason.encode("ascii")), *fields))


def terse_sign_in(head: RequestHead, url: str) -> Answer:
    """A 401 for a terse proxy: the user must sign in. ``url``: where.

    For a top-level navigation, a field also names the status with which the proxy should redirect the browser there.
    """
    status = redirect_status(head)
    redirect = ((REDIRECT_NAME, b"%d" % status),) if status is not None else ()
    return Answer(401, (_NO_STORE, _CHALLENGE, (REASON_NAME, b"no_session"), (SIGN_IN_NAME, url.encode("ascii")), *redirect))


def kept_for(seconds: int) -> Fields:
    """The fields that say how many seconds a proxy may cache a 200, and for which requests."""
    if seconds <= 0:
        return (_NO_STORE,)
    return (b"Cache-Control", b"private, max-age=%d" % seconds), (b"Vary", b"Cookie, Authorization")


@dataclass(frozen=True, slots=True)
class ForwardAuthResponse:
    """The identity fields of one app's 200.

    Every identity field is in every answer, so that it overwrites the field that the client sent. Its value is empty if there is nothing to
    say.
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
        """The identity fields for this session, or for a request without one.

        A value that does not fit is sent empty, and its field is named in ``X-Gateway-Omitted``.
        """
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
    """The size in bytes of these fields with empty values, including ``X-Gateway-Omitted``, which may repeat every name."""
    return sum(2 * len(name) + 6 for name in names) + len(OMITTED_NAME) + 4
