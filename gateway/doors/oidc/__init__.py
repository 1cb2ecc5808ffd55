"""The door of the gateway's own host, for an org that is not behind the gateway (``session.source = "oidc"``).

The gateway is then an OpenID Connect client of the org. Owns which object answers which own path. Must never forward anything: any other
path is answered 404. Okta's cookies never reach this host.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.doors.announced_starts import LARGEST_ANNOUNCEMENT_BYTES, STARTS_PATH, AnnouncedStarts
from gateway.doors.answers import json_answer
from gateway.doors.hooks import Hooks
from gateway.doors.oidc import front_switch, handoff, pages, sign_out
from gateway.doors.oidc.bounces import CALLBACK, Bounces, ReturnedBounce
from gateway.doors.oidc.front_switch import FRONT_SWITCH, FrontSwitches
from gateway.doors.oidc.handoff import OidcHandoff
from gateway.doors.oidc.pages import OidcPages
from gateway.doors.oidc.sign_out import OidcSignOut
from gateway.doors.own.addresses import HANDOFF, SESSION, SESSION_PAGE, SIGN_IN, SIGN_OUT
from gateway.doors.own.outcomes import Outcome, page, refusal, unavailable
from gateway.doors.own.paths import LoginStep, answered, chosen
from gateway.doors.own.requests import not_navigating
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import OutsideFailed
from gateway.pages import CookiesBlocked
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.session.session import Unknown


@dataclass(frozen=True, slots=True)
class OidcParts:
    """The objects that answer for this door."""

    bounces: Bounces
    handoff: OidcHandoff
    sign_out: OidcSignOut
    pages: OidcPages
    front_switches: FrontSwitches
    portals: AnnouncedStarts
    hooks: Hooks


class OidcDoor:
    """Answers everything that reaches the gateway's own host."""

    def __init__(self, parts: OidcParts, host: str, clock: Clock) -> None:
        """``host``: the name of this host, for the page about blocked cookies."""
        self._parts = parts
        self._host = host
        self._clock = clock
        at = parts
        self._steps: Mapping[str, Mapping[str, LoginStep]] = {
            SESSION_PAGE: _read(lambda request, head: at.pages.page(head)),
            SESSION: _read(lambda request, head: at.pages.session(head)),
            SIGN_IN: {"GET": lambda request, head: at.pages.sign_in(head)},
            HANDOFF: {"GET": lambda request, head: at.handoff.hand_off(head)},
            SIGN_OUT: _read(lambda request, head: at.sign_out.ask(head)) | {"POST": at.sign_out.end},
            CALLBACK: {"GET": lambda request, head: self._returned(head)},
            **(self._for_portals() if parts.portals.is_open else {}),
        }
        self._answers: Mapping[str, Callable[[RequestHead, ReturnedBounce], Awaitable[Outcome]]] = {
            handoff.PURPOSE: parts.handoff.answered,
            pages.PURPOSE: parts.pages.answered,
            sign_out.PURPOSE: parts.sign_out.answered,
            front_switch.PURPOSE: parts.front_switches.answered,
            front_switch.CHECKING: parts.front_switches.answered,
        }

    async def resume(self) -> None:
        """Nothing to do: the previous process left nothing open that is not in the shared state."""

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The whole answer. The words for the access log are left in ``request``."""
        if self._parts.hooks.answers(head.path):
            return await self._parts.hooks.handle(request, head)
        step = chosen(self._steps, head, self._clock)
        try:
            outcome = step if isinstance(step, Outcome) else await step(request, head)
        except OutsideFailed as error:
            outcome = unavailable(Unknown(error.reason), self._clock)
        return answered(request, head, outcome)

    def _for_portals(self) -> Mapping[str, Mapping[str, LoginStep]]:
        """The paths that exist only if a portal may announce switches."""
        front_switches = self._parts.front_switches
        return {
            STARTS_PATH: {"POST": self._announce},
            FRONT_SWITCH: {"GET": lambda request, head: front_switches.visit(head), "POST": front_switches.confirmed},
        }

    async def _announce(self, request: Request, head: RequestHead) -> Outcome:
        """A portal's order of a front-channel switch: 201 with the address, or why not."""
        portals = self._parts.portals
        if not portals.is_portal(head):
            answer = json_answer(401, {"error": "portal_secret"}, (b"WWW-Authenticate", b"Bearer"))
            return Outcome(answer, "refused", "portal_secret")
        body = await whole_body(request, LARGEST_ANNOUNCEMENT_BYTES)
        if isinstance(body, Malformed):
            return refusal(body, self._clock)
        ordered = await self._parts.front_switches.announce(body)
        if ordered is None:
            ordered = json_answer(400, {"error": "session_token_missing"})
        return Outcome(ordered, "announced" if ordered.status == 201 else "refused")

    async def _returned(self, head: RequestHead) -> Outcome:
        """The browser comes back from the org: hand the result to the object that began the bounce."""
        malformed = not_navigating(head)
        if malformed is not None:
            return refusal(malformed, self._clock)
        returned = await self._parts.bounces.end(head)
        if isinstance(returned, Malformed):
            if returned.reason == "no_browser":
                return Outcome(page(CookiesBlocked(self._host, SESSION_PAGE), self._clock), "refused", returned.reason)
            return refusal(returned, self._clock)
        answer = self._answers.get(returned.bounce.purpose)
        return await answer(head, returned) if answer is not None else refusal(Malformed(400, "bounce"), self._clock)


def _read(step: LoginStep) -> dict[str, LoginStep]:
    return dict.fromkeys(("GET", "HEAD"), step)
