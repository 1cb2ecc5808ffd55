"""Universal Logout: who may call it, whom it ends, and what it is answered."""

import base64
import hmac
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from gateway.dev.standin import User
from gateway.doors.hooks.hook_replies import BAD_SECRETS_PER_MINUTE
from gateway.doors.hooks.org_keys import LEAST_SECONDS
from gateway.doors.hooks.universal_logout import UNIVERSAL_LOGOUT_PATH
from gateway.policy.hooks.universal_logout import TOKEN_TYPE
from tests.doors.hooks.two_gateways import LOGOUT, TwoGateways, email, two_gateways, unwritable
from tests.harness.person import ALICE, BOB
from tests.harness.redis_servers import RedisProcess, needs_redis

KEYS = "/oauth2/v1/keys"


@cache
def own_key() -> RSAKey:
    """A key that the org has never seen."""
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "mine"})


@pytest.mark.parametrize("form", ["email", "iss_sub"])
async def test_a_user_is_ended_in_both_gateways_and_nobody_else(there: TwoGateways, form: str) -> None:
    alice, bob = await there.system.entered(ALICE), await there.system.entered(BOB)
    user = there.system.org.known_user(ALICE)
    for port in there.ports:
        assert await there.seen(alice, port) == f"hello {ALICE}"
    there.system.later(5)
    subject: dict[str, Any] = email(ALICE.upper()) if form == "email" else {"format": form, "iss": there.system.running.url, "sub": user.id}
    assert await there.log_out(subject) == (204, "")
    await there.refused(alice)
    for port in there.ports:
        assert await there.seen(bob, port) == f"hello {BOB}"
    assert '"universal_logout"' in there.system.written.getvalue()


async def test_who_signs_in_after_the_call_is_let_in(there: TwoGateways) -> None:
    await there.system.entered(ALICE)
    assert (await there.log_out(email(ALICE)))[0] == 204
    there.system.later(5)
    again = await there.system.entered(ALICE)
    for port in there.ports:
        assert await there.seen(again, port) == f"hello {ALICE}"


