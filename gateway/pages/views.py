"""The content of the gateway's own pages: one frozen value for each page.

Owns the facts that a page may show. Must never hold a token, a cookie value, a session id, or anything that a person in front of the
screen must not see. `ConfirmSwitch.sealed` is a waiting request that only the gateway can read. `PostsItself` is the one page with a
token: by its form the browser hands the token to the org.

A field called `reason` is a short word for the administrator; it appears in the small print only. The text for the user is in the
template. Paths and URLs are checked again when a page is rendered: anything but a path of this host or an http(s) URL becomes the session
page.
"""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.pages.form_views import FormKept, FormLost, FrameWithoutSession, SignedInAgain

SESSION_PATH = "/.gateway/"
SIGN_OUT_PATH = "/.gateway/sign-out"
SWITCH_PATH = "/.gateway/switch"


@dataclass(frozen=True, slots=True)
class SessionPage:
    """200: who is signed in on this host, until when, and how to sign out or switch. Both datetimes are aware.

    If `expires_at` is not after `now`, the two clocks disagree, because only a session that Okta calls alive is shown; the page says so.
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
    """200: a token came from an untrusted start, so the user decides. The form sends `sealed` back in its field `request`.

    `login`: who is signed in; None if nobody is. `started_by`: the origin that the link comes from; empty if it is not known.
    """

    login: str | None
    sealed: str
    started_by: str = ""
    action: str = SWITCH_PATH
    stay_path: str = SESSION_PATH


@dataclass(frozen=True, slots=True)
class GoingOn:
    """200: leads on to `url` by itself, and by a link: after a confirmed switch, or after the browser had to forget what it kept.

    The page does not say that anybody is signed in: Okta may have refused the token, and `url` may be its sign-in page.

    A page is used because browsers check a redirect after a form against the `form-action` of the form's page.
    """

    url: str


@dataclass(frozen=True, slots=True)
class PostsItself:
    """200: a form that the browser posts by itself; without JavaScript, by a button. `fields`: names and values, never shown."""

    action: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FrontSwitchStopped:
    """A front-channel switch ended, or cannot go on. `reason` chooses the words (`front_switch.Reason`).

    `more` is for the small print. `retry_path`: where the user may try again; empty if only the portal can begin another switch.
    """

    reason: str
    more: str = ""
    retry_path: str = ""


@dataclass(frozen=True, slots=True)
class SignInWithheld:
    """503: another user signed in, but the end of the older session is not proven, so nobody is signed in."""

    reason: str
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ConfirmSignOut:
    """200: the page that asks before a sign-out: one button. If `to` is not empty, the form sends it back in its field `to`."""

    login: str | None
    action: str = SIGN_OUT_PATH
    to: str = ""
    stay_path: str = SESSION_PATH


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """200: signed out. Never begins a new sign-in by itself.

    `is_closed`: Okta's session was proven closed. `is_shared`: all processes of the gateway could be told. `is_retried`: the gateway can
    close it later by itself; if not, the next sign-in in this browser asks for a password.

    `is_elsewhere`: `sign_in_url` is an address of another site, which asked for the sign-out. If everything is done, the page goes on to
    it by itself. (Browsers would check a redirect after the form against the `form-action` of the form's page.)
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
    """503: the switch was not done, and the token was not sent.

    `retry_url` "" means the address of this same page, so that a token in it need not be written into the page. None means that the user
    has to go back to the page that began the switch.
    """

    reason: str
    retry_after_seconds: int | None = None
    retry_url: str | None = None


@dataclass(frozen=True, slots=True)
class TokenSpent:
    """409: the one-time link was used before, by another browser, or (`by_server`) by a server's `POST /api/v1/sessions`."""

    reason: str = "token_spent"
    by_server: bool = False


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """403: Okta did not accept the token of a link, and nobody is signed in. `url` leads to the org's sign-in."""

    url: str
    reason: str = "token_refused"


@dataclass(frozen=True, slots=True)
class Forbidden:
    """403: signed in, but not allowed here."""

    login: str
    reason: str
    sign_out_path: str = SIGN_OUT_PATH


@dataclass(frozen=True, slots=True)
class StepUpNeeded:
    """403: signed in, but without the methods that this page needs, or too long ago.

    `missing`: the authentication methods (RFC 8176) that the page asks for and the sign-in did not have, in order. `within_seconds`: how
    old a sign-in may be; None if the methods are the reason.
    """

    login: str
    reason: str
    missing: tuple[str, ...] = ()
    within_seconds: int | None = None
    sign_out_path: str = SIGN_OUT_PATH


@dataclass(frozen=True, slots=True)
class UnavailablePage:
    """503: Okta cannot say whether the session lives, or does not answer. Nobody was signed out.

    ``had_session`` False: the browser presented no session, so none can have ended. ``offers_retry`` False: the page has no link that
    repeats the request, because a click on our own page would make a stranger's link look trusted.
    """

    reason: str
    retry_after_seconds: int
    offers_retry: bool = True
    had_session: bool = True


@dataclass(frozen=True, slots=True)
class LoopExplained:
    """400: the browser came back `bounces` times within a minute without a session.

    `clocks_disagree`: the sessions live at Okta, but have ended by this server's clock.
    """

    host: str
    bounces: int
    retry_path: str = "/"
    clocks_disagree: bool = False


@dataclass(frozen=True, slots=True)
class CookiesBlocked:
    """400: the browser does not send back a cookie that it was just given."""

    host: str
    retry_path: str = "/"


@dataclass(frozen=True, slots=True)
class BadRequest:
    """Any other refusal, 400 to 599. The words follow from the status; the reason is in the small print."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class UpstreamDown:
    """502, 503 or 504: the application behind the gateway gave no usable answer, has no room, or did not answer in time.

    `is_signed_in`: the request was admitted with a session.
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
