"""Who comes to an app: from the pass in the browser to what Okta said about the session behind it.

Owns the reading of the pass, and the rule that a pass is for one user: if Okta names another for its cookies, it is dead, and they
with it. A pass that is older than this process's memory of revocations is none: a hand-off makes a new one. Must never take an
unreadable pass for anything but none, nor ask Okta where the answer would not matter.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from gateway.clock import Clock
from gateway.errors import OutsideFailed
from gateway.okta import browser_of
from gateway.policy.http.cookies import PASS_NAME, NotTheApps, holds_oktas, without_own
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.learned import Recent
from gateway.policy.routing.routing import Rule
from gateway.policy.session.admission import is_about_somebody
from gateway.policy.session.okta_values import bare, has_form
from gateway.policy.session.passes import OpenedPass, Pass, Passes
from gateway.policy.session.revocation_epoch import is_remembered
from gateway.policy.session.session import Finding, Fingerprint, Marks, NoSession, Session
from gateway.policy.session.split_cookies import joined, set_lines
from gateway.sessions import Good, Sessions

_NO_MARKS: Final = Marks()
MOST_KNOWN: Final = 2048
LONGEST_KNOWN: Final = 4096
"""Twice so many lines of cookies are remembered, of at most so many bytes: 16 MiB."""


@dataclass(frozen=True, slots=True)
class Principal:
    """One request's browser: what is known of its session, its pass, what its cookies are known by, and whether to seal the pass anew.

    ``known``: what is remembered of its pass, None where nothing is.
    """

    finding: Finding
    held: Pass | None = None
    marks: Marks = _NO_MARKS
    is_stale: bool = False
    known: "Known | None" = field(default=None, compare=False, repr=False)

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """Those of its session cookies, in order."""
        return self.marks.fingerprints

    @property
    def shown(self) -> str:
        """How the log names it: its first fingerprint, or nothing."""
        return self.marks.shown


class Known:
    """What follows from a pass that was opened; nothing that may change is kept but under ``good``.

    ``comer`` is who came last, for as long as ``good`` says; ``identity``: the lines that an app is told, made of the session
    ``identity_of``; ``going``: as what it went to the app last; ``values``: those of Okta's in the pass.
    """

    __slots__ = ("comer", "going", "good", "identity", "identity_of", "values")

    def __init__(self) -> None:
        """Nothing yet."""
        self.comer: Principal | None = None
        self.going: object = None
        self.good: Good | None = None
        self.identity = b""
        self.identity_of: Session | None = None
        self.values: list[bytes] | None = None


NOBODY: Final = Principal(NoSession("not_asked"))
"""Who comes where nobody was looked up."""
_NO_PASS: Final = Principal(NoSession("no_pass"))
_UNREADABLE: Final = Principal(NoSession("pass_unreadable"))
_FORGOTTEN: Final = Principal(NoSession("pass_before_start"))
_REVOKED: Final = NoSession("revoked")


class PassResolver:
    """Looks every comer up; without an ``await`` that waits where the memory knows."""

    def __init__(self, passes: Passes, sessions: Sessions, clock: Clock) -> None:
        """``passes`` opens only what was sealed for the host that the request names."""
        self._passes = passes
        self._sessions = sessions
        self._clock = clock
        self._lines: Recent[tuple[str, bytes], OpenedPass] = Recent(MOST_KNOWN)
        self._clean: Recent[tuple[str, bytes], bool] = Recent(MOST_KNOWN)

    def recalled(self, head: RequestHead, rule: Rule) -> Principal | None:
        """Who comes, as far as the memory knows; None where ``comer`` must be waited for."""
        if not is_about_somebody(rule):
            return NOBODY
        opened = self._opened(head)
        if isinstance(opened, Principal):
            return opened
        known = opened.known
        if not isinstance(known, Known):
            known = opened.known = Known()
        elif known.comer is not None and known.good is not None and self._sessions.is_good(known.good):
            return known.comer
        comer = known.comer = self._recalled_by(opened, head, known)
        known.good = self._sessions.good_until(comer.marks) if comer is not None and comer.held is not None else None
        return comer

    def is_still(self, comer: Principal) -> bool:
        """Whether whoever presents the same pass again is this comer again."""
        known = comer.known
        return known is not None and known.comer is comer and known.good is not None and self._sessions.is_good(known.good)

    def user_of_pass(self, head: RequestHead) -> str:
        """The id of the user whom the pass names, where neither the pass nor its session is revoked; else empty. Okta is not asked."""
        opened = self._opened(head)
        if isinstance(opened, Principal) or not self._is_remembered(opened) or self._sessions.has_session_ended(opened.held.session_id):
            return ""
        return "" if self._sessions.are_revoked(opened.marks or self._marked(opened)) else opened.held.user_id

    def not_the_apps(self, head: RequestHead) -> NotTheApps:
        """Which cookies of this request no app may see. The values in its pass are Okta's under any name."""
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
        """Whether this request would bring a cookie of Okta's to the app, were it forwarded with all its cookies."""
        line = head.named.get(b"cookie")
        if line is None:
            return False
        key = (head.authority.text, line) if isinstance(line, bytes) and len(line) <= LONGEST_KNOWN else None
        if key is not None and self._clean.get(key):
            return False
        unwanted = self.not_the_apps(head)
        if key is not None and unwanted.clears(without_own(key[1])):
            self._clean.keep(key, True)  # whatever Okta sets later: nothing in it has a name of Okta's
            return False
        return holds_oktas(head.values(b"cookie"), unwanted)

    def _is_oktas(self, value: bytes) -> bool:
        own = bare(value)
        return bool(own) and (has_form(own) or self._sessions.is_oktas(own))

    def _opened(self, head: RequestHead) -> OpenedPass | Principal:
        """As ``presented``, by the line of cookies where it came before."""
        line = head.named.get(b"cookie")
        if not isinstance(line, bytes) or len(line) > LONGEST_KNOWN:
            return self.presented(head)
        key = head.authority.text, line
        opened = self._lines.get(key)
        if opened is not None:
            return opened
        found = self.presented(head)
        if isinstance(found, OpenedPass):  # nobody whom no pass names: strangers could fill the memory with them
            self._lines.keep(key, found)
        return found

    def _recalled_by(self, opened: OpenedPass, head: RequestHead, known: Known) -> Principal | None:
        """As ``recalled``, by the pass in this head."""
        if not self._is_remembered(opened):
            return _FORGOTTEN
        marks = opened.marks or self._marked(opened)
        if self._sessions.has_session_ended(opened.held.session_id):
            # Known without asking, and whatever newer or older cookie of that session the pass holds.
            return Principal(_REVOKED, opened.held, marks, opened.stale, known)
        finding = self._sessions.recall_for(opened.held.cookies, marks, lambda: browser_of(head))
        if finding is None or (isinstance(finding, Session) and finding.user_id != opened.held.user_id):
            return None
        return Principal(finding, opened.held, marks, opened.stale, known)

    async def comer(self, head: RequestHead, rule: Rule, patience: float | None = None) -> Principal:
        """Who comes; nobody is looked up where the rule would admit or forbid anybody alike.

        ``patience``: for so many seconds Okta is waited for (``Sessions.current``).
        """
        recalled = self.recalled(head, rule)
        if recalled is not None:
            return recalled
        opened = self.presented(head)
        if isinstance(opened, Principal):
            return opened
        held, marks = opened.held, opened.marks or self._marked(opened)
        finding = await self._sessions.current(held.cookies, browser_of(head), vouched=True, patience=patience)
        if isinstance(finding, Session) and finding.user_id != held.user_id:
            with suppress(OutsideFailed):  # in force here before it is told to others
                await self._sessions.revoke(held.cookies, session_id=held.session_id)  # not the id that Okta names now: it is the other's
            finding = NoSession("user_changed")
        return Principal(finding, held, marks, opened.stale)

    def presented(self, head: RequestHead) -> OpenedPass | Principal:
        """The pass, or who comes without one."""
        presented = joined(head.values(b"cookie"), PASS_NAME)
        if presented is None:
            return _NO_PASS
        opened = self._passes.open(head.authority.text, presented)
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

    def touch(self, comer: Principal, head: RequestHead) -> None:
        """Its user works: the session at Okta may be kept alive."""
        if comer.held is not None and self._sessions.keeps_alive:
            self._sessions.touch(comer.held.cookies, browser_of(head))

    def seconds_left(self, comer: Principal) -> float:
        """For how long what was found may still be believed; 0 where nothing was."""
        return self._sessions.seconds_left(comer.marks)

    def renewed(self, comer: Principal, head: RequestHead) -> Fields:
        """The Set-Cookie lines for a pass that was sealed under an older key; none where it need not be set."""
        if comer.held is None or not comer.is_stale or not isinstance(comer.finding, Session):
            return ()
        return set_lines(PASS_NAME, self._passes.seal(str(head.authority), comer.held), head.fields) or ()
