"""Tokens that a text carries, at whatever depth of percent-encoding.

A stranger's link to the org's true sign-in page can carry a redemption of the stranger's own token in ``fromURI=``, ``RelayState=`` or
``redirectUrl=``. The user signs in herself, Okta redirects her there, and the request looks as if it had begun on Okta's own page. So
whoever judges where a token came from must know every token that stood in a request, or in an answer's ``Location``, before.

Owns that search; it says nothing of what a request redeems. One pass for each depth, over values that do not overlap.
Rules from: RFC 3986 §2.1 and §4.2; RFC 9126; Okta's session cookie guide.
"""

import re
from typing import Final

from gateway.core.org_parameters import NOTHING, Parameters
from gateway.core.org_places import Place
from gateway.core.percent import printable, unescaped, unescaped_form
from gateway.core.session import SessionToken

MOST_NESTED: Final = 64
DEEPEST_NESTING: Final = 5

# Written out by first letters in both cases: the search then skips to the next such letter, which makes it five times as fast.
_RESTS: Final = {"s": "essiontoken|tatetoken", "o": "netimetoken", "t": "oken", "r": "equest_uri"}
_NAME: Final = "|".join(rf"{letter}(?<![\w-]{letter})(?i:{rest})" for first, rest in _RESTS.items() for letter in (first, first.upper()))
# A value ends where a token cannot go on. Okta's tokens hold letters, digits and "-_.~:"; "=" only pads the end.
_NAMED: Final = re.compile(rf"(?:{_NAME})=([^&;?#=\"'<>\s]*(?:={{1,2}}(?![^&;#\"'<>\s]))?)")


def nested_tokens(text: str) -> tuple[SessionToken, ...]:
    """Every token in a query or a form, as sent: top-level ones and those inside other values, at most the first 64, each once.

    A token is the value of ``sessionToken``, ``onetimetoken``, ``token``, ``stateToken`` or ``request_uri``, in any case, at a place of
    Okta's or not. The text is decoded at most 5 times.
    """
    return _nested(text)[0]


def may_nest_more_tokens(text: str) -> bool:
    """Whether ``nested_tokens`` may have left some out: more than 64, or encoded more than 5 times."""
    return not _nested(text)[1]


def tokens_in_location(location: str) -> tuple[SessionToken, ...]:
    """Every token that the target of a ``Location`` would redeem, state tokens and ``request_uri`` too, and those nested in it.

    ``location`` is absolute or relative, as sent. Its scheme and host count as segments of the path, which can only find more.
    """
    path, _, query = location.partition("#")[0].partition("?")
    place = Place.of(path)
    found = Parameters(place.names, place.is_authorize or place.is_too_long)
    found.take_pairs(query)
    redeemed = (*(token for _, token in found.tokens), *map(SessionToken, found.request_uris))
    return tuple(dict.fromkeys((*redeemed, *nested_tokens(location))))


def _nested(text: str) -> tuple[tuple[SessionToken, ...], bool]:
    """The tokens, and whether these are all."""
    found: dict[SessionToken, None] = {}
    level = text
    for _ in range(DEEPEST_NESTING + 1):
        for spelling in dict.fromkeys((level, printable(level))):
            for raw in dict.fromkeys(_NAMED.findall(spelling)):
                for value in (unescaped(raw), unescaped_form(raw)):
                    if value.casefold() not in NOTHING:
                        found[SessionToken(value)] = None
                if len(found) > MOST_NESTED:
                    return tuple(found)[:MOST_NESTED], False
        decoded = unescaped(level)
        if decoded == level:
            return tuple(found), True
        level = decoded
    return tuple(found), False
