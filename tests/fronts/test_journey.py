"""One journey behind every front proxy that people run, with the very files of ``deploy/``.

The proxy carries the bytes, the gateway decides. What else may go wrong between the two is in ``test_between``.
"""

import json
import re
from posixpath import normpath
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.fronts.deployment import TTL_SECONDS, FrontDeployment, cookie_line
from tests.fronts.wording import FETCH, SPELLINGS, UPWARDS, shaken, status, told
from tests.harness.person import ALICE, BOB, EVIL, HR, LOGIN, SCRIPT, redemption
from tests.harness.websocket import MASK, frame


async def test_a_user_signs_in_at_the_login_host_and_lands_in_the_app(site: FrontDeployment) -> None:
    token = site.org.session_token(ALICE)
    reply = await site.person().go(redemption(token, f"{HR}/welcome?first=1"), site="same-site")
    assert (reply.url, reply.status, reply.body) == (f"{HR}/welcome?first=1", 200, f"hello {ALICE}")
    assert site.app.paths == ["/welcome?first=1"]
    assert [session.user.login for session in site.org.sessions.active()] == [ALICE]


@pytest.mark.parametrize("target", ["/reports/7?year=2026&q=a%2Fb+c", "/a%20b;v=1/c?x=%C3%A9&to=//hr.example.com/&&y"])
async def test_a_deep_link_returns_to_the_very_address(site: FrontDeployment, target: str) -> None:
    person = site.person()
    asked = await person.go(f"{HR}{target}")
    parts = urlsplit(asked.url)
    assert (asked.status, f"{parts.scheme}://{parts.netloc}", parts.path) == (200, LOGIN, "/login/login.htm")
    back = parse_qs(parts.query)["fromURI"][0]
    assert site.app.visits == []
    session = site.org.sign_in(ALICE)
    person.signs_in(session.sid, session.idx)
    reply = await person.go(f"{LOGIN}{back}" if back.startswith("/") else back)
    assert (reply.url, reply.status, reply.body) == (f"{HR}{target}", 200, f"hello {ALICE}")
    assert site.app.paths == [target]


