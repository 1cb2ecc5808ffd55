"""The session cookies of an app in one request and its answer, bound to the user of the request.

Owns which of them the app gets, what the browser is told to remove, and the stamps of those that the app sets. The rules for one line
are in ``policy.http.app_sessions``. Must never let a cookie through that is bound to another user.

A cookie is removed only in answers to navigations. Another request may have been sent before the app began a session for this user, and
its answer would remove that session's cookie. In any case the cookie does not reach the app.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.policy.http.app_sessions import LeftOut, known_cookies, may_hold_sessions, read_cookies, removals, stamped_line
from gateway.policy.http.cookie_stamps import NOBODY, Stamps, UserStamps
from gateway.policy.http.cookies import PASS_NAME, NotTheApps
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.http.session_cookie_names import SessionCookieNames

_PASS: Final = PASS_NAME + b"="


class LinesRead(NamedTuple):
    """What was found in the ``Cookie`` lines of a request: ``left_out`` are the cookies that the app does not get.

    ``is_bound``: what the app gets depends on who the user is.
    """

    user: UserStamps
    left_out: tuple[LeftOut, ...] = ()
    is_bound: bool = False


class BoundCookies:
    """The cookies of one request to the app, and of its answer. It may be used again for the same head while the same session is admitted.

    It is cached with the head, so it must not refer to it: a cycle would be freed only by the garbage collector.
    """

    __slots__ = ("_host", "_is_navigation", "_names", "_path", "_read", "client", "has_session", "is_somebody", "user")

    def __init__(self, names: SessionCookieNames, stamps: Stamps, head: RequestHead, user_id: str, *, has_session: bool = True) -> None:
        """``names``, ``stamps``: of the app. ``has_session``: Okta confirmed the user; False if only the pass names the user."""
        self._names = names
        self._host = stamps.host
        self._path = head.path
        self._is_navigation = head.named.get(b"sec-fetch-mode") in (None, b"navigate")
        self.client = head.client
        self.is_somebody = user_id != NOBODY
        self.has_session = has_session
        self.user: UserStamps = stamps.of(user_id)
        self._read: LinesRead | None = None

    @property
    def read(self) -> LinesRead:
        """What was found so far."""
        found = self._read
        if found is None:
            found = self._read = LinesRead(self.user)
        return found

    @property
    def is_same_again(self) -> bool:
        """Whether the same head gives the app the same bytes again, while the decision about it holds."""
        read = self._read
        return read is None or (not read.left_out and (self.has_session or not read.is_bound))

    def knows(self, read: LinesRead | None) -> bool:
        """Whether these lines were read for this user before, with this outcome.

        If so, the outcome is used; if not, the lines must be read.
        """
        self._read = read if read is not None and read.user is self.user else None
        return self._read is not None

    def value(self, line: bytes) -> bytes | None:
        """The value of a ``Cookie`` line as the app gets it; None if nothing is left of it."""
        if not may_hold_sessions(line, self._names):
            return line
        rest, left_out = read_cookies(line, self._names, self.user)
        self._read = LinesRead(self.user, self.left_out + left_out, True)
        return rest

    def known(self, line: bytes, unwanted: NotTheApps) -> bytes | None:
        """Like ``value``, without the gateway's own cookies, if all bound cookies of the line were seen before; None: it must be read.

        ``unwanted``: cookies that no app may get.
        """
        rest = known_cookies(line, self._names, self.user)
        if rest is None or not unwanted.clears(rest):
            return None
        self._read = LinesRead(self.user, self.left_out, True)
        return rest

    def note_pass(self, line: bytes) -> None:
        """Remember the pass in this line as something that no app gets."""
        for piece in line.split(b"; "):
            if piece.startswith(_PASS) and piece.find(b";") < 0:
                self.user.note(piece, b"")

    def text(self, text: bytes) -> bytes:
        """A whole ``Cookie`` line, from its name to its line end, as the app gets it; empty if nothing is left of it."""
        before, _, value = text.partition(b": ")
        line = value[:-2]
        rest = self.value(line)
        return text if rest is line else b"" if rest is None else b"%b: %b\r\n" % (before, rest)

    def fields(self, fields: Fields) -> Fields:
        """The fields of the request as the app gets them. They are read anew."""
        self._read = None
        read = [(name, self.value(value) if name.lower() == b"cookie" else value) for name, value in fields]
        return tuple((name, value) for name, value in read if value is not None)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The session cookies that the app does not get, because they are bound to another user, or to none."""
        return self._read.left_out if self._read is not None else ()

    def answer(self, fields: Fields) -> Fields:
        """The fields of the app's answer as the browser gets them: its cookies stamped, after the lines that remove former users' ones."""
        for name, _ in fields:
            if len(name) == 10 and name.lower() == b"set-cookie":
                fields = self._stamped(fields)
                break
        left_out = self.left_out
        return (*self._removals(left_out), *fields) if left_out else fields

    def _stamped(self, fields: Fields) -> Fields:
        names, user, host, path = self._names, self.user, self._host, self._path.encode("latin-1")
        return tuple(
            (name, stamped_line(value, names, user, host, path) if name.lower() == b"set-cookie" else value) for name, value in fields
        )

    def _removals(self, left_out: Sequence[LeftOut]) -> Fields:
        if not self._is_navigation:
            return ()
        # Without a user, no other user came after the cookie's user, who may sign in again and go on with it.
        gone = left_out if self.is_somebody else [one for one in left_out if one.scope is None]
        return removals(gone, self._host, self._path.encode("latin-1"))
