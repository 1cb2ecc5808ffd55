"""Which heading a person reads in which situation: the list by which a page is found. A changed heading is changed here too."""

from gateway.pages import render
from gateway.pages.remedies import BY_REASON
from tests.pages.parsed import parse
from tests.pages.views_of_every_kind import PLAIN_VIEWS

HEADINGS = {
    "SessionPage": [
        "We cannot tell whether you are signed in",
        "You are signed in",
    ],
    "NobodyPage": [
        "Nobody is signed in here",
    ],
    "ConfirmSwitch": [
        "Continue as somebody else?",
        "Sign in with this link?",
    ],
    "GoingOn": [
        "Your page is opening",
    ],
    "PostsItself": [
        "You are being signed in",
    ],
    "SignInWithheld": [
        "You are not signed in yet",
    ],
    "FrontSwitchStopped": [
        "An older session is still there",
        "Another sign-in is going on",
        "Somebody else is signed in",
        "The earlier session could not be ended",
        "This link belongs to another browser",
        "This link was used already",
        "This sign-in took too long",
        "We could not find out who is signed in",
        "You are not signed in",
    ],
    "ConfirmSignOut": [
        "Sign out?",
    ],
    "SignedOutPage": [
        "You are signed out",
        "You are signed out in this browser",
    ],
    "RefusedPage": [
        "The change of user did not work",
    ],
    "TokenSpent": [
        "This link was used already",
    ],
    "TokenRefused": [
        "This sign-in link does not work any more",
    ],
    "Forbidden": [
        "This account may not open this page",
    ],
    "StepUpNeeded": [
        "Please sign in again for this page",
        "This page needs a stronger sign-in",
    ],
    "UnavailablePage": [
        "We cannot check your sign-in just now",
        "You cannot sign in just now",
    ],
    "LoopExplained": [
        "Signing in goes round in circles",
    ],
    "CookiesBlocked": [
        "Your browser keeps no cookies here",
    ],
    "BadRequest": [
        "Something behind this site does not work",
        "Something went wrong here",
        "The answer took too long",
        "There is no page at this address",
        "This address is too long",
        "This does not work here",
        "This is done already",
        "This is too large",
        "This site has too much to do",
        "This took too long",
        "This was not accepted",
        "We could not read this request",
        "We don't know this address",
        "Your browser has too many cookies for this site",
    ],
    "UpstreamDown": [
        "The application does not answer",
        "The application takes too long",
    ],
    "FormKept": [
        "You cannot send this form",
        "Your form has not been sent yet",
    ],
    "FormLost": [
        "There is no form here any more",
        "This form was not sent",
        "This form was sent already",
        "Your form was not sent",
    ],
    "FrameWithoutSession": [
        "You are not signed in",
    ],
    "SignedInAgain": [
        "You are signed in",
    ],
}
REASONS = {
    "no_upstream": "This page comes from another server",
    "auth_of_auth": "This site asks itself for permission",
    "own_path": "This address belongs to the sign-in",
    "nobody": "Nobody may do this here",
    "okta_cookie": "Your sign-in was copied to this site",
    "too_many_requests_of_client": "Too much is open at once",
    "cross_site": "We did not do this",
    "confirmation_expired": "Your answer came too late",
    "browser_changed": "Somebody signed in or out meanwhile",
    "expired": "Your sign-in took too long",
    "used": "This sign-in is finished already",
    "redemption_unanswered": "We do not know whether you are signed in",
}
"""Refusals that have a page of their own for their reason (``pages/remedies.py``)."""


def test_every_situation_has_its_heading() -> None:
    found: dict[str, set[str]] = {}
    for view in PLAIN_VIEWS:
        found.setdefault(type(view).__name__, set()).add(parse(render(view).html).text("h1"))
    assert {name: sorted(headings) for name, headings in found.items()} == HEADINGS


def test_every_reason_with_a_page_of_its_own_has_its_heading() -> None:
    assert {reason: remedy.heading for reason, remedy in BY_REASON.items()} == REASONS
