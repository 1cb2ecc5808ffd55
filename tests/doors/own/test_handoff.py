"""The hand-off, from an app host over the login host and back: what a browser gets at every step, and what a thief does not."""

import asyncio

import pytest

from gateway.policy.session.passes import Start, nonce_hash
from tests.harness.browser import ALICE, BOB, FETCH, HR, LOGIN, NAVIGATION, WIKI
from tests.harness.site import Site

PASS, START, OWNER, BROWSER = "__Host-gateway", "__Host-gateway-start", "__Host-gateway-owner", "__Host-gateway-browser"


async def test_a_session_of_the_login_host_becomes_a_pass_and_the_browser_is_back_where_it_wanted_to_go(gateway: Site) -> None:
    browser, _ = gateway.session(ALICE)
    reply, asked = await browser.walk(f"{HR}/reports?year=2026&q=%22a%22")
    assert (reply.status, reply.body) == (200, f"hello {ALICE}")
    assert asked[-1] == f"{HR}/reports?year=2026&q=%22a%22"
    assert [url.partition("?")[0] for url in asked[1:3]] == [f"{LOGIN}/.gateway/handoff", f"{HR}/.gateway/accept"]
    assert set(browser.jar(HR)) == {PASS, START, OWNER} and set(browser.jar(LOGIN)) == {"sid", BROWSER}
    assert browser.jar(HR)[START].startswith("~"), "the nonce is spent, the count of bounces is kept"


async def test_the_session_cookies_are_in_no_address_and_no_answer_in_clear(gateway: Site) -> None:
    browser, session = gateway.session()
    url = await browser.ticket_url()
    accepted = await browser.ask(url)
    assert session.sid is not None
    assert session.sid not in url and session.sid not in str(accepted.fields)


async def test_the_start_cookie_is_given_to_top_level_navigations_only(gateway: Site) -> None:
    browser = gateway.browser()
    for fields in (FETCH, {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}, {"Accept": "application/json"}, {"Accept": "*/*"}):
        for path in ("/api", "/.gateway/sign-in?to=/api"):
            reply = await browser.ask(f"{HR}{path}", fields=fields)
            assert (reply.status, reply.set_names, reply.location) == (401, [], "")
            is_page = reply.values("Content-Type")[0].startswith("text/html")  # in a frame: it signs in in a window of its own
            leads_to = "/.gateway/sign-in?to=%2F.gateway%2Fsigned-in" if is_page else f"{HR}/.gateway/sign-in?to=%2Fapi"
            assert leads_to in reply.body and reply.values("WWW-Authenticate") == ["Session"]
    prefetched = await browser.ask(f"{HR}/.gateway/sign-in?to=/", fields={**NAVIGATION, "Sec-Purpose": "prefetch"})
    assert (prefetched.status, prefetched.set_names) == (503, [])
    navigated = await browser.ask(f"{HR}/api")
    assert (navigated.status, navigated.set_names) == (302, [START])
    assert "Max-Age=600" in navigated.values("Set-Cookie")[0] and "Domain" not in navigated.values("Set-Cookie")[0]


async def test_several_tabs_share_one_nonce_so_that_each_can_finish(gateway: Site) -> None:
    browser, _ = gateway.session()
    first, second = await browser.ticket_url("/one"), await browser.ticket_url("/two")
    assert (await browser.ask(first)).location == "/one"
    assert (await browser.ask(second)).location == "/two"


async def test_a_ticket_is_used_once(gateway: Site) -> None:
    browser, _ = gateway.session()
    url = await browser.ticket_url("/one")
    cookies = "; ".join(f"{name}={value}" for name, value in browser.jar(HR).items())
    first, second = await asyncio.gather(browser.ask(url, cookie=cookies), browser.ask(url, cookie=cookies))
    assert sorted((first.status, second.status)) == [303, 400]
    refused = first if first.status == 400 else second
    assert "used" in refused.body and PASS not in refused.set_names


async def test_a_reload_of_the_ticket_with_a_live_pass_goes_where_the_ticket_says(gateway: Site) -> None:
    browser, _ = gateway.session()
    url = await browser.ticket_url("/one")
    await browser.ask(url)
    before = browser.jar(HR)[PASS]
    again = await browser.ask(url)
    assert (again.status, again.location, again.set_names) == (303, "/one", [])
    forged = await browser.ask(f"{HR}/.gateway/accept?ticket=AAAA")
    assert (forged.status, forged.location, forged.set_names) == (303, "/", [])
    assert browser.jar(HR)[PASS] == before


async def test_a_pass_whose_session_ended_does_not_excuse_a_bad_ticket(gateway: Site) -> None:
    browser, _ = gateway.session()
    url = await browser.ticket_url("/one")
    await browser.ask(url)
    await gateway.revoke(browser)
    again = await browser.ask(url)
    assert (again.status, again.location) == (303, "/.gateway/sign-in?to=%2Fone&again=1") and PASS not in again.set_names
    assert (await browser.ask(HR + again.location)).location.startswith(f"{LOGIN}/.gateway/handoff"), "who is there now is asked"


