"""The main promise, checked by a state machine: whatever a user, a second tab, the org and an operator do, in any order.

After every step: no token was sent beside an older session of this browser, or before its end (``system`` checks the org's journal for each
one); and the user that the app was told is the user of that browser's own session. At the end, one more sign-in without failures leaves
exactly that one session.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, Person, PersonReply, redemption
from tests.harness.system import ME, REDIRECT, System, quoted, system

USERS = (ALICE, BOB, CAROL)
STEPS = 22
WEATHER: tuple[dict[str, object], ...] = (
    {"path": ME, "method": "DELETE", "status": 500},
    {"path": ME, "method": "GET", "status": 500},
    {"path": ME, "method": "GET", "status": 429},
    {"path": ME, "status": 0},
    {"path": ME, "status": 0, "after": True},
    {"path": ME, "status": 200, "body": "<html>later</html>"},
    {"path": ME, "method": "DELETE", "status": 404, "body": {"errorCode": "E0000008"}},
    {"path": REDIRECT, "status": 0},
    {"path": REDIRECT, "status": 429},
    {"path": "/login/signout", "status": 0},
)


class Journey:
    """One person's day. ``steps`` says what was done, for whoever reads a failure."""

    def __init__(self, place: System, chance: random.Random) -> None:
        self.place = place
        self.chance = chance
        self.person: Person = place.person()
        self.question: PersonReply | None = None
        self.steps: list[str] = []

    def token(self) -> str:
        return self.place.org.session_token(self.chance.choice(USERS))

    async def enters(self) -> None:
        await self.person.go(redemption(self.token()), site="same-site")

    async def follows_a_link(self) -> None:
        reply = await self.person.go(redemption(self.token()), site="cross-site")
        self.question = reply if 'name="request"' in reply.body and "/.gateway/switch" in reply.body else None

    async def says_yes(self) -> None:
        if self.question is not None:
            await self.person.confirm(self.question)

    async def opens_two_tabs(self) -> None:
        await asyncio.gather(self.enters(), self.enters(), self.opens_the_app())

    async def double_clicks(self) -> None:
        url = redemption(self.token())
        await asyncio.gather(self.person.go(url), self.person.go(url))

    async def is_impatient(self) -> None:
        """Leaves while the org is busy with the token, and enters as somebody else."""
        sent = len(self.place.rows("GET", REDIRECT))
        self.place.fails(REDIRECT, hold=True, after=True)
        first = asyncio.create_task(self.person.ask(redemption(self.token()), site="same-site"))
        arrived = asyncio.create_task(self.place.org.journal.seen("GET", REDIRECT, sent + 1))
        await asyncio.wait({first, arrived}, return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        arrived.cancel()
        await asyncio.gather(first, arrived, return_exceptions=True)
        second = asyncio.create_task(self.enters())
        await self.person.named_by_app()
        self.place.org.faults.clear()
        await second

    async def has_a_tab_of_before(self) -> None:
        """Requests that had left with the cookies of before when the switch came; perhaps one that is sent back and still has them."""
        before = dict(self.person.jar)
        await self.enters()
        await self.person.ask(f"{LOGIN}/app/UserHome", shown=before)
        reply = await self.person.ask(redemption(self.token()), site="same-site", shown=before)
        if reply.status == 307 and self.chance.random() < 0.5 and self.person.shows_a_session(before):
            await self.person.ask(reply.location, site="same-site", shown=before)
        elif reply.location:
            await self.person.go(reply.location)

    async def signs_out_at_the_app(self) -> None:
        await self.person.go(f"{HR}/.gateway/sign-out", site="same-origin", method="POST", body="to=")

    async def signs_out_at_login(self) -> None:
        await self.person.go(f"{LOGIN}/.gateway/sign-out", site="same-origin", method="POST", body="to=")

    async def signs_out_at_okta(self) -> None:
        await self.person.ask(f"{LOGIN}/login/signout?fromURI={quoted(HR)}", site="same-site")

    async def opens_the_app(self) -> None:
        await self.person.go(f"{HR}/", site="none")

    async def weather_turns(self) -> None:
        self.place.fails(**{**self.chance.choice(WEATHER), "times": self.chance.choice((1, 2, None))})  # type: ignore[arg-type]  # path is text

    async def weather_clears(self) -> None:
        self.place.org.faults.clear()

    async def time_passes(self) -> None:
        self.place.later(self.chance.choice((1, 11, 61)))

    async def an_administrator_ends_a_session(self) -> None:
        for session in self.place.org.sessions.active()[:1]:
            self.place.org.sessions.end(session)

    async def gateway_restarts(self) -> None:
        await self.place.restart()

    def next_step(self) -> Callable[[], Awaitable[None]]:
        often = (self.enters, self.enters, self.follows_a_link, self.says_yes, self.opens_the_app, self.opens_two_tabs)
        seldom = (self.double_clicks, self.is_impatient, self.has_a_tab_of_before, self.gateway_restarts, self.time_passes)
        ends = (self.signs_out_at_the_app, self.signs_out_at_login, self.signs_out_at_okta, self.an_administrator_ends_a_session)
        weather = (self.weather_turns, self.weather_clears, self.weather_clears)
        return self.chance.choice((*often, *often, *seldom, *ends, *weather))

    async def goes_on(self) -> None:
        step = self.next_step()
        told = len(self.place.told)
        self.steps.append(getattr(step, "__name__", ""))
        await step()
        self.looks_right(told)

    def looks_right(self, told: int) -> None:
        """What must hold after every step."""
        assert self.place.journal.broken == [], self.steps
        for _, user in self.place.told[told:]:
            assert user in USERS, self.steps

    async def app_and_org_agree(self) -> None:
        """Whoever the app is told is somebody whose session this browser holds, or held and whose end is still being waited for."""
        self.place.later(11)
        named = await self.person.named_by_app()
        own = {s.user.login for s in self.place.org.sessions.active() if {s.sid, s.idx} & self.person.held}
        assert named is None or own == {named}, (self.steps, named, own)

    async def ends_well(self, login: str) -> None:
        self.place.org.faults.clear()
        self.place.later(61)
        reply = await self.place.enter(self.person, login)
        assert (reply.status, reply.body) == (200, f"hello {login}"), self.steps
        own = [s.user.login for s in self.place.org.sessions.active() if {s.sid, s.idx} & self.person.held]
        assert own == [login], self.steps
        self.looks_right(0)


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("seed", range(20))
async def test_no_day_of_a_browser_breaks_the_promise(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    quirks = [quirk for quirk in ("delete-404-leaves-sid", "idx-rotates", "sid-noise") if chance.random() < 0.5]
    async with system(engine, quirks=quirks) as place:
        journey = Journey(place, chance)
        for number in range(STEPS):
            await journey.goes_on()
            if number % 4 == 3:
                await journey.app_and_org_agree()
        await journey.ends_well(chance.choice(USERS))
