"""Who comes to an app host: from the pass in the browser to what Okta said about the session behind it.

Owns the reading of the pass, and the rule that a pass is for one user: if Okta names another for its cookies, it is dead, and they
with it. Must never take an unreadable pass for anything but none, nor ask Okta where the answer would not matter.
Rules from: DESIGN section 5.3, ATTACKS C6, L3.
"""

from contextlib import suppress
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.core.admission import judge
from gateway.core.cookies import PASS_NAME, set_cookie, single
from gateway.core.messages import Fields, RequestHead
from gateway.core.passes import Pass, Passes
from gateway.core.routing import Rule
from gateway.core.session import Finding, Fingerprint, NoSession, Session, Unknown, shown
from gateway.doors.own_requests import now_of
from gateway.errors import OutsideFailed
from gateway.okta import browser_of
from gateway.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Comer:
    """One request's browser: what is known of its session, its pass, and whether that must be sealed anew."""

    finding: Finding
    held: Pass | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    is_stale: bool = False

    @property
    def shown(self) -> str:
        """How the log names it: its first fingerprint, or nothing."""
        return shown(self.fingerprints[0]) if self.fingerprints else ""


_NOT_ASKED = Comer(NoSession("not_asked"))
_NO_PASS = Comer(NoSession("no_pass"))
_UNREADABLE = Comer(NoSession("pass_unreadable"))


class Gate:
    """Looks every comer up; without an ``await`` that waits where the memory knows."""

    def __init__(self, passes: Passes, sessions: Sessions, clock: Clock) -> None:
        """``passes`` opens only what was sealed for the host that the request names."""
        self._passes = passes
        self._sessions = sessions
        self._clock = clock

    async def comer(self, head: RequestHead, rule: Rule) -> Comer:
        """Who comes; nobody is looked up where the rule would admit or forbid anybody alike."""
        if not _depends(rule, head, self._clock):
            return _NOT_ASKED
        presented = single(head.fields, PASS_NAME)
        if presented is None:
            return _NO_PASS
        opened = self._passes.open(str(head.authority), presented)
        if opened is None:
            return _UNREADABLE
        held = opened.held
        finding = self._sessions.recall(held.cookies)
        if finding is None:
            finding = await self._sessions.current(held.cookies, browser_of(head), vouched=True)
        if isinstance(finding, Session) and finding.user_id != held.user_id:
            with suppress(OutsideFailed):  # in force here before it is told to others
                await self._sessions.revoke(held.cookies)
            finding = NoSession("user_changed")
        return Comer(finding, held, self._sessions.fingerprints(held.cookies), opened.stale)

    def touch(self, comer: Comer, head: RequestHead) -> None:
        """Its user works: the session at Okta may be kept alive."""
        if comer.held is not None:
            self._sessions.touch(comer.held.cookies, browser_of(head))

    def renewed(self, comer: Comer, head: RequestHead) -> Fields:
        """The Set-Cookie line for a pass that was sealed under an older key; none where it need not be set."""
        if comer.held is None or not comer.is_stale or not isinstance(comer.finding, Session):
            return ()
        return (set_cookie(PASS_NAME, self._passes.seal(str(head.authority), comer.held)),)


def _depends(rule: Rule, head: RequestHead, clock: Clock) -> bool:
    """Whether it matters who comes: asked of ``judge`` itself, with "nobody" and "nobody knows"."""
    now = now_of(clock)
    return judge(rule, head.method, NoSession("nobody"), now) != judge(rule, head.method, Unknown("nobody knows"), now)
