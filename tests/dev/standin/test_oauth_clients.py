"""Registered clients: what each may ask for, how it proves itself, and what it is told when it may not."""

import base64
import time
from urllib.parse import quote

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from gateway.dev.standin import Client, Org
from tests.dev.standin.clients import ASKED, BACK, BYE, PAGE, SERVER, VERIFIER, answered, asked, posted, tokens
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter

FAR = int(time.time()) + 90_000
ONLY_BOB = Client("0oaBob", (BACK,), secret="s", only_for=frozenset({BOB}))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"response_type": "cod"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unauthorized_client"),
        ({"state": None}, "invalid_request"),
        ({"scope": "openid payroll:read"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_mode": "carrier-pigeon"}, "invalid_request"),
        ({"prompt": "often"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"client_id": SERVER.id, "response_type": "id_token token"}, "invalid_request"),  # no nonce
    ],
)
async def test_a_request_that_is_wrong_is_told_to_the_client(
    start: Serve, browse: Open, changes: dict[str, str | None], problem: str
) -> None:
    running = await start(Org(clients=(PAGE, SERVER)))
    browser = browse(running)
    enter(running, browser, ALICE)
    token = running.org.session_token(BOB)
    told = answered(await asked(browser, sessionToken=token, **changes))
    assert told["error"] == problem and told["error_description"] and "code" not in told
    assert running.org.session_tokens.meaning(token) is not None  # nothing happened


@pytest.mark.parametrize("changes", [{"client_id": "0oaNobody"}, {"redirect_uri": f"{BACK}/"}, {"redirect_uri": "/callback"}])
async def test_an_unknown_client_or_address_is_never_sent_anything(start: Serve, browse: Open, changes: dict[str, str]) -> None:
    running = await start(Org(clients=(PAGE,), trusted_origins=["https://rp.example.com"]))
    browser = browse(running)
    enter(running, browser, ALICE)
    seen = await asked(browser, **changes)
    assert (seen.status, seen.location) == (400, "")


async def test_a_user_who_is_not_assigned_gets_no_code(start: Serve, browse: Open) -> None:
    running = await start(Org(clients=(ONLY_BOB,)))
    browser = browse(running)
    enter(running, browser, ALICE)
    refused = answered(await asked(browser, client_id=ONLY_BOB.id, scope="openid"))
    assert refused["error"] == "access_denied" and "not assigned" in refused["error_description"]
    enter(running, browser, BOB)
    assert "code" in answered(await asked(browser, client_id=ONLY_BOB.id, scope="openid"))


async def test_a_code_is_its_own_clients_alone(start: Serve, browse: Open) -> None:
    running = await start(Org(clients=(PAGE, SERVER)))
    browser = browse(running)
    enter(running, browser, ALICE)
    code = answered(await asked(browser))["code"]
    stolen = await posted(browser, "token", SERVER, grant_type="authorization_code", code=code, redirect_uri=BACK)
    assert (stolen.status, stolen.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "basic"),
    [({}, None), ({"client_secret": "wrong"}, None), ({"client_id": "0oaNobody"}, None), ({}, "0oaServer:wrong"), ({}, "0oaServer:s3cret")],
)
async def test_a_client_with_a_secret_shows_it(start: Serve, browse: Open, form: dict[str, str], basic: str | None) -> None:
    browser = browse(await start(Org(clients=(PAGE, SERVER))))
    fields = {"Authorization": "Basic " + base64.b64encode(basic.encode()).decode()} if basic else {}
    sent = {"grant_type": "client_credentials", "scope": "openid"} | ({} if basic else {"client_id": SERVER.id}) | form
    seen = await browser.ask("POST", "/oauth2/default/v1/token", fields, form=sent)
    is_proven = basic == "0oaServer:s3cret"
    assert (seen.status, seen.json["error"]) == ((400, "invalid_scope") if is_proven else (401, "invalid_client"))


