"""Every place where a token can become a session, over a session of somebody else: the old one ends first, wherever it stands."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, FORM_TYPE, HR, LOGIN, NAVIGATION, SCRIPT, Person, redemption
from tests.harness.system import ME, REDIRECT, System, quoted, system

BACK = quoted(f"{HR}/back")
CLIENT = f"client_id=portal&response_type=code&state=s&redirect_uri={BACK}"


@pytest.fixture(params=["classic", "identity"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    async with system(cast(Engine, request.param)) as made:  # pytest does not say what type a parameter has
        yield made


@dataclass(frozen=True)
class TokenPosition:
    """One place of a token: ``{token}`` stands in target or body."""

    target: str
    body: str = ""
    status: int = 302
    is_state: bool = False

    def token(self, place: System, login: str) -> str:
        return place.org.state_tokens.issue(place.org.known_user(login)) if self.is_state else place.org.session_token(login)

    def __str__(self) -> str:
        return f"{'POST' if self.body else 'GET'} {self.target.partition('?')[0]} {self.body[:12] or self.target.partition('?')[2][:12]}"


PLACES = (
    TokenPosition(f"/login/sessionCookieRedirect?checkAccountSetupComplete=true&token={{token}}&redirectUrl={BACK}"),
    TokenPosition("/login/sessionCookieRedirect", f"token={{token}}&redirectUrl={BACK}&repost=true"),
    TokenPosition(f"/login//x/../%73essionCookieRedirect;v=1?%74oken={{token}}&redirectUrl={BACK}"),
    TokenPosition("/app/template_saml/k1/link?sessionToken={token}", status=200),
    TokenPosition("/app/template_saml/k1/link?onetimetoken={token}", status=200),
    TokenPosition("/home/oidc_client/k1/1?sessionToken={token}", status=200),
    TokenPosition("/app/template_saml/k1/sso/saml", "SAMLRequest=abc&sessionToken={token}", status=200),
    TokenPosition("/app/template_wsfed/k1/sso/wsfed/passive?wa=wsignin1.0&sessionToken={token}", status=200),
    TokenPosition(f"/oauth2/v1/authorize?{CLIENT}&sessionToken={{token}}"),
    TokenPosition(f"/oauth2/default/v1/authorize?{CLIENT}&prompt=none&sessionToken={{token}}"),
    TokenPosition("/oauth2/v1/authorize", f"{CLIENT}&sessionToken={{token}}"),
    TokenPosition("/login/token/redirect?stateToken={token}", is_state=True),
    TokenPosition("/idp/idx/login/token/redirect?stateToken={token}", is_state=True),
    TokenPosition("/login/step-up/redirect?stateToken={token}", is_state=True),
    TokenPosition("/app/UserHome?stateToken={token}", status=200, is_state=True),
)


async def send(person: Person, place: TokenPosition, token: str, site: str = "same-site") -> int:
    body = place.body.format(token=token) if place.body else ""
    url = LOGIN + place.target.format(token=token)
    reply = await person.ask(url, "POST" if body else "GET", site=site, body=body)
    return reply.status


@pytest.mark.parametrize("one", PLACES, ids=str)
async def test_the_old_session_ends_before_the_token_is_sent(place: System, one: TokenPosition) -> None:
    person = await place.entered(ALICE)
    alice, token = place.session(ALICE), one.token(place, BOB)
    old = {alice.sid, alice.idx} - {None}
    assert await send(person, one, token) == one.status
    assert place.live() == [BOB]
    [sent] = place.sent(token)
    assert not {"sid", "idx", "xids", "myr"} & set(sent.cookie_names)
    assert "DT" in sent.cookie_names
    proofs = [row for row in place.rows("GET", ME) if row.n < sent.n and row.status == 404]
    assert len(proofs) == len(old)
    assert [row.n < sent.n for row in place.rows("DELETE", ME)] == [True]
    assert person.cookie("sid") == place.session(BOB).sid
    assert person.cookie("idx") == place.session(BOB).idx


@pytest.mark.parametrize("one", PLACES, ids=str)
async def test_a_link_of_another_site_ends_nobodys_session(place: System, one: TokenPosition) -> None:
    person = await place.entered(ALICE)
    token = one.token(place, BOB)
    assert await send(person, one, token, "cross-site") == 200
    assert place.live() == [ALICE]
    assert place.sent(token) == []
    assert place.rows("DELETE", ME) == []
    assert await person.named_by_app() == ALICE


@pytest.mark.parametrize("one", PLACES, ids=str)
async def test_without_a_session_the_token_goes_at_once(place: System, one: TokenPosition) -> None:
    person, token = place.person(), one.token(place, BOB)
    assert await send(person, one, token) == one.status
    assert place.live() == [BOB]
    assert [row.token for row in place.org.journal.rows] == [place.sent(token)[0].token, None]  # then it is asked whose session it is


@pytest.mark.parametrize("one", PLACES, ids=str)
async def test_without_a_session_a_link_of_another_site_is_asked_about(place: System, one: TokenPosition) -> None:
    person, token = place.person(), one.token(place, BOB)
    assert await send(person, one, token, "cross-site") == 200
    assert place.live() == [] and place.org.journal.rows == []


async def test_a_link_of_another_site_redeems_without_a_session_where_the_operator_says_so() -> None:
    async with system(switch='without_session = "redeem"') as place:
        person, token = place.person(), place.org.session_token(BOB)
        assert (await person.ask(redemption(token), site="cross-site")).status == 302
        assert place.live() == [BOB]


async def test_a_script_redeems_nothing_wherever_it_comes_from(place: System) -> None:
    person = await place.entered(ALICE)
    token = place.org.session_token(BOB)
    for site in ("same-origin", "same-site", "cross-site"):
        for url, body, kind in (
            (redemption(token), "", ""),
            (f"{LOGIN}/api/v1/sessions", json.dumps({"sessionToken": token}), "application/json"),
            (f"{LOGIN}/oauth2/v1/par", f"{CLIENT}&sessionToken={token}", FORM_TYPE),
        ):
            reply = await person.ask(url, "POST" if body else "GET", fields=SCRIPT, site=site, body=body, content_type=kind)
            assert reply.status == 403 and json.loads(reply.body)["errorCode"] == "E0000006"
    assert place.sent(token) == [] and place.live() == [ALICE]


async def test_a_prefetch_and_a_head_redeem_nothing(place: System) -> None:
    person = await place.entered(ALICE)
    token = place.org.session_token(BOB)
    url = f"{LOGIN}{REDIRECT}?token={token}&redirectUrl={BACK}"
    for purpose in ({"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        assert (await person.ask(url, site="same-site", fields={**NAVIGATION, **purpose})).status == 503
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
        reply = await person.ask(url, method, site="same-site")
        assert (reply.status, reply.values("Allow")) == (405, ["GET, POST"])
    assert place.sent(token) == []
    assert place.live() == [ALICE]


async def test_a_body_that_is_too_large_to_look_through_is_refused(place: System) -> None:
    person = await place.entered(ALICE)
    reply = await person.ask(f"{LOGIN}/app/x/y/sso/saml", "POST", site="same-site", body="SAMLRequest=" + "a" * 300_000)
    assert reply.status == 413
    assert place.rows("POST", "/app/x/y/sso/saml") == []
    assert place.live() == [ALICE]


async def test_a_saml_request_without_a_token_is_forwarded_with_its_session(place: System) -> None:
    person = await place.entered(ALICE)
    body = "SAMLRequest=" + "a" * 100_000
    reply = await person.ask(f"{LOGIN}/app/x/y/sso/saml", "POST", site="cross-site", body=body)
    assert reply.status == 200
    assert ALICE in reply.body
    assert place.live() == [ALICE]


class TestPushed:
    """Pushed authorization requests: a token pushed before hides behind a ``request_uri``."""

    async def push(self, person: Person, *more: str) -> str:
        """As a portal's server does it: no cookies, no Fetch Metadata."""
        server = Person(person.client, person.port, agent="portal/1")
        fields = {"Accept": "application/json"}
        reply = await server.ask(f"{LOGIN}/oauth2/v1/par", "POST", fields=fields, site="", body="&".join((CLIENT, *more)))
        assert reply.status == 201
        return str(json.loads(reply.body)["request_uri"])

    async def test_a_token_that_was_pushed_ends_the_old_session_when_it_is_used(self, place: System) -> None:
        person = await place.entered(ALICE)
        reference = await self.push(person, f"sessionToken={place.org.session_token(BOB)}")
        assert place.live() == [ALICE]
        authorize = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&request_uri={quoted(reference)}"
        assert (await person.ask(authorize, site="same-site")).location.startswith(f"{HR}/back?code=")
        assert place.live() == [BOB]

    async def test_a_known_reference_with_a_token_redeems_over_a_session_that_came_meanwhile(self, place: System) -> None:
        reference = await self.push(place.person(), f"sessionToken={place.org.session_token(BOB)}")
        place.people.clear()
        person = await place.entered(ALICE)
        authorize = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&request_uri={quoted(reference)}"
        assert (await person.ask(authorize, site="same-site")).location.startswith(f"{HR}/back?code=")
        assert place.live() == [BOB]
        again = await person.ask(authorize, site="same-site")
        assert place.live() == [BOB]
        assert again.location.startswith(f"{HR}/back?code=")

    async def test_t3_a_reference_that_a_strangers_link_brought_is_asked_about_wherever_it_comes_from_next(self, place: System) -> None:
        reference = await self.push(place.person(), f"sessionToken={place.org.session_token(BOB)}")
        place.people.clear()
        person = await place.entered(ALICE)
        authorize = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&request_uri={quoted(reference)}"
        for site in ("cross-site", "same-site", "same-origin"):
            page = await person.ask(authorize, site=site)
            assert (page.status, ALICE in page.body) == (200, True)
        assert place.live() == [ALICE]
        answer = await person.ask(f"{LOGIN}/.gateway/switch", "POST", site="same-origin", body=f"request={quoted(page.sealed)}")
        assert answer.leads_to.startswith(f"{HR}/back?code=")
        assert place.live() == [BOB]

    async def test_a_reference_known_to_be_clean_keeps_the_session(self, place: System) -> None:
        person = await place.entered(ALICE)
        reference = await self.push(person)
        authorize = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&request_uri={quoted(reference)}"
        assert (await person.ask(authorize, site="same-site")).location.startswith(f"{HR}/back?code=")
        assert place.live() == [ALICE]
        assert await person.named_by_app() == ALICE

    async def test_an_unknown_reference_counts_as_a_token(self, place: System) -> None:
        person = await place.entered(ALICE)
        token = place.org.session_token(BOB)
        asked = (("client_id", "portal"), ("response_type", "code"), ("redirect_uri", f"{HR}/back"), ("sessionToken", token))
        authorize = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&request_uri={quoted(place.org.pushed.issue(asked))}"
        assert (await person.ask(authorize, site="same-site")).location.startswith(f"{HR}/back?code=")
        assert place.live() == [BOB]

    async def test_an_unknown_reference_is_forwarded_where_the_operator_says_so(self) -> None:
        async with system(switch='unknown_request_uri = "forward"') as place:
            person = await place.entered(ALICE)
            asked = (("client_id", "portal"), ("response_type", "code"), ("redirect_uri", f"{HR}/back"))
            authorize = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&request_uri={quoted(place.org.pushed.issue(asked))}"
            assert (await person.ask(authorize, site="same-site")).location.startswith(f"{HR}/back?code=")
            assert place.live() == [ALICE]

    async def test_a_double_click_on_a_reference_leaves_the_browser_signed_in(self, place: System) -> None:
        """The second request was on its way with alice's cookies when the first one switched."""
        reference = await self.push(place.person(), f"sessionToken={place.org.session_token(BOB)}")
        place.people.clear()
        person = await place.entered(ALICE)
        authorize = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&request_uri={quoted(reference)}"
        before = dict(person.jar)
        await person.ask(authorize, site="same-site")
        switched, person.jar = dict(person.jar), before
        second = await person.ask(authorize, site="same-site")
        assert second.status == 307
        person.jar = switched
        assert (await person.ask(second.location, site="same-site")).location.startswith(f"{HR}/back?code=")
        assert place.live() == [BOB]
        assert person.cookie("sid") == place.session(BOB).sid
