"""Faults: wrong, late, lost and missing answers, each in the journal."""

import asyncio
from typing import Any

import aiohttp
import pytest

from gateway.dev.standin import Org, RunningOrg, fault
from tests.dev.standin.browser import OrgBrowser
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve

ME = "/api/v1/sessions/me"


async def ordered(running: RunningOrg, browser: OrgBrowser, **order: Any) -> OrgBrowser:
    """Order a fault and return a browser in which alice is signed in."""
    assert (await browser.ask("POST", "/.standin/faults", payload=order)).status == 204
    browser.cookies = {"sid": running.org.sign_in(ALICE).sid or ""}
    return browser


async def test_a_fault_answers_as_often_as_ordered(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), method="GET", path=ME, status=503, times=2)
    statuses = [(await browser.get(ME)).status for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert [row.status for row in running.org.journal.rows] == statuses


async def test_a_fault_can_let_the_first_pass(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), path=ME, status=500, skip=1)
    assert [(await browser.get(ME)).status for _ in range(3)] == [200, 500, 200]


async def test_faults_without_end_stop_when_cleared(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), path="/api/v1/sessions/*", status=403, times=None)
    assert [(await browser.get(ME)).json["errorCode"] for _ in range(3)] == ["E0000006"] * 3
    assert (await browser.ask("POST", ME + "/lifecycle/refresh")).status == 403
    assert (await browser.ask("DELETE", "/.standin/faults")).status == 204
    assert await browser.who() == ALICE


async def test_a_hang_up_is_no_answer_and_row_zero(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), method="POST", path="/api/v1/authn", status=0)
    with pytest.raises(aiohttp.ClientConnectionError):
        await browser.ask("POST", "/api/v1/authn", payload={})
    assert [row.status for row in running.org.journal.rows] == [0]


@pytest.mark.parametrize("status", [0, 504])
async def test_an_answer_that_is_lost_has_acted(start: Serve, browse: Open, status: int) -> None:
    running = await start(Org())
    token = running.org.session_token(BOB)
    await browse(running).ask("POST", "/.standin/faults", payload={"path": "/api/v1/sessions", "status": status, "after": True})
    if status:
        assert (await browse(running).ask("POST", "/api/v1/sessions", payload={"sessionToken": token})).status == status
    else:
        with pytest.raises(aiohttp.ClientConnectionError):
            await browse(running).ask("POST", "/api/v1/sessions", payload={"sessionToken": token})
    assert [session.user.login for session in running.org.sessions.active()] == [BOB]
    assert running.org.journal.rows[0].status == status


async def test_a_fault_alone_leaves_the_org_untouched(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), method="DELETE", path=ME, status=204)
    assert (await browser.ask("DELETE", ME)).status == 204
    assert await browser.who() == ALICE


@pytest.mark.parametrize(
    ("order", "content_type", "text"),
    [
        ({"body": "<html>maintenance</html>"}, "text/html", "<html>maintenance</html>"),
        ({"body": {"status": "ACTIVE"}}, "application/json", '{"status": "ACTIVE"}'),
        ({"body": "{broken"}, "application/json", "{broken"),
        ({"body": "x", "content_type": "text/plain"}, "text/plain", "x"),
    ],
)
async def test_body_and_fields_are_as_ordered(start: Serve, browse: Open, order: dict[str, Any], content_type: str, text: str) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), path=ME, status=200, headers={"X-Odd": "1"}, **order)
    seen = await browser.get(ME)
    assert seen.fields["Content-Type"].startswith(content_type) and seen.text == text and seen.fields["X-Odd"] == "1"


async def test_a_429_says_when_to_come_back(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), path=ME, status=429)
    seen = await browser.get(ME)
    assert seen.json["errorCode"] == "E0000047" and seen.fields["X-Rate-Limit-Remaining"] == "0"
    assert int(seen.fields["X-Rate-Limit-Reset"]) > running.org.clock.now()


async def test_a_held_answer_waits_and_the_request_is_in_the_journal(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), path=ME, hold=True)
    asking = asyncio.create_task(browser.get(ME))
    row = await asyncio.wait_for(running.org.journal.seen("GET", ME), 5)
    assert row.status is None and not asking.done()
    running.org.faults.clear()
    assert (await asking).json["login"] == ALICE
    assert row.status == 200


async def test_a_delayed_answer_is_still_the_real_one(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = await ordered(running, browse(running), path=ME, delay="20ms")
    started_at = asyncio.get_running_loop().time()
    assert await browser.who() == ALICE
    assert asyncio.get_running_loop().time() - started_at >= 0.019  # uvloop counts whole milliseconds


@pytest.mark.parametrize("line", ['sid="";Version=1;Path=/;Max-Age=0', 'sid=""; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/'])
async def test_a_real_answer_deletes_sid_while_the_session_lives(start: Serve, browse: Open, line: str) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    session = running.org.sign_in(ALICE)
    browser.cookies = {"sid": session.sid or "", "idx": session.idx or ""}
    order = {"path": "/app/UserHome", "set_cookies": [line, 'xids="";Version=1;Path=/;Max-Age=0']}
    assert (await browser.ask("POST", "/.standin/faults", payload=order)).status == 204
    seen = await browser.get("/app/UserHome")
    assert seen.status == 200 and ALICE in seen.text
    assert seen.set_cookies[-2:] == order["set_cookies"]
    assert not session.is_over
    browser.cookies = {"sid": session.sid or ""}
    assert await browser.who() == ALICE
    assert line not in (await browser.get("/app/UserHome")).set_cookies  # once


async def test_an_ordered_answer_carries_cookies_too_and_a_late_one_as_well(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    for key, value in (("status", 503), ("after", True)):
        running.org.faults.add(fault({"path": ME, "set_cookies": ["a=1;Path=/", "b=2;Path=/"], key: value}))
        assert (await browser.get(ME)).set_cookies[-2:] == ["a=1;Path=/", "b=2;Path=/"]


@pytest.mark.parametrize("lines", ["sid=x", [1], {"sid": ""}])
def test_cookies_that_are_no_list_of_lines_are_refused(lines: object) -> None:
    with pytest.raises(ValueError, match="set_cookies"):
        fault({"path": "/x", "set_cookies": lines})


async def test_sessions_me_can_answer_with_json_that_says_it_is_html(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    browser.cookies = {"sid": running.org.sign_in(ALICE).sid or ""}
    true = (await browser.get(ME)).json
    order = {"path": ME, "status": 200, "body": true, "content_type": "text/html"}
    assert (await browser.ask("POST", "/.standin/faults", payload=order)).status == 204
    seen = await browser.get(ME)
    assert (seen.status, seen.fields["Content-Type"], seen.json) == (200, "text/html", true)
    page = {"path": ME, "status": 200, "body": "<!doctype html><title>Sign in</title>"}
    running.org.faults.add(fault(page))
    seen = await browser.get(ME)
    assert seen.fields["Content-Type"].startswith("text/html") and seen.text == page["body"]