async def test_a_used_code_ends_what_came_of_it(start: Serve, browse: Open) -> None:
    running = await start(Org(clients=(PAGE,)))
    browser = browse(running)
    enter(running, browser, ALICE)
    code = answered(await asked(browser))["code"]
    form = {"grant_type": "authorization_code", "redirect_uri": BACK}
    wrong = await posted(browser, "token", PAGE, **form, code=code, code_verifier="v" * 43)
    assert wrong.json["error_description"] == "PKCE verification failed."
    given = await tokens(browser)
    assert (await posted(browser, "introspect", token=given["access_token"])).json["active"] is True
    again = answered(await asked(browser))["code"]
    first = (await posted(browser, "token", PAGE, **form, code=again, code_verifier=VERIFIER)).json
    assert (await posted(browser, "token", PAGE, **form, code=again, code_verifier=VERIFIER)).json["error"] == "invalid_grant"
    assert (await posted(browser, "introspect", token=first["access_token"])).json == {"active": False}


async def test_a_password_becomes_tokens_without_a_session(start: Serve, browse: Open) -> None:
    running = await start(Org(clients=(SERVER, PAGE)))
    browser = browse(running)
    form = {"grant_type": "password", "username": ALICE, "password": "correct-horse", "scope": "openid offline_access"}
    given = (await posted(browser, "token", SERVER, **form)).json
    assert {"access_token", "id_token", "refresh_token"} <= set(given) and running.org.sessions.active() == []
    wrong = await posted(browser, "token", SERVER, **form | {"password": "guess"})
    assert (wrong.status, wrong.json["error"]) == (400, "invalid_grant")
    assert (await posted(browser, "token", PAGE, **form)).json["error"] == "unauthorized_client"


async def test_an_org_without_registrations_knows_every_client(start: Serve, browse: Open) -> None:
    running = await start(Org(trusted_origins=["https://rp.example.com"]))
    browser = browse(running)
    enter(running, browser, ALICE)
    assert "code" in answered(await asked(browser, client_id="anything", state=None, code_challenge=None))