async def test_a_ticket_counts_in_the_browser_that_began_and_nowhere_else(gateway: Site) -> None:
    thief, _ = gateway.session(BOB)
    url = await thief.ticket_url()
    victim = gateway.browser()
    blank = await victim.ask(url)
    assert (blank.status, blank.location) == (303, "/.gateway/sign-in?to=%2F&again=1") and PASS not in blank.set_names
    await victim.ask(f"{HR}/")
    other = await victim.ask(url)
    assert (other.status, other.location, PASS in other.set_names) == (303, "/.gateway/sign-in?to=%2F", False), "his own sign-in begins"


async def test_a_ticket_counts_at_its_own_host_for_thirty_seconds(gateway: Site) -> None:
    browser, _ = gateway.session()
    url = await browser.ticket_url()
    await browser.ask(f"{WIKI}/")
    elsewhere = await browser.ask(url.replace(HR, WIKI))
    assert (elsewhere.status, PASS in elsewhere.set_names) == (400, False) and "no_ticket" in elsewhere.body
    gateway.times.passed += 31
    late = await browser.ask(url)
    assert (late.status, PASS in late.set_names) == (400, False) and "expired" in late.body


async def test_a_ticket_whose_session_ended_meanwhile_asks_who_is_there_now(gateway: Site) -> None:
    browser, _ = gateway.session(ALICE)
    url = await browser.ticket_url("/one")
    await gateway.revoke(browser)
    browser.signs_in(gateway.org.sign_in(BOB))
    accepted = await browser.ask(url)
    assert (accepted.status, accepted.location) == (303, "/.gateway/sign-in?to=%2Fone") and PASS not in accepted.set_names
    reply, _ = await browser.walk(f"{HR}{accepted.location}")
    assert reply.body == f"hello {BOB}"


async def test_every_acceptance_makes_a_new_pass_and_never_takes_over_one_that_was_presented(gateway: Site) -> None:
    browser, _ = gateway.session(ALICE)
    await browser.walk(f"{HR}/")
    first = browser.jar(HR)[PASS]
    await gateway.revoke(browser)
    browser.signs_in(gateway.org.sign_in(BOB))
    await browser.walk(f"{HR}/.gateway/sign-in?to=/")
    assert browser.jar(HR)[PASS] != first
    assert (await browser.ask(f"{HR}/")).body == f"hello {BOB}"


async def test_a_pass_is_worth_nothing_at_another_host(gateway: Site) -> None:
    browser, _ = gateway.session()
    await browser.walk(f"{HR}/")
    assert (await browser.ask(f"{WIKI}/", cookie=f"{PASS}={browser.jar(HR)[PASS]}")).status == 302


async def test_without_a_session_the_browser_goes_to_oktas_sign_in_and_comes_back_to_this_very_hand_off(gateway: Site) -> None:
    browser = gateway.browser()
    started = await browser.ask(f"{HR}/reports")
    asked = await browser.ask(started.location)
    assert asked.status == 302 and asked.location.startswith("/login/login.htm?fromURI=%2F.gateway%2Fhandoff%3Fstart%3D")
    assert LOGIN + asked.parameter("fromURI") == started.location + "&back=1"
    browser.signs_in(gateway.org.sign_in(ALICE))
    reply, _ = await browser.walk(LOGIN + asked.parameter("fromURI"))
    assert reply.body == f"hello {ALICE}"


async def test_an_org_that_does_not_answer_makes_nobody_signed_out(gateway: Site) -> None:
    browser, _ = gateway.session()
    started = await browser.ask(f"{HR}/")
    gateway.fails("GET")
    reply = await browser.ask(started.location)
    assert (reply.status, reply.location, reply.set_names) == (503, "", [BROWSER]) and reply.values("Retry-After")


async def test_a_dead_cookie_beside_a_living_one_of_its_name_is_expired_where_a_sibling_planted_it(gateway: Site) -> None:
    browser, session = gateway.session()
    started = await browser.ask(f"{HR}/")
    reply = await browser.ask(started.location, cookie=f"sid=planted; sid={session.sid}")
    assert reply.status == 302 and reply.location.startswith(f"{HR}/.gateway/accept?ticket=")
    lines = [line for line in reply.values("Set-Cookie") if not line.startswith(BROWSER)]
    assert [line.partition("=")[0] for line in lines] == ["sid"]
    assert "Domain=example.com" in lines[0] and "Max-Age=0" in lines[0]
    accepted = await browser.ask(reply.location)
    assert accepted.status == 303 and (await browser.ask(f"{HR}/")).body == f"hello {ALICE}"


