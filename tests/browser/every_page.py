"""Every page of the gateway as people see it, by a name: realistic words, one for each way that a page may look."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from gateway.pages import (
    BadRequest,
    ConfirmSignOut,
    ConfirmSwitch,
    CookiesBlocked,
    Forbidden,
    FormKept,
    FormLost,
    FrameWithoutSession,
    FrontSwitchStopped,
    GoingOn,
    LoopExplained,
    NobodyPage,
    PostsItself,
    RefusedPage,
    SessionPage,
    SignedInAgain,
    SignedOutPage,
    SignInWithheld,
    StepUpNeeded,
    TokenRefused,
    TokenSpent,
    UnavailablePage,
    UpstreamDown,
    View,
)
from gateway.policy.switch.front_switch import Reason
from tests.pages.views_of_every_kind import LOST, STANDINGS

NOW = datetime(2026, 11, 29, 15, 28, 12, tzinfo=UTC)
ALICE, EVIL = "alice.wonderland-longname@subsidiary.example.com", "https://prizes.shop.example.net"
SIGN_IN, SEALED = "/.gateway/sign-in?to=%2F", "c2VhbGVk" * 20
APPS = (("Payroll and leave", "https://hr.example.com/"), ("wiki.example.com", "https://wiki.example.com/"))
_FORMS = {f"form-kept-{who}": FormKept("/x", SEALED, "gateway-form", who, SIGN_IN, "Payroll and leave", ALICE) for who in STANDINGS}
_STATUSES = (400, 404, 405, 408, 409, 413, 414, 418, 421, 431, 500, 502, 503, 504)
_REASONS = ("no_upstream", "auth_of_auth", "own_path", "too_many_requests_of_client", "cross_site", "browser_changed", "expired")

PAGES: dict[str, View] = {
    "session": SessionPage(ALICE, NOW + timedelta(minutes=119), NOW, "Payroll and leave", "/", "Alice Wonderland"),
    "session-apps": SessionPage(ALICE, NOW + timedelta(seconds=200), NOW, "", apps=APPS),
    "session-clocks": SessionPage(ALICE, NOW - timedelta(minutes=1), NOW, "Payroll and leave", "/"),
    "nobody": NobodyPage(SIGN_IN, "Payroll and leave"),
    "nobody-after-sign-out": NobodyPage(SIGN_IN, is_after_sign_out=True),
    "confirm-switch": ConfirmSwitch(ALICE, SEALED, EVIL),
    "confirm-sign-in": ConfirmSwitch(None, SEALED, EVIL),
    "going-on": GoingOn("/stays"),
    "withheld": SignInWithheld("close_unproven", 5),
    "confirm-sign-out": ConfirmSignOut(ALICE),
    "confirm-sign-out-unknown": ConfirmSignOut(None),
    "signed-out": SignedOutPage(True, SIGN_IN),
    "signed-out-pending": SignedOutPage(False, SIGN_IN, is_shared=False),
    "refused": RefusedPage("close_unproven", 12, ""),
    "refused-go-back": RefusedPage("close_unproven", 12),
    "token-spent": TokenSpent(),
    "token-refused": TokenRefused("https://login.example.com/"),
    "posts-itself": PostsItself("https://login.example.com/x", (("SAMLResponse", "eA"),)),
    **{f"front-switch-{reason}": FrontSwitchStopped(reason, ALICE, SIGN_IN) for reason in get_args(Reason)},
    "forbidden": Forbidden(ALICE, "user"),
    "step-up": StepUpNeeded(ALICE, "step_up_amr", ("hwk", "mfa")),
    "step-up-age": StepUpNeeded(ALICE, "step_up_authenticated_within", (), 900),
    "unavailable": UnavailablePage("timed_out", 5),
    "unavailable-new": UnavailablePage("timed_out", 5, had_session=False),
    "loop": LoopExplained("hr.example.com", 3, SIGN_IN),
    "loop-clocks": LoopExplained("hr.example.com", 3, SIGN_IN, clocks_disagree=True),
    "cookies": CookiesBlocked("login.example.com", SIGN_IN),
    "app-down": UpstreamDown("Payroll and leave", 502, "unreachable"),
    "app-slow": UpstreamDown("Payroll and leave", 504, "timed_out", is_signed_in=False),
    "signed-in-again": SignedInAgain(ALICE),
    **_FORMS,
    **{f"form-lost-{reason}": FormLost(401, reason, SIGN_IN) for reason in LOST},
    **{f"status-{status}": BadRequest(status, "reason_code") for status in _STATUSES},
    **{f"reason-{reason}": BadRequest(400, reason) for reason in _REASONS},
}
FRAMED: dict[str, View] = {
    "frame": FrameWithoutSession(SIGN_IN, "Payroll and leave"),
    "frame-form-kept": _FORMS["form-kept-nobody"],
    "frame-form-lost": FormLost(401, "not_urlencoded", SIGN_IN),
}
