"""Apps before an org that browsers reach by themselves: who is signed in is proven by OpenID Connect."""

from tests.journeys.not_in_front import ALICE, Apart, apart, engine

__all__ = ["apart", "engine"]


async def test_a_session_of_the_org_opens_the_app_without_a_question(apart: Apart) -> None:
    await apart.begin()
    session = apart.org.sign_in(ALICE)
    async with apart.visitor() as alice:
        alice.cookie_jar.update_cookies({"sid": session.sid or ""}, response_url=__import__("yarl").URL(apart.running.url))
        async with alice.get(f"{apart.app}/") as response:
            text = await response.text()
            print(response.status, response.url, [str(h.url) for h in response.history], text[:600])
        assert ALICE in text
