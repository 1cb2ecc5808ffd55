"""``/.gateway/front-switch``: switches the user at an org that is not behind the gateway, by redirects of the browser.

::

    POST /.gateway/starts {"session_token": …}  ──▶ 201 {"url": …/.gateway/front-switch?start=REF}      (the portal's server)
    GET  /.gateway/front-switch?start=REF       ──▶ the org's /login/signout ──▶ ?back=REF               (the browser, from here on)
    GET  …?back=REF                             ──▶ prompt=none ──▶ /.gateway/oidc ──▶ a form that posts the token to the org
    GET  …?back=REF                             ──▶ prompt=none ──▶ /.gateway/oidc ──▶ the app

Runs the state machine ``policy.switch.front_switch``. Each step holds the browser's lease, and is stored before its answer is sent. The
browser carries a reference, which is valid for one browser and for minutes. Must never put a token into an address, a log, or any page
but the one form. Must never keep the token in the store once that form is made. After each form, a page replaces the redirect, because
browsers check every address of a chain of redirects against the ``form-action`` of the form's page.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, assert_never
from urllib.parse import quote, urlsplit

from gateway.clock import Clock
from gateway.coordination.browser_leases import BrowserLeases
from gateway.doors.answers import json_answer, page_answer, redirect_answer
from gateway.doors.oidc.bounces import Bounces, ReturnedBounce
from gateway.doors.oidc.front_records import FrontRecords
from gateway.doors.oidc.own_sessions import OwnSessions
from gateway.doors.own.outcomes import Outcome, now_of, refusal
from gateway.doors.own.requests import not_navigating, parameters
from gateway.doors.own.sign_out import posted
from gateway.edge.request import Request
from gateway.pages import ConfirmSwitch, CookiesBlocked, FrontSwitchStopped, GoingOn, PostsItself, View, render
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.http.request_ids import SLOT
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.routing.navigation import named_origin
from gateway.policy.session.browser_id import ID_BYTES, browser_id_line, browser_id_of, browser_key, new_browser_id
from gateway.policy.session.session import NoSession, Session, Unknown
from gateway.policy.switch import front_switch as machine
from gateway.policy.switch.redemption import location_of
from gateway.policy.switch.start import StartRefused, StartRules, TokenOrigin, Trusted, judge
from gateway.shared_state import SharedState

FRONT_SWITCH: Final = "/.gateway/front-switch"
PURPOSE, CHECKING = "front-switch", "front-check"
LEASE_WAIT_SECONDS = 5.0
_KEY_PREFIX = b"front "
"""Put before the browser's key, so that this lease is another one: inside it, a switch also takes the lease of ``OwnSessions.named``."""
_BETWEEN = " "


@dataclass(frozen=True, slots=True)
class FrontRules:
    """``origin``: the gateway's own host. ``org``: the org's origin. ``start``: who may begin.

    ``leads_to``: origins where a switch may end.
    """

    origin: str
    org: str
    start: StartRules
    leads_to: tuple[str, ...]