async def test_a_token_is_good_once(there: TwoGateways) -> None:
    await there.system.entered(ALICE)
    token = there.token()
    assert (await there.log_out(email(ALICE), token))[0] == 204
    for port in there.ports:
        assert await there.log_out(email(ALICE), token, port) == (401, "token_repeated")


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def by_hand(there: TwoGateways, header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A token with Okta's claims that is signed so."""
    said = there.token().split(".")[1]
    head = encoded(json.dumps({"typ": TOKEN_TYPE, "kid": there.system.org.signing_key.kid} | header).encode())
    return f"{head}.{said}.{encoded(sign(f'{head}.{said}'.encode()))}"


def with_public_key(there: TwoGateways, content: bytes) -> bytes:
    """What a careless reader takes for a signature: it hands the org's public key to HMAC."""
    return hmac.digest(there.system.org.signing_key.as_pem(private=False), content, "sha256")


NOT_OKTA_S: dict[str, tuple[str, Callable[[TwoGateways, int], str]]] = {
    "none": ("no_token", lambda there, now: ""),
    "no token": ("token", lambda there, now: "x"),
    "three parts of nothing": ("token", lambda there, now: "a.b.c"),
    "an unknown key": ("token", lambda there, now: there.token(own_key())),
    "another key under the org's name": (
        "token",
        lambda there, now: there.token(own_key(), {"kid": there.system.org.signing_key.kid}),
    ),
    "alg none": ("token", lambda there, now: by_hand(there, {"alg": "none"}, lambda content: b"")),
    "HS256 with the public key": ("token", lambda there, now: by_hand(there, {"alg": "HS256"}, partial(with_public_key, there))),
    "RS256 with an HMAC": ("token", lambda there, now: by_hand(there, {"alg": "RS256"}, partial(with_public_key, there))),
    "another alg": ("token", lambda there, now: by_hand(there, {"alg": "RS512"}, partial(with_public_key, there))),
    "another typ": ("token", lambda there, now: there.token(header={"typ": "JWT"})),
    "another aud": ("token", lambda there, now: there.token(aud="https://elsewhere.example.com")),
    "the aud of the event hook": ("token", lambda there, now: there.token(aud=LOGOUT.replace("universal-logout", "okta"))),
    "another iss": ("token", lambda there, now: there.token(iss="https://other.okta.com")),
    "expired": ("expired", lambda there, now: there.token(exp=now - 61)),
    "old, whatever it says": ("expired", lambda there, now: there.token(iat=now - 700, exp=now + 10**6)),
    "not yet": ("not_yet_valid", lambda there, now: there.token(nbf=now + 61)),
    "no times": ("times_missing", lambda there, now: there.token(iat=None)),
    "no jti": ("jti_missing", lambda there, now: there.token(jti="")),
}


async def test_what_is_not_okta_s_is_refused_and_ends_nobody(there: TwoGateways) -> None:
    alice = await there.system.entered(ALICE)
    for what, (word, token) in NOT_OKTA_S.items():
        there.system.later(61)  # ten a minute of one client are told why
        refused = await there.log_out(email(ALICE), token(there, int(there.system.times.wall)))
        assert (what, refused) == (what, (401, word))
    assert await there.log_out(email(ALICE), there.token(sub="0oaother")) == (403, "app_not_allowed")
    for port in there.ports:
        assert await there.seen(alice, port) == f"hello {ALICE}"
    assert await there.log_out(email(ALICE)) == (204, "")
    await there.refused(alice)


async def test_a_token_is_shown_as_bearer_and_in_no_other_place(there: TwoGateways) -> None:
    await there.system.entered(ALICE)
    body = json.dumps({"sub_id": email(ALICE)}).encode()

    async def shown(query: str = "", **fields: str) -> int:
        return (await there.call(UNIVERSAL_LOGOUT_PATH + query, body=body, fields=fields))[0]

    assert [await shown(), await shown(Authorization=f"Basic {there.token()}"), await shown(Authorization=there.token())] == [401] * 3
    assert [await shown(f"?access_token={there.token()}"), await shown(Cookie=f"token={there.token()}")] == [401] * 2
    assert await shown(Authorization=f"bearer {there.token()}") == 204


async def test_the_keys_are_asked_for_once_however_many_tokens_name_strange_ones(there: TwoGateways) -> None:
    for _ in range(BAD_SECRETS_PER_MINUTE + 3):
        status, _ = await there.log_out(email(ALICE), there.token(own_key()))
    assert status == 429
    assert len(there.system.rows("GET", KEYS)) == 1


async def test_a_key_that_the_org_has_changed_is_fetched(there: TwoGateways) -> None:
    await there.system.entered(ALICE)
    assert (await there.log_out(email(ALICE)))[0] == 204
    there.system.org.rotate_signing_key()
    assert (await there.log_out(email(ALICE)))[0] == 401
    there.system.later(LEAST_SECONDS)
    assert (await there.log_out(email(ALICE)))[0] == 204
    assert len(there.system.rows("GET", KEYS)) == 2


async def test_requests_that_cannot_be_carried_out(there: TwoGateways) -> None:
    alice = await there.system.entered(ALICE)
    foreign = {"format": "iss_sub", "iss": "https://other.okta.com", "sub": there.system.org.known_user(ALICE).id}
    for number, (subject, answer) in enumerate(
        [
            (None, (400, "no_subject")),
            (ALICE, (400, "no_subject")),
            ({}, (400, "subject_format")),
            ({"format": "opaque", "id": there.system.org.known_user(ALICE).id}, (400, "subject_format")),
            ({"format": "email"}, (400, "incomplete_subject")),
            ({"format": "email", "email": ["x@y"]}, (400, "incomplete_subject")),
            ({"format": "iss_sub", "sub": "x"}, (400, "incomplete_subject")),
            (email("x" * 20_000), (413, "body_too_large")),
            (foreign, (404, "another_issuer")),
            (email("nobody@example.com"), (404, "unknown_user")),
        ]
    ):
        assert await there.log_out(subject, there.token(jti=f"{number}")) == answer
    assert (await there.call(UNIVERSAL_LOGOUT_PATH, "GET"))[0] == 405
    for port in there.ports:
        assert await there.seen(alice, port) == f"hello {ALICE}"


async def test_a_token_of_a_request_that_was_not_understood_is_still_good(there: TwoGateways) -> None:
    await there.system.entered(ALICE)
    token = there.token()
    assert await there.log_out({"format": "opaque"}, token) == (400, "subject_format")
    assert await there.log_out(email(ALICE), token) == (204, "")
    assert await there.log_out(email(BOB), token) == (401, "token_repeated")


async def test_a_token_that_is_shown_again_ends_nobody_else(there: TwoGateways) -> None:
    await there.system.entered(ALICE)
    bob, token = await there.system.entered(BOB), there.token()
    there.system.later(5)
    assert await there.log_out(email(ALICE), token) == (204, "")
    for port in there.ports:
        assert await there.log_out(email(BOB), token, port) == (401, "token_repeated")
        assert await there.seen(bob, port) == f"hello {BOB}"


@pytest.mark.parametrize("said", ["müller@example.com", "MÜLLER@EXAMPLE.COM", "Mu\u0308ller@example.com"])
async def test_a_login_is_found_in_any_case_and_any_composition_of_its_letters(there: TwoGateways, said: str) -> None:
    there.system.org.users += (User("Müller@example.com", "correct-horse"),)
    person = there.system.person()
    assert (await there.system.enter(person, "Müller@example.com")).status == 200
    there.system.later(5)
    assert await there.log_out(email(said)) == (204, "")
    await there.refused(person)


async def test_422_where_not_every_process_can_be_told_and_it_is_ended_here_all_the_same(tmp_path: Path) -> None:
    async with two_gateways(tmp_path, "sqlite") as there:
        alice, token = await there.system.entered(ALICE), there.token()
        there.system.later(5)
        with unwritable(tmp_path):
            assert await there.log_out(email(ALICE), token) == (422, "state_failed")
            assert await there.seen(alice, there.ports[0]) == ""
            assert '"universal_logout_failed"' in there.system.written.getvalue()
        assert await there.log_out(email(ALICE), token) == (204, "")
        await there.refused(alice)


@needs_redis
async def test_422_while_redis_is_away_and_the_others_hear_of_it_when_it_is_back(tmp_path: Path) -> None:
    server = RedisProcess(tmp_path / "redis")
    async with two_gateways(tmp_path, "redis", redis=server) as there:
        alice = await there.system.entered(ALICE)
        for port in there.ports:
            assert await there.seen(alice, port) == f"hello {ALICE}"
        assert (await there.log_out(email(BOB)))[0] == 404  # so the org's keys are known
        there.system.later(5)
        server.kill()
        assert await there.log_out(email(ALICE), there.token(jti="away")) == (422, "state_failed")
        assert await there.seen(alice, there.ports[0]) == ""
        server.start()
        async with there.ticking():
            await there.refused(alice)


async def test_while_the_org_does_not_give_its_keys_nobody_is_believed(there: TwoGateways) -> None:
    there.system.fails(KEYS, status=500, times=None)
    assert await there.log_out(email(ALICE)) == (503, "nonsense")
