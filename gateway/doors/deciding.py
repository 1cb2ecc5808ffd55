"""The decision on one request to an app: what the app door and the sub-request door ask alike, in one place.

    path and method ─▶ rule ─▶ WebSocket from a foreign page? ─▶ who comes (Gate) ─▶ judge

Owns that order. Must never answer anybody, nor decide in another way for one door than for the other.
"""

from dataclasses import replace

from gateway.clock import Clock
from gateway.doors.pass_resolver import NOBODY, PassResolver, Principal
from gateway.edge.relay import Rewrite
from gateway.policy.http.cookies import PASS_NAME, pairs
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.http.methods import PREFLIGHT, is_preflight, overridden
from gateway.policy.http.own_references import destination_path
from gateway.policy.routing.navigation import wants_websocket
from gateway.policy.routing.routing import Access, App, Rule, place_of
from gateway.policy.session.admission import Admit, Verdict, judge_at, still_admits
from gateway.policy.session.session import Session

_NOWHERE = Rule("", Access.SESSION)
_FOREIGN = Malformed(403, "websocket_origin")


class Decision:
    """The verdict, under which rule (its pattern is empty where the path has none), and about whom.

    ``going``, ``text``, ``visit``, ``rewrite``: as what the request went to the app, its head there, whose sessions of the app it may
    bring, and what becomes of the answer, as the app's door has noted. None of them may lead back to the head, with which it is kept.
    """

    __slots__ = ("comer", "going", "rewrite", "rule", "text", "verdict", "visit")

    def __init__(self, verdict: Verdict | Malformed, rule: Rule, comer: Principal) -> None:
        """All of it."""
        self.verdict = verdict
        self.rule = rule
        self.comer = comer
        self.going: object = None
        self.text = b""
        self.visit: object = None
        self.rewrite: Rewrite | None = None


class Decisions:
    """Judges requests to apps; own paths are none."""

    def __init__(self, gate: PassResolver, clock: Clock) -> None:
        """``gate``: looks up who comes."""
        self._gate = gate
        self._clock = clock

    def recalled(self, head: RequestHead, app: App) -> Decision | None:
        """The decision, as far as the memory knows who comes; None where ``made`` must be waited for."""
        last = head.decision
        if isinstance(last, Decision) and self._holds(last):
            return last
        rule = _rule(head, app)
        if isinstance(rule, Decision):
            return rule
        comer = self._gate.recalled(head, rule)
        return None if comer is None else self._judged(head, rule, comer)

    async def made(self, head: RequestHead, app: App, patience: float | None = None) -> Decision:
        """The decision; Okta is waited for where the memory does not know, for ``patience`` seconds where that is given."""
        rule = _rule(head, app)
        if isinstance(rule, Decision):
            return rule
        return self._judged(head, rule, await self._gate.comer(head, rule, patience))

    def _judged(self, head: RequestHead, rule: Rule, comer: Principal) -> Decision:
        made = Decision(self.verdict(rule, comer), rule, comer)
        if isinstance(made.verdict, Admit) and (comer is NOBODY or comer.known is not None):
            head.decision = made
        return made

    def _holds(self, decision: Decision) -> bool:
        """Whether the same would be decided on the same head again: nobody is asked, or it is the same session, and still lets it in."""
        if decision.comer is NOBODY:
            return True
        finding = decision.comer.finding
        if not isinstance(finding, Session) or not self._gate.is_still(decision.comer):
            return False
        return still_admits(decision.rule, finding, self._clock.wall())

    def verdict(self, rule: Rule, comer: Principal) -> Verdict:
        """What a rule says to this comer; for whoever has both."""
        return judge_at(rule, comer.finding, self._clock.wall())


def _rule(head: RequestHead, app: App) -> Rule | Decision:
    """The rule that holds, or the refusal that needs nobody looked up."""
    rule = place_of(app, head.path, head.method)
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
    """The rule that holds for a request that names a second path of the app (COPY, MOVE): only who may go to both is let in."""
    path = destination_path(head, app.origin)
    if path is None:
        return rule
    for method in (head.method, "PUT"):  # what is there is written to
        other = place_of(app, path, method) if isinstance(path, str) else path
        if isinstance(other, Malformed):
            return Decision(other, _NOWHERE, NOBODY)
        rule = rule.and_also(other if method == head.method else replace(other, methods=None))
    return rule


def _may_open_websocket(head: RequestHead, app: App) -> bool:
    """Whether the page that asks may: a foreign one never; none at all only without the cookie that a browser would add."""
    origins = head.values(b"origin")
    if not origins:
        return all(name != PASS_NAME for name, _ in pairs(head.fields))
    origin = origins[0].decode("latin-1")
    return len(origins) == 1 and (origin == app.origin or origin in app.websocket_origins)
