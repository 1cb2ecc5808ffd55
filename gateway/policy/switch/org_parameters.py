"""The parameters of a request to the org that matter for a switch: tokens and a few others, from the query, the form or the JSON.

It finds at least every value that Okta could find. Okta splits a query at ``&``, and a server in front of it might also split at ``;``, so
both readings count. Names are compared without case, and after several decodings. Each of several values of one name counts. If something
cannot be read, that is a *doubt*.

These are no tokens: a name inside the value of another parameter (``RelayState=…%3FsessionToken%3D…``), because no server splits a value
after decoding it; and the values ``undefined`` and ``null``, which scripts send when they have no value. It must never be used to rewrite a
request. Sources: the WHATWG URL standard (``application/x-www-form-urlencoded``), RFC 9101, RFC 9126, Okta's OIDC & OAuth 2.0 reference.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, Final

from gateway.policy.http.messages import RequestHead
from gateway.policy.http.percent import printable, unescaped_bytes, unescaped_form
from gateway.policy.session.session import SessionToken

MOST_PARAMETERS: Final = 1000
MOST_VALUES: Final = 64
"""The most values of relevant parameters in one query or form; more are a doubt."""
DEEPEST_JSON: Final = 32
NOTHING: Final = frozenset({"", "undefined", "null"})
"""Values, in lower case, that scripts send when they have no value."""

_OF_AUTHORIZE: Final = frozenset({"client_id", "prompt", "request", "request_uri"})
_HINT: Final = "id_token_hint"
_DECODINGS_OF_NAMES: Final = 3

_HIDDEN: Final = re.compile("session_?token|onetimetoken")
_HIDDEN_BYTES: Final = re.compile(rb"session_?token|onetimetoken|\\u[0-9a-f]{4}", re.IGNORECASE)
_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?([^\"';\s]*)", re.IGNORECASE)
_PLAIN_CHARSETS: Final = (b"", b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252")  # their names are ASCII
_BEFORE_JSON: Final = b"\xef\xbb\xbf\xfe\xff \t\r\n"


class Parameters:
    """Collects the relevant parameters of one request. ``doubt``: why it may carry more than was read; None: no doubt."""

    __slots__ = ("_names", "_wanted", "client_ids", "doubt", "has_token_name", "hints", "prompts", "request_uris", "tokens")

    def __init__(self, names: frozenset[str], is_authorize: bool) -> None:
        """``names``: the parameter names, as ``folded_names`` gives them, that mean a token at this path."""
        self._names = names
        self._wanted = names | {_HINT} | (_OF_AUTHORIZE if is_authorize else set())
        self.tokens: list[tuple[str, SessionToken]] = []
        self.has_token_name = False
        self.request_uris: list[str] = []
        self.client_ids: list[str] = []
        self.prompts: list[str] = []
        self.hints: list[str] = []
        self.doubt: str | None = None

    def take_pairs(self, text: str) -> bool:
        """Read a query or a form. Returns whether another parameter's name seems to contain the name of a token."""
        if text.count("&") + text.count(";") > MOST_PARAMETERS:
            self.doubt = "too_many_parameters"
            return False
        pairs = _pairs(text)
        hides, left = False, MOST_VALUES
        for name, pair in zip(folded_names(pair.partition("=")[0] for pair in pairs), pairs, strict=True):
            if name in self._wanted:
                left -= 1
                if left < 0:
                    self.doubt = "too_many_parameters"
                    break
                self._take(name, unescaped_form(pair.partition("=")[2]))
            elif "token" in name and _HIDDEN.search(name):
                hides = True
        return hides

    def take_body(self, head: RequestHead, body: bytes) -> None:
        """Read a body that is a form or JSON. If it cannot be read, or seems to name a token elsewhere, that is a doubt."""
        kind = b",".join(head.values(b"content-type")).strip().lower()
        is_encoded = any(value.strip().lower() not in (b"", b"identity") for value in head.values(b"content-encoding"))
        if is_encoded or b"multipart" in kind or any(charset not in _PLAIN_CHARSETS for charset in _CHARSET.findall(kind)):
            self.doubt = "unreadable_body"
            return
        before = len(self.tokens)
        hides = self._take_json_body(body) if b"json" in kind else self._take_other_body(body)
        if hides and len(self.tokens) == before:
            self.doubt = self.doubt or "hidden_token"

    def _take_json_body(self, body: bytes) -> bool:
        members = _members(body)
        if members is None:
            self.doubt = "strange_json"
            return False
        return self._take_members(members)

    def _take_other_body(self, body: bytes) -> bool:
        """Read a body as a form, and as JSON too if it looks like JSON, because Okta might do so whatever its media type is.

        A body that only begins like JSON may be a log line. It is a doubt only if it contains the name of a token, or an escape like
        ``\\u0073`` that may hide one.
        """
        text = body.decode("utf-8", "replace")
        plain = body.replace(b"\0", b"")
        if plain.lstrip(_BEFORE_JSON)[:1] in (b"{", b"["):
            members = _members(body)
            if members is not None:
                hides = self._take_members(members)
                self.take_pairs(text)
                return hides
            if _HIDDEN_BYTES.search(plain):
                self.doubt = "strange_json"
        return self.take_pairs(text)

    def _take_members(self, members: "list[tuple[str, str | None]]") -> bool:
        """Read the members of a JSON document. The result is as for ``take_pairs``; a value that is the name of a token counts too."""
        hides = False
        names, words = folded_names(name for name, _ in members), folded_names(value or "" for _, value in members)
        for name, word, (_, value) in zip(names, words, members, strict=True):
            if value is None:
                hides = hides or name in self._names
            elif name in self._wanted:
                self._take(name, value)
            else:
                hides = hides or _HIDDEN.search(name) is not None or _HIDDEN.fullmatch(word) is not None
        return hides

    def _take(self, name: str, value: str) -> None:
        self.has_token_name = self.has_token_name or name in self._names
        if value.casefold() in NOTHING:
            return
        match name:
            case "id_token_hint":
                self.hints.append(value)
            case "client_id":
                self.client_ids.append(value)
            case "prompt":
                self.prompts.append(value)
            case "request_uri":
                self.request_uris.append(value)
            case "request":
                self._take_request_object(value)
            case _:
                self.tokens.append((name, SessionToken(value)))

    def _take_request_object(self, text: str) -> None:
        """Read a request object (RFC 9101), which is a JWT. If it is encrypted or unreadable, it may hold anything: a doubt."""
        claims = jwt_claims(text)
        members = _members(claims) if claims is not None else None
        if members is None:
            self.doubt = "request_object"
            return
        self._take_members(members)


