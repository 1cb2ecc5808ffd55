"""One browser, one user at a time, where the org is not behind the gateway: days of random steps, and what must hold after each.

It stands beside ``test_one_user``, whose days are made of what the login door forwards: tokens in addresses, Okta's cookies, calls that end
sessions. None of that reaches the gateway here, so those days cannot be lived by proofs. What is common to both sources is held by
tests/sessions/test_contract.py.
"""

import html
import re
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journeys.not_in_front import ALICE, BOB, Apart, arranged
from tests.journeys.test_front_switch import AGENT, walked
from tests.journeys.test_not_in_front import SCRIPT, Times, signs_out

CAROL = "carol@example.com"
INTERVAL = 300.0


@dataclass
class Day:
    """What the browser, and an observer who sees everything, know. ``ended``: users whom the gateway was told to end in this browser."""

    apart: Apart
    times: Times
    person: aiohttp.ClientSession
    at_org: str = ""
    proven: dict[str, float] = field(default_factory=dict)
    newest: str = ""

    def note_proof(self) -> None:
        """The gateway asked the org a moment ago, and was told who is there."""
        self.newest = self.at_org
        self.proven = {self.at_org: self.times.passed} if self.at_org else {}

    async def sign_in(self, login: str) -> None:
        """In another window, at the org itself."""
        for session in self.apart.org.sessions.live():
            self.apart.org.sessions.end(session)
        self.apart.signs_in(self.person, login)
        self.at_org = login

    async def end_at_org(self) -> None:
        for session in self.apart.org.sessions.live():
            self.apart.org.sessions.end(session)
        self.at_org = ""

    async def wait(self, seconds: float) -> None:
        self.times.passed += seconds

    async def visit(self, app: str) -> None:
        """A navigation: where a proof is due it gets a new one."""
        before = self.apart.asked("/oauth2/v1/authorize")
        async with self.person.get(f"{app}/", headers={"User-Agent": AGENT}) as response:
            text, is_here = await response.text(), str(response.url).startswith(app)
        if self.apart.asked("/oauth2/v1/authorize") != before:
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
        await signs_out(self.person, self.apart)
        if self.newest:
            self.at_org, self.newest, self.proven = "", "", {}

    async def switch(self, login: str) -> None:
        """From the portal, by the front-channel switch."""
        token = self.apart.org.session_token(login)
        url = await self.apart.handed_over(token, "/", address="127.0.0.1", user_agent=AGENT, login=login)
        status, _, text = await walked(self.person, url)
        assert status == 200, text[:500]
        self.at_org = login
        self.note_proof()
        self.holds(text)

    async def restart(self) -> None:
        """The memory of this gateway ends with it: every pass needs a new proof."""
        await self.apart.end()
        await self.apart.begin(self.times.clock())
        self.proven = {}

    def holds(self, text: str) -> None:
        """A page of the app names the user of the newest proof, and that proof is no older than it may be."""
        shown = re.sub(r"<[^>]+>", " ", html.unescape(text))
        named = {login for login in (ALICE, BOB, CAROL) if login in shown}
        assert named == {self.newest}
        assert self.times.passed - self.proven[self.newest] < INTERVAL + 30.0


LOGINS, APPS = st.sampled_from([ALICE, BOB]), st.sampled_from(["app", "wiki"])
STEPS = st.one_of(
    st.tuples(st.just("sign_in"), LOGINS),
    st.tuples(st.just("switch"), LOGINS),
    st.tuples(st.just("visit"), APPS),
    st.tuples(st.just("visit"), APPS),
    st.tuples(st.just("script"), APPS),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 100.0, 160.0, 299.0, 301.0])),
    st.tuples(st.sampled_from(["end_at_org", "sign_out", "restart"]), st.none()),
)


@pytest.mark.parametrize("engine", ["classic", "identity"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
async def test_an_app_names_the_user_of_the_newest_proof_and_nobody_else(
    tmp_path: Path, engine: str, steps: list[tuple[str, str | float | None]]
) -> None:
    async with arranged(tmp_path, "identity" if engine == "identity" else "classic") as apart, apart.visitor() as person:
        times = Times()
        await apart.begin(times.clock())
        day = Day(apart, times, person)
        for name, given_ in steps:
            match name, given_:
                case (("visit" | "script"), str(app)):
                    await getattr(day, name)(apart.app if app == "app" else apart.wiki)
                case _, None:
                    await getattr(day, name)()
                case _:
                    await getattr(day, name)(given_)
