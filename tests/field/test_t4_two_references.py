"""An authorize link with several pushed requests: any of them may hold a token, and it is unknown which one Okta takes."""

import json

import pytest

from tests.harness.person import ALICE, BOB, FORM_TYPE, HR, LOGIN, Person
from tests.harness.system import System, quoted, system

CLIENT = f"client_id=portal&response_type=code&state=s&redirect_uri={quoted(f'{HR}/back')}"
AUTHORIZE = "/oauth2/v1/authorize"


async def pushed_here(person: Person) -> str:
    """Pushed through the gateway, and known to hold no token."""
    reply = await person.script(f"{LOGIN}/oauth2/v1/par", "POST", CLIENT, FORM_TYPE)
    return quoted(str(json.loads(reply.body)["request_uri"]))


def pushed_elsewhere(place: System) -> str:
    """Pushed by a stranger's server to Okta itself, with a token."""
    token = place.org.session_token(BOB)
    asked = (("client_id", "portal"), ("response_type", "code"), ("redirect_uri", f"{HR}/back"), ("sessionToken", token))
    return quoted(place.org.pushed.issue(asked))


@pytest.mark.parametrize("query", ["request_uri={clean}&request_uri={token}", "request_uri={token}&request_uri={clean}"])
@pytest.mark.parametrize("separator", ["&", "&;", "&x=y;"])
async def test_t4_any_of_two_references_may_redeem_and_is_asked_about(query: str, separator: str) -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        references = query.format(clean=await pushed_here(person), token=pushed_elsewhere(place))
        page = await person.ask(f"{LOGIN}{AUTHORIZE}?client_id=portal{separator}{references}", site="same-site")
        assert page.status == 200
        assert ALICE in page.body
        assert [row for row in place.rows("GET", AUTHORIZE) if "sid" in row.cookie_names] == []
        assert place.live() == [ALICE]
        await person.confirm(page)
        [sent] = place.rows("GET", AUTHORIZE)
        assert not {"sid", "idx"} & set(sent.cookie_names)
        assert ALICE not in place.live()


async def test_t4_two_references_that_are_known_to_be_clean_keep_the_session() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        first, second = await pushed_here(person), await pushed_here(person)
        reply = await person.ask(f"{LOGIN}{AUTHORIZE}?client_id=portal&request_uri={first}&request_uri={second}", site="same-site")
        assert reply.status < 400
        assert place.live() == [ALICE]
        assert await person.named_by_app() == ALICE


@pytest.mark.parametrize("query", ["x;sessionToken={token}", "sessionToken=;sessionToken={token}", "a=b;c&x;sessionToken={token}"])
async def test_t4_a_token_behind_a_semicolon_counts(query: str) -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        await person.ask(f"{LOGIN}{AUTHORIZE}?{CLIENT}&{query.format(token=place.org.session_token(BOB))}", site="same-site")
        [sent] = place.rows("GET", AUTHORIZE)
        assert not {"sid", "idx"} & set(sent.cookie_names)
        assert ALICE not in place.live()
