"""The sessions of one app: which session cookies of the app a request may carry to it, and which ones its answer sets.

The gateway stamps an app's session cookies with their user. Owns who the user of a request is here, when a browser is told to remove a
cookie, and when the app is told that a former user is gone. Must never wait. The rules are in ``policy.http.app_sessions``.

A cookie is removed only in answers to navigations. Another request may have been sent before the app began a session for this user, and
its answer would remove that session's cookie. In any case the cookie does not reach the app.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.doors.app_sessions.sign_outs import AppSignOuts
from gateway.doors.pass_resolver import NOBODY as NOT_ASKED
from gateway.doors.pass_resolver import Principal
from gateway.policy.http.app_sessions import (
    LeftOut,
    known_cookies,
    may_hold_sessions,
    read_cookies,
    removals,
    removals_by_name,
    sessions_in,
    stamped_line,
)
from gateway.policy.http.cookie_scopes import possible_paths
from gateway.policy.http.cookie_stamps import NOBODY, Stamps, UserStamps
from gateway.policy.http.cookies import PASS_NAME, NotTheApps
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.http.session_cookie_names import NameKind, SessionCookieNames
from gateway.policy.session.session import Session
from gateway.policy.switch.redemption import parent_domains

_FIRST_PATHS = 2
_PASS: Final = PASS_NAME + b"="

UserOfPass = Callable[[RequestHead], str]
"""The user whom a request's pass names, without a question to Okta; empty if there is none (``PassResolver.user_of_pass``)."""


class UnboundNote:
    """The log event for an app that does not get a session cookie because the cookie has no stamp. Written once in each process."""

    __slots__ = ("_app", "_is_told", "_tell")

    def __init__(self, app: str, tell: Callable[[str, Mapping[str, object]], None]) -> None:
        """``app``: the app's name."""
        self._app = app
        self._tell = tell
        self._is_told = False

    def tell_once(self) -> None:
        """Write the event, if it was not written before."""
        if not self._is_told:
            self._is_told = True
            self._tell("app_session_unbound", {"app": self._app})


@dataclass(frozen=True, slots=True)
class AppSessions:
    """The sessions of one app. ``sign_outs`` None: the app has no ``sign_out_path``.

    ``is_stamping``: False if a front proxy carries the app: then its cookies have no stamps. ``unbound``: logs a session cookie without a
    stamp.
    """

    names: SessionCookieNames
    stamps: Stamps
    sign_outs: AppSignOuts | None = None
    is_stamping: bool = True
    unbound: UnboundNote | None = None

    def visit(self, head: RequestHead, session: Session | None, comer: Principal, user_of_pass: UserOfPass) -> "Visit":
        """The ``Visit`` for one request. Its user is that of the session; if the rule needs no user, the one whom the pass names."""
        if session is not None:
            return Visit(self, head, session.user_id)
        return Visit(self, head, user_of_pass(head) if comer is NOT_ASKED else NOBODY, has_session=False)

    def handed_over(self, head: RequestHead, user_id: str, is_another: bool, target: str) -> Fields:
        """The lines that end the sessions of former users when this user gets a pass. ``is_another``: another user used the browser before.

        ``target``: where the user goes then. The browser does not present a cookie of a deeper path here; it is removed when it comes. If
        a front proxy carries the app, its path is guessed to be the first segment of ``target``.
        """
        values = head.values(b"cookie")
        if self.is_stamping:
            user = self.stamps.of(user_id)
            left_out = [one for value in values for one in read_cookies(value, self.names, user).left_out]
            return self._ended(left_out, head)
        if not is_another:
            return ()
        path = target.partition("?")[0].encode("latin-1", "replace")
        below = [one for one in possible_paths(path, _FIRST_PATHS) if one != b"/"]
        return (*self._listed_here(values, head), *removals_by_name(self.names.exact, below, (b"",)))

    def signed_out(self, head: RequestHead) -> Fields:
        """The lines that end every session of the app that the browser presents, whoever its user is.

        If there is a stamp, the app is told.
        """
        values = head.values(b"cookie")
        if not self.is_stamping:
            return self._listed_here(values, head)
        return self._ended([one for value in values for one in sessions_in(value, self.names, self.stamps.nobody)], head)

    def _ended(self, left_out: Sequence[LeftOut], head: RequestHead) -> Fields:
        self.former(left_out, head.client)
        return removals(left_out, self.stamps.host, b"/")  # not the path of this request: no app sets cookies for an own path

    def former(self, left_out: Sequence[LeftOut], client: str) -> None:
        """Tell the app that these users are gone, if it has a ``sign_out_path``.

        ``client``: the address of the browser with their cookies.
        """
        if self.sign_outs is not None and left_out:
            self.sign_outs.tell_soon(left_out, client)

    def _listed_here(self, values: Sequence[bytes], head: RequestHead) -> Fields:
        """The lines that remove the presented cookies that are listed by name, whichever host set them."""
        pieces = (piece.partition(b"=")[0].strip(b" \t") for value in values for piece in value.split(b";"))
        presented = dict.fromkeys(name for name in pieces if self.names.kinds[name] is NameKind.LISTED)
        host = head.authority.host
        domains = [b"", *(one.encode("ascii") for one in (host, *parent_domains(host)))]
        return removals_by_name(presented, (b"/",), domains)