def folded_names(raws: Iterable[str]) -> list[str]:
    """Parameter names for comparison: decoded several times, in lower case, without blanks and unprintable text; ``&`` becomes ``!``.

    They are decoded together, which takes a tenth of the time of one by one.
    """
    names = [raw.replace("&", "!") for raw in raws]
    if not names:
        return []
    # U+FFFD is replaced because it is slow. The "&" between the names never comes from decoded text: "%26" and "&" in names became "!".
    decoded = "&".join(names).replace("\ufffd", "?").encode("utf-8", "surrogatepass")
    for _ in range(_DECODINGS_OF_NAMES):
        if b"%" not in decoded and b"+" not in decoded:
            break
        before, decoded = decoded, unescaped_bytes(decoded.replace(b"+", b" ").replace(b"%26", b"!"))
        if decoded == before:
            break
    text = decoded.decode("utf-8", "replace").replace("\ufffd", "?")
    return printable("".join(text.split())).casefold().split("&")


def jwt_claims(text: str) -> bytes | None:
    """The payload of a signed JWT (RFC 7515 §7.1), unverified. None if it is encrypted, cut, or not base64url."""
    parts = text.split(".", 3)
    if len(parts) != 3:
        return None
    try:
        return base64.urlsafe_b64decode(parts[1].encode("utf-8", "replace") + b"==")
    except ValueError:
        return None


def _pairs(text: str) -> list[str]:
    """The parts of the text, split at ``&``; a part with ``;`` is also split at ``;``."""
    pieces = text.split("&")
    if ";" not in text:
        return pieces
    return [pair for piece in pieces for pair in dict.fromkeys((piece, *piece.split(";")))]


def _members(text: bytes) -> "list[tuple[str, str | None]] | None":
    """Every value in a JSON document as text, with the name of its member. An object as a value gives (name, None) and its own members.

    The result is None if the text is no JSON, or too deep or too large. ``null`` becomes empty text. Repeated names are kept.
    """
    try:
        # Objects are read as tuples: so repeated names are kept, and an object differs from a list.
        waiting: list[tuple[str, Any, int]] = [("", json.loads(text, object_pairs_hook=tuple), 0)]
    except (ValueError, RecursionError):
        return None
    found: list[tuple[str, str | None]] = []
    while waiting:
        name, value, depth = waiting.pop()
        if depth > DEEPEST_JSON or len(waiting) + len(found) > MOST_PARAMETERS:
            return None
        if isinstance(value, tuple):
            found.append((name, None))
            waiting.extend([(member, inner, depth + 1) for member, inner in value])
        elif isinstance(value, list):
            waiting.extend([(name, inner, depth + 1) for inner in value])
        else:
            found.append((name, "" if value is None else str(value)))
    return found[::-1]
