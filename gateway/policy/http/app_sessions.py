"""An app's own session stays with its user: what an app gets of a Cookie line, and what a browser gets of the cookies that an app sets.

Owns both rules, and which cookies a browser is told to remove. Cookies of listed names go on with a stamp of this user alone
(``cookie_stamps``). Other cookies that an app marked HttpOnly are stamped too, and taken without a stamp. Must never let an app see a
stamp, bytes that it did not set under a listed name, or those that it set for another user; must never change the app's own bytes.
Rules from: RFC 6265bis §5.6 and §5.8; https://owasp.org/www-community/attacks/Session_fixation.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway.policy.http.cookie_scopes import Scope, attributes_of, possible_paths, removal, removal_at, scope_of
from gateway.policy.http.cookie_stamps import MARK, Stamped, UserStamps
from gateway.policy.http.cookies import set_cookie_name, set_cookie_value
from gateway.policy.http.messages import Fields
from gateway.policy.http.session_cookie_names import NameKind, SessionCookieNames

MOST_REMOVALS: Final = 16
"""Lines in one answer: with everything around them they stay under what proxies read of a head."""
MOST_PATHS: Final = 6
_BLANKS: Final = b" \t"
_SET_COOKIE: Final = b"Set-Cookie"


class LeftOut(NamedTuple):
    """A cookie that the app does not get. ``scope``: where it belongs, None where no stamp says so.

    ``own``: the bytes that the app set for another user; None where it may never have set them, or set them for nobody.
    """

    name: bytes
    own: bytes | None
    scope: Scope | None


class CookiesRead(NamedTuple):
    """What an app gets of the value of a Cookie line, None where nothing is left of it, and what was left out."""

    line: bytes | None
    left_out: tuple[LeftOut, ...] = ()


def may_hold_sessions(line: bytes, names: SessionCookieNames) -> bool:
    """Whether ``read_cookies`` may change the value of a Cookie line. It is quick where no such cookie is there."""
    return line.find(MARK) >= 0 or names.may_be_in(line)


def read_cookies(line: bytes, names: SessionCookieNames, user: UserStamps) -> CookiesRead:
    """The value of a Cookie line as the app gets it: each cookie as it set it, in order; the same object where nothing is changed.

    It changes nothing of a line that ``may_hold_sessions`` denies; ask that before, because it is quick.
    """
    kept, left_out, is_changed = [], [], False
    for piece in line.split(b";"):
        bare = piece.lstrip(b" ")
        own = user.known.get(bare)
        if own is not None:
            is_changed = True
            if own:
                kept.append(piece[: len(piece) - len(bare)] + own)
            continue
        goes_on = _read_piece(piece, names, user)
        if isinstance(goes_on, LeftOut):
            left_out.append(goes_on)
        else:
            kept.append(goes_on)
        is_changed = is_changed or goes_on is not piece
    if not is_changed:
        return CookiesRead(line)
    rest = b";".join(kept)
    return CookiesRead(rest.lstrip(_BLANKS) if rest.strip(b"; \t") else None, tuple(left_out))


def known_cookies(line: bytes, names: SessionCookieNames, user: UserStamps) -> bytes | None:
    """The value of a Cookie line as the app gets it, where all that is bound in it was met before; None where ``read_cookies`` must tell.

    What is known to be the gateway's own is left out. The line is divided as browsers do it: by a semicolon and a blank.
    """
    kept: list[bytes] = []
    others: list[bytes] = []
    for piece in line.split(b"; "):
        own = user.known.get(piece)
        if own is None:
            kept.append(piece)
            others.append(piece)
        elif own:
            kept.append(own)
    return b"; ".join(kept) if kept and not may_hold_sessions(b";".join(others), names) else None


def _read_piece(piece: bytes, names: SessionCookieNames, user: UserStamps) -> bytes | LeftOut:
    """The piece between two semicolons as it goes on, or the cookie that does not."""
    before, equals, after = piece.partition(b"=")
    name, value = before.strip(_BLANKS), after.strip(_BLANKS)
    if value.startswith(MARK):
        stamped = user.read(name, value)
        if stamped is None:
            return LeftOut(name, None, None)
        if not stamped.is_users:
            return _left_out(name, stamped)
        own = before + equals + stamped.own
        user.note(piece.lstrip(b" "), own.lstrip(b" "))
        return own
    kind = names.kinds[name]
    if MARK in piece or kind is NameKind.LISTED or kind is NameKind.ALIAS:
        return LeftOut(name, None, None)
    is_hiding = kind is NameKind.OTHER and names.is_hidden_in(name, piece.strip(_BLANKS))
    return LeftOut(name, None, None) if is_hiding else piece


def _left_out(name: bytes, stamped: Stamped) -> LeftOut:
    return LeftOut(name, None if stamped.is_nobodys else stamped.own, stamped.scope)


def sessions_in(line: bytes, names: SessionCookieNames, user: UserStamps) -> tuple[LeftOut, ...]:
    """Every cookie in the value of a Cookie line that has a stamp of any user, or a listed name: what ends with a sign-out."""
    found = []
    for piece in line.split(b";"):
        before, _, after = piece.partition(b"=")
        name, value = before.strip(_BLANKS), after.strip(_BLANKS)
        stamped = user.read(name, value) if value.startswith(MARK) else None
        if stamped is not None:
            found.append(_left_out(name, stamped))
        elif names.kinds[name] is NameKind.LISTED:
            found.append(LeftOut(name, None, None))
    return tuple(found)


def stamped_line(line: bytes, names: SessionCookieNames, user: UserStamps, host: bytes, path: bytes) -> bytes:
    """The value of a Set-Cookie field as the browser gets it, in answer to a request for ``path``; the same object where it stays."""
    name, value = set_cookie_name(line), set_cookie_value(line)
    kind = names.kinds[name]
    if not value or kind is NameKind.LEFT_ALONE:
        return line
    _, semicolon, rest = line.partition(b";")
    attributes = attributes_of[rest]
    if kind is NameKind.OTHER and not attributes.is_http_only and MARK not in line and not names.is_hidden_in(name, name + b"=" + value):
        return line
    stamp = user.stamp(name, value, scope_of(attributes, host, path))
    return b"%b=%b%b%b%b" % (name, stamp, value, semicolon, rest)


def removals(left_out: Iterable[LeftOut], host: bytes, path: bytes) -> Fields:
    """The lines that remove from the browser what came with a request for ``path`` and was left out; they go before those of the app.

    A cookie without a stamp is removed wherever this host alone could have set it. One of a parent domain stays: another site may use it.
    """
    lines: dict[bytes, None] = {}
    for name, _, scope in left_out:
        if scope is not None:
            made: Sequence[bytes | None] = (removal(name, scope, host, path),)
        else:
            made = [removal_at(name, one, domain) for domain in (b"", host) for one in possible_paths(path, MOST_PATHS)]
        for one in made:
            if one is not None and len(lines) < MOST_REMOVALS:
                lines[one] = None
    return tuple((_SET_COOKIE, line) for line in lines)


def removals_by_name(names: Iterable[bytes], paths: Sequence[bytes], domains: Sequence[bytes]) -> Fields:
    """The lines that remove cookies of these names at each of these paths and domains; an empty domain is the host alone."""
    made = (removal_at(name, path, domain) for name in names for path in paths for domain in domains)
    return tuple((_SET_COOKIE, line) for line in made if line is not None)