async def test_the_app_is_told_exactly_once_who_is_signed_in(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    reply = await person.script(f"{HR}/api/me")
    assert (reply.status, reply.body) == (200, f"hello {ALICE}")
    [session] = site.org.sessions.active()
    assert told(site, b"remote-user") == [ALICE.encode()]
    assert told(site, b"remote-user-id") == [session.user.id.encode()]
    assert told(site, b"host") == [b"hr.example.com"]
    assert told(site, b"x-forwarded-proto") == [b"https"]
    assert told(site, b"x-forwarded-host") == [b"hr.example.com"]


@pytest.mark.parametrize("path", ["/api/me", "/public/x"])
async def test_identity_that_the_client_claims_never_arrives_in_any_spelling(site: FrontDeployment, path: str) -> None:
    cookie = cookie_line(await site.entered(ALICE)) if path == "/api/me" else b""
    expected = [ALICE.encode()] if cookie else []
    for name in SPELLINGS:
        site.app.visits.clear()
        answer = await site.raw(f"GET {path}", FETCH + cookie + f"{name}: mallory\r\n{name}: eve@evil.example\r\n".encode())
        assert b"mallory" not in b"".join(visit.head for visit in site.app.visits), name
        assert b"eve@evil" not in b"".join(visit.head for visit in site.app.visits), name
        if re.fullmatch("[A-Za-z-]+", name):  # odd spellings may be refused, the plain ones are replaced
            assert status(answer) == 200, (name, answer)
            assert [value for value in told(site, b"remote-user") if value] == expected, name


async def test_the_gateways_cookies_stay_outside_the_app_and_others_pass(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    assert person.cookie("__Host-gateway", HR) is not None
    for first, last in (
        ("theme=dark", 'lang="de; AT'),
        ("theme=dark", ""),
        ("", "lang=de"),
        ("", ""),
        ("x__Host-gateway=1", "y=__Host-gateway=2"),
    ):
        answer = await site.raw("GET /api/me", FETCH + cookie_line(person, first, last))
        assert status(answer) == 200
        [cookie] = told(site, b"cookie") or [b""]
        if site.front.recipe.strips_own_cookies:
            assert cookie == "; ".join(filter(None, (first, last))).encode()
        else:
            assert cookie == cookie_line(person, first, last).strip().removeprefix(b"Cookie: ")


async def test_a_websocket_opens_and_echoes(site: FrontDeployment) -> None:
    wire, head = await shaken(site, await site.entered(ALICE), HR)
    assert status(head) == 101, head
    assert told(site, b"remote-user") == [ALICE.encode()]
    for text in (b"are you there", b"x" * 70_000):
        sent = frame(text, 1, mask=MASK)
        await wire.say(sent)
        assert await wire.exactly(len(sent)) == sent


@pytest.mark.parametrize("origin", [EVIL, "null"])
async def test_a_page_of_another_site_opens_no_websocket(site: FrontDeployment, origin: str) -> None:
    _, head = await shaken(site, await site.entered(ALICE), origin)
    assert status(head) == 403, head
    assert site.app.visits == []


async def test_a_websocket_without_a_session_is_refused_without_a_redirect(site: FrontDeployment) -> None:
    _, head = await shaken(site, site.person(), HR)
    assert (status(head), b"\r\nlocation:" in head.lower()) == (401, False), head
    assert site.app.visits == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_script_without_a_session_is_told_where_to_sign_in(site: FrontDeployment, method: str) -> None:
    reply = await site.person().script(f"{HR}/api/me?x=1", method)
    assert (reply.status, reply.location) == (401, "")
    assert reply.values("Content-Type")[0].startswith("application/json")
    said = json.loads(reply.body)
    assert said["error"] == "no_session"
    assert said["sign_in"].startswith((f"{HR}/.gateway/sign-in", f"{LOGIN}/"))
    assert site.app.visits == []


async def test_after_a_switch_the_app_never_hears_of_the_first_user_again(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    reply = await site.enter(person, BOB)
    assert (reply.status, reply.body) == (200, f"hello {BOB}")
    assert [session.user.login for session in site.org.sessions.active()] == [BOB]
    for path in ("/api/me", "/bob/salary", "/"):
        assert (await person.script(f"{HR}{path}")).body == f"hello {BOB}"
    assert all(ALICE.encode() not in visit.head for visit in site.app.visits)
    assert len(site.app.visits) == 4


async def test_after_the_sign_out_the_next_request_is_refused(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    stolen = cookie_line(person)
    page = await person.ask(f"{HR}/.gateway/")
    assert (page.status, ALICE in page.body) == (200, True)
    reply = await person.ask(f"{HR}/.gateway/sign-out", "POST", site="same-origin")
    assert reply.status < 400
    assert (await person.script(f"{HR}/api/me")).status == 401
    assert status(await site.raw("GET /api/me", FETCH + stolen)) == 401
    assert (site.app.visits, site.org.sessions.active()) == ([], [])


async def test_while_okta_is_silent_a_fresh_answer_counts_and_then_nobody_passes_or_is_signed_out(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    site.okta_is_down()
    assert (await person.script(f"{HR}/api/me")).body == f"hello {ALICE}"
    site.app.visits.clear()
    site.times.passed += TTL_SECONDS + 1
    for reply in (await person.script(f"{HR}/api/me"), await person.ask(f"{HR}/page")):
        assert (reply.status, reply.location, reply.set_cookies) == (503, "", [])
        assert [int(seconds) >= 1 for seconds in reply.values("Retry-After")] == [True]
    assert site.app.visits == []
    site.org.faults.clear()
    site.times.passed += 60
    assert (await person.script(f"{HR}/api/me")).body == f"hello {ALICE}"


async def test_without_the_gateway_nobody_reaches_the_app(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    await site.gateway_is_down()
    for url in (f"{HR}/api/me", f"{HR}/public/x", f"{HR}/.gateway/", f"{LOGIN}/"):
        reply = await person.ask(url)
        assert reply.status in (500, 502, 503, 504), (url, reply)
    assert site.app.visits == []


async def test_nobody_outside_asks_the_sub_request_endpoint(site: FrontDeployment) -> None:
    cookie = cookie_line(await site.entered(ALICE))
    named = b"X-Original-Method: GET\r\nX-Original-URL: https://hr.example.com/\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /\r\n"
    named += b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: hr.example.com\r\n"
    for host in ("hr.example.com", "login.example.com", "HR.example.com", "nobody.example.com"):
        for prefix in (
            "/.gateway/auth",
            "/.gateway/%61uth",
            "/.gateway//auth",
            "/x/../.gateway/auth",
            "/%2egateway/auth",
            "//.gateway/auth",
        ):
            for path in ("", "/", *(f"/{name}" for name in ("nginx", "traefik", "caddy", "haproxy", "envoy", "envoy/x")), "?x"):
                answer = await site.raw(f"GET {prefix}{path}", FETCH + cookie + named, host)
                assert 400 <= status(answer) < 500, (host, prefix, path, answer)
                assert ALICE.encode() not in answer
    assert site.app.visits == []


async def test_the_path_that_is_judged_is_the_path_that_the_app_gets(site: FrontDeployment) -> None:
    alice = cookie_line(await site.entered(ALICE))
    for fields, secret in ((b"", "admin"), (alice, "bob/salary")):
        for shape in UPWARDS:
            for line in (f"GET {shape.format(secret)}", f"GET http://hr.example.com{shape.format(secret)}"):
                site.app.visits.clear()
                answer = await site.raw(line, FETCH + fields)
                assert all(normpath(unquote(path)).startswith("/public") for path in site.app.paths), (line, site.app.paths)
                assert site.app.visits == [] or status(answer) == 200, (line, answer)


async def test_a_body_arrives_whole_and_the_gateway_never_sees_it(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    site.tap.heard.clear()
    for length in (1, 90_000):
        body = (b"<<upload>>" * length)[: length * 10]
        reply = await person.ask(f"{HR}/upload", "POST", site="same-origin", body=body, fields=SCRIPT)
        assert (reply.status, reply.body) == (200, f"hello {ALICE}")
        assert site.app.bodies[-1] == body
    assert b"<<upload>>" not in site.tap.heard
    assert len(site.tap.heard) < 8192


async def test_an_upload_without_a_session_is_refused_and_does_not_reach_the_app(site: FrontDeployment) -> None:
    reply = await site.person().ask(f"{HR}/upload", "POST", site="same-origin", body=b"x" * 1000, fields=SCRIPT)
    assert (reply.status, site.app.visits) == (401, [])
