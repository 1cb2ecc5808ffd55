"""Preflights, odd paths, odd methods and cookies with Okta's names, through each front proxy: what passes is what was judged."""

import pytest

from tests.fronts.deployment import FrontDeployment, cookie_line
from tests.fronts.wording import FETCH, status, told
from tests.harness.person import ALICE

PREFLIGHT = b"Origin: https://spa.example.net\r\nAccess-Control-Request-Method: PUT\r\n"


async def test_w3_a_preflight_passes_without_a_session_and_nothing_else_does(site: FrontDeployment) -> None:
    answer = await site.raw("OPTIONS /api/me", PREFLIGHT)
    assert (status(answer), site.app.last.line.split(b" ")[0]) == (200, b"OPTIONS")
    assert told(site, b"remote-user") in ([], [b""])
    site.app.visits.clear()
    for line, fields in (("OPTIONS /api/me", b""), ("GET /api/me", PREFLIGHT), ("PUT /api/me", PREFLIGHT)):
        assert status(await site.raw(line, FETCH + fields)) == 401, line
    assert site.app.visits == []


@pytest.mark.parametrize(
    "target", ["/api/queues/%2F/orders", "/people/CORP%5Calice", "/a/;v=1/b", "/%C0%B4.html", "/x?q=\xe4", "/a/%252Fb"]
)
async def test_w4_a_path_whose_readings_agree_arrives_as_it_was_sent(site: FrontDeployment, target: str) -> None:
    cookie = cookie_line(await site.entered(ALICE))
    assert status(await site.raw(f"GET {target}", FETCH)) in (400, 401)
    assert site.app.visits == []
    answer = await site.raw(f"GET {target}", FETCH + cookie)
    assert status(answer) in (200, 400), answer  # a front may refuse it by itself
    assert site.app.paths == ([target] if status(answer) == 200 else [])


async def test_w4_no_spelling_leads_alice_to_what_is_bobs(site: FrontDeployment) -> None:
    cookie = cookie_line(await site.entered(ALICE))
    for target in (
        "/x/../bob/x",
        "/x/%2e%2e/bob/x",
        "/x%5C..%5Cbob%5Cx",
        "//bob/x",
        "/x/..;/bob/x",
        "/%C0%AFbob/x",
        "/bob%2Fx",
        "/bob;a/x",
    ):
        answer = await site.raw(f"GET {target}", FETCH + cookie)
        assert status(answer) in (301, 302, 307, 308, 400, 403, 404), (target, answer)
    assert site.app.visits == []


async def test_w8_a_method_that_few_servers_know_is_judged_or_refused(site: FrontDeployment) -> None:
    cookie = cookie_line(await site.entered(ALICE))
    for method in ("RPC_IN_DATA", "VERSION-CONTROL", "PROPFIND", "MKCOL"):
        assert status(await site.raw(f"{method} /x", FETCH)) in (400, 401, 405, 501)
        assert site.app.visits == []
        answer = await site.raw(f"{method} /x", FETCH + cookie)
        assert status(answer) in (200, 400, 405, 501), answer
        assert [visit.line.split(b" ")[0].decode() for visit in site.app.visits] == ([method] if status(answer) == 200 else [])
        site.app.visits.clear()


async def test_w1_an_apps_own_sid_passes_and_oktas_does_not(site: FrontDeployment) -> None:
    person = await site.entered(ALICE)
    assert status(await site.raw("GET /x", FETCH + cookie_line(person, "sid=apps", "idx=own"))) == 200
    assert {b"sid=apps", b"idx=own"} <= {piece.strip() for line in told(site, b"cookie") for piece in line.split(b";")}
    site.app.visits.clear()
    oktas = person.cookie("sid")
    assert oktas is not None
    for target in ("/x", "/public/x"):
        assert status(await site.raw(f"GET {target}", FETCH + cookie_line(person, f"sid={oktas}", ""))) == 403
    assert site.app.visits == []
