"""Where people fail: Okta's own status and code, a cause that helps, a log event, a metric; a page for a browser. Seeds 0, 2, 3."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import pytest

from gateway.dev.standin import Engine
from tests.harness.demonstration import Stage
from tests.harness.gateway import each
from tests.harness.person import ALICE, BOB, HR, LOGIN, Person, PersonReply
from tests.harness.system import ME, REDIRECT, System, system
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.node import Node

CREATE = f"{LOGIN}/api/v1/sessions"
LINK = "/home/acme_payroll/0oaPayroll/aln1"


def cause(reply: PersonReply) -> str:
    return str(reply.json["errorCauses"][-1]["errorSummary"])


def told(place: System, event: str) -> bool:
    """One line in the log, and the same count in the metrics."""
    lines = [json.loads(line)["event"] for line in place.written.getvalue().splitlines()]
    assert place.gateway is not None
    counted = f'session_gateway_events_total{{event="{event}"}} 1.0'
    return lines.count(event) == 1 and any(counted in gateway.metrics.exposition().decode() for gateway in each(place.gateway))


def sealed_in(reply: PersonReply, token: str) -> bool:
    return token not in reply.body and token not in "".join(value for _, value in reply.fields)


@pytest.mark.parametrize(("method", "path"), [("GET", ME), ("DELETE", ME), ("POST", f"{ME}/lifecycle/refresh")])
@EACH_ENGINE
async def test_s5_a_server_without_a_cookie_is_told_that_sessions_live_in_browsers_by_raw_http(
    engine: Engine, method: str, path: str
) -> None:
    async with system(engine) as place:
        await place.entered(ALICE)
        reply = await place.person().ask(LOGIN + path, method, fields={"Accept-Encoding": "gzip"}, site="")
        assert (reply.status, reply.json["errorCode"]) == (404, "E0000007")
        assert "a server cannot read or end it" in cause(reply) and told(place, "advised_server_without_cookie")
        assert place.live() == [ALICE]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@EACH_ENGINE
async def test_s6_a_page_of_another_site_without_cookies_is_told_so_by_raw_http(engine: Engine, method: str) -> None:
    async with system(engine) as place:
        await place.entered(ALICE)
        fields = {"Origin": "https://evil.example.net", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        reply = await place.person().ask(LOGIN + ME, method, fields=fields, site="cross-site")
        assert (reply.status, reply.json["errorCode"]) == (404, "E0000007")
        assert "third-party cookies" in cause(reply) and told(place, "advised_other_site_without_cookie")
        assert reply.values("Access-Control-Allow-Origin") == ["https://evil.example.net"], "the page can read it"


async def test_s6_a_silent_request_without_cookies_is_counted_by_raw_http() -> None:
    async with system() as place:
        asked = {"client_id": "c", "response_type": "code", "scope": "openid", "redirect_uri": f"{HR}/cb", "state": "s", "prompt": "none"}
        fields = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
        reply = await place.person().ask(f"{LOGIN}/oauth2/v1/authorize?{urlencode(asked)}", fields=fields, site="cross-site")
        assert "error=login_required" in reply.location and told(place, "silent_request_without_cookie")


async def bad_token(place: System, kind: str) -> str:
    token = place.org.session_token(BOB)
    match kind:
        case "expired":
            place.later(301)
        case "forged":
            return "20111" + "x" * 32
        case "truncated":
            return token[:-3]
        case "used":
            place.org.session_tokens.spend(token)
        case _:
            return "20111" + "of-another-org-" * 2
    return token


FLOWS: Mapping[str, Callable[[str], str]] = {
    "sessionCookieRedirect": lambda token: f"{REDIRECT}?{urlencode({'token': token, 'redirectUrl': HR + '/'})}",
    "embed_link": lambda token: f"{LINK}?sessionToken={token}",
}


@pytest.mark.parametrize("flow", sorted(FLOWS))
@pytest.mark.parametrize("kind", ["expired", "forged", "truncated", "used", "foreign"])
@EACH_ENGINE
async def test_s25_a_bad_token_over_alice_ends_at_a_page_that_explains_by_raw_http(engine: Engine, kind: str, flow: str) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        token = await bad_token(place, kind)
        reply = await person.ask(LOGIN + FLOWS[flow](token))
        assert reply.status == 403 and "does not work any more" in reply.body and told(place, "advised_token_refused")
        assert "/login/login.htm?fromURI=" in reply.body and sealed_in(reply, token) and place.live() == []
        assert await person.named_by_app() is None


@EACH_ENGINE
async def test_s25_the_page_stands_behind_the_question_too_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        page = await person.ask(LOGIN + FLOWS["embed_link"]("20111forged"), site="cross-site")
        reply = await person.confirm(page)
        assert reply.status == 403 and "does not work any more" in reply.body


@EACH_ENGINE
async def test_s25_where_the_org_shows_its_page_at_the_address_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.signs_in_at_the_address = True
        person = await place.entered(ALICE)
        reply = await person.ask(LOGIN + FLOWS["embed_link"]("20111forged"))
        assert reply.status == 403 and f'href="{LOGIN}{LINK}"' in reply.body, "the same address without its token"


@pytest.mark.parametrize("kind", ["expired", "forged", "used"])
@EACH_ENGINE
async def test_s25_a_program_with_a_bad_token_reads_why_by_raw_http(engine: Engine, kind: str) -> None:
    async with system(engine) as place:
        body = json.dumps({"sessionToken": await bad_token(place, kind)})
        fields = {"Accept-Encoding": "gzip"}
        reply = await place.person().ask(CREATE, "POST", fields=fields, site="", body=body, content_type="application/json")
        assert (reply.status, reply.json["errorCode"]) == (401, "E0000004") and told(place, "advised_token_refused")
        assert "older than five minutes" in cause(reply)


async def created(place: System, token: str) -> PersonReply:
    body = json.dumps({"sessionToken": token})
    program = Person(place.client, lambda: place.port)  # no browser: nothing of its session can be in one
    return await program.ask(CREATE, "POST", fields={}, site="", body=body, content_type="application/json")


@EACH_ENGINE
async def test_s24_a_program_that_uses_a_token_twice_gets_okta_s_own_answer_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        token = place.org.session_token(ALICE)
        assert (await created(place, token)).status == 200
        reply = await created(place, token)
        assert (reply.status, reply.json["errorCode"]) == (401, "E0000004") and "redeemed here before" in cause(reply)
        assert len(place.sent(token)) == 1 and told(place, "advised_token_used")


@EACH_ENGINE
async def test_s45_a_link_whose_token_a_server_burnt_says_so_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        token = place.org.session_token(ALICE)
        await created(place, token)
        person = place.person()
        reply = await person.go(f"{LOGIN}{LINK}?sessionToken={token}")
        assert reply.status == 409 and "A server has used this one" in reply.body and "POST /api/v1/sessions" in reply.body
        assert "Another browser" not in reply.body and sealed_in(reply, token)


@pytest.mark.asyncio(loop_scope="session")
@EACH_ENGINE
async def test_s43_the_threads_server_reads_why_its_delete_is_404_by_axios(stage: Stage, node: Node, engine: Engine) -> None:
    stage.org.sign_in(ALICE)
    told_it = await node.ask("portal_server.cjs", org=stage.where.login, login=BOB, password="correct-horse", withCredentials=False)
    assert told_it["closed"]["status"] == 404 and told_it["closed"]["body"]["errorCode"] == "E0000007"
    assert "send the browser to the link with the sessionToken" in told_it["closed"]["body"]["errorCauses"][-1]["errorSummary"]
    assert [session.user.login for session in stage.org.sessions.active()][:1] == [ALICE]


@pytest.mark.asyncio(loop_scope="session")
@EACH_ENGINE
async def test_s44_with_credentials_changes_nothing_by_axios(stage: Stage, node: Node, engine: Engine) -> None:
    stage.org.sign_in(ALICE)
    told_it = await node.ask("portal_server.cjs", org=stage.where.login, login=BOB, password="correct-horse", withCredentials=True)
    assert told_it["closed"]["status"] == 404 and told_it["sessionToken"].startswith("20111")
    assert not any(line.startswith(("sid=1", "idx=e")) for line in told_it["cookies"]), "what it creates is no cookie of a browser"