async def test_a_client_can_be_registered_while_the_org_runs(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    asks = {"redirect_uris": [BACK], "grant_types": ["authorization_code"], "client_name": "Payroll"}
    assert (await browser.ask("POST", "/oauth2/v1/clients", payload=asks)).json["errorCode"] == "E0000005"
    made = await browser.ask("POST", "/oauth2/v1/clients", {"Authorization": f"SSWS {running.org.api_token}"}, payload=asks)
    assert made.status == 201 and made.json["client_secret"] and made.json["client_name"] == "Payroll"
    enter(running, browser, ALICE)
    assert "code" in answered(await asked(browser, client_id=made.json["client_id"], scope="openid"))
    assert (await browser.ask("POST", "/.standin/clients", payload={"client_id": "0oaNew", "redirect_uris": [BACK]})).status == 204
    assert "code" in answered(await asked(browser, client_id="0oaNew"))
    assert (await browser.ask("POST", "/.standin/clients", payload={"client_id": "0oaNew", "redirect_uris": BACK})).status == 400


async def test_the_sign_out_goes_to_a_registered_place_alone(start: Serve, browse: Open) -> None:
    running = await start(Org(clients=(PAGE,)))
    browser = browse(running)
    enter(running, browser, ALICE)
    hint = (await tokens(browser))["id_token"]
    for target, location in ((BACK, ""), (BYE, BYE)):
        seen = await browser.get(f"/oauth2/default/v1/logout?id_token_hint={hint}&post_logout_redirect_uri={quote(target, safe='')}")
        assert (seen.location, await browser.who()) == (location, None if location else ALICE)


async def test_pushed_parameters_need_the_clients_proof_and_keep_no_secret(start: Serve, browse: Open) -> None:
    running = await start(Org(clients=(SERVER,)))
    browser = browse(running)
    enter(running, browser, ALICE)
    kept = {name: value for name, value in ASKED.items() if name != "client_id"}
    assert (await browser.ask("POST", "/oauth2/default/v1/par", form=kept | {"client_id": SERVER.id})).status == 401
    pushed = await posted(browser, "par", SERVER, **kept)
    assert (pushed.status, pushed.json["expires_in"]) == (201, 3600)
    assert pushed.json["request_uri"].startswith("urn:okta:")
    assert "client_secret" not in dict(running.org.pushed.meaning(pushed.json["request_uri"]) or ())
    seen = await browser.get(f"/oauth2/default/v1/authorize?client_id={SERVER.id}&request_uri={quote(pushed.json['request_uri'])}")
    assert "code" in answered(seen)


class TestOktasOwnApi:
    """Bearer tokens with Okta's scopes, by a service that signs its assertions."""

    key = RSAKey.generate_key(2048)
    service = Client(
        "0oaService",
        public_key=key.as_dict(private=False),
        grant_types=frozenset({"client_credentials"}),
        scopes=frozenset({"okta.sessions.read", "okta.sessions.manage"}),
    )

    def assertion(self, audience: str, **changes: object) -> dict[str, str]:
        claims = {"iss": self.service.id, "sub": self.service.id, "aud": audience, "exp": int(time.time()) + 300, "jti": "one"} | changes
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "RS256"}, claims, self.key),
        }

    @pytest.mark.parametrize(("scope", "read", "end"), [("okta.sessions.read", 200, 403), ("okta.sessions.manage", 200, 204)])
    async def test_a_scope_opens_its_calls(self, start: Serve, browse: Open, scope: str, read: int, end: int) -> None:
        running = await start(Org(clients=(self.service,)))
        browser, session = browse(running), running.org.sign_in(ALICE)
        form = {"grant_type": "client_credentials", "scope": scope} | self.assertion(f"{running.url}/oauth2/v1/token")
        given = await browser.ask("POST", "/oauth2/v1/token", form=form)
        assert given.status == 200 and "id_token" not in given.json and "refresh_token" not in given.json
        assert (await browser.ask("POST", "/oauth2/v1/token", form=form)).status == 401  # an assertion is good once
        bearer = {"Authorization": f"Bearer {given.json['access_token']}"}
        assert (await browser.ask("GET", f"/api/v1/sessions/{session.sid}", bearer)).status == read
        ended = await browser.ask("DELETE", f"/api/v1/sessions/{session.sid}", bearer)
        assert ended.status == end and (end == 204 or 'error="insufficient_scope"' in ended.fields["WWW-Authenticate"])
        assert (await browser.ask("DELETE", f"/api/v1/users/{session.user.id}/sessions", bearer)).status == 403

    @pytest.mark.parametrize("changes", [{"aud": "https://elsewhere.example"}, {"exp": 1}, {"iss": "0oaOther"}, {"exp": FAR}])
    async def test_an_assertion_is_about_this_org_and_short(self, start: Serve, browse: Open, changes: dict[str, object]) -> None:
        running = await start(Org(clients=(self.service,)))
        form = {"grant_type": "client_credentials", "scope": "okta.sessions.read"}
        sent = form | self.assertion(f"{running.url}/oauth2/v1/token", **changes)
        assert (await browse(running).ask("POST", "/oauth2/v1/token", form=sent)).json["error"] == "invalid_client"

    async def test_a_custom_servers_token_opens_nothing_at_okta(self, start: Serve, browse: Open) -> None:
        running = await start(Org(clients=(PAGE,)))
        browser = browse(running)
        enter(running, browser, ALICE)
        running.org.administrators.add(ALICE)
        bearer = {"Authorization": f"Bearer {(await tokens(browser))['access_token']}"}
        seen = await browser.ask("GET", f"/api/v1/users/{ALICE}", bearer)
        assert (seen.status, seen.json["errorCode"]) == (401, "E0000011") and "WWW-Authenticate" in seen.fields
