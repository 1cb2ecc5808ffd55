"""Renders the pages: a view in, a finished page out.

Owns the template environment, the status of each view, and the response fields that every own page carries. Must never wait, read a
clock, or put a value into a page unescaped. Any person may get a page, so no page is stored, and no other site may frame one. Rules: CSP
Level 3, RFC 9110 section 10.2.3 (Retry-After).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.pages.assets import asset_address
from gateway.pages.form_views import FormKept, FormLost, FrameWithoutSession, SignedInAgain
from gateway.pages.lost_forms import lost_form
from gateway.pages.remedies import remedy
from gateway.pages.views import (
    SESSION_PATH,
    BadRequest,
    ConfirmSignOut,
    ConfirmSwitch,
    CookiesBlocked,
    Forbidden,
    FrontSwitchStopped,
    GoingOn,
    LoopExplained,
    NobodyPage,
    PostsItself,
    RefusedPage,
    SessionPage,
    SignedOutPage,
    SignInWithheld,
    StepUpNeeded,
    TokenRefused,
    TokenSpent,
    UnavailablePage,
    UpstreamDown,
    View,
)

_WORDS = {
    "duo": "a confirmation in Duo",
    "face": "your face",
    "fpt": "your fingerprint",
    "hwk": "a security key",
    "kba": "the answer to your security question",
    "mca": "a second way to prove who you are",
    "mfa": "a second step, for example a code or a confirmation on your phone",
    "otp": "a one-time code",
    "pin": "your PIN",
    "pop": "a key on your device",
    "pwd": "your password",
    "sc": "your smart card",
    "sms": "a code in a text message",
    "swk": "a confirmation on your phone or computer",
    "tel": "a phone call",
    "user": "a tap on your key",
    "wia": "the sign-in of your Windows computer",
}


def factor(name: str) -> str:
    """The words for one method. A method without words is shown by the name that the administrator wrote."""
    return _WORDS.get(name, f"the sign-in method “{name}”")


ANYWHERE: Final = ("https:", "http:")
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LINK = re.compile(r"(?:/(?![/\\])|https?://[^/\\?#\x00-\x20@]+(?=[/?#]|$))[^\\\x00-\x20\x7f]*")


_STOPPED = {"unclear": 503, "not_ended": 503, "expired": 410}
"""The status of a stopped front-channel switch, by reason; any other reason is a conflict (409)."""


@dataclass(frozen=True, slots=True)
class Page:
    """A finished answer. `fields` holds all its fields, except Content-Length and those of the connection."""

    status: int
    html: bytes
    fields: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    template: str
    status: int
    reason: str = ""
    retry_after_seconds: int | None = None


def duration(seconds: int) -> str:
    """A duration in words: hours and minutes; minutes under an hour; minutes and seconds under five minutes. page.js says the same."""
    hours, minutes = divmod(max(seconds, 0) // 60, 60)
    if hours:
        parts = [(hours, "hour"), (minutes, "minute")]
    elif minutes >= 5:
        parts = [(minutes, "minute")]
    else:
        parts = [(minutes, "minute"), (max(seconds, 0) % 60, "second")]
    words = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(words) or "0 seconds"


def link(address: str) -> str:
    """The address, if it is a path of this host or an http(s) URL without a user name; else the session page.

    So `javascript:` and `//host` never become a link.
    """
    return address if _LINK.fullmatch(address) else SESSION_PATH


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _clock_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%H:%M UTC")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"duration": duration, "link": link, "moment": _moment, "clock_time": _clock_time}
    environment.globals |= {"asset_address": asset_address, "remedy": remedy, "factor": factor, "lost_form": lost_form}
    return environment


_TEMPLATES = _environment()


_CALM: Final[Mapping[type, str]] = {
    NobodyPage: "nobody.html",
    ConfirmSwitch: "confirm_switch.html",
    ConfirmSignOut: "confirm_sign_out.html",
}


def _plan(view: View) -> _Plan:
    match view:
        case SessionPage(expires_at=expires_at, now=now):
            return _Plan("session.html", 200, "" if expires_at > now else "clocks_disagree")
        case GoingOn() | PostsItself():
            return _Plan("going_on.html" if isinstance(view, GoingOn) else "posts_itself.html", 200)
        case FrontSwitchStopped(reason=reason, more=more):
            return _Plan("front_switch_stopped.html", _STOPPED.get(reason, 409), more or reason)
        case NobodyPage() | ConfirmSwitch() | ConfirmSignOut():
            return _Plan(_CALM[type(view)], 200)
        case SignInWithheld(reason=reason, retry_after_seconds=seconds):
            return _Plan("sign_in_withheld.html", 503, reason, seconds)
        case SignedOutPage(complete=complete):
            return _Plan("signed_out.html", 200, "" if complete else "close_pending")
        case RefusedPage(reason=reason, retry_after_seconds=seconds):
            return _Plan("refused.html", 503, reason, seconds)
        case TokenSpent(reason=reason):
            return _Plan("token_spent.html", 409, reason)
        case TokenRefused(reason=reason):
            return _Plan("token_refused.html", 403, reason)
        case Forbidden(reason=reason):
            return _Plan("forbidden.html", 403, reason)
        case StepUpNeeded(reason=reason):
            return _Plan("step_up.html", 403, reason)
        case UnavailablePage(reason=reason, retry_after_seconds=seconds):
            return _Plan("unavailable.html", 503, reason, seconds)
        case LoopExplained():
            return _Plan("loop_explained.html", 400, "sign_in_loop")
        case CookiesBlocked():
            return _Plan("cookies_blocked.html", 400, "cookies_blocked")
        case BadRequest(status=status, reason=reason):
            return _Plan("bad_request.html", status, reason)
        case UpstreamDown(status=status, reason=reason):
            return _Plan("upstream_down.html", status, reason)
        case FormKept() | FormLost() | FrameWithoutSession() | SignedInAgain():
            return _plan_beside_a_page(view)
        case _:
            assert_never(view)


def _plan_beside_a_page(view: FormKept | FormLost | FrameWithoutSession | SignedInAgain) -> _Plan:
    """Like ``_plan``, for pages about an app's page whose session has ended."""
    match view:
        case FormKept(status=status, reason=reason, retry_after_seconds=seconds):
            return _Plan("form_kept.html", status, reason, seconds)
        case FormLost(status=status, reason=reason):
            return _Plan("form_lost.html", status, reason)
        case FrameWithoutSession():
            return _Plan("frame_without_session.html", 401)
        case SignedInAgain():
            return _Plan("signed_in_again.html", 200)
        case _:
            assert_never(view)


