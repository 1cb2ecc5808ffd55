"""In one browser, one user at a time, when the org is not behind the gateway: scenarios of random steps, with a check after each step.

The rules are those of ``test_one_user``; ``promise`` checks both. The scenarios differ, because the two sources see different things.
There, a scenario consists of what the login door forwards: tokens in addresses, Okta's cookies, calls that end sessions, late answers.
Here, nothing of that reaches the gateway: the browser talks to the org directly, and the gateway learns who is signed in when it sends
the browser to the org. So a scenario here has sign-ins in another window, of which the gateway hears nothing, and proofs that expire.
"The newest session" is the newest one that was proven, and it counts for ``session.proof_interval``.
"""

import html
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.dev.standin import ALICE_AND_BOB, Fault, OrgSession, User, fingerprint
from tests.journeys.direct_org import AGENT, ALICE, BOB, SCRIPT, SIGN_OUT, DirectOrg, ShiftedClock, arranged, signs_out, walked
from tests.journeys.promise import Truth, WatchedOrg

CAROL = "carol@example.com"
INTERVAL, SLOW_SECONDS = 300.0, 30.0
MANY = 100


@dataclass
class Guest:
    """The browser's sessions at the org, in the order in which they came (``promise.Owner``)."""

    org: WatchedOrg
    given: list[OrgSession] = field(default_factory=list)
    superseded: set[OrgSession] = field(default_factory=set)
    consents: set[str] = field(default_factory=set)

    def living(self) -> list[OrgSession]:
        return [session for session in self.given if self.org.noted.is_alive(session)]


@dataclass
class ProofScenario:
    """What the browser, and an observer who sees everything, know. ``newest``: whom the last proof named, ``proven_at``: when."""

    direct_org: DirectOrg
    times: ShiftedClock
    person: aiohttp.ClientSession
    truth: Truth
    guest: Guest
    newest: str = ""
    proven_at: float = 0.0

    @property
    def at_org(self) -> str:
        """Who is signed in there."""
        living = self.guest.living()
        return living[-1].user.login if living else ""

    def note_proof(self) -> None:
        """The gateway asked the org a moment ago, and was told who is there."""
        self.newest, self.proven_at = self.at_org, self.times.passed

    async def sign_in(self, login: str) -> None:
        """In another window, at the org itself."""
        await self.end_at_org()
        self.guest.given.append(self.direct_org.signs_in(self.person, login))

    async def end_at_org(self) -> None:
        for session in self.direct_org.org.sessions.active():
            self.direct_org.org.sessions.end(session)

    async def wait(self, seconds: float) -> None:
        self.times.passed += seconds
        self.direct_org.org.clock.advance(seconds)  # with clocks ten minutes apart, no ID token would be believed

    async def visit(self, app: str) -> None:
        """A navigation: where a proof is due it gets a new one."""
        before = self.direct_org.asked("/oauth2/v1/authorize")
        async with self.person.get(f"{app}/", headers={"User-Agent": AGENT}) as response:
            text, is_here = await response.text(), str(response.url).startswith(app)
        if self.direct_org.asked("/oauth2/v1/authorize") != before:
            self.note_proof()
        assert is_here == bool(self.newest), text[:300]
        if is_here:
            self.holds(text)

    async def script(self, app: str) -> None:
        async with self.person.get(f"{app}/", headers=SCRIPT, allow_redirects=False) as response:
            status, text = response.status, await response.text()
        assert status in (200, 401)
        if status == 200:
            self.holds(text)

    async def sign_out(self) -> None:
        had_session = bool(self.newest)
        await signs_out(self.person, self.direct_org)
        if had_session:
            assert self.at_org == "", "the org's session ended too"
            self.newest = ""

    async def switch(self, login: str) -> None:
        """From the portal, by the front-channel switch."""
        status, text = await self.arrives(login)
        assert status == 200, text[:500]
        self.note_proof()
        self.holds(text)

    async def switch_late(self, login: str) -> None:
        """The same, while the org does not carry out the first sign-out: it is asked for another one."""
        status, text = await self.arrives(login, sign_outs_that_fail=1)
        assert status == 200, text[:500]
        self.note_proof()
        self.holds(text)

    async def switch_in_vain(self, login: str) -> None:
        """The same, while the org carries out none: where somebody is signed in, the token stays unspent."""
        was_there = bool(self.at_org)
        status, text = await self.arrives(login, sign_outs_that_fail=MANY)
        self.truth.is_kept()
        assert status == (503 if was_there else 200), text[:500]
        if not was_there:
            self.note_proof()
            self.holds(text)

    async def lure(self, login: str) -> None:
        """A stranger's link, with a token that no portal announced for this browser: the person is asked, and says nothing."""
        before = self.guest.living()
        status, text = await self.arrives(login, is_strange=True)
        for session in before:
            if not self.guest.org.noted.is_alive(session):
                self.truth.stranger_ended(session)
        self.truth.is_kept()
        assert (status, "/.gateway/front-switch" in text) == (200, True), text[:500]

    async def arrives(self, login: str, *, is_strange: bool = False, sign_outs_that_fail: int = 0) -> tuple[int, str]:
        """The page at the end of the portal's address with a new token; a stranger does not know the browser that comes with it."""
        token = self.direct_org.org.session_token(login)
        self.truth.owners[fingerprint(token)] = self.guest
        if is_strange:
            self.truth.strange.add(fingerprint(token))
        announced = {} if is_strange else {"address": "127.0.0.1", "user_agent": AGENT, "login": login}
        url = await self.direct_org.handed_over(token, "/", **announced)
        if sign_outs_that_fail:
            back = {"Location": url.replace("?start=", "?back=")}
            self.direct_org.org.faults.add(Fault(SIGN_OUT, "GET", 302, times=sign_outs_that_fail, headers=back))
        status, _, text = await walked(self.person, url)
        self.direct_org.org.faults.clear()
        self.guest.given.extend(session for session in self.direct_org.org.sessions.active() if session not in self.guest.given)
        return status, text

    async def restart(self) -> None:
        """The memory of this gateway ends with it: every pass needs a new proof."""
        await self.direct_org.end()
        await self.direct_org.begin(self.times.clock)
        self.proven_at = -INTERVAL

    async def ends_well(self) -> None:
        """In fair weather one more sign-in leaves exactly one living session of this browser."""
        status, text = await self.arrives(CAROL)
        self.truth.ended_well(CAROL, status, "".join(named_in(text)), self.guest.living())
        self.truth.is_kept()

    def holds(self, text: str) -> None:
        """A page of the app names the user of the newest proof, and that proof is no older than it may be."""
        is_good = self.times.passed - self.proven_at < INTERVAL + SLOW_SECONDS
        named = named_in(text)
        assert named, text[:500]
        for login in named:
            self.truth.told(login, {self.newest} if is_good else ())
        self.truth.is_kept()


