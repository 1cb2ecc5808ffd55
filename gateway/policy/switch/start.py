"""The decision whether a request may redeem its token: it is trusted, or the user is asked first, or it is refused.

The decision depends on who chose the token. The browser says where a request comes from (Fetch Metadata, ``Origin``, ``Referer``), but
after a chain of redirects that does not say who wrote the token. Example: an attacker's link to Okta's own sign-in page names, in
``fromURI``, an address that redeems the attacker's token, and Okta then redirects the browser there itself. So a token counts as chosen by
a stranger if it came inside another parameter of a request that no trusted page started, or in a ``Location`` of an answer of Okta.

The rules, in order; the first that applies decides:

1. A program (no Fetch Metadata, no cookie, no ``Accept-Language``): trusted. It has no session to lose, and no user who could be asked.
   Node's own ``fetch`` is a program too: it sends ``Sec-Fetch-Mode: cors`` and ``Accept-Language: *``, but no ``Sec-Fetch-Site``, which
   every browser sends.
2. A request of a script, a picture, a style sheet and the like: refused. It cannot show a question, and no client of Okta needs it.
3. A frame: trusted if it comes from a trusted page and the token was not chosen by a stranger, else refused. A question in a frame could
   be hidden under another page (clickjacking). okta-auth-js signs in with such a frame.
4. A transaction of the browser's own living session (``stateToken``): trusted.
5. A token that a stranger chose: the user is asked.
6. A start that the portal announced with its secret: trusted.
7. From the same origin: trusted. From the same site: trusted; with ``same_site = "listed"`` only from a listed origin.
8. From another site, or without Fetch Metadata: trusted only if ``Origin`` (or ``Referer`` if there is no ``Origin``) is a listed origin.
9. Anything else, such as a typed or mailed address: the user is asked.

The promise (tests/policy/switch/test_start.py): a stranger's links, forms, frames and redirects never redeem a token, and never end a
session because of a token, unless the user agrees.
Sources: W3C Fetch Metadata Request Headers; RFC 9110 §10.1.3 (Referer); RFC 6454 §7 (Origin).
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, assert_never

from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.navigation import named_origin, origin_is_listed

SameSite = Literal["trust", "listed"]

_FRAMES = frozenset((b"iframe", b"frame", b"embed", b"object", b"fencedframe"))


class Via(Enum):
    """What made the request: a program, a browser window, a frame, or a script (or another part of a page)."""

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
    """The user is asked first. ``origin``: the origin of the page that started the request, or empty."""

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
    """What the gateway knows about the origin of a token.

    ``by_stranger``: it came inside another parameter of an untrusted request, or in a ``Location`` of Okta. ``own_transaction``: Okta gave
    it to this browser's living session. ``announced``: the portal announced this start.
    """

    by_stranger: bool = False
    own_transaction: bool = False
    announced: bool = False


def judge(head: RequestHead, token: TokenOrigin, rules: StartRules) -> Judgement:
    """Decide whether this request may redeem its token."""
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
    """Whether a page that is trusted to choose a token started the request (rules 7 and 8)."""
    sites = head.values(b"sec-fetch-site")
    if sites == (b"same-origin",):
        return True
    if sites == (b"same-site",):
        return rules.same_site == "trust" or origin_is_listed(head, (*rules.own_origins, *rules.trusted_origins))
    # If Fetch Metadata is present, the request is of another site here, so only listed origins count. Else our own origins count too.
    return origin_is_listed(head, rules.trusted_origins if sites else (*rules.own_origins, *rules.trusted_origins))


def via_of(head: RequestHead) -> Via:
    """What made the request, from its Fetch Metadata; without them, from its cookies, ``Accept-Language`` and ``X-Requested-With``."""
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
    """Whether undici sent it, which is the ``fetch`` of Node 18 and later. A request with a cookie never counts as such."""
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
