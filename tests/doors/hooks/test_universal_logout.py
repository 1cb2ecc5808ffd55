"""Universal Logout: who may call it, whom it ends, and what it is answered."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from gateway.doors.hooks import UNIVERSAL_LOGOUT_PATH
from gateway.doors.hooks.org_keys import LEAST_SECONDS
from gateway.doors.hooks.outcomes import BAD_SECRETS_PER_MINUTE
from tests.doors.hooks.hooked import Hooked, email, hooked
from tests.doors.hooks.test_event_hook import ALICE, BOB, seen

KEYS = "/oauth2/v1/keys"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Hooked]:
    async with hooked(tmp_path, ttl_with_hook="0s") as made:
        yield made


def own_key() -> RSAKey:
    """A key that the org has never seen."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "mine"})


@pytest.mark.parametrize("form", ["email", "iss_sub"])
async def test_a_user_is_ended_in_both_gateways_and_nobody_else(there: Hooked, form: str) -> None:
    alice, bob = await there.town.entered(ALICE), await there.town.entered(BOB)
    user = there.town.org.known_user(ALICE)
    for port in there.ports:
        assert await seen(there, alice, port) == f"hello {ALICE}"
    there.town.later(5)
    subject: dict[str, Any] = email(ALICE.upper()) if form == "email" else {"format": form, "iss": there.town.running.url, "sub": user.id}
    assert await there.log_out(subject) == (204, "")
    for port in there.ports:
        assert await seen(there, alice, port) == ""
        assert await seen(there, bob, port) == f"hello {BOB}"
    assert '"universal_logout"' in there.town.written.getvalue()


async def test_who_signs_in_after_the_call_is_let_in(there: Hooked) -> None:
    await there.town.entered(ALICE)
    assert (await there.log_out(email(ALICE)))[0] == 204
    there.town.later(5)
    again = await there.town.entered(ALICE)
    for port in there.ports:
        assert await seen(there, again, port) == f"hello {ALICE}"


async def test_a_token_is_good_once(there: Hooked) -> None:
    await there.town.entered(ALICE)
    token = there.token()
    assert (await there.log_out(email(ALICE), token))[0] == 204
    for port in there.ports:
        assert await there.log_out(email(ALICE), token, port) == (401, "token_repeated")


async def test_what_is_not_okta_s_is_refused_and_ends_nobody(there: Hooked) -> None:
    alice = await there.town.entered(ALICE)
    key = own_key()
    forged = there.token(key, {"kid": there.town.org.signing_key.kid})
    for token, word in (
        ("", "no_token"),
        ("x", "token"),
        ("a.b.c", "token"),
        (forged, "token"),
        (there.token(header={"typ": "JWT"}), "token"),
        (there.token(aud="https://elsewhere.example.com"), "token"),
        (there.token(iss="https://other.okta.com"), "token"),
        (there.token(exp=int(there.town.org.clock.now()) - 61), "expired"),
    ):
        assert await there.log_out(email(ALICE), token) == (401, word)
    assert await there.log_out(email(ALICE), there.token(sub="0oaother")) == (403, "app_not_allowed")
    there.town.later(5)
    assert await seen(there, alice, there.ports[0]) == f"hello {ALICE}"


async def test_the_keys_are_asked_for_once_however_many_tokens_name_strange_ones(there: Hooked) -> None:
    for _ in range(BAD_SECRETS_PER_MINUTE + 3):
        status, _ = await there.log_out(email(ALICE), there.token(own_key()))
    assert status == 429
    assert len(there.town.rows("GET", KEYS)) == 1


async def test_a_key_that_the_org_has_changed_is_fetched(there: Hooked) -> None:
    await there.town.entered(ALICE)
    assert (await there.log_out(email(ALICE)))[0] == 204
    there.town.org.rotate_signing_key()
    assert (await there.log_out(email(ALICE)))[0] == 401
    there.town.later(LEAST_SECONDS)
    assert (await there.log_out(email(ALICE)))[0] == 204
    assert len(there.town.rows("GET", KEYS)) == 2


async def test_requests_that_cannot_be_carried_out(there: Hooked) -> None:
    assert await there.log_out({"format": "opaque", "id": "x"}) == (400, "subject_format")
    assert await there.log_out(email("nobody@example.com"), there.token(jti="2")) == (404, "unknown_user")
    foreign = {"format": "iss_sub", "iss": "https://other.okta.com", "sub": "x"}
    assert await there.log_out(foreign, there.token(jti="3")) == (404, "another_issuer")
    large = {"format": "email", "email": "x" * 20_000}
    assert await there.log_out(large, there.token(jti="4")) == (413, "body_too_large")
    assert (await there.call(UNIVERSAL_LOGOUT_PATH, "GET"))[0] == 405


async def test_while_the_org_does_not_give_its_keys_nobody_is_believed(there: Hooked) -> None:
    there.town.fails(KEYS, status=500, times=None)
    assert await there.log_out(email(ALICE)) == (503, "nonsense")