def named_in(text: str) -> set[str]:
    """The users whom a page names."""
    shown = re.sub(r"<[^>]+>", " ", html.unescape(text))
    return {login for login in (ALICE, BOB, CAROL) if login in shown}


LOGINS, APPS = st.sampled_from([ALICE, BOB]), st.sampled_from(["app", "wiki"])
STEPS = st.one_of(
    st.tuples(st.just("sign_in"), LOGINS),
    st.tuples(st.just("switch"), LOGINS),
    st.tuples(st.sampled_from(["lure", "switch_late", "switch_in_vain"]), LOGINS),
    st.tuples(st.just("visit"), APPS),
    st.tuples(st.just("visit"), APPS),
    st.tuples(st.just("script"), APPS),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 100.0, 160.0, 299.0, 301.0])),
    st.tuples(st.sampled_from(["end_at_org", "sign_out", "restart"]), st.none()),
)


@pytest.mark.parametrize("engine", ["classic", "identity"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
async def test_an_app_names_the_user_of_the_newest_proof_and_nobody_else(
    tmp_path: Path, engine: str, steps: list[tuple[str, str | float | None]]
) -> None:
    truth, times = Truth(), ShiftedClock()
    make = partial(WatchedOrg, truth, users=(*ALICE_AND_BOB, User(CAROL, "correct-horse")))
    async with arranged(tmp_path, "identity" if engine == "identity" else "classic", make) as direct_org, direct_org.visitor() as person:
        await direct_org.begin(times.clock)
        assert isinstance(direct_org.org, WatchedOrg)
        day = ProofScenario(direct_org, times, person, truth, Guest(direct_org.org))
        for name, given_ in steps:
            match name, given_:
                case (("visit" | "script"), str(app)):
                    await getattr(day, name)(direct_org.app if app == "app" else direct_org.wiki)
                case _, None:
                    await getattr(day, name)()
                case _:
                    await getattr(day, name)(given_)
        await day.ends_well()
