"""The sessions of one app, whose cookies the gateway stamps with their user.

Owns who the user of a request is here, which sessions end at a hand-off and a sign-out, and when the app is told that a former user is
gone. Must never wait. The rules are in ``policy.http.bound_cookies`` and ``policy.http.app_sessions``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.doors.app_sessions.sign_outs import AppSignOuts
from gateway.doors.pass_resolver import NOBODY as NOT_ASKED
from gateway.doors.pass_resolver import Principal
from gateway.policy.http.app_sessions import LeftOut, read_cookies, removals, removals_by_name, sessions_in
from gateway.policy.http.bound_cookies import BoundCookies
from gateway.policy.http.cookie_scopes import possible_paths
from gateway.policy.http.cookie_stamps import NOBODY, Stamps
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.http.session_cookie_names import NameKind, SessionCookieNames
from gateway.policy.session.session import Session
from gateway.policy.switch.redemption import parent_domains

_FIRST_PATHS = 2

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

    def bound(self, head: RequestHead, session: Session | None, principal: Principal, user_of_pass: UserOfPass) -> BoundCookies:
        """For one request. Its user is that of the session; if the rule needs no user, the one whom the pass names."""
        if session is not None:
            return BoundCookies(self.names, self.stamps, head, session.user_id)
        user_id = user_of_pass(head) if principal is NOT_ASKED else NOBODY
        return BoundCookies(self.names, self.stamps, head, user_id, has_session=False)

    def report(self, bound: BoundCookies) -> None:
        """Report what a request was sent without: to the app, if another user came after its user; to the log, if a cookie has no stamp."""
        left_out = bound.left_out
        if left_out and bound.is_somebody:
            self.former(left_out, bound.client)
        if left_out and self.unbound is not None and any(one.scope is None for one in left_out):
            self.unbound.tell_once()

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
        removed = dict.fromkeys(name for name in pieces if self.names.kinds[name] is NameKind.LISTED)
        host = head.authority.host
        domains = [b"", *(one.encode("ascii") for one in (host, *parent_domains(host)))]
        return removals_by_name(removed, (b"/",), domains)