def _content_security_policy(form_targets: Sequence[str], framed_by: Sequence[str]) -> bytes:
    for origin in (*(form_targets if form_targets is not ANYWHERE else ()), *framed_by):
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"not an origin: {origin!r}")
    ancestors = " ".join(["'self'", *dict.fromkeys(framed_by)]) if framed_by else "'none'"
    form_action = " ".join(["'self'", *dict.fromkeys(form_targets)])
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors {ancestors}"
    ).encode("ascii")


def _fields(plan: _Plan, form_targets: Sequence[str], framed_by: Sequence[str]) -> tuple[tuple[bytes, bytes], ...]:
    fields = [
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Cache-Control", b"no-store"),
        (b"Content-Security-Policy", _content_security_policy(form_targets, framed_by)),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"X-Frame-Options", b"SAMEORIGIN" if framed_by else b"DENY"),
        # not no-referrer: browsers then send `Origin: null` with the forms of these pages, and the Origin check would refuse them
        (b"Referrer-Policy", b"same-origin"),
        (b"Cross-Origin-Opener-Policy", b"same-origin"),
        (b"Cross-Origin-Resource-Policy", b"same-origin"),
    ]
    if plan.retry_after_seconds is not None:
        fields.append((b"Retry-After", b"%d" % max(plan.retry_after_seconds, 0)))
    return tuple(fields)


def render(
    view: View,
    *,
    form_targets: Sequence[str] = (),
    framed_by: Sequence[str] = (),
    at: datetime | None = None,
    request_id: str | None = None,
) -> Page:
    """The page for one view.

    `form_targets`: origins to which the page's forms may be redirected after they were posted here (Chromium checks redirects against
    `form-action` too): the login host and the apps; or `ANYWHERE`, if an app gets the form and may answer with any redirect. `framed_by`:
    origins whose pages may frame this one, which then has a layout for a frame; if it is empty, no page may. `at` (aware) and
    `request_id` go to the small print for the administrator. ValueError if a form target is not an origin: it comes from the
    configuration, never from a request.
    """
    plan = _plan(view)
    html = _TEMPLATES.get_template(plan.template).render(
        view=view,
        reason=plan.reason,
        retry_after_seconds=plan.retry_after_seconds,
        status=plan.status,
        at=at,
        request_id=request_id,
        is_framed=bool(framed_by),
    )
    return Page(plan.status, html.encode("utf-8", "replace"), _fields(plan, form_targets, framed_by))
