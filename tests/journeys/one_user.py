"""The steps of generated scenarios: what users, attackers, the org and an operator can do, in any order, with a check after each step.

Owns the steps. They run on a deployment in memory and on one with sockets. ``watched`` says who is signed in in a browser; ``ScenarioRun``
checks the rules of ``promise`` after every step.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import quote, urlencode

from gateway.dev.standin import fault, fingerprint
from gateway.policy.http.cookies import BROWSER_NAME
from tests.dev.standin.sign_ins_without_token import saml_response
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, NAVIGATION, SCRIPT, Jar, PersonReply, redemption
from tests.harness.polling import moment
from tests.journeys.promise import Truth, WatchedOrg
from tests.journeys.watched import WatchedPerson

USERS = (ALICE, BOB, CAROL)
MALLORY = "mallory@evil.example.net"
PASSWORD = "correct-horse"
ME = "/api/v1/sessions/me"
APP_LINK = "/home/hr/0oa1/2"
CLIENT = "client_id=hr&response_type=code&redirect_uri=" + quote(f"{HR}/callback", safe="")
WAITS = (0.5, 2.0, 11.0, 31.0, 61.0, 400.0, 7300.0, 4.0)
WEATHER: tuple[dict[str, object], ...] = (
    {"path": ME, "method": "DELETE", "status": 500},
    {"path": ME, "method": "GET", "status": 500},
    {"path": ME, "status": 0},
    {"path": ME, "method": "GET", "status": 429},
    {"path": "/*", "status": 0},
    {"path": ME, "status": 0, "after": True},
    {"path": ME, "method": "DELETE", "status": 404, "body": {"errorCode": "E0000008"}},
    {"path": "/login/*", "status": 0, "after": True},
)
BROWSER_ID_NAME = BROWSER_NAME.decode()
FRAME = {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}
FETCH = {**SCRIPT, "Sec-Fetch-Mode": "no-cors"}


@dataclass(frozen=True)
class Act:
    """One action of a browser, or an event for it. ``how`` chooses one of several variants."""

    name: str
    who: int = 0
    user: str = ALICE
    how: int = 0


@dataclass(frozen=True)
class AtOnce:
    """Actions that run at the same time. Each request to the org and each answer is delayed by the next value of ``delays``, in seconds."""

    acts: tuple[Act, ...]
    delays: tuple[float, ...] = (0.0,)


Step = Act | AtOnce


class AnySystem(Protocol):
    """A running gateway, or several, and the org. ``visits``: the number of requests that will probably reach all of them."""

    visits: int

    async def restart(self, keeps_state: bool = False) -> None:
        """Restart the gateway. The shared state is kept, or is lost."""

    async def kill(self) -> None:
        """Kill one process, and start another."""

    async def waits(self, seconds: float) -> None:
        """Move the time forward."""

    def slow(self, delays: Sequence[float]) -> None:
        """Delay requests to the org and its answers by these seconds, in turn."""


@dataclass
class Question:
    """A confirmation page in a browser, and the token that it is about."""

    page: PersonReply
    token: str


@dataclass
class WatchedBrowser:
    """A user's browser, its confirmation pages, and its cookies before the last step."""

    person: WatchedPerson
    question: Question | None = None
    before: Jar = field(default_factory=dict)

    def shown_before(self) -> Jar:
        """Return the cookies before the last step; the current ones if the older ones did not have the browser id."""
        login_host = {name for (_, _, name) in self.before}
        return self.before if BROWSER_ID_NAME in login_host else dict(self.person.jar)