async def test_two_living_sessions_of_two_users_are_nobodys_and_are_expired_everywhere(gateway: Site) -> None:
    browser, session = gateway.session()
    planted = gateway.org.sign_in(BOB)
    started = await browser.ask(f"{HR}/")
    reply = await browser.ask(started.location, cookie=f"sid={session.sid}; sid={planted.sid}")
    assert reply.status == 302 and reply.location.startswith("/login/login.htm")
    lines = [line for line in reply.values("Set-Cookie") if not line.startswith(BROWSER)]
    pending = [line for line in lines if line.startswith("__Host-gateway-pending=")]
    assert {line.partition("=")[0] for line in lines if line not in pending} == {"sid", "idx"}
    assert sum("Domain=example.com" in line for line in lines) == 2 and not any("Domain=com" in line for line in lines)
    assert all("Max-Age=0" in line for line in lines if line not in pending)
    assert len(pending) == 1 and not session.is_over
    assert (await browser.ask((await browser.ask(f"{HR}/")).location)).status == 302
    assert session.is_over and planted.is_over, "what the browser carries is closed before anybody is named"
    assert "__Host-gateway-pending" not in browser.jar(LOGIN)


async def test_a_dead_cookie_of_the_same_name_hides_nobody_and_the_pass_holds_the_living_one(gateway: Site) -> None:
    browser, session = gateway.session()
    started = await browser.ask(f"{HR}/")
    reply = await browser.ask(started.location, cookie=f"sid=planted; sid={session.sid}")
    assert reply.status == 302 and "ticket=" in reply.location
    # Only the dead one can be the parent domain's, where a sibling planted it; the living one is the host's own and stays.
    expired = [line for line in reply.values("Set-Cookie") if line.startswith("sid=")]
    assert expired and all("Domain=example.com" in line or "Domain=login.example.com" in line for line in expired)
    assert browser.okta_cookies()["sid"] == session.sid


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("HEAD", NAVIGATION, 405),
        ("POST", NAVIGATION, 405),
        ("GET", {**NAVIGATION, "Sec-Purpose": "prefetch;prerender"}, 503),
        ("GET", {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}, 403),
        ("GET", FETCH, 403),
    ],
)
async def test_only_a_navigation_gets_a_ticket(gateway: Site, method: str, fields: dict[str, str], status: int) -> None:
    browser, _ = gateway.session()
    started = await browser.ask(f"{HR}/")
    reply = await browser.ask(started.location, method, fields)
    assert (reply.status, reply.location) == (status, "")
    assert status != 405 or reply.values("Allow") == ["GET"]


async def test_a_ticket_is_not_taken_by_a_prefetch_or_a_frame_nor_spent_by_them(gateway: Site) -> None:
    browser, _ = gateway.session()
    url = await browser.ticket_url()
    hasty = [({**NAVIGATION, "Sec-Purpose": "prefetch"}, 503), ({**NAVIGATION, "Sec-Fetch-Dest": "iframe"}, 403)]
    for fields, status in hasty:
        reply = await browser.ask(url, fields=fields)
        assert (reply.status, reply.set_names) == (status, [])
    assert (await browser.ask(f"{url}&ticket=x")).status == 400
    assert (await browser.ask(url)).status == 303


async def test_a_start_that_was_not_sealed_for_the_login_host_is_refused(gateway: Site) -> None:
    browser, _ = gateway.session()
    start = Start("hr.example.com:443", "/", nonce_hash("n" * 32), gateway.times.wall_start)
    elsewhere = gateway.parts.sealer.seal("start", "hr.example.com:443", start.packed())
    other_purpose = gateway.parts.sealer.seal("ticket", "login.example.com:443", start.packed())
    stranger = Start("evil.example.net:443", "/", nonce_hash("n" * 32), gateway.times.wall_start)
    unknown = gateway.parts.sealer.seal("start", "login.example.com:443", stranger.packed())
    sealed = gateway.parts.sealer.seal("start", "login.example.com:443", start.packed())
    twice = f"{sealed}&start={sealed}"
    for text in ("", "AAAA", elsewhere, other_purpose, unknown, sealed[:-2], twice):
        reply = await browser.ask(f"{LOGIN}/.gateway/handoff?start={text}")
        assert (reply.status, reply.location) == (400, ""), text
    assert (await browser.ask(f"{LOGIN}/.gateway/handoff")).status == 400
    assert (await browser.ask(f"{LOGIN}/.gateway/handoff?start={sealed}")).status == 302


async def test_a_start_older_than_its_nonce_begins_again_and_ends_well(gateway: Site) -> None:
    browser, _ = gateway.session()
    started = await browser.ask(f"{HR}/reports")
    gateway.times.passed += 601
    browser.jar(HR).clear()  # Max-Age has passed
    again = await browser.ask(started.location)
    assert (again.status, again.location) == (302, f"{HR}/.gateway/sign-in?to=%2Freports&late=1")
    reply, asked = await browser.walk(again.location)
    assert reply.body == f"hello {ALICE}" and asked[-1] == f"{HR}/reports"


async def test_the_log_says_what_became_of_each_step_without_any_secret(gateway: Site) -> None:
    browser, session = gateway.session()
    await browser.walk(f"{HR}/")
    assert [(note["route"], note["verdict"]) for note in gateway.notes if "/.gateway/" in note["route"]] == [
        ("/.gateway/handoff", "ticket"),
        ("/.gateway/accept", "accept"),
    ]
    assert gateway.notes[1]["fingerprint"] == gateway.notes[2]["fingerprint"] != ""
    assert str(session.sid) not in str(gateway.notes)
