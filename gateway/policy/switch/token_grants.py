"""The codes and refresh tokens in requests to the org's token endpoint, and in the answers that issue them.

It also reads the codes in answers to authorization requests, and in Identity Engine's sign-in steps. It must never keep a token; the caller
turns it into a fingerprint at once. Sources: RFC 6749 §4.1.2 (``code``), §4.1.3, §5.1, §5.2 and §6; OAuth 2.0 Multiple Response Types
(fragment); okta-auth-js `lib/idx` (``successWithInteractionCode``).
"""

import html
import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from gateway.policy.http.messages import Answer, Fields, Malformed, RequestHead
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_endings import resolved_segments

_TOKEN_PATH: Final = re.compile(r"oauth2(?:/[^/]+)?/v1/token/?", re.IGNORECASE)
_IDENTITY_STEPS: Final = "/idp/idx/"
_PAGE_MODES: Final = ("response_mode=okta_post_message", "response_mode=form_post", "response_mode=web_message")
_CODE: Final = re.compile(r"""\bcode["']?\]?\s{0,8}(?:[:=]|value=)\s{0,8}["']([^"'<>\s]{8,1024})["']""")
_ESCAPED: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")
_LARGEST_PAGE: Final = 256 * 1024
_MOST_IN_PAGE: Final = 8
_MOST_FIELDS: Final = 100
_ENDS: Final = 4
"""How many values of a repeated parameter are read from each end. RFC 6749 §3.2 forbids a second one."""
_LARGEST_ADDRESS: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """The codes and refresh tokens in a request to the token endpoint. If there are several values, Okta may use any of them."""

    codes: tuple[SessionToken, ...] = ()
    refresh_tokens: tuple[SessionToken, ...] = ()


def is_token_request(head: RequestHead) -> bool:
    """Whether it is a POST to the token endpoint, in any spelling of its path: else a refused token would only need another spelling."""
    return head.method == "POST" and _TOKEN_PATH.fullmatch("/".join(resolved_segments(head.path))) is not None


def token_grant(body: bytes) -> TokenGrant | Malformed:
    """The codes and refresh tokens in a form. ``Malformed`` (400) if it has more fields than any client sends."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Malformed(400, "too_many_parameters")
    return TokenGrant((*_values(pairs, "code"), *_values(pairs, "interaction_code")), _values(pairs, "refresh_token"))


def _values(pairs: list[tuple[str, str]], name: str) -> tuple[SessionToken, ...]:
    found = [value for key, value in pairs if key == name]
    return tuple(map(SessionToken, dict.fromkeys((*found[:_ENDS], *found[-_ENDS:]))))


def refresh_token_in(answer: Answer) -> SessionToken | None:
    """The refresh token that an answer of the token endpoint issues."""
    try:
        found: Any = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        return None
    token = found.get("refresh_token") if isinstance(found, dict) else None
    return SessionToken(token) if isinstance(token, str) and token else None


def shows_code_in_page(head: RequestHead) -> bool:
    """Whether an authorization request asks for its answer as a page: a form that submits itself, or a message to another window."""
    return any(mode in head.query for mode in _PAGE_MODES)


def codes_in_page(body: bytes) -> tuple[SessionToken, ...]:
    """The texts in such a page that may be the authorization code. A wrong one does no harm, because no token request will use it."""
    text = body[:_LARGEST_PAGE].decode("utf-8", "replace")
    found = (html.unescape(_ESCAPED.sub(lambda escape: chr(int(escape[1] or escape[2], 16)), value)) for value in _CODE.findall(text))
    return tuple(map(SessionToken, dict.fromkeys(list(found)[:_MOST_IN_PAGE])))


def is_identity_step(head: RequestHead) -> bool:
    """Whether it is a step of Identity Engine's own sign-in, whose last answer may hold an interaction code."""
    return head.method == "POST" and head.path.startswith(_IDENTITY_STEPS)


def interaction_codes_in(body: bytes) -> tuple[SessionToken, ...]:
    """The interaction codes in the answer to the last step of such a sign-in."""
    try:
        found: Any = json.loads(body)
        fields = found["successWithInteractionCode"]["value"]
        values = [field.get("value") for field in fields if field.get("name") == "interaction_code"]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(SessionToken(value) for value in values if isinstance(value, str) and value)


def codes_in(fields: Fields) -> tuple[SessionToken, ...]:
    """The authorization codes in an answer's ``Location``, query and fragment."""
    codes: list[SessionToken] = []
    for name, value in fields:
        if name.lower() != b"location" or len(value) > _LARGEST_ADDRESS:
            continue
        try:
            parts = urlsplit(value.decode("latin-1"))
            pairs = [pair for text in (parts.query, parts.fragment) for pair in parse_qsl(text, max_num_fields=_MOST_FIELDS)]
        except ValueError:
            continue
        codes.extend(SessionToken(text) for key, text in pairs if key == "code")
    return tuple(codes)
