"""One view of every kind, told and hostile: shared by the tests of the pages."""

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

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

NOW = datetime(2026, 10, 5, 15, 28, 12, tzinfo=UTC)

STANDINGS: tuple[Literal["nobody", "same", "other", "unknown", "unsent"], ...] = ("nobody", "same", "other", "unknown", "unsent")
LOST = (
    *("other_site", "not_urlencoded", "not_ascii", "too_large", "unknown_owner", "address"),
    *("too_late", "sent_already", "gone", "unreadable"),
)


def session_page(seconds: int) -> SessionPage:
    """The page of a session that ends in so many seconds."""
    return SessionPage("alice@example.com", NOW + timedelta(seconds=seconds), NOW, "hr.example.com")


def _of_switches(word: str, address: str) -> list[View]:
    posts: list[View] = [PostsItself(address, ((word, word),)), SignInWithheld(word, 5), SignInWithheld(word)]
    return [*posts, FrontSwitchStopped("used"), *(FrontSwitchStopped(reason, word, address) for reason in get_args(Reason))]


def refusals_of_tokens(word: str, address: str) -> list[View]:
    """Every view about a token that was not redeemed."""
    return [
        RefusedPage(word, 12, address),
        RefusedPage(word, None, None),
        RefusedPage(word, 0, ""),
        TokenSpent(word),
        TokenSpent(word, by_server=True),
        TokenRefused(address, word),
    ]


def views(word: str, address: str) -> list[View]:
    """Every kind of view, each text field filled with `word` and each address with `address`."""
    return [
        SessionPage(word, NOW + timedelta(minutes=72), NOW, word, address, word, address),
        SessionPage(word, NOW - timedelta(minutes=1), NOW, word),
        SessionPage(word, NOW + timedelta(minutes=72), NOW, word, apps=((word, address), (word, address))),
        NobodyPage(address, word),
        NobodyPage(address),
        NobodyPage(address, is_after_sign_out=True),
        ConfirmSwitch(word, word, word, address, address),
        ConfirmSwitch(None, word, word, address, address),
        ConfirmSwitch(None, word, "", address, address),
        ConfirmSwitch(word, word, "", address, address),
        GoingOn(address),
        *_of_switches(word, address),
        ConfirmSignOut(word, address, word, address),
        ConfirmSignOut(None),
        SignedOutPage(True, address),
        SignedOutPage(False, address),
        SignedOutPage(False),
        SignedOutPage(False, address, is_retried=False),
        SignedOutPage(True, is_shared=False),
        SignedOutPage(False, address, is_shared=False),
        *refusals_of_tokens(word, address),
        Forbidden(word, word, address),
        StepUpNeeded(word, word, ("mfa", word), sign_out_path=address),
        StepUpNeeded(word, word, (), 900),
        UnavailablePage(word, 5),
        UnavailablePage(word, 5, had_session=False, offers_retry=False),
        LoopExplained(word, 3, address, clocks_disagree=True),
        LoopExplained(word, 3),
        CookiesBlocked(word, address),
        *(BadRequest(status, word) for status in (400, 404, 405, 408, 409, 413, 414, 418, 421, 431, 500, 502, 503, 504)),
        UpstreamDown(word, 502, word),
        *(FormKept(address, word, "gateway-form", who, address, word, word) for who in STANDINGS),
        *(FormLost(401, reason, address) for reason in LOST),
        FrameWithoutSession(address, word),
        SignedInAgain(word),
        UpstreamDown(word, 504, word, is_signed_in=False),
    ]


PLAIN_VIEWS = views("alice@example.com", "/.gateway/somewhere")