class FrontSwitches:
    """Runs the switches."""

    def __init__(
        self, rules: FrontRules, records: FrontRecords, own: OwnSessions, bounces: Bounces, state: SharedState, clock: Clock
    ) -> None:
        """``own``: the browser's session on this host; a finished switch begins one."""
        self._rules = rules
        self._records = records
        self._own = own
        self._bounces = bounces
        self._clock = clock
        self._leases = BrowserLeases(state)

    async def aclose(self) -> None:
        """Release the leases that are held."""
        await self._leases.aclose()

    async def announce(self, body: bytes) -> Answer | None:
        """The answer to a portal's order: 201 with the reference, or 400. None if the body is another kind of announcement.

        Raises ``StateFailed``.
        """
        order = machine.order_of(body, self._rules.leads_to)
        if order is None:
            return None
        if isinstance(order, Malformed):
            return json_answer(order.status, {"error": order.reason})
        switch = machine.announced(order.to, order.login, order.sender, self._clock.wall())
        reference = await self._records.begin(switch, order.token)
        url = f"{self._rules.origin}{FRONT_SWITCH}?start={reference}"
        return json_answer(201, {"reference": reference, "url": url, "expires_in": int(machine.START_SECONDS)})

    async def visit(self, head: RequestHead) -> Outcome:
        """GET: a browser comes with a reference, or comes back from the org. Raises ``OutsideFailed``."""
        given = parameters(head.query)
        malformed = given if isinstance(given, Malformed) else not_navigating(head)
        if isinstance(given, Malformed) or malformed is not None:
            return refusal(malformed or Malformed(400, "parameters"), self._clock)
        reference = given.get("back", "")
        if reference:
            return await self._back(head, reference)
        return await self._start(head, given.get("start", ""), self._is_trusted)

    async def confirmed(self, request: Request, head: RequestHead) -> Outcome:
        """POST: the user said yes on our own page. Raises ``OutsideFailed``."""
        form = await posted(request, head, self._rules.origin)
        if isinstance(form, Malformed):
            return refusal(form, self._clock)
        reference, _, browser = form.get("request", "").partition(_BETWEEN)
        if browser != self._mark(browser_id_of(head.fields) or ""):
            return self._stopped(machine.RefuseFront("other_browser"))
        return self._led_on(await self._start(head, reference, lambda *_: True))

    async def answered(self, head: RequestHead, returned: ReturnedBounce) -> Outcome:
        """What follows a bounce (``bounces``) that a switch began. Raises ``OutsideFailed``."""
        reference, browser, now = returned.bounce.place, returned.browser, self._clock.wall()
        key = browser_key(browser)
        async with self._leases.held([_KEY_PREFIX + key], LEASE_WAIT_SECONDS):
            switch = await self._records.get(reference)
            if switch is None:
                return self._stopped(machine.RefuseFront("used"))
            if returned.bounce.purpose == CHECKING:
                return await self._checked(head, switch, reference, returned)
            last, mark = await self._records.last_of(key), self._mark(browser)
            command = machine.proven(switch, mark, last, returned.result, returned.bounce.asked_at, now)
            match command:
                case machine.RedeemFront(redeemed):
                    # If the process stops after one of these steps, the token is unspent, or it is stored that it is spent.
                    await self._records.keep(reference, redeemed)
                    await self._records.redeems(key, reference)
                    token = await self._records.take_token(reference)
                    return self._posting(token, reference) if token is not None else self._stopped(machine.RefuseFront("used"))
                case machine.EndFirst(switch):
                    return await self._org_sign_out(switch, reference)
                case machine.Prove():
                    return await self._proving(head, reference)
                case machine.RefuseFront():
                    return self._stopped(command, reference)
                case _:
                    assert_never(command)

    async def _start(self, head: RequestHead, reference: str, trusts: "Trusts") -> Outcome:
        """The first step: check who sent the browser, then ask the user or end the org's session."""
        known = browser_id_of(head.fields)
        browser = known or new_browser_id(secrets.token_bytes(ID_BYTES))
        fresh = () if known else (browser_id_line(browser),)
        key = browser_key(browser)
        async with self._leases.held([_KEY_PREFIX + key], LEASE_WAIT_SECONDS):
            switch = await self._records.get(reference)
            if switch is None:
                return self._stopped(machine.RefuseFront("used"))
            is_trusted = trusts(head, switch)
            if isinstance(is_trusted, StartRefused):
                return refusal(Malformed(403, is_trusted.reason), self._clock)
            last = await self._records.last_of(key)
            command = machine.arrived(switch, self._mark(browser), last.name, is_trusted, self._clock.wall())
            match command:
                case machine.ConfirmFront():
                    return await self._asking(head, reference, self._mark(browser), fresh)
                case machine.EndFirst(switch):
                    return await self._org_sign_out(switch, reference, *fresh)
                case machine.RefuseFront():
                    return self._stopped(command, reference)
                case _:
                    assert_never(command)

    async def _back(self, head: RequestHead, reference: str) -> Outcome:
        """The browser comes back from the org."""
        browser = browser_id_of(head.fields)
        switch = await self._records.get(reference)
        if switch is None:
            return self._stopped(machine.RefuseFront("used"))
        if browser is None:
            blocked = CookiesBlocked(urlsplit(self._rules.origin).hostname or "", f"{FRONT_SWITCH}?start={reference}")
            return Outcome(self._page(blocked), "refused", "no_browser")
        command = machine.returned(switch, self._mark(browser), self._clock.wall())
        match command:
            case machine.Prove():
                return await self._proving(head, reference)
            case machine.Check():
                await self._records.has_returned(browser_key(browser), reference)
                return self._led_on(Outcome(await self._bounces.begin(head, CHECKING, reference, "none"), "front_switch", "checking"))
            case machine.GoOn(done):
                return self._led_on(Outcome(redirect_answer(303, done.to), "front_switch", "done"))
            case machine.RefuseFront():
                return self._stopped(command, reference)
            case _:
                assert_never(command)

    async def _checked(self, head: RequestHead, switch: machine.FrontSwitch, reference: str, returned: ReturnedBounce) -> Outcome:
        """The last step: a proof that the new user is signed in begins the session of this host."""
        command = machine.checked(switch, self._mark(returned.browser), returned.result, self._clock.wall())
        if isinstance(command, machine.RefuseFront):
            return self._stopped(command, reference)
        if not isinstance(returned.result, Proof):
            raise AssertionError("only a proof lets a switch go on")
        named = await self._own.named(head, returned.browser, returned.result, returned.bounce.asked_at)
        if named == NoSession("outdated"):  # another tab changed the user meanwhile: ask again who is signed in
            return Outcome(await self._bounces.begin(head, CHECKING, reference, "none"), "front_switch", "checking")
        if isinstance(named, NoSession | Unknown):
            return self._stopped(machine.RefuseFront("unclear", named.reason), reference)
        await self._records.keep(reference, command.switch)
        return Outcome(redirect_answer(303, command.switch.to, *named.lines), "front_switch", "done")

    async def _asking(self, head: RequestHead, reference: str, mark: str, fresh: tuple[tuple[bytes, bytes], ...]) -> Outcome:
        found = await self._own.found(head)
        login = found.login if isinstance(found, Session) else None
        view = ConfirmSwitch(login, f"{reference}{_BETWEEN}{mark}", named_origin(head), FRONT_SWITCH)
        return Outcome(self._page(view).plus(*fresh), "confirm", "untrusted_start")

    async def _org_sign_out(self, switch: machine.FrontSwitch, reference: str, *fresh: tuple[bytes, bytes]) -> Outcome:
        """Redirect to the org's sign-out, which ends the former user's session."""
        await self._records.keep(reference, switch)
        url = f"{self._rules.org}/login/signout?fromURI={quote(self._back_at(reference), safe='')}"
        return Outcome(redirect_answer(303, url, *fresh), "front_switch", "ending")

    async def _proving(self, head: RequestHead, reference: str) -> Outcome:
        """Ask the org, without a word to the user, whether anybody is signed in."""
        return Outcome(await self._bounces.begin(head, PURPOSE, reference, "none"), "front_switch", "proving")

    def _posting(self, token: str, reference: str) -> Outcome:
        """The page whose form posts the token to the org."""
        fields = (("token", token), ("redirectUrl", self._back_at(reference)), ("checkAccountSetupComplete", "true"))
        view = PostsItself(f"{self._rules.org}/login/sessionCookieRedirect", fields)
        return Outcome(self._page(view, self._rules.org), "front_switch", "redeemed")

    def _stopped(self, refuse: machine.RefuseFront, reference: str = "") -> Outcome:
        """The page that says why. If the token is unspent, the switch may be tried again."""
        again = f"{FRONT_SWITCH}?start={reference}" if reference and refuse.reason in ("unclear", "not_ended", "busy") else ""
        view = FrontSwitchStopped(refuse.reason, refuse.more, again)
        return Outcome(self._page(view), "refused", refuse.more or refuse.reason)

    def _led_on(self, outcome: Outcome) -> Outcome:
        """The same outcome with a page in place of its redirect, because browsers check a form's redirects against ``form-action``."""
        location = location_of(outcome.answer.fields)
        if not location:
            return outcome
        cookies = tuple((name, value) for name, value in outcome.answer.fields if name == b"Set-Cookie")
        return replace(outcome, answer=self._page(GoingOn(location)).plus(*cookies))

    def _is_trusted(self, head: RequestHead, switch: machine.FrontSwitch) -> "bool | StartRefused":
        """Whether this start may go on without a question to the user; ``StartRefused`` if it may not go on at all."""
        sender = machine.sender_of(head.client, head.value(b"user-agent") or b"")
        is_announced = bool(switch.sender) and hmac.compare_digest(sender, switch.sender)
        judgement = judge(head, TokenOrigin(announced=is_announced), self._rules.start)
        return judgement if isinstance(judgement, StartRefused) else isinstance(judgement, Trusted)

    def _back_at(self, reference: str) -> str:
        return f"{self._rules.origin}{FRONT_SWITCH}?back={reference}"

    def _page(self, view: View, *form_targets: str) -> Answer:
        return page_answer(render(view, form_targets=form_targets, at=now_of(self._clock), request_id=SLOT))

    @staticmethod
    def _mark(browser: str) -> str:
        """The hash of the browser's id that a switch and the confirmation's form hold."""
        return browser_key(browser).hex()


Trusts = Callable[[RequestHead, machine.FrontSwitch], bool | StartRefused]
