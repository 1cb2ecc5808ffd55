"""The search for tokens that are hidden inside other parameters, percent-encoded once or several times.

An attacker's link to the org's real sign-in page can contain, in ``fromURI=``, ``RelayState=`` or ``redirectUrl=``, an address that redeems
the attacker's token. The user signs in, Okta redirects to that address, and the request looks as if it began on Okta's own page. So
``start`` must know every token that came in an earlier request, or in the ``Location`` of an answer.

This module only finds tokens; it does not say what a request redeems. Each level of encoding is searched as a whole with built-in functions
of linear time: names are searched first, and the text around a name is read only if there is a name. The number of names, the depth and the
amount of text are bounded; if a bound is exceeded, the result says that tokens may be missing.
Sources: RFC 3986 §2.1 and §4.2; RFC 9126; Okta's session cookie guide.
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.policy.http.percent import unescaped, unescaped_bytes, unescaped_form
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_parameters import NOTHING, Parameters
from gateway.policy.switch.org_places import OrgPath

MOST_NESTED: Final = 64
MOST_NAMES: Final = 512
"""The most names of parameters at all depths together, repetitions included. A long real address has a handful."""
DEEPEST_NESTING: Final = 5
LONGEST_NESTED: Final = 8 * 1024
"""Bytes. After the first decoding, at most so much text that is still escaped is decoded again."""
MOST_PIECES: Final = 1000

_TOKEN: Final = b"token="
_REFERENCE: Final = b"request_uri="

# A value ends where a token cannot go on. Okta's tokens hold letters, digits and "-_.~:"; "=" only pads the end.
# The value is matched by a look-ahead that consumes nothing, because the next name may be inside it.
_VALUE: Final = rb"(?=([^&;?#=\"'<>\s]*(?:={1,2}(?![^&;#\"'<>\s]))?))"
# The literal comes first, so that the regex engine can skip to it; the look-behinds then check the text before it.
_WHOLE_NAMES: Final = rb"|".join(rb"(?<=%b)(?<![\w-]%b)" % (name, name) for name in (b"sessiontoken=", b"onetimetoken=", b"statetoken="))
_TOKENS: Final = re.compile(rb"token=(?:(?<![\w-]token=)|%b)%b" % (_WHOLE_NAMES, _VALUE))
_REFERENCES: Final = re.compile(rb"request_uri=(?<![\w-]request_uri=)%b" % _VALUE)

_LOWER_CASE: Final = bytes.maketrans(bytes(range(65, 91)), bytes(range(97, 123)))
_CONTROLS: Final = bytes((*range(0x20), 0x7F))
_NOT_ASCII: Final = bytes(range(0x80, 0x100))
_FOLDS_TO_ASCII: Final = (("\u212a".encode(), b"k"), ("\u017f".encode(), b"s"))
"""The two non-ASCII characters that case folding turns into an ASCII letter: the Kelvin sign and the long s."""


@dataclass(frozen=True, slots=True)
class NestedTokens:
    """The tokens in a text, each once, ordered by depth. ``is_all``: False if a bound was exceeded, so that tokens may be missing."""

    tokens: tuple[SessionToken, ...]
    is_all: bool


def nested_tokens(text: str) -> NestedTokens:
    """The tokens in a query or a form as it was sent: at the top level and inside other values, at most the first 64.

    A token is the value of ``sessionToken``, ``onetimetoken``, ``token``, ``stateToken`` or ``request_uri``, in any case, whatever the path
    is. The text is decoded at most 5 times, and more than once only if at most 8 KiB of it are still escaped.
    """
    found: dict[SessionToken, None] = {}
    names_left = MOST_NAMES
    level = text.encode("utf-8", "surrogatepass")
    for depth in range(DEEPEST_NESTING + 1):
        for spelling in _spellings_with_a_name(level):
            lower = spelling.translate(_LOWER_CASE)
            names_left -= lower.count(_TOKEN) + lower.count(_REFERENCE)
            if names_left < 0:
                return NestedTokens(tuple(found), is_all=False)
            found |= _named(spelling, lower)
            if len(found) > MOST_NESTED:
                return NestedTokens(tuple(found)[:MOST_NESTED], is_all=False)
        decoded = unescaped_bytes(level)
        if decoded == level:
            return NestedTokens(tuple(found), is_all=True)
        if depth and len(level) > LONGEST_NESTED:
            level = _still_escaped(level)
            if len(level) > LONGEST_NESTED:
                break
            decoded = unescaped_bytes(level)
        level = decoded
    return NestedTokens(tuple(found), is_all=False)


def tokens_in_location(location: str) -> tuple[SessionToken, ...]:
    """Every token that a request to this ``Location`` would redeem, with state tokens and ``request_uri``, and every token nested in it.

    ``location``: absolute or relative, as sent. Its scheme and host are read as segments of the path; that can only find more.
    """
    path, _, query = location.partition("#")[0].partition("?")
    place = OrgPath.of(path)
    found = Parameters(place.names, place.is_authorize or place.is_too_long)
    found.take_pairs(query)
    redeemed = (*(token for _, token in found.tokens), *map(SessionToken, found.request_uris))
    return tuple(dict.fromkeys((*redeemed, *nested_tokens(location).tokens)))


def _spellings_with_a_name(level: bytes) -> tuple[bytes, ...]:
    """The text as servers may read it: unchanged, without control characters, and in ASCII only. Empty if it holds no name of a token."""
    folded = level
    for character, letter in _FOLDS_TO_ASCII:
        folded = folded.replace(character, letter)
    reduced = folded.translate(None, _NOT_ASCII + _CONTROLS)
    lower = reduced.translate(_LOWER_CASE)
    if _TOKEN not in lower and _REFERENCE not in lower:
        return ()
    return tuple(dict.fromkeys((level, level.translate(None, _CONTROLS), reduced)))


def _named(spelling: bytes, lower: bytes) -> dict[SessionToken, None]:
    """The values after a name, each decoded as in a query and as in a form."""
    spans = [match.span(1) for match in (*_TOKENS.finditer(lower), *_REFERENCES.finditer(lower))]
    values = dict.fromkeys([spelling[start:end].decode("utf-8", "replace") for start, end in spans])
    read = [reading for value in values for reading in (unescaped(value), unescaped_form(value))]
    return {SessionToken(value): None for value in dict.fromkeys(read) if value.casefold() not in NOTHING}


def _still_escaped(level: bytes) -> bytes:
    """The parameters of this depth that contain an escape. All text after the first 1,000 parameters counts as one parameter."""
    return b"&".join([piece for piece in level.split(b"&", MOST_PIECES) if b"%" in piece])