class LinesRead(NamedTuple):
    """What was found in the ``Cookie`` lines of a request: ``left_out`` are the cookies that the app does not get.

    ``is_bound``: what the app gets depends on who the user is.
    """

    user: UserStamps
    left_out: tuple[LeftOut, ...] = ()
    is_bound: bool = False


class Visit:
    """One request to the app, and its answer. It may be used again for the same head while the same session is admitted.

    It is cached with the head, so it must not refer to it: a cycle would be freed only by the garbage collector.
    """

    __slots__ = ("_client", "_is_navigation", "_is_somebody", "_path", "_read", "_sessions", "has_session", "user")

    def __init__(self, sessions: AppSessions, head: RequestHead, user_id: str, *, has_session: bool = True) -> None:
        """``has_session``: Okta confirmed the user; False if only the pass names the user."""
        self._sessions = sessions
        self._path = head.path
        self._client = head.client
        self._is_navigation = head.named.get(b"sec-fetch-mode") in (None, b"navigate")
        self._is_somebody = user_id != NOBODY
        self.has_session = has_session
        self.user: UserStamps = sessions.stamps.of(user_id)
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
        if not may_hold_sessions(line, self._sessions.names):
            return line
        rest, left_out = read_cookies(line, self._sessions.names, self.user)
        earlier = self._read.left_out if self._read is not None else ()
        self._read = LinesRead(self.user, earlier + left_out, True)
        return rest

    def known(self, line: bytes, unwanted: NotTheApps) -> bytes | None:
        """Like ``value``, without the gateway's own cookies, if all bound cookies of the line were seen before; None: it must be read.

        ``unwanted``: cookies that no app may get.
        """
        rest = known_cookies(line, self._sessions.names, self.user)
        if rest is None or not unwanted.clears(rest):
            return None
        self._read = LinesRead(self.user, self._read.left_out if self._read is not None else (), True)
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

    def told(self) -> None:
        """Report what was left out: to the app, if another user came after its user; to the log, if a cookie has no stamp."""
        left_out = self._read.left_out if self._read is not None else ()
        if not left_out:
            return
        if self._is_somebody:
            self._sessions.former(left_out, self._client)
        if self._sessions.unbound is not None and any(one.scope is None for one in left_out):
            self._sessions.unbound.tell_once()

    def answer(self, fields: Fields) -> Fields:
        """The fields of the app's answer as the browser gets them: its cookies stamped, after the lines that remove former users' ones."""
        for name, _ in fields:
            if len(name) == 10 and name.lower() == b"set-cookie":
                fields = self._stamped(fields)
                break
        read = self._read
        return (*self._removals(read.left_out), *fields) if read is not None and read.left_out else fields

    def _stamped(self, fields: Fields) -> Fields:
        names, user, host, path = self._sessions.names, self.user, self._sessions.stamps.host, self._path.encode("latin-1")
        return tuple(
            (name, stamped_line(value, names, user, host, path) if name.lower() == b"set-cookie" else value) for name, value in fields
        )

    def _removals(self, left_out: Sequence[LeftOut]) -> Fields:
        if not self._is_navigation:
            return ()
        # Without a user, no other user came after the cookie's user, who may sign in again and go on with it.
        gone = left_out if self._is_somebody else [one for one in left_out if one.scope is None]
        return removals(gone, self._sessions.stamps.host, self._path.encode("latin-1"))
