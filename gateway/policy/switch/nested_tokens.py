"""Tokens that a text carries, at whatever depth of percent-encoding.

A stranger's link to the org's true sign-in page can carry a redemption of the stranger's own token in ``fromURI=``, ``RelayState=`` or
``redirectUrl=``. The user signs in herself, Okta redirects her there, and the request looks as if it had begun on Okta's own page. So
whoever judges where a token came from must know every token that stood in a request, or in an answer's ``Location``, before.

Owns that search; it says nothing of what a request redeems. Each depth is searched as a whole, by built-in functions that a repeated word
makes no slower: names are looked for first, and what stands around one only where there is one. How many names, how deep and how much
text is searched is bounded; what is beyond is not read, and said.
Rules from: RFC 3986 §2.1 and §4.2; RFC 9126; Okta's session cookie guide.
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
"""At all depths together, repeated ones too. A long address names a handful."""
DEEPEST_NESTING: Final = 5
LONGEST_NESTED: Final = 8 * 1024
"""In bytes: the parameters that are still escaped after they were decoded once."""
MOST_PIECES: Final = 1000

_TOKEN: Final = b"token="
_REFERENCE: Final = b"request_uri="

# A value ends where a token cannot go on. Okta's tokens hold letters, digits and "-_.~:"; "=" only pads the end.
# It is only looked at: the next name may stand in it.
_VALUE: Final = rb"(?=([^&;?#=\"'<>\s]*(?:={1,2}(?![^&;#\"'<>\s]))?))"
# The literal comes first, because the search then skips to it; the rest looks back at what stands before it.
_WHOLE_NAMES: Final = rb"|".join(rb"(?<=%b)(?<![\w-]%b)" % (name, name) for name in (b"sessiontoken=", b"onetimetoken=", b"statetoken="))
_TOKENS: Final = re.compile(rb"token=(?:(?<![\w-]token=)|%b)%b" % (_WHOLE_NAMES, _VALUE))
_REFERENCES: Final = re.compile(rb"request_uri=(?<![\w-]request_uri=)%b" % _VALUE)

_LOWER_CASE: Final = bytes.maketrans(bytes(range(65, 91)), bytes(range(97, 123)))
_CONTROLS: Final = bytes((*range(0x20), 0x7F))
_NOT_ASCII: Final = bytes(range(0x80, 0x100))
_FOLDS_TO_ASCII: Final = (("\u212a".encode(), b"k"), ("\u017f".encode(), b"s"))
"""The two characters outside ASCII that are letters of it in another case."""


@dataclass(frozen=True, slots=True)
class NestedTokens:
    """Tokens of a text, each once, in the order of their depth. ``is_all``: False where the text may hold more than could be read."""

    tokens: tuple[SessionToken, ...]
    is_all: bool


def nested_tokens(text: str) -> NestedTokens:
    """The tokens in a query or a form, as sent: top-level ones and those inside other values, at most the first 64.

    A token is the value of ``sessionToken``, ``onetimetoken``, ``token``, ``stateToken`` or ``request_uri``, in any case, at a place of
    Okta's or not. The text is decoded at most 5 times, and more than once only where at most 8 KiB of it are still escaped then.
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
    """Every token that the target of a ``Location`` would redeem, state tokens and ``request_uri`` too, and those nested in it.

    ``location`` is absolute or relative, as sent. Its scheme and host count as segments of the path, which can only find more.
    """
    path, _, query = location.partition("#")[0].partition("?")
    place = OrgPath.of(path)
    found = Parameters(place.names, place.is_authorize or place.is_too_long)
    found.take_pairs(query)
    redeemed = (*(token for _, token in found.tokens), *map(SessionToken, found.request_uris))
    return tuple(dict.fromkeys((*redeemed, *nested_tokens(location).tokens)))


def _spellings_with_a_name(level: bytes) -> tuple[bytes, ...]:
    """The text, and what is left of it where a server drops controls, or all that is not ASCII; nothing where no name is left."""
    folded = level
    for character, letter in _FOLDS_TO_ASCII:
        folded = folded.replace(character, letter)
    reduced = folded.translate(None, _NOT_ASCII + _CONTROLS)
    lower = reduced.translate(_LOWER_CASE)
    if _TOKEN not in lower and _REFERENCE not in lower:
        return ()
    return tuple(dict.fromkeys((level, level.translate(None, _CONTROLS), reduced)))


def _named(spelling: bytes, lower: bytes) -> dict[SessionToken, None]:
    """The values that stand behind a name, each as a query and as a form would be read."""
    spans = [match.span(1) for match in (*_TOKENS.finditer(lower), *_REFERENCES.finditer(lower))]
    values = dict.fromkeys([spelling[start:end].decode("utf-8", "replace") for start, end in spans])
    read = [reading for value in values for reading in (unescaped(value), unescaped_form(value))]
    return {SessionToken(value): None for value in dict.fromkeys(read) if value.casefold() not in NOTHING}


def _still_escaped(level: bytes) -> bytes:
    """The parameters of this depth that hold an escape. What is behind the first 1,000 counts as one."""
    return b"&".join([piece for piece in level.split(b"&", MOST_PIECES) if b"%" in piece])
