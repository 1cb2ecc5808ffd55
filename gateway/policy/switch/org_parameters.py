"""The parameters of a request to the org that matter here, from its query, its form or its JSON.

Owns how a query and a body are taken apart. It finds at least what Okta could find: Okta splits at ``&``, a server in front of it might
split at ``;`` too, so a value that is read in either way counts. Names compare in any case, decoded again and again; repeated ones count
each. What cannot be read is doubt.

What is no token: a name that stands inside the value of another parameter (``RelayState=…%3FsessionToken%3D…``), because no server splits
what it has decoded; and ``undefined`` or ``null``, which scripts send for nothing. Must never be used to rewrite a request. Rules from: the
WHATWG URL standard (``application/x-www-form-urlencoded``), RFC 9101, RFC 9126, Okta's OIDC & OAuth 2.0 reference.
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
"""So many values of the parameters that matter are read from one query or form; more are doubt."""
DEEPEST_JSON: Final = 32
NOTHING: Final = frozenset({"", "undefined", "null"})
"""Values, folded, that scripts send where they have none."""

_OF_AUTHORIZE: Final = frozenset({"client_id", "prompt", "request", "request_uri"})
_HINT: Final = "id_token_hint"
_DECODINGS_OF_NAMES: Final = 3

_HIDDEN: Final = re.compile("session_?token|onetimetoken")
_HIDDEN_BYTES: Final = re.compile(rb"session_?token|onetimetoken|\\u[0-9a-f]{4}", re.IGNORECASE)
_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?([^\"';\s]*)", re.IGNORECASE)
_PLAIN_CHARSETS: Final = (b"", b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252")  # their names are ASCII
_BEFORE_JSON: Final = b"\xef\xbb\xbf\xfe\xff \t\r\n"


class Parameters:
    """Collects what one request carries. ``doubt`` says why it might carry more than was read."""

    __slots__ = ("_names", "_wanted", "client_ids", "doubt", "has_token_name", "hints", "prompts", "request_uris", "tokens")

    def __init__(self, names: frozenset[str], is_authorize: bool) -> None:
        """``names``: the parameter names, folded, that mean a token at this place."""
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
        """Read a query or a form; the result says whether a name that is none of ours seems to hide a token's."""
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
        """Read a form or JSON; whatever else seems to name a token, or cannot be read, is doubt."""
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
        """A form, unless it looks like JSON: Okta might read that whatever it is called.

        What only begins like JSON is a log line or the like. It is doubt where a token's name is seen in it, or could be escaped.
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
        """Read the members of a JSON document; the result as of ``take_pairs``, and a name of a token that is a value hides one too."""
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
        """A request object (RFC 9101) is a JWT; an encrypted or unreadable one may hold anything."""
        claims = jwt_claims(text)
        members = _members(claims) if claims is not None else None
        if members is None:
            self.doubt = "request_object"
            return
        self._take_members(members)


def folded_name(raw: str) -> str:
    """A parameter's name as compared: decoded again and again, without blanks and what cannot be printed, in lower case; ``&`` is ``!``."""
    return folded_names((raw,))[0]


def folded_names(raws: Iterable[str]) -> list[str]:
    """Each of the names as ``folded_name`` says. They are decoded together, which costs a tenth of decoding them one by one."""
    names = [raw.replace("&", "!") for raw in raws]
    if not names:
        return []
    # No name holds a U+FFFD, which is slow. What separates the names is never decoded text.
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
    """The payload of a signed JWT (RFC 7515 §7.1), unverified; None where it is none: encrypted, cut, or not base64url."""
    parts = text.split(".", 3)
    if len(parts) != 3:
        return None
    try:
        return base64.urlsafe_b64decode(parts[1].encode("utf-8", "replace") + b"==")
    except ValueError:
        return None


def _pairs(text: str) -> list[str]:
    """The text split at ``&``, and at ``;`` too where there is one."""
    pieces = text.split("&")
    if ";" not in text:
        return pieces
    return [pair for piece in pieces for pair in dict.fromkeys((piece, *piece.split(";")))]


def _members(text: bytes) -> "list[tuple[str, str | None]] | None":
    """Every plain value in a JSON document, as text, with the name of the member that it stands under; None for a value that is an object.

    The result is None where it is no JSON, or too much. ``null`` is empty. Repeated names are kept.
    """
    try:
        # As a tuple, an object keeps repeated names and differs from a list.
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
