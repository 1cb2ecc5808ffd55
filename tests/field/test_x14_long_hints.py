"""An OpenID Connect logout with a long ``id_token_hint``: a token with many groups is no attack."""

import pytest
from joserfc import jwt

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, LOGIN
from tests.harness.system import System, system

LOGOUT = "/oauth2/v1/logout"


def hint(place: System, login: str, size: int) -> str:
    claims = {"sub": place.org.known_user(login).id, "groups": ["g" * 97] * (size * 3 // 400)}
    return jwt.encode({"alg": "RS256", "kid": "x"}, claims, place.org.signing_key)


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("size", [9_000, 18_000, 32_000])
async def test_x14_a_posted_hint_of_any_size_that_okta_takes_signs_out(engine: Engine, size: int) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        form = f"id_token_hint={hint(place, ALICE, size)}&state=s"
        assert len(form) > size
        reply = await person.ask(LOGIN + LOGOUT, "POST", site="cross-site", body=form)
        assert reply.status == 302
        assert place.live() == []
        assert await person.named_by_app() is None


async def test_x14_a_posted_hint_for_another_user_signs_nobody_out() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        reply = await person.ask(LOGIN + LOGOUT, "POST", site="cross-site", body=f"id_token_hint={hint(place, BOB, 18_000)}")
        assert reply.status == 302  # Okta saw nobody to sign out
        assert place.live() == [ALICE]
        assert await person.named_by_app() == ALICE
