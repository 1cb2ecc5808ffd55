"""The decision on one request to an app. The app door and the sub-request door share it.

    path and method ─▶ rule ─▶ WebSocket from a foreign page? ─▶ who is the user (PassResolver) ─▶ judge

Owns that order. Must never answer a request, and must decide the same for both doors.
"""

from dataclasses import replace

from gateway.clock import Clock
from gateway.doors.pass_resolver import NOBODY, PassResolver, Principal
from gateway.policy.http.answer_rewrites import Rewrite
from gateway.policy.http.bound_cookies import BoundCookies
from gateway.policy.http.cookies import PASS_NAME, pairs
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.http.methods import PREFLIGHT, is_preflight, overridden
from gateway.policy.http.own_references import destination_path
from gateway.policy.routing.navigation import wants_websocket
from gateway.policy.routing.routing import Access, App, Rule, rule_of_path
from gateway.policy.session.admission import Admit, Verdict, judge_at, still_admits
from gateway.policy.session.session import Session

_NOWHERE = Rule("", Access.SESSION)
_FOREIGN = Malformed(403, "websocket_origin")


class Decision:
    """The verdict, the rule, and the user (``principal``). The rule's pattern is empty where no rule matched the path.

    The app door caches more here: ``admitted`` (the ``Admitted``), ``text`` (the head that the app is sent), ``bound`` (which app sessions
    the request may carry) and ``rewrite`` (how the answer is rewritten). None of them may refer to the head: the decision is kept with
    the head, and a cycle would be freed only by the garbage collector.
    """

    __slots__ = ("admitted", "bound", "principal", "rewrite", "rule", "text", "verdict")

    def __init__(self, verdict: Verdict | Malformed, rule: Rule, principal: Principal) -> None:
        """Only these three are given; the rest is filled in by the app door."""
        self.verdict = verdict
        self.rule = rule
        self.principal = principal
        self.admitted: object = None
        self.text = b""
        self.bound: BoundCookies | None = None
        self.rewrite: Rewrite | None = None


class Decisions:
    """Decides about requests to apps. The gateway's own paths are not decided here."""

    def __init__(self, pass_resolver: PassResolver, clock: Clock) -> None:
        """``pass_resolver``: finds the user of a request."""
        self._pass_resolver = pass_resolver
        self._clock = clock

    def from_cache(self, head: RequestHead, app: App) -> Decision | None:
        """The decision, if the cache knows the user, or no user is needed; None where the caller must await ``decide``."""
        last = head.decision
        if isinstance(last, Decision) and self._holds(last):
            return last
        rule = _rule(head, app)
        if isinstance(rule, Decision):
            return rule
        principal = self._pass_resolver.from_cache(head, rule)
        return None if principal is None else self._judged(head, rule, principal)

    async def decide(self, head: RequestHead, app: App, wait_seconds: float | None = None) -> Decision:
        """The decision. If the cache does not know the user, Okta is asked; for at most ``wait_seconds`` where that is given."""
        rule = _rule(head, app)
        if isinstance(rule, Decision):
            return rule
        return self._judged(head, rule, await self._pass_resolver.principal(head, rule, wait_seconds))

    def _judged(self, head: RequestHead, rule: Rule, principal: Principal) -> Decision:
        """Decide, and keep the decision with the head if the same head can use it again."""
        decision = Decision(self.verdict(rule, principal), rule, principal)
        if isinstance(decision.verdict, Admit) and (principal is NOBODY or principal.known is not None):
            head.decision = decision
        return decision

    def _holds(self, decision: Decision) -> bool:
        """Whether the same head would be decided the same way again.

        True where the rule needs no user, and where the same session is still valid and still admitted.
        """
        if decision.principal is NOBODY:
            return True
        finding = decision.principal.finding
        if not isinstance(finding, Session) or not self._pass_resolver.is_still_valid(decision.principal):
            return False
        return still_admits(decision.rule, finding, self._clock.wall())

    def verdict(self, rule: Rule, principal: Principal) -> Verdict:
        """What the rule says about this user."""
        return judge_at(rule, principal.finding, self._clock.wall())


def _rule(head: RequestHead, app: App) -> Rule | Decision:
    """The rule for this request; or a finished ``Decision`` that refuses it for its form, without looking up the user."""
    rule = rule_of_path(app, head.path, head.method)
    if app.overrides and not app.overrides.isdisjoint(head.named):
        rule = overridden(rule, head, app)
    elif app.lets_preflights_pass and isinstance(rule, Rule) and rule.access is not Access.NOBODY and is_preflight(head):
        return PREFLIGHT
    if isinstance(rule, Malformed):
        return Decision(rule, _NOWHERE, NOBODY)
    if b"destination" in head.named:
        both = _rule_of_both(head, app, rule)
        if isinstance(both, Decision):
            return both
        rule = both
    if wants_websocket(head) and not _may_open_websocket(head, app):
        return Decision(_FOREIGN, rule, NOBODY)
    return rule


def _rule_of_both(head: RequestHead, app: App, rule: Rule) -> Rule | Decision:
    """The rule for a request that names a second path of the app (COPY, MOVE): only a user who may use both paths is admitted."""
    path = destination_path(head, app.origin)
    if path is None:
        return rule
    for method in (head.method, "PUT"):  # the second path is written to, so the rule for PUT must admit the user too
        other = rule_of_path(app, path, method) if isinstance(path, str) else path
        if isinstance(other, Malformed):
            return Decision(other, _NOWHERE, NOBODY)
        rule = rule.and_also(other if method == head.method else replace(other, methods=None))
    return rule


def _may_open_websocket(head: RequestHead, app: App) -> bool:
    """Whether the page that asks may open a WebSocket: a page of a foreign origin never may.

    A request without ``Origin`` may only if it carries no pass, so that it cannot use the session of a browser.
    """
    origins = head.values(b"origin")
    if not origins:
        return all(name != PASS_NAME for name, _ in pairs(head.fields))
    origin = origins[0].decode("latin-1")
    return len(origins) == 1 and (origin == app.origin or origin in app.websocket_origins)
