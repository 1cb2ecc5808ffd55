"""The sessions of one app: whose cookies a request may bring to it, and whose its answer sets.

Owns who the user of a request is here, when a browser is told to remove a cookie, and when the app is told that a former user is gone.
Must never wait. The rules are in ``policy.http.app_sessions``.

A cookie is removed only in answers to navigations: other requests may have been sent before the app began a session for this user, and
would take that one away. It does not reach the app in any case.
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
"""The user whom a request's pass names, without asking Okta; empty where there is none (``Gate.user_of_pass``)."""


class UnboundNote:
    """The line in the log for an app that is not sent a session cookie, because it has no stamp of the gateway: once in each process."""

    __slots__ = ("_app", "_is_told", "_tell")

    def __init__(self, app: str, tell: Callable[[str, Mapping[str, object]], None]) -> None:
        """``app``: its name."""
        self._app = app
        self._tell = tell
        self._is_told = False

    def tell_once(self) -> None:
        """Write it, unless that was done."""
        if not self._is_told:
            self._is_told = True
            self._tell("app_session_unbound", {"app": self._app})


@dataclass(frozen=True, slots=True)
class AppSessions:
    """The sessions of one app. ``sign_outs`` None: the app has no ``sign_out_path``.

    ``is_stamping``: False where a front proxy carries the app, so that nobody stamps its cookies. ``unbound``: who hears of a session
    cookie without a stamp.
    """

    names: SessionCookieNames
    stamps: Stamps
    sign_outs: AppSignOuts | None = None
    is_stamping: bool = True
    unbound: UnboundNote | None = None

    def visit(self, head: RequestHead, session: Session | None, comer: Principal, user_of_pass: UserOfPass) -> "Visit":
        """One request. Its user is that of its session; where nobody was looked up, the one whom its pass names."""
        if session is not None:
            return Visit(self, head, session.user_id)
        return Visit(self, head, user_of_pass(head) if comer is NOT_ASKED else NOBODY, has_session=False)

    def handed_over(self, head: RequestHead, user_id: str, is_another: bool, target: str) -> Fields:
        """The lines that end the sessions of former users when this user gets a pass; ``is_another``: the browser was another user's.

        ``target``: where the user goes then. A cookie of a deeper path is not presented here: it is met when it comes, or, where a front
        proxy carries the app, guessed to stand at the first segment of the target.
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
        """The lines that end every session of the app that the browser presents, whose it is; the app is told of those with a stamp."""
        values = head.values(b"cookie")
        if not self.is_stamping:
            return self._listed_here(values, head)
        return self._ended([one for value in values for one in sessions_in(value, self.names, self.stamps.nobody)], head)

    def _ended(self, left_out: Sequence[LeftOut], head: RequestHead) -> Fields:
        self.former(left_out, head.client)
        return removals(left_out, self.stamps.host, b"/")  # no app sets a cookie for a path of ours

    def former(self, left_out: Sequence[LeftOut], client: str) -> None:
        """Tell the app, where it wants to know, that these users are gone; ``client``: whose browser had their cookies."""
        if self.sign_outs is not None and left_out:
            self.sign_outs.tell_soon(left_out, client)

    def _listed_here(self, values: Sequence[bytes], head: RequestHead) -> Fields:
        """The lines that remove the listed cookies that were presented, whichever host set them."""
        pieces = (piece.partition(b"=")[0].strip(b" \t") for value in values for piece in value.split(b";"))
        presented = dict.fromkeys(name for name in pieces if self.names.kinds[name] is NameKind.LISTED)
        host = head.authority.host
        domains = [b"", *(one.encode("ascii") for one in (host, *parent_domains(host)))]
        return removals_by_name(presented, (b"/",), domains)


class LinesRead(NamedTuple):
    """What was found in the Cookie lines of a request of one user: ``left_out`` is what the app does not get.

    ``is_bound``: what it gets depends on who the user is.
    """

    user: UserStamps
    left_out: tuple[LeftOut, ...] = ()
    is_bound: bool = False


class Visit:
    """One request to the app, and its answer. It may be used again for the same head as long as the same session lets it in.

    It is noted with the head, so it must not lead back to it: only the collector could free the two.
    """

    __slots__ = ("_client", "_is_navigation", "_is_somebody", "_path", "_read", "_sessions", "has_session", "user")

    def __init__(self, sessions: AppSessions, head: RequestHead, user_id: str, *, has_session: bool = True) -> None:
        """``user``: whose cookies pass; ``has_session``: Okta said so, and not the pass alone."""
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
        """Whether the app gets the same of the same head as long as the decision about it holds."""
        read = self._read
        return read is None or (not read.left_out and (self.has_session or not read.is_bound))

    def knows(self, read: LinesRead | None) -> bool:
        """Whether lines were read for this user with this outcome; then they need not be read again, and else nothing was."""
        self._read = read if read is not None and read.user is self.user else None
        return self._read is not None

    def value(self, line: bytes) -> bytes | None:
        """The value of a Cookie line as the app gets it; None where nothing is left of it."""
        if not may_hold_sessions(line, self._sessions.names):
            return line
        rest, left_out = read_cookies(line, self._sessions.names, self.user)
        earlier = self._read.left_out if self._read is not None else ()
        self._read = LinesRead(self.user, earlier + left_out, True)
        return rest

    def known(self, line: bytes, unwanted: NotTheApps) -> bytes | None:
        """As ``value``, less the gateway's own cookies, where all that is bound in the line was met before; None: it must be read.

        ``unwanted``: what no app may see.
        """
        rest = known_cookies(line, self._sessions.names, self.user)
        if rest is None or not unwanted.clears(rest):
            return None
        self._read = LinesRead(self.user, self._read.left_out if self._read is not None else (), True)
        return rest

    def note_pass(self, line: bytes) -> None:
        """Remember the pass in this line as what no app gets."""
        for piece in line.split(b"; "):
            if piece.startswith(_PASS) and piece.find(b";") < 0:
                self.user.note(piece, b"")

    def text(self, text: bytes) -> bytes:
        """A whole Cookie line, from its name to its end, as the app gets it; empty where nothing is left of it."""
        before, _, value = text.partition(b": ")
        line = value[:-2]
        rest = self.value(line)
        return text if rest is line else b"" if rest is None else b"%b: %b\r\n" % (before, rest)

    def fields(self, fields: Fields) -> Fields:
        """The fields of the request as the app gets them, whatever of them was read before."""
        self._read = None
        read = [(name, self.value(value) if name.lower() == b"cookie" else value) for name, value in fields]
        return tuple((name, value) for name, value in read if value is not None)

    def told(self) -> None:
        """What was left out is known: the app is told, where a user came after another, and the log, where no stamp says whose it is."""
        left_out = self._read.left_out if self._read is not None else ()
        if not left_out:
            return
        if self._is_somebody:
            self._sessions.former(left_out, self._client)
        if self._sessions.unbound is not None and any(one.scope is None for one in left_out):
            self._sessions.unbound.tell_once()

    def answer(self, fields: Fields) -> Fields:
        """The fields of the app's answer as the browser gets them: cookies stamped, those of former users removed before them."""
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
        # Without a session nobody came after the cookie's user, who may sign in again and go on.
        gone = left_out if self._is_somebody else [one for one in left_out if one.scope is None]
        return removals(gone, self._sessions.stamps.host, self._path.encode("latin-1"))
