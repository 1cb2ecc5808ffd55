"""Builds the login door.

Owns which objects the login host gets. Must never decide anything.
"""

from contextlib import AsyncExitStack

from gateway.compose.failures import okta_watch
from gateway.compose.hooks import NO_HOOKS
from gateway.compose.hosts import forward_timeouts, server_address
from gateway.compose.parts import Parts
from gateway.config import Config
from gateway.doors.announced_starts import AnnouncedStarts
from gateway.doors.hooks import Hooks
from gateway.doors.login import LoginDoor, LoginParts
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.confirmation_form import ConfirmationForm
from gateway.doors.login.ended_sessions import EndedSessions
from gateway.doors.login.issued_tokens import IssuedTokens
from gateway.doors.login.new_sessions import NewSessions
from gateway.doors.login.org_forwarding import ANSWER_SECONDS, OrgForwarding, OrgPools, Origins
from gateway.doors.login.org_relay import OrgRelay
from gateway.doors.login.org_sign_outs import OrgSignOuts
from gateway.doors.login.outcome_responses import OutcomeResponses
from gateway.doors.login.presented_sessions import PresentedSessions
from gateway.doors.login.pushed_references import PushedReferences
from gateway.doors.login.redeemer import Redeemer
from gateway.doors.login.session_comparison import SessionComparer
from gateway.doors.login.switch_audit import SwitchAudit
from gateway.doors.login.token_ledger import TokenLedger
from gateway.doors.login.token_origins import TokenOrigins
from gateway.doors.login.token_requests import TokenRequests
from gateway.doors.login.undecided_sessions import UndecidedSessions
from gateway.doors.login.undelivered_answers import UndeliveredAnswers
from gateway.doors.own.login_handoff import LoginHandoff
from gateway.doors.own.pages import LoginPages
from gateway.doors.own.paths import LoginOwnPaths
from gateway.doors.own.sign_out import LoginSignOut
from gateway.doors.pending_cookie import PendingCookie
from gateway.edge.http_proxy import HttpProxy
from gateway.policy.switch.start import StartRules
from gateway.upstream.pool import PoolRules, Upstream

LEAST_REDEEMING = 10


def login_door(parts: Parts, opened: AsyncExitStack, pools: OrgPools | None = None, hooks: Hooks = NO_HOOKS) -> LoginDoor:
    """The door of the login host. Running redemptions end with ``opened``. ``pools``: used instead of the org over the network."""
    config, login, host = parts.config, parts.table.login, str(parts.table.login.authority)
    rules = StartRules(parts.table.origins, config.switch.trusted_origins, config.switch.same_site)
    pending_cookie, browsers = PendingCookie(host, parts.sealer), Browsers(parts.state, parts.sealer)
    announced = AnnouncedStarts(parts.state, parts.portal_secrets)
    audit = SwitchAudit(parts.sessions, parts.tell)
    comparer = SessionComparer(parts.sessions, parts.closer, browsers, audit)
    undecided = UndecidedSessions(parts.state, parts.sessions, parts.closer, browsers, comparer, parts.tell)
    issued = IssuedTokens(parts.state, parts.sealer, parts.sessions)
    new_sessions = NewSessions(parts.sessions, parts.closer, browsers, pending_cookie, comparer, undecided, parts.tell)
    token_origins = TokenOrigins(parts.state, parts.fingerprinter, rules, announced, login.origin, parts.clock)
    if pools is None:
        plain, redeeming = (_pool(parts, size, opened) for size in _pools(config))
        pools = OrgPools(OrgRelay(plain, parts.tell, issued), redeeming)
    origins = Origins(parts.org.own_origin, login.origin)
    forwarding = OrgForwarding(pools, parts.sessions, parts.closer, pending_cookie, browsers, new_sessions, token_origins, origins)
    confirmation = ConfirmationForm(parts.table, parts.sealer, parts.sessions, parts.clock)
    responses = OutcomeResponses(confirmation, pending_cookie, login.origin, parts.clock, parts.tell)
    undelivered = UndeliveredAnswers(parts.state, parts.sealer, parts.closer.close_issued)
    redeemer = Redeemer(
        parts.sessions,
        parts.closer,
        TokenLedger(parts.state, parts.sealer, parts.fingerprinter),
        undelivered,
        browsers,
        new_sessions,
        forwarding.redeem,
        audit,
        config.switch.without_session == "ask",
        2 * config.okta.connect_timeout + config.okta.forward_first_byte_timeout + ANSWER_SECONDS,  # one for the wait in the pool
    )
    references = PushedReferences(parts.state, parts.sealer, parts.fingerprinter, config.switch.unknown_request_uri == "redemption")
    sign_outs = OrgSignOuts(forwarding, parts.sessions, parts.closer, browsers, new_sessions, responses, rules)
    ended = EndedSessions(forwarding, parts.sessions, parts.closer, browsers, parts.tell)
    for closes in (browsers, undecided, ended, sign_outs, new_sessions, redeemer):  # the last one is closed first
        opened.push_async_callback(closes.aclose)
    handoff = LoginHandoff(parts.table, parts.sealer, parts.sessions, parts.closer, parts.tickets, parts.clock, config.okta.sign_in)
    objects = LoginParts(
        own=_own_paths(parts, handoff),
        handoff=handoff,
        hooks=hooks,
        token_requests=TokenRequests(redeemer, references, token_origins, issued, responses, rules),
        confirmation=confirmation,
        references=references,
        forwarding=forwarding,
        sign_outs=sign_outs,
        ended_sessions=ended,
        browsers=browsers,
        presented_sessions=PresentedSessions(parts.sessions, browsers, comparer, undecided, parts.tell),
        undecided_sessions=undecided,
        undelivered=undelivered,
        token_origins=token_origins,
        announced_starts=announced,
        issued=issued,
        responses=responses,
        trusts=rules,
        tell=parts.tell,
    )
    return LoginDoor(objects)


def _pools(config: Config) -> tuple[PoolRules, PoolRules]:
    """One pool for forwarded requests; one for redemptions, so that slow uploads cannot hold its connections."""
    return PoolRules(config.okta.connections), PoolRules(max(LEAST_REDEEMING, config.okta.connections // 4))


def _pool(parts: Parts, rules: PoolRules, opened: AsyncExitStack) -> HttpProxy:
    watch = okta_watch(parts.tell, parts.own_addresses)
    made = Upstream(server_address(parts.org.destination), forward_timeouts(parts.config), rules, names=parts.names, watch=watch)
    opened.push_async_callback(made.aclose)
    return HttpProxy(made, parts.org.destination.host.encode(), batch=parts.batch)


def _own_paths(parts: Parts, handoff: LoginHandoff) -> LoginOwnPaths:
    sign_in = parts.config.okta.sign_in
    return LoginOwnPaths(
        handoff,
        LoginSignOut(parts.table, parts.sealer, parts.sessions, parts.closer, parts.clock, sign_in, parts.config.switch.return_origins),
        LoginPages(parts.table, parts.sessions, parts.clock, sign_in),
        parts.clock,
    )
