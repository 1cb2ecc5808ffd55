"""Keeps an app's own session with its user: what the app gets of a ``Cookie`` line, and what the browser gets of ``Set-Cookie``.

The gateway stamps an app's session cookies with their user (``cookie_stamps``) when the app sets them, and removes the stamp when the
browser sends them:

- A cookie with a listed name (``session_cookie_names``) reaches the app only if it has a stamp of this user.
- Any other cookie that the app sets as ``HttpOnly`` is stamped too. But without a stamp it reaches the app as well.

The browser is also told to remove the cookies that were left out. The app must never see a stamp. It must never get bytes that it set for
another user, nor, under a listed name, bytes that it did not set at all. The app's own bytes must never be changed. Sources: RFC 6265bis
§5.6 and §5.8; https://owasp.org/www-community/attacks/Session_fixation.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway.policy.http.cookie_scopes import Scope, attributes_of, possible_paths, removal, removal_at, scope_of
from gateway.policy.http.cookie_stamps import MARK, Stamped, UserStamps
from gateway.policy.http.cookies import set_cookie_name, set_cookie_value
from gateway.policy.http.messages import Fields
from gateway.policy.http.session_cookie_names import NameKind, SessionCookieNames

MOST_REMOVALS: Final = 16
"""Removal lines in one response. With the other fields the head stays smaller than what proxies accept."""
MOST_PATHS: Final = 6
_BLANKS: Final = b" \t"
_SET_COOKIE: Final = b"Set-Cookie"


class LeftOut(NamedTuple):
    """A cookie that the app does not get. ``scope``: its path and domain; None if no stamp says so.

    ``own``: the bytes that the app set for another user; None if it may never have set them, or set them without a session.
    """

    name: bytes
    own: bytes | None
    scope: Scope | None


class CookiesRead(NamedTuple):
    """The ``Cookie`` value that the app gets (None if nothing is left), and the cookies that were left out."""

    line: bytes | None
    left_out: tuple[LeftOut, ...] = ()


def may_hold_sessions(line: bytes, names: SessionCookieNames) -> bool:
    """Whether ``read_cookies`` may change this ``Cookie`` value. A quick check: nearly always False if there is no such cookie."""
    return line.find(MARK) >= 0 or names.may_be_in(line)


def read_cookies(line: bytes, names: SessionCookieNames, user: UserStamps) -> CookiesRead:
    """The ``Cookie`` value for the app: each cookie as the app set it, in order. The same object if nothing is changed.

    Call ``may_hold_sessions`` first, because it is quicker; if it is False, nothing would be changed.
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
    """The ``Cookie`` value for the app if all its stamped cookies were verified before; None if ``read_cookies`` must do it.

    The gateway's own cookies are left out if they are known. The line is split as browsers write it: at a semicolon and a blank.
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
    """The text between two semicolons as it is forwarded, or the cookie that is left out."""
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
    """The cookies in a ``Cookie`` value that a sign-out removes: those with a valid stamp of any user, and those with a listed name."""
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
    """The ``Set-Cookie`` value for the browser, in the response to a request for ``path``. The same object if nothing is changed."""
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
    """The ``Set-Cookie`` lines that remove the left-out cookies from the browser. They must come before the app's own lines.

    ``path``: of the request that brought them. A cookie without a stamp is removed wherever this host alone could have set it. A cookie of
    a parent domain stays, because another site may use it.
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
    """The lines that remove cookies with these names at each of these paths and domains. An empty domain means the host alone."""
    made = (removal_at(name, path, domain) for name in names for path in paths for domain in domains)
    return tuple((_SET_COOKIE, line) for line in made if line is not None)
