"""Finds the user of a request to an app: opens the pass that the browser presents, and looks up the session of its cookies.

A *pass* is the sealed cookie of an app host; it holds Okta's cookies, the user and the session. Owns the reading of the pass, and the
rule that a pass is for one user: if Okta names another user for its cookies, the pass and these cookies are revoked. A pass that is older
than this process's record of revocations does not count; a hand-off then makes a new one. An unreadable pass counts as no pass, and as
nothing else. Must never ask Okta where the answer does not matter.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from gateway.clock import Clock
from gateway.errors import OutsideFailed
from gateway.memo import RecentCache
from gateway.okta import browser_fields_of
from gateway.policy.http.cookies import PASS_NAME, NotTheApps, holds_oktas, without_own
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.routing.routing import Rule
from gateway.policy.session.admission import is_about_somebody
from gateway.policy.session.okta_values import bare, has_form
from gateway.policy.session.passes import OpenedPass, Pass, Passes
from gateway.policy.session.revocation_epoch import is_remembered
from gateway.policy.session.session import Finding, Fingerprint, Marks, NoSession, Session
from gateway.policy.session.split_cookies import joined, set_lines
from gateway.sessions import Sessions, ValidUntil

_NO_MARKS: Final = Marks()
MOST_KNOWN: Final = 2048
LONGEST_KNOWN: Final = 4096
"""``Cookie`` lines whose opened pass is cached: twice ``MOST_KNOWN``, each of at most this many bytes; together 16 MiB."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who the user of one request is: the session, the pass, the fingerprints of its cookies, and whether the pass should be sealed anew.

    ``known``: what is cached for the pass; None where nothing is.
    """

    finding: Finding
    held: Pass | None = None
    marks: Marks = _NO_MARKS
    is_stale: bool = False
    known: "Known | None" = field(default=None, compare=False, repr=False)

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """The fingerprints of its session cookies, in order."""
        return self.marks.fingerprints

    @property
    def shown(self) -> str:
        """The first fingerprint as the log shows it, or empty."""
        return self.marks.shown


class Known:
    """What is cached for a pass that was opened. Everything that may change is valid only as long as ``valid_until`` says.

    ``principal``: the last result. ``valid_until``: until when ``principal`` is valid. ``identity``: the identity lines for the app, made
    for the session ``identity_of``. ``admitted``: the last ``Admitted`` of the app door. ``values``: the values of Okta's cookies in the
    pass.
    """

    __slots__ = ("admitted", "identity", "identity_of", "principal", "valid_until", "values")

    def __init__(self) -> None:
        """Nothing is cached yet."""
        self.principal: Principal | None = None
        self.admitted: object = None
        self.valid_until: ValidUntil | None = None
        self.identity = b""
        self.identity_of: Session | None = None
        self.values: list[bytes] | None = None


NOBODY: Final = Principal(NoSession("not_asked"))
"""The result for a rule that needs no user, so nobody was looked up."""
_NO_PASS: Final = Principal(NoSession("no_pass"))
_UNREADABLE: Final = Principal(NoSession("pass_unreadable"))
_FORGOTTEN: Final = Principal(NoSession("pass_before_start"))
_REVOKED: Final = NoSession("revoked")


class PassResolver:
    """Finds the user of each request. ``from_cache`` uses the cache and never waits; ``principal`` asks Okta if it must."""

    def __init__(self, passes: Passes, sessions: Sessions, clock: Clock) -> None:
        """``passes`` opens only what was sealed for the host that the request names."""
        self._passes = passes
        self._sessions = sessions
        self._clock = clock
        self._lines: RecentCache[tuple[str, bytes], OpenedPass] = RecentCache(MOST_KNOWN)
        self._clean: RecentCache[tuple[str, bytes], bool] = RecentCache(MOST_KNOWN)

    def from_cache(self, head: RequestHead, rule: Rule) -> Principal | None:
        """The user, as far as the cache knows; None where the caller must await ``principal``."""
        if not is_about_somebody(rule):
            return NOBODY
        opened = self._opened(head)
        if isinstance(opened, Principal):
            return opened
        known = opened.known
        if not isinstance(known, Known):
            known = opened.known = Known()
        elif known.principal is not None and known.valid_until is not None and self._sessions.is_valid(known.valid_until):
            return known.principal
        principal = known.principal = self._cached_principal(opened, head, known)
        known.valid_until = self._sessions.valid_until(principal.marks) if principal is not None and principal.held is not None else None
        return principal

    def is_still_valid(self, principal: Principal) -> bool:
        """Whether a request with the same pass would give this same result again."""
        known = principal.known
        return (
            known is not None
            and known.principal is principal
            and known.valid_until is not None
            and self._sessions.is_valid(known.valid_until)
        )

    def user_of_pass(self, head: RequestHead) -> str:
        """The id of the user in the pass; empty if the pass or its session is revoked. Okta is not asked."""
        opened = self._opened(head)
        if isinstance(opened, Principal) or not self._is_remembered(opened) or self._sessions.has_session_ended(opened.held.session_id):
            return ""
        return "" if self._sessions.are_revoked(opened.marks or self._marked(opened)) else opened.held.user_id

    def not_the_apps(self, head: RequestHead) -> NotTheApps:
        """Which cookies of this request no app may get. The values in its pass are Okta's, whatever the cookie's name is."""
        opened = self._opened(head)
        if isinstance(opened, Principal):
            return NotTheApps(self._is_oktas)
        known = opened.known
        if not isinstance(known, Known) or known.values is None:
            values = [bare(cookie.value) for cookie in opened.held.cookies]
            if not isinstance(known, Known):
                return NotTheApps(self._is_oktas, values)
            known.values = values
        return NotTheApps(self._is_oktas, known.values)

    def holds_oktas(self, head: RequestHead) -> bool:
        """Whether a cookie of Okta's would reach the app if this request were forwarded with all its cookies."""
        line = head.named.get(b"cookie")
        if line is None:
            return False
        key = (head.authority.text, line) if isinstance(line, bytes) and len(line) <= LONGEST_KNOWN else None
        if key is not None and self._clean.get(key):
            return False
        unwanted = self.not_the_apps(head)
        if key is not None and unwanted.clears(without_own(key[1])):
            self._clean.keep(key, True)  # stays true whatever Okta sets later: no cookie in this line has a name of Okta's
            return False
        return holds_oktas(head.values(b"cookie"), unwanted)

    def _is_oktas(self, value: bytes) -> bool:
        own = bare(value)
        return bool(own) and (has_form(own) or self._sessions.is_oktas(own))

    def _opened(self, head: RequestHead) -> OpenedPass | Principal:
        """Like ``from_cookie``, but a ``Cookie`` line that was seen before is not opened again."""
        line = head.named.get(b"cookie")
        if not isinstance(line, bytes) or len(line) > LONGEST_KNOWN:
            return self.from_cookie(head)
        key = head.authority.text, line
        opened = self._lines.get(key)
        if opened is not None:
            return opened
        found = self.from_cookie(head)
        if isinstance(found, OpenedPass):  # only real passes are cached: else strangers could fill the cache
            self._lines.keep(key, found)
        return found

    def _cached_principal(self, opened: OpenedPass, head: RequestHead, known: Known) -> Principal | None:
        """Like ``from_cache``, for the pass in this head."""
        if not self._is_remembered(opened):
            return _FORGOTTEN
        marks = opened.marks or self._marked(opened)
        if self._sessions.has_session_ended(opened.held.session_id):
            # No question to Okta is needed: the session is revoked, so each of its cookies is, older or newer.
            return Principal(_REVOKED, opened.held, marks, opened.stale, known)
        finding = self._sessions.from_cache_for_pass(opened.held.cookies, marks, lambda: browser_fields_of(head))
        if finding is None or (isinstance(finding, Session) and finding.user_id != opened.held.user_id):
            return None
        return Principal(finding, opened.held, marks, opened.stale, known)

    async def principal(self, head: RequestHead, rule: Rule, wait_seconds: float | None = None) -> Principal:
        """The user. Okta is asked if the cache does not know, unless the rule gives the same verdict for every user.

        ``wait_seconds``: wait at most this many seconds for Okta (``Sessions.current``).
        """
        cached = self.from_cache(head, rule)
        if cached is not None:
            return cached
        opened = self.from_cookie(head)
        if isinstance(opened, Principal):
            return opened
        held, marks = opened.held, opened.marks or self._marked(opened)
        finding = await self._sessions.current(held.cookies, browser_fields_of(head), vouched=True, wait_seconds=wait_seconds)
        if isinstance(finding, Session) and finding.user_id != held.user_id:
            with suppress(OutsideFailed):  # the revocation holds in this process even if it cannot be shared
                await self._sessions.revoke(held.cookies, session_id=held.session_id)  # Okta's id is the other user's session: not that one
            finding = NoSession("user_changed")
        return Principal(finding, held, marks, opened.stale)

    def from_cookie(self, head: RequestHead) -> OpenedPass | Principal:
        """The opened pass; or the result for a request without a valid one."""
        sealed = joined(head.values(b"cookie"), PASS_NAME)
        if sealed is None:
            return _NO_PASS
        opened = self._passes.open(head.authority.text, sealed)
        if opened is None:
            return _UNREADABLE
        return opened if self._is_remembered(opened) else _FORGOTTEN

    def _is_remembered(self, opened: OpenedPass) -> bool:
        epoch = self._sessions.epoch
        if opened.counts_under is not epoch:
            if not is_remembered(opened.held, epoch):
                return False
            opened.counts_under = epoch
        return True

    def _marked(self, opened: OpenedPass) -> Marks:
        opened.marks = self._sessions.marks(opened.held.cookies)
        return opened.marks

    def touch(self, principal: Principal, head: RequestHead) -> None:
        """The user is active: the session at Okta may be kept alive."""
        if principal.held is not None and self._sessions.keeps_alive:
            self._sessions.touch(principal.held.cookies, browser_fields_of(head))

    def seconds_left(self, principal: Principal) -> float:
        """How long the cached answer stays valid, in seconds; 0 where there is none."""
        return self._sessions.seconds_left(principal.marks)

    def renewed(self, principal: Principal, head: RequestHead) -> Fields:
        """The ``Set-Cookie`` lines for a pass that was sealed with an older key; none where the pass need not be set again."""
        if principal.held is None or not principal.is_stale or not isinstance(principal.finding, Session):
            return ()
        return set_lines(PASS_NAME, self._passes.seal(str(head.authority), principal.held), head.fields) or ()
