"""The control paths: journal, clock, sessions, tokens, limits; and who may not use them."""

import pytest

from gateway.dev.standin import Org, fingerprint
from gateway.dev.standin.journal import MOST_ROWS, Journal, Row
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve


async def test_the_journal_lists_requests_in_order_with_fingerprints_alone(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    browser.cookies = {"sid": "dead", "other": "x"}
    await browser.get(f"/login/sessionCookieRedirect?token={token}&redirectUrl=/app/UserHome")
    await browser.ask("POST", "/api/v1/sessions", payload={"sessionToken": "another"})
    rows = (await browser.get("/.standin/journal")).json
    assert [(row["n"], row["method"], row["path"], row["status"]) for row in rows] == [
        (1, "GET", "/login/sessionCookieRedirect", 302),
        (2, "POST", "/api/v1/sessions", 401),
    ]
    assert rows[0]["cookies"] == {"sid": fingerprint("dead"), "other": fingerprint("x")}
    assert rows[0]["query_names"] == ["token", "redirectUrl"]
    assert (rows[0]["token"], rows[1]["token"]) == (fingerprint(token), fingerprint("another"))
    assert rows[0]["host"] == running.url.removeprefix("http://")
    assert token not in str(rows)
    assert (await browser.ask("DELETE", "/.standin/journal")).status == 204
    assert (await browser.get("/.standin/journal")).json == []


def test_the_journal_is_bounded() -> None:
    journal = Journal()
    for _ in range(MOST_ROWS + 5):
        journal.record(Row(journal.next_number(), 0.0, "GET", "h", "/", [], {}, [], None))
    assert (len(journal.rows), journal.rows[0].n, journal.rows[-1].n) == (MOST_ROWS, 6, MOST_ROWS + 5)


def test_a_fingerprint_is_the_beginning_of_a_sha_256() -> None:
    assert fingerprint("abc") == "ba7816bf8f01cfea"


@pytest.mark.parametrize(
    "fields",
    [
        {"Host": "login.example.localhost:8080"},
        {"Host": "127.0.0.1"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Origin": "http://evil.localhost"},
    ],
)
async def test_the_door_is_shut_to_whoever_comes_through_the_gateway(start: Serve, browse: Open, fields: dict[str, str]) -> None:
    running = await start(Org())
    seen = await browse(running).ask("GET", "/.standin/journal", fields)
    assert seen.status == 404 and "could not be found" in seen.text
    assert [row.path for row in running.org.journal.rows] == ["/.standin/journal"]


async def test_localhost_is_the_orgs_own_name_too(start: Serve, browse: Open) -> None:
    running = await start(Org())
    assert (await browse(running).ask("GET", "/.standin/journal", {"Host": f"localhost:{running.port}"})).status == 200


@pytest.mark.parametrize(("spelled", "seconds"), [("10m", 600), ("2s", 2), (90, 90), ("1h", 3600), ("1.5m", 90)])
async def test_the_clock_goes_forward(start: Serve, browse: Open, spelled: object, seconds: int) -> None:
    running = await start(Org())
    before = running.org.clock.now()
    assert (await browse(running).ask("POST", "/.standin/clock", payload={"advance": spelled})).status == 200
    assert seconds <= running.org.clock.now() - before < seconds + 30


async def test_sessions_are_opened_listed_changed_and_ended(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser, admin = browse(running), browse(running)
    opened = (await admin.ask("POST", "/.standin/sessions", payload={"login": ALICE})).json
    browser.cookies = {"idx": opened["idx"]}
    listed = (await admin.get("/.standin/sessions")).json
    assert [(row["id"], row["login"], row["live"], row["status"]) for row in listed] == [(opened["id"], ALICE, True, "ACTIVE")]
    assert (listed[0]["sid"], listed[0]["idx"]) == (fingerprint(opened["sid"]), fingerprint(opened["idx"]))
    path = f"/.standin/sessions/{opened['id']}"
    assert (await admin.ask("POST", path, payload={"status": "MFA_ENROLL"})).json["status"] == "MFA_ENROLL"
    assert (await browser.get("/api/v1/sessions/me")).json["status"] == "MFA_ENROLL"
    assert (await admin.ask("DELETE", path)).status == 204
    assert await browser.who() is None
    assert (await admin.ask("DELETE", path)).status == 404


async def test_tokens_are_issued_for_tests(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    token = (await browser.ask("POST", "/.standin/tokens", payload={"login": BOB})).json["sessionToken"]
    await browser.get(f"/app/a/b/c?sessionToken={token}")
    assert await browser.who() == BOB
    state = await browser.ask("POST", "/.standin/tokens", payload={"login": BOB, "kind": "stateToken"})
    assert set(state.json) == {"stateToken"}


@pytest.mark.parametrize(
    ("method", "path", "order", "status"),
    [
        ("POST", "/.standin/clock", {"advance": "soon"}, 400),
        ("POST", "/.standin/clock", {"advance": -1}, 400),
        ("POST", "/.standin/faults", {"path": "/x", "stauts": 500}, 400),
        ("POST", "/.standin/faults", {"status": 500}, 400),
        ("POST", "/.standin/faults", [], 400),
        ("POST", "/.standin/tokens", {"login": "nobody@example.com"}, 404),
        ("POST", "/.standin/tokens", {}, 400),
        ("POST", "/.standin/limits", {"per_minute": "x"}, 400),
        ("GET", "/.standin/nothing", None, 404),
    ],
)
async def test_a_wrong_order_is_refused_with_its_reason(
    start: Serve, browse: Open, method: str, path: str, order: object, status: int
) -> None:
    seen = await browse(await start(Org())).ask(method, path, payload=order)
    assert seen.status == status and seen.json["error"]
