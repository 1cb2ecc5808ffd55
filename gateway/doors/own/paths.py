"""The table of the gateway's own paths, ``/.gateway/…``: which host answers which path, and with which methods.

Owns both tables (app hosts, login host), the answers 404 and 405, and the words for the access log. Must never forward a request. Must
match a path in its exact spelling only. Rules from: RFC 9110 §15.5.6 (Allow).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from gateway.clock import Clock
from gateway.doors.answers import redirect_answer, to_response
from gateway.doors.own.addresses import ACCEPT, FORM, HANDOFF, SESSION, SESSION_PAGE, SESSION_PAGE_UNSLASHED, SIGN_IN, SIGN_OUT
from gateway.doors.own.handoff import AppHandoff
from gateway.doors.own.kept_forms import KeptForms
from gateway.doors.own.login_handoff import LoginHandoff
from gateway.doors.own.outcomes import Outcome, refusal
from gateway.doors.own.pages import AppPages, LoginPages, asset_outcome
from gateway.doors.own.sign_out import AppSignOut, LoginSignOut
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.pages import ASSET_NAMES, ASSET_PREFIX
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.routing.navigation import SIGNED_IN
from gateway.policy.routing.routing import App

AppStep = Callable[[Request, RequestHead, App], Awaitable[Outcome]]
LoginStep = Callable[[Request, RequestHead], Awaitable[Outcome]]

StepOfHost = TypeVar("StepOfHost")

_READING = ("GET", "HEAD")
_ASSETS = frozenset(ASSET_PREFIX + name for name in ASSET_NAMES)
_ROUTES = _ASSETS | {SESSION_PAGE, SESSION, SIGN_IN, HANDOFF, ACCEPT, SIGN_OUT, SESSION_PAGE_UNSLASHED, FORM, SIGNED_IN}

UNKNOWN_ROUTE: Final = "/.gateway/*"
"""The route that the log names for an own path that does not exist. So clients cannot write paths of their own into the log."""


class AppOwnPaths:
    """Everything under ``/.gateway/`` on the app hosts."""

    def __init__(self, handoff: AppHandoff, sign_out: AppSignOut, pages: AppPages, forms: KeptForms, clock: Clock) -> None:
        """The four objects that answer, and the clock for the time that error pages show."""
        self._clock = clock
        self._steps: Mapping[str, Mapping[str, AppStep]] = {
            SESSION_PAGE: _read(lambda request, head, app: pages.page(head, app)),
            SESSION_PAGE_UNSLASHED: _read(to_session_page),
            SESSION: _read(lambda request, head, app: pages.session(head, app)),
            SIGN_IN: {"GET": lambda request, head, app: handoff.begin(head, app)},
            ACCEPT: {"GET": lambda request, head, app: handoff.accept(head, app)},
            SIGN_OUT: _read(lambda request, head, app: sign_out.ask(head, app)) | {"POST": sign_out.end},
            FORM: _read(lambda request, head, app: forms.gone(head)) | {"POST": forms.show},
            SIGNED_IN: _read(lambda request, head, app: forms.signed_in(head, app)),
        }

    async def handle(self, request: Request, head: RequestHead, app: App) -> Response:
        """The answer. The words for the access log are left in ``request``."""
        step = chosen(self._steps, head, self._clock)
        return answered(request, head, step if isinstance(step, Outcome) else await step(request, head, app))


class LoginOwnPaths:
    """Everything under ``/.gateway/`` on the login host, except the paths that the login door handles by itself (such as the switch)."""

    def __init__(self, handoff: LoginHandoff, sign_out: LoginSignOut, pages: LoginPages, clock: Clock) -> None:
        """The three objects that answer, and the clock for the time that error pages show."""
        self._clock = clock
        self._steps: Mapping[str, Mapping[str, LoginStep]] = {
            SESSION_PAGE: _read(lambda request, head: pages.page(head)),
            SESSION_PAGE_UNSLASHED: _read(to_session_page),
            SESSION: _read(lambda request, head: pages.session(head)),
            HANDOFF: {"GET": lambda request, head: handoff.hand_off(head, request.new_browser)},
            SIGN_OUT: _read(lambda request, head: sign_out.ask(head)) | {"POST": sign_out.end},
        }

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The answer. The words for the access log are left in ``request``."""
        step = chosen(self._steps, head, self._clock)
        return answered(request, head, step if isinstance(step, Outcome) else await step(request, head))


def chosen(steps: Mapping[str, Mapping[str, StepOfHost]], head: RequestHead, clock: Clock) -> StepOfHost | Outcome:
    """The step for this path and method. If there is none: a file that pages load, 404, or 405 with ``Allow``."""
    methods = steps.get(head.path)
    if methods is not None:
        step = methods.get(head.method)
        return step if step is not None else _not_allowed(tuple(methods), clock)
    if head.path not in _ASSETS:
        return refusal(Malformed(404, "no_such_path"), clock)
    return asset_outcome(head, clock) if head.method in _READING else _not_allowed(_READING, clock)


def answered(request: Request, head: RequestHead, outcome: Outcome) -> Response:
    """The outcome as a response. Its words for the access log are left in ``request``. An unread body ends the connection."""
    request.route = head.path if head.path in _ROUTES else UNKNOWN_ROUTE
    request.verdict = outcome.verdict
    request.reason = outcome.reason
    request.fingerprint = outcome.fingerprint
    return to_response(outcome.answer, closes=request.has_unread_body)


async def to_session_page(*_: object) -> Outcome:
    """Redirect ``/.gateway`` to ``/.gateway/``: people often type it without the last slash."""
    return Outcome(redirect_answer(303, SESSION_PAGE), "page")


def _read(step: StepOfHost) -> dict[str, StepOfHost]:
    return dict.fromkeys(_READING, step)


def _not_allowed(methods: tuple[str, ...], clock: Clock) -> Outcome:
    outcome = refusal(Malformed(405, "method"), clock)
    return replace(outcome, answer=outcome.answer.plus((b"Allow", ", ".join(methods).encode())))
