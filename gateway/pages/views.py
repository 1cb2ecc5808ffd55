"""What the gateway's own pages say: one frozen value for each page.

Owns: the facts a page may show. Never holds: a token, a cookie value, a session id, or anything that is not meant for the eyes
of whoever stands before the screen. ConfirmSwitch.sealed names a waiting request to us alone, and is what the confirmed switch needs.
PostsItself is the one page with a token: the form by which the browser itself hands it to the org.

Where a field is called `reason` it is a short word for the administrator and appears in the small print only; what the user reads is
written in the template. Paths and URLs are checked once more when rendered: what is not a path of this host or an http(s) URL becomes the
session page.
"""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.pages.form_views import FormKept, FormLost, FrameWithoutSession, SignedInAgain

SESSION_PATH = "/.gateway/"
SIGN_OUT_PATH = "/.gateway/sign-out"
SWITCH_PATH = "/.gateway/switch"


@dataclass(frozen=True, slots=True)
class SessionPage:
    """200: who is signed in on this host, until when, with the ways out. Both datetimes are aware.

    Where `expires_at` is not after `now`, the two clocks disagree, because only a session that Okta calls alive is shown: the page says so.
    `place`: the name of the app that `app_url` leads to. `apps`: titles and addresses, for a host that is no app's.
    """

    login: str
    expires_at: datetime
    now: datetime
    place: str
    app_url: str | None = None
    user_name: str | None = None
    sign_out_path: str = SIGN_OUT_PATH
    apps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NobodyPage:
    """200: nobody is signed in here; one button to sign in.

    `place`: the name of the app that the sign-in is for. `is_after_sign_out`: the user asked to sign out, and there is no session.
    """

    sign_in_path: str
    place: str | None = None
    is_after_sign_out: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmSwitch:
    """200: a token came from an untrusted start; the user decides. `sealed` travels back in the field `request`.

    `login`: who is signed in, None: nobody. `started_by`: the origin that the link comes from, or empty where that is not known.
    """

    login: str | None
    sealed: str
    started_by: str = ""
    action: str = SWITCH_PATH
    stay_path: str = SESSION_PATH


@dataclass(frozen=True, slots=True)
class GoingOn:
    """200: a confirmed link was redeemed, or a browser had to forget what it kept; the page leads on to `url` by itself and by a link.

    It does not say that anybody is signed in: Okta may have refused the token and lead to its sign-in page.

    A redirect in answer to the form would be held to the form's page's own `form-action`; `url` is what Okta answered.
    """

    url: str


@dataclass(frozen=True, slots=True)
class PostsItself:
    """200: a form that the browser posts by itself, and by a button without JavaScript. `fields`: names and values, never shown."""

    action: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FrontSwitchStopped:
    """A switch of users through the browser's window ended, or cannot go on; `reason` chooses the words (`front_switch.Reason`).

    `more` is for the small print. `retry_path`: where it may be tried again, empty where only the portal can begin another.
    """

    reason: str
    more: str = ""
    retry_path: str = ""


@dataclass(frozen=True, slots=True)
class SignInWithheld:
    """503: another user signed in, and the end of the session before is not proven; nobody is signed in."""

    reason: str
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ConfirmSignOut:
    """200: the GET of sign-out, a button and nothing more. `to` travels back in the field `to` when it is not empty."""

    login: str | None
    action: str = SIGN_OUT_PATH
    to: str = ""
    stay_path: str = SESSION_PATH


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """200: signed out. Never leads into a new sign-in by itself.

    `is_closed`: whether Okta's session was proven closed. `is_shared`: whether every server of the gateway could be told.
    `is_retried`: whether the gateway can close it later by itself; else the next sign-in with this browser asks for a password.

    `is_elsewhere`: `sign_in_url` is a place of another site, which asked for the sign-out. Once everything is done, the page
    goes on to it by itself: a redirect behind the form would be held to the form's page's own `form-action`.
    """

    is_closed: bool
    sign_in_url: str | None = None
    is_elsewhere: bool = False
    is_shared: bool = True
    is_retried: bool = True

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.is_closed and self.is_shared


@dataclass(frozen=True, slots=True)
class RefusedPage:
    """503: the switch could not be done and the token is unspent.

    `retry_url` "" means the address of this very page (so that a token in it need not be written into the page); None means that
    the user has to go back to where he came from.
    """

    reason: str
    retry_after_seconds: int | None = None
    retry_url: str | None = None


@dataclass(frozen=True, slots=True)
class TokenSpent:
    """409: the one-time link was used already, by another browser, or `by_server`: by a server's `POST /api/v1/sessions`."""

    reason: str = "token_spent"
    by_server: bool = False


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """403: Okta did not accept the token of a link, and nobody is signed in. `url` leads to the org's sign-in."""

    url: str
    reason: str = "token_refused"


@dataclass(frozen=True, slots=True)
class Forbidden:
    """403: signed in, and not allowed here."""

    login: str
    reason: str
    sign_out_path: str = SIGN_OUT_PATH


@dataclass(frozen=True, slots=True)
class StepUpNeeded:
    """403: signed in, but not well enough for this page, or not lately enough.

    `missing`: the authentication methods (RFC 8176) that the page asks for and the sign-in did not have, in order.
    `within_seconds`: how old a sign-in may be; None where the methods are the reason.
    """

    login: str
    reason: str
    missing: tuple[str, ...] = ()
    within_seconds: int | None = None
    sign_out_path: str = SIGN_OUT_PATH


@dataclass(frozen=True, slots=True)
class UnavailablePage:
    """503: Okta cannot say whether the session lives, or does not answer at all. Nobody was signed out.

    ``had_session`` False: the browser showed no session, so there is nothing to be signed out of.
    ``offers_retry`` False where a click here must not repeat the request: our own page would vouch for a stranger's link.
    """

    reason: str
    retry_after_seconds: int
    offers_retry: bool = True
    had_session: bool = True


@dataclass(frozen=True, slots=True)
class LoopExplained:
    """400: the browser came back `bounces` times within a minute without a session.

    `clocks_disagree`: the sessions live at Okta, and have ended by this server's clock.
    """

    host: str
    bounces: int
    retry_path: str = "/"
    clocks_disagree: bool = False


@dataclass(frozen=True, slots=True)
class CookiesBlocked:
    """400: the browser does not send back the cookie it was just given."""

    host: str
    retry_path: str = "/"


@dataclass(frozen=True, slots=True)
class BadRequest:
    """Any other refusal, 400 to 599: the sentence and the remedy follow from the status, the reason goes to the small print."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class UpstreamDown:
    """502 or 504: the application behind the gateway gave no usable answer, or none in time.

    `is_signed_in`: the user was let in with a session.
    """

    app_name: str
    status: int = 502
    reason: str = "upstream_down"
    is_signed_in: bool = True


View = (
    SessionPage
    | NobodyPage
    | ConfirmSwitch
    | GoingOn
    | PostsItself
    | FrontSwitchStopped
    | SignInWithheld
    | ConfirmSignOut
    | SignedOutPage
    | RefusedPage
    | TokenSpent
    | TokenRefused
    | Forbidden
    | StepUpNeeded
    | UnavailablePage
    | LoopExplained
    | CookiesBlocked
    | BadRequest
    | UpstreamDown
    | FormKept
    | FormLost
    | FrameWithoutSession
    | SignedInAgain
)
