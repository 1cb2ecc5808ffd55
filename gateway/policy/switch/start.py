"""Who may start a switch: whether a request that would redeem a token is trusted, is asked about, or is refused.

Trust belongs to whoever chose the token. A browser says from where a request comes (Fetch Metadata, ``Origin``, ``Referer``),
but the last hop of a chain of redirects says nothing about who wrote the token into it: a stranger's link to Okta's own
sign-in page may name, in ``fromURI``, an address that redeems the stranger's token, and Okta then sends the browser there
itself. So a token counts as chosen by a stranger when it stood inside another parameter of a request that no trusted page
started, or in a ``Location`` that Okta answered with.

The rules, in order; the first that applies decides:

1. A program (no Fetch Metadata, no cookie, no ``Accept-Language``) has no session to lose, and no user to ask: trusted. Node's own
   ``fetch`` is one too: it says ``Sec-Fetch-Mode: cors`` and ``Accept-Language: *``, but no site, which every browser names.
2. A script's request, a picture, a style sheet and the like: refused. They cannot ask, and no client of Okta's needs them.
3. A frame: trusted where it comes from a trusted place and the token was not chosen by a stranger, else refused. A frame
   cannot ask either: its question could be hidden under another page (clickjacking). okta-auth-js signs in by such a frame.
4. A transaction of the browser's own living session (``stateToken``): trusted.
5. A token that a stranger chose: asked about.
6. A start that the portal announced with its secret: trusted.
7. Same origin: trusted. Same site: trusted, or with ``same_site = "listed"`` only from a listed origin.
8. Another site, or no Fetch Metadata: trusted only where ``Origin``, or without one ``Referer``, is a listed origin.
9. Everything else, a typed or mailed address included, is asked about.

The property, held by tests/policy/switch/test_start.py: no links, forms, frames and redirects of a stranger's making redeem a token,
or end a session because of one, without the user's own yes.
Rules from: W3C Fetch Metadata Request Headers; RFC 9110 §10.1.3 (Referer); RFC 6454 §7 (Origin).
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, assert_never

from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.navigation import named_origin, origin_is_listed

SameSite = Literal["trust", "listed"]

_FRAMES = frozenset((b"iframe", b"frame", b"embed", b"object", b"fencedframe"))


class Via(Enum):
    """How the request is made."""

    PROGRAM = auto()
    WINDOW = auto()
    FRAME = auto()
    SCRIPT = auto()


@dataclass(frozen=True, slots=True)
class Trusted:
    """The token is redeemed; an older session is closed first. ``reason``: a word for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Asks:
    """The user is asked first. ``origin``: the place that the request names as its start, or empty."""

    reason: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class StartRefused:
    """The request is answered with 403."""

    reason: str


Judgement = Trusted | Asks | StartRefused


@dataclass(frozen=True, slots=True)
class StartRules:
    """``own_origins``: the login host and the app hosts. ``trusted_origins``, ``same_site``: the ``[switch]`` table."""

    own_origins: tuple[str, ...]
    trusted_origins: tuple[str, ...] = ()
    same_site: SameSite = "trust"


@dataclass(frozen=True, slots=True)
class TokenOrigin:
    """What is known of where the token comes from.

    ``by_stranger``: it stood inside another parameter of an untrusted start, or in a Location of Okta's. ``own_transaction``: Okta
    handed it out to this browser's living session. ``announced``: the portal announced this start.
    """

    by_stranger: bool = False
    own_transaction: bool = False
    announced: bool = False


def judge(head: RequestHead, token: TokenOrigin, rules: StartRules) -> Judgement:
    """Whether this request may redeem its token."""
    via = via_of(head)
    match via:
        case Via.PROGRAM:
            return Trusted("program")
        case Via.SCRIPT:
            return StartRefused("script")
        case Via.FRAME:
            trusted = not token.by_stranger and (token.own_transaction or is_trusted_place(head, rules))
            return Trusted("frame") if trusted else StartRefused("foreign_frame")
        case Via.WINDOW:
            return _judge_window(head, token, rules)
        case _:
            assert_never(via)


def is_trusted_place(head: RequestHead, rules: StartRules) -> bool:
    """Whether the request was started by a page that is trusted to choose a token (rules 7 and 8)."""
    sites = head.values(b"sec-fetch-site")
    if sites == (b"same-origin",):
        return True
    if sites == (b"same-site",):
        return rules.same_site == "trust" or origin_is_listed(head, (*rules.own_origins, *rules.trusted_origins))
    # Fetch Metadata already says that it is none of ours: only the listed count. Without it, our own origins must be named.
    return origin_is_listed(head, rules.trusted_origins if sites else (*rules.own_origins, *rules.trusted_origins))


def via_of(head: RequestHead) -> Via:
    """How the request is made: by a program, in a window, in a frame, or for a script or a page."""
    modes, destinations = head.values(b"sec-fetch-mode"), head.values(b"sec-fetch-dest")
    if _is_fetch_of_node(head):
        return Via.PROGRAM
    if not modes and not destinations and not head.values(b"sec-fetch-site"):
        if not head.values(b"cookie") and not head.values(b"accept-language"):
            return Via.PROGRAM
        return Via.SCRIPT if head.values(b"x-requested-with") else Via.WINDOW
    if modes and modes != (b"navigate",):
        return Via.SCRIPT
    if not destinations or destinations == (b"document",):
        return Via.WINDOW
    return Via.FRAME if len(destinations) == 1 and destinations[0] in _FRAMES else Via.SCRIPT


def _is_fetch_of_node(head: RequestHead) -> bool:
    """Whether undici sent it, the ``fetch`` of Node 18 and later; with a cookie it is judged like anybody."""
    if head.values(b"sec-fetch-mode") != (b"cors",) or head.values(b"accept-language") != (b"*",):
        return False
    return not (head.values(b"sec-fetch-site") or head.values(b"sec-fetch-dest") or head.values(b"cookie"))


def _judge_window(head: RequestHead, token: TokenOrigin, rules: StartRules) -> Judgement:
    origin = named_origin(head)
    if token.own_transaction:
        return Trusted("own_transaction")
    if token.by_stranger:
        return Asks("token_of_a_stranger", origin)
    if token.announced:
        return Trusted("announced")
    if is_trusted_place(head, rules):
        return Trusted("trusted_place")
    return Asks("untrusted_start", origin)