class ScenarioRun:
    """Runs the steps. A rule was broken if ``broken`` in the truth is not empty."""

    def __init__(self, place: AnySystem, org: WatchedOrg, truth: Truth, people: Sequence[WatchedPerson]) -> None:
        self.place = place
        self.org = org
        self.truth = truth
        self.browsers = [WatchedBrowser(person) for person in people]
        self.acts: dict[str, Callable[[WatchedBrowser, Act], Awaitable[None]]] = {
            name: getattr(self, name) for name in (*SIGN_INS, *LURES, *VISITS, *ENDS, *EVENTS)
        }

    async def lives(self, steps: Sequence[Step]) -> None:
        """Run all steps one after the other, then one more sign-in without failures. Raise AssertionError if a rule was broken."""
        if any(isinstance(step, AtOnce) for step in steps):
            await self.everybody_is_known()
        for step in steps:
            await self.does(step)
            await self.everybody_visits()
            self.is_kept()
        for browser in self.browsers:
            if browser.person.heard:
                await self.ends_well(browser)

    async def does(self, step: Step) -> None:
        """Run one step."""
        match step:
            case Act():
                await self.act(step)
            case AtOnce(acts, delays):
                self.place.slow(delays)
                await asyncio.gather(*map(self.act, acts))
                self.place.slow((0.0,))

    async def everybody_is_known(self) -> None:
        """Give every browser its id. Otherwise two first requests at the same time could not be known as those of one browser."""
        for browser in self.browsers:
            if browser.person.cookie(BROWSER_ID_NAME) is None:
                await browser.person.ask(f"{LOGIN}/login/login.htm")

    async def act(self, act: Act) -> None:
        """Run one action, in the browser that it names."""
        browser = self.browsers[act.who % len(self.browsers)]
        jar = dict(browser.person.jar)
        await self.acts[act.name](browser, act)
        browser.before = jar

    async def everybody_visits(self) -> None:
        """Ask every browser's app by script which user it was told, until every process knows the last change. This starts nothing."""
        while True:
            late = len(self.truth.late)
            for browser in self.browsers * self.place.visits:
                if browser.person.pass_shown():
                    await browser.person.named_by_app()
            if len(self.truth.late) == late:
                return
            await moment(0.002)

    async def ends_well(self, browser: WatchedBrowser) -> None:
        """Check that one more sign-in without failures leaves exactly one living session of this browser."""
        person = browser.person
        self.org.faults.clear()
        await self.place.waits(61)
        reply = await person.go(redemption(self.token(person, CAROL)))
        self.is_kept()
        self.truth.ended_well(CAROL, reply.status, reply.body.removeprefix("hello "), person.own_living())
        self.is_kept()

    def is_kept(self) -> None:
        """Raise AssertionError if a rule was broken so far."""
        self.truth.is_kept()

    # Sign-ins of the user herself.

    async def enters(self, browser: WatchedBrowser, act: Act) -> None:
        """The portal gets a token and sends the browser to the login host with it, by a link, a form, or an app link."""
        person, token = browser.person, self.token(browser.person, act.user)
        person.is_restless = True
        match act.how % 4:
            case 0 | 1:
                reply = await person.go(redemption(token))
            case 2:
                body = urlencode({"token": token, "redirectUrl": f"{HR}/"})
                reply = await person.go(f"{LOGIN}/login/sessionCookieRedirect", method="POST", body=body)
            case _:
                reply = await person.go(f"{LOGIN}{APP_LINK}?sessionToken={token}")
        self.asked(browser, reply, token)

    async def enters_late(self, browser: WatchedBrowser, act: Act) -> None:
        """As ``enters``, but the request has the cookies from before the last step."""
        person, token = browser.person, self.token(browser.person, act.user)
        person.is_restless = True
        before = browser.shown_before()
        reply = await person.ask(redemption(token), shown=before)
        if reply.location:
            reply = await person.ask(_absolute(reply), shown=before if reply.status == 307 and act.how % 2 else None)
        self.asked(browser, reply, token)

    async def gives_up(self, browser: WatchedBrowser, act: Act) -> None:
        """As ``enters``, but the browser disconnects while the org works, and perhaps opens the same link again."""
        person, token = browser.person, self.token(browser.person, act.user)
        person.is_restless = True
        with suppress(TimeoutError):
            async with asyncio.timeout((0.1, 0.4, 1.0, 3.0)[act.how % 4]):
                await person.ask(redemption(token))
        if act.how % 2:
            await person.go(redemption(token))

    async def clicks_twice(self, browser: WatchedBrowser, act: Act) -> None:
        """The browser opens the same link twice at the same time."""
        browser.person.is_restless = True
        url = redemption(self.token(browser.person, act.user))
        await asyncio.gather(browser.person.go(url), browser.person.go(url))

    async def signs_in(self, browser: WatchedBrowser, act: Act) -> None:
        """The user signs in by the org's own form."""
        browser.person.is_restless = True
        body = urlencode({"username": act.user, "password": PASSWORD, "fromURI": "/app/UserHome"})
        await browser.person.go(f"{LOGIN}/login/login.htm", site="same-origin", method="POST", body=body)

    async def signs_in_by_saml(self, browser: WatchedBrowser, act: Act) -> None:
        """An external provider's page posts its answer."""
        browser.person.is_restless = True
        body = urlencode({"SAMLResponse": saml_response(act.user), "RelayState": f"{HR}/" if act.how % 2 else ""})
        await browser.person.go(f"{LOGIN}/sso/saml2/0oaidp", site="cross-site", method="POST", body=body)

    async def signs_in_by_script(self, browser: WatchedBrowser, act: Act) -> None:
        """The sign-in widget of Identity Engine signs in."""
        browser.person.is_restless = True
        body = json.dumps({"identifier": act.user, "credentials": {"passcode": PASSWORD}})
        await browser.person.script(f"{LOGIN}/idp/idx/identify", "POST", body)

    async def signs_in_without_factor(self, browser: WatchedBrowser, act: Act) -> None:
        """A sign-in after which the org still asks for a factor."""
        self.org.noted.lacks_factor = True
        await (self.signs_in, self.signs_in_by_saml, self.signs_in_by_script, self.enters)[act.how % 4](browser, act)
        self.org.noted.lacks_factor = False

    async def shows_a_factor(self, browser: WatchedBrowser, act: Act) -> None:
        """The user gives the missing factor, in a request of this browser."""
        person = browser.person
        person.is_restless = True
        if person.pending is not None and person.shows(person.pending):
            person.pending.status = "ACTIVE"
            await person.go(f"{LOGIN}/app/UserHome", site="same-origin")

    async def activates(self, browser: WatchedBrowser, act: Act) -> None:
        """An activation link from a mail, or another site's page. For the gateway this is a sign-in without a token, like a password."""
        browser.person.is_restless = True
        token = self.org.activation_token(act.user)
        await browser.person.go(f"{LOGIN}/welcome/{token}", site=("none", "cross-site")[act.how % 2])

    async def says_yes(self, browser: WatchedBrowser, act: Act) -> None:
        """The user presses the button of the last confirmation page."""
        if browser.question is not None:
            browser.person.is_restless = True
            browser.person.consents.add(fingerprint(browser.question.token))
            await browser.person.confirm(browser.question.page)

    async def a_program_enters(self, browser: WatchedBrowser, act: Act) -> None:
        """A program without cookies, from the same address and with the same User-Agent, redeems a token."""
        person = browser.person
        other = replace(
            person,
            jar={},
            held=set(),
            given=[],
            superseded=set(),
            consents=set(),
            newest=None,
            pending=None,
            planted=None,
            told=[],
            told_by=((), None),
            _windows=[],
            _last_allowed={},
        )
        await other.ask(redemption(self.token(other, act.user)), fields={}, site="")

    # Actions of attackers.

    async def is_lured(self, browser: WatchedBrowser, act: Act) -> None:
        """An attacker's token arrives by a link, a typed address, a form, a frame, a script, or from a browser without Fetch Metadata."""
        person, token = browser.person, self.strange(self.token(browser.person, act.user))
        url, body = redemption(token), urlencode({"token": token, "redirectUrl": f"{HR}/"})
        with self.nothing_ends(browser):
            match act.how % 8:
                case 0:
                    reply = await person.go(url, site="cross-site")
                case 1:
                    reply = await person.go(url, site="none")
                case 2:
                    reply = await person.go(f"{LOGIN}/login/sessionCookieRedirect", site="cross-site", method="POST", body=body)
                case 3:
                    reply = await person.ask(url, site="cross-site", fields=FRAME)
                case 4:
                    reply = await person.ask(url, site="cross-site", fields=FETCH)
                case 5:
                    reply = await person.ask(url, site="", fields={"Accept": "text/html", "Accept-Language": "en"})
                case 6:
                    reply = await person.go(f"{LOGIN}{APP_LINK}?onetimetoken={token}", site="cross-site")
                case _:
                    reply = await person.go(f"{LOGIN}/oauth2/v1/authorize?{CLIENT}&sessionToken={token}", site="cross-site")
        self.asked(browser, reply, token)

    async def is_lured_deeply(self, browser: WatchedBrowser, act: Act) -> None:
        """An attacker's token is in a return address of the org's sign-in page; then the user signs in there."""
        person, token = browser.person, self.strange(self.token(browser.person, act.user))
        inner = f"/login/sessionCookieRedirect?token={token}&redirectUrl={quote(f'{HR}/', safe='')}"
        if act.how % 3 == 1:
            inner = "/login/login.htm?" + urlencode({"fromURI": inner})
        with self.nothing_ends(browser):
            reply = await person.go(f"{LOGIN}/login/login.htm?" + urlencode({"fromURI": inner}), site="cross-site")
        self.asked(browser, reply, token)
        if act.how % 2 == 0:
            person.is_restless = True
            user = USERS[act.how % 3]
            body = urlencode({"username": user, "password": PASSWORD, "fromURI": inner})
            reply = await person.go(f"{LOGIN}/login/login.htm", site="same-origin", method="POST", body=body)
            self.asked(browser, reply, token)

    async def is_planted(self, browser: WatchedBrowser, act: Act) -> None:
        """A sibling host plants a cookie of its own living session, or an invalid one."""
        session = self.org.sign_in(MALLORY)
        name, value = ("idx", session.idx) if act.how % 2 and session.idx is not None else ("sid", session.sid)
        if act.how % 4 == 3:
            self.org.sessions.end(session)
        if value is not None:
            browser.person.is_planted_with(session, name, value)

    # Actions that change no session.

    async def visits(self, browser: WatchedBrowser, act: Act) -> None:
        """The user opens the app. This closes the sessions in the pending cookie, and removes cookies if they belong to two users."""
        if browser.person.carries_or_shows_a_planted_cookie():
            browser.person.is_restless = True
        await browser.person.go(f"{HR}/", site="none")

    async def browses(self, browser: WatchedBrowser, act: Act) -> None:
        """The browser asks the org for its home page, sign-in page, an authorization (which renews ``idx``), or the session by script."""
        person = browser.person
        match act.how % 5:
            case 0:
                await person.go(f"{LOGIN}/app/UserHome", site="same-origin")
            case 1:
                await person.go(f"{LOGIN}/login/login.htm", site="same-origin")
            case 2:
                await person.ask(f"{LOGIN}/oauth2/v1/authorize?{CLIENT}", site="same-site")
            case 3:
                await person.script(f"{LOGIN}{ME}")
            case _:
                await person.script(f"{LOGIN}{ME}/lifecycle/refresh", "POST")

    async def browses_late(self, browser: WatchedBrowser, act: Act) -> None:
        """A request has the cookies from before the last step."""
        paths = ("/app/UserHome", "/login/login.htm", f"/oauth2/v1/authorize?{CLIENT}")
        await browser.person.ask(LOGIN + paths[act.how % 3], site="same-origin", shown=browser.shown_before())

    # Sign-outs, and sessions that end.

    async def signs_out_at_the_app(self, browser: WatchedBrowser, act: Act) -> None:
        """The user presses the gateway's sign-out button on the app host."""
        person = browser.person
        person.is_restless = True
        shown, session = person.told_by
        is_newest = shown == person.pass_shown() and session is not None and session is person.newest
        reply = await person.go(f"{HR}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
        if is_newest and reply.status and person.newest is session:
            person.signed_out()

    async def signs_out_at_login(self, browser: WatchedBrowser, act: Act) -> None:
        """The user signs out on the login host: by the gateway's button, Okta's own sign-out, or the API."""
        person = browser.person
        person.is_restless = True
        session = person.newest
        shown = session is not None and person.shows(session)
        match act.how % 4:
            case 0:
                reply = await person.go(f"{LOGIN}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
            case 1:
                reply = await person.ask(f"{LOGIN}/login/signout?fromURI={quote(HR, safe='')}", site="same-site")
            case 2:
                reply = await person.script(f"{LOGIN}{ME}", "DELETE")
            case _:
                reply = await person.script(
                    f"{LOGIN}/api/v1/users/me/lifecycle/delete_sessions", "POST", json.dumps({"keepCurrent": False})
                )
                shown = shown and reply.status == 204
        if shown and reply.status and person.newest is session:
            person.signed_out()

    async def an_administrator_ends_it(self, browser: WatchedBrowser, act: Act) -> None:
        """An administrator ends one of the browser's sessions at Okta."""
        living = [session for session in browser.person.given if self.org.noted.is_alive(session)]
        if living:
            chosen = living[act.how % len(living)]
            self.org.noted.ended_by_administrator.add(chosen)
            self.org.sessions.end(chosen)

    # Events.

    async def weather_turns(self, browser: WatchedBrowser, act: Act) -> None:
        """Requests to Okta fail from now on: once, twice or always."""
        times = (1, 2, None)[act.how % 3]
        self.org.faults.add(fault({**WEATHER[(act.how + 3 * USERS.index(act.user)) % len(WEATHER)], "times": times}))

    async def weather_clears(self, browser: WatchedBrowser, act: Act) -> None:
        """Okta works again."""
        self.org.faults.clear()

    async def time_passes(self, browser: WatchedBrowser, act: Act) -> None:
        """Time passes: seconds or hours."""
        await self.place.waits(WAITS[act.how % len(WAITS)])

    async def restarts(self, browser: WatchedBrowser, act: Act) -> None:
        """The gateway restarts, with the state from before or without."""
        keeps_state = act.how % 2 == 1
        await self.place.restart(keeps_state)
        if not keeps_state:
            for one in self.browsers:
                one.person.is_forgotten()

    async def is_killed(self, browser: WatchedBrowser, act: Act) -> None:
        """A process of the gateway dies. If there are several, the others continue."""
        await self.place.kill()

    # Functions that the steps share.

    def token(self, person: WatchedPerson, user: str) -> str:
        """Return a new token of this user, for this browser."""
        token = self.org.session_token(user)
        self.truth.owners[fingerprint(token)] = person
        return token

    def strange(self, token: str) -> str:
        """Return a token that an attacker chose."""
        self.truth.strange.add(fingerprint(token))
        return token

    def asked(self, browser: WatchedBrowser, reply: PersonReply, token: str) -> None:
        """Remember a confirmation page."""
        if 'name="request"' in reply.body and "/.gateway/switch" in reply.body:
            browser.question = Question(reply, token)

    def nothing_ends(self, browser: WatchedBrowser) -> "_NothingEnds":
        """Check that no session of this browser ends inside the block, in which an attacker acts."""
        return _NothingEnds(self, browser.person)


class _NothingEnds:
    """The check of ``nothing_ends``. It is skipped if a request of the browser itself is running, which may end a session."""

    def __init__(self, day: ScenarioRun, person: WatchedPerson) -> None:
        self._day = day
        self._person = person
        self._before = person.newest if person.newest is not None and not person.is_restless else None

    def __enter__(self) -> None:
        if self._before is not None and not self._day.org.noted.is_alive(self._before):
            self._before = None

    def __exit__(self, *_: object) -> None:
        session, person = self._before, self._person
        if session is None or person.is_restless or person.newest is not session:
            return
        if not self._day.org.noted.is_alive(session) and session.expires_at > self._day.org.clock.now():
            self._day.truth.stranger_ended(session)


def _absolute(reply: PersonReply) -> str:
    return reply.location if "://" in reply.location else f"{LOGIN}{reply.location}"


SIGN_INS = (
    "enters",
    "enters_late",
    "gives_up",
    "clicks_twice",
    "signs_in",
    "signs_in_by_saml",
    "signs_in_by_script",
    "signs_in_without_factor",
    "shows_a_factor",
    "activates",
    "says_yes",
    "a_program_enters",
)
LURES = ("is_lured", "is_lured_deeply", "is_planted")
VISITS = ("visits", "browses", "browses_late")
ENDS = ("signs_out_at_the_app", "signs_out_at_login", "an_administrator_ends_it")
EVENTS = ("weather_turns", "weather_clears", "time_passes", "restarts", "is_killed")
