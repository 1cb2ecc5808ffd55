"""What a client may try between a front proxy and the gateway, beside the journey: claims, hops, upgrades, hosts; and what is written."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fronts.deployment import FrontDeployment, cookie_line
from tests.fronts.wording import CLAIMS, FETCH, status, told
from tests.harness.person import ALICE, HR, redemption


async def test_a_form_of_somebody_who_is_not_signed_in_leads_to_the_sign_in_by_get(site: FrontDeployment) -> None:
    reply = await site.person().ask(f"{HR}/form", "POST", site="same-origin", body="a=1")
    assert (reply.status, urlsplit(reply.location).path) == (303, "/.gateway/sign-in")
    assert site.app.visits == []


async def test_what_the_client_claims_about_its_way_never_arrives(site: FrontDeployment) -> None:
    cookie = cookie_line(await site.entered(ALICE))
    for name in CLAIMS:
        site.app.visits.clear()
        answer = await site.raw("GET /api/me", FETCH + cookie + f"{name}: 203.0.113.66\r\n".encode())
        assert b"203.0.113.66" not in b"".join(visit.head for visit in site.app.visits), name
        assert b"203.0.113.66" not in site.tap.heard, name
        assert status(answer) == 200, (name, answer)


async def test_no_client_has_the_words_about_it_dropped_as_a_hop(site: FrontDeployment) -> None:
    cookie = cookie_line(await site.entered(ALICE))
    for nominated in (b"Remote-User", b"Remote-User-Id", b"X-Forwarded-For", b"X-Forwarded-Proto", b"Cookie", b"X-Forwarded-Uri"):
        site.app.visits.clear()
        answer = await site.raw("GET /api/me", FETCH + cookie + b"Connection: " + nominated + b"\r\nRemote-User: eve\r\n")
        if status(answer) == 200:
            assert told(site, b"remote-user") == [ALICE.encode()], nominated
            assert len(told(site, b"remote-user-id")) == len(told(site, b"x-forwarded-proto")) == 1, nominated
        else:
            assert (status(answer) in (400, 401), site.app.visits) == (True, []), (nominated, answer)


@pytest.mark.parametrize("path", ["/api/me", "/public/x"])
async def test_nothing_but_a_websocket_is_upgraded(site: FrontDeployment, path: str) -> None:
    cookie = cookie_line(await site.entered(ALICE))
    fields = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    answer = await site.raw(f"GET {path}", FETCH + cookie + fields)
    assert status(answer) in (200, 400, 403), answer
    assert all(visit.value(name) is None for visit in site.app.visits for name in (b"upgrade", b"http2-settings"))


async def test_many_cookies_of_apps_are_no_obstacle(site: FrontDeployment) -> None:
    cookies = "; ".join(f"app{number}={'x' * 900}" for number in range(10))
    answer = await site.raw("GET /api/me", FETCH + cookie_line(await site.entered(ALICE), cookies, ""))
    assert status(answer) == 200
    assert told(site, b"cookie")[0].startswith(cookies.encode())


async def test_what_the_front_writes_down_holds_no_token_ticket_or_pass(site: FrontDeployment) -> None:
    token = site.org.session_token(ALICE)
    person = site.person()
    handed = await person.ask(redemption(token, f"{HR}/"), site="same-site")
    assert handed.status == 302
    start = (await person.ask(f"{HR}/")).location
    start = (await person.ask(start)).location
    ticket = parse_qs(urlsplit((await person.ask(start)).location).query)["ticket"][0]
    assert (await person.go(f"{HR}/.gateway/accept?ticket={ticket}")).body == f"hello {ALICE}"
    written = b"".join(file.read_bytes() for file in site.front.folder.iterdir() if file.is_file())
    for secret in (token, ticket, person.cookie("__Host-gateway", HR) or ""):
        assert (len(secret) > 10, secret.encode() in written) == (True, False)


async def test_who_is_signed_in_and_not_allowed_is_told_so(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    for reply in (await person.ask(f"{HR}/bob/salary"), await person.script(f"{HR}/bob/salary")):
        assert (reply.status, reply.location) == (403, "")
    assert site.app.visits == []


async def test_another_host_in_the_request_line_changes_nothing(site: FrontDeployment) -> None:
    for line in ("GET http://login.example.com/admin", "GET http://hr.example.com/admin", "GET http://evil.example.net/public/x"):
        for host in ("hr.example.com", "login.example.com", "evil.example.net"):
            await site.raw(line, FETCH, host)
    assert site.app.visits == []
    for host in ("hr.example.com", "wiki.example.com", "evil.example.net"):
        await site.raw("GET http://hr.example.com/public/x", FETCH, host)
    assert {visit.value(b"host") for visit in site.app.visits} == {b"hr.example.com"}
