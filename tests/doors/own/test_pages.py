"""The session page, its JSON, the files of the pages, and what every other own path answers."""

import json
from datetime import UTC, datetime

import pytest

from gateway.pages import asset
from tests.harness.browser import ALICE, BOB, FETCH, FORM, HR, LOGIN, NAVIGATION
from tests.harness.site import Site

PASS = "__Host-gateway"
EVERY_OWN_ANSWER = ["/", "/session", "/sign-in?to=/", "/accept?ticket=x", "/sign-out", "/handoff?start=x", "/nothing", "/page.js"]


async def test_the_session_page_says_who_is_signed_in_and_shows_the_ways_out(gateway: Site) -> None:
    browser, session = gateway.session(ALICE)
    await browser.walk(f"{HR}/")
    for origin in (HR, LOGIN):
        reply = await browser.ask(f"{origin}/.gateway/")
        assert reply.status == 200 and ALICE in reply.body and reply.body.count('action="/.gateway/sign-out"') == 2
        policy = reply.values("Content-Security-Policy")[0]
        assert f"form-action &#39;self&#39; {LOGIN}".replace("&#39;", "'") in policy and HR in policy
    assert (browser.jar(HR)[PASS] in reply.body, str(session.sid) in reply.body, session.id in reply.body) == (False, False, False)


async def test_without_a_session_the_page_offers_to_sign_in_and_does_not_begin_by_itself(gateway: Site) -> None:
    browser = gateway.browser()
    in_app = await browser.ask(f"{HR}/.gateway/")
    assert (in_app.status, in_app.location, in_app.set_names) == (200, "", []) and 'href="/.gateway/sign-in?to=%2F"' in in_app.body
    at_login = await browser.ask(f"{LOGIN}/.gateway/")
    assert (at_login.status, at_login.location) == (200, "") and 'href="/login/login.htm?fromURI=%2F.gateway%2F"' in at_login.body


async def test_the_session_as_json_has_no_secret_in_it(gateway: Site) -> None:
    browser, session = gateway.session(ALICE)
    await browser.walk(f"{HR}/")
    for origin in (HR, LOGIN):
        reply = await browser.ask(f"{origin}/.gateway/session", fields=FETCH)
        shown = json.loads(reply.body)
        assert reply.status == 200 and set(shown) == {"login", "user_id", "expires_at", "seconds_left", "sign_out"}
        assert (shown["login"], shown["user_id"]) == (ALICE, session.user.id)
        assert shown["sign_out"] == f"{origin}/.gateway/sign-out"
        assert datetime.fromisoformat(shown["expires_at"]) == datetime.fromtimestamp(int(session.expires_at), UTC)
        assert 7190 <= shown["seconds_left"] <= 7200
        for secret in (str(session.sid), session.id, browser.jar(HR)[PASS]):
            assert secret not in reply.body


async def test_without_a_session_scripts_get_401_and_the_address_where_to_sign_in(gateway: Site) -> None:
    browser = gateway.browser()
    for origin, sign_in in ((HR, f"{HR}/.gateway/sign-in?to=%2F"), (LOGIN, f"{LOGIN}/login/login.htm?fromURI=%2F.gateway%2F")):
        reply = await browser.ask(f"{origin}/.gateway/session", fields=FETCH)
        assert (reply.status, reply.location, reply.set_names) == (401, "", [])
        assert json.loads(reply.body) == {"error": "no_session", "sign_in": sign_in}
        assert not reply.values("WWW-Authenticate")[0].startswith("Basic")


async def test_unknown_is_503_and_never_signed_out(gateway: Site) -> None:
    browser, _ = gateway.session()
    await browser.walk(f"{HR}/")
    gateway.times.passed += 3600
    gateway.fails("GET")
    for origin in (HR, LOGIN):
        page = await browser.ask(f"{origin}/.gateway/")
        script = await browser.ask(f"{origin}/.gateway/session", fields=FETCH)
        assert (page.status, script.status) == (503, 503) and page.values("Retry-After") and script.values("Retry-After")
        assert json.loads(script.body)["error"] == "unavailable" and page.set_names == script.set_names == []


async def test_a_pass_of_somebody_else_than_the_session_is_no_session(gateway: Site) -> None:
    browser, session = gateway.session(ALICE)
    await browser.walk(f"{HR}/")
    session.user = gateway.org.known_user(BOB)
    gateway.times.passed += 3600
    reply = await browser.ask(f"{HR}/.gateway/session", fields=FETCH)
    assert reply.status == 401 and gateway.notes[-1]["reason"] == "user_changed"


@pytest.mark.parametrize("name", ["page.css", "page.js", "mark.svg"])
async def test_the_files_of_the_pages_are_served_on_both_hosts(gateway: Site, name: str) -> None:
    browser, wanted = gateway.browser(), asset(name)
    assert wanted is not None
    for origin in (HR, LOGIN):
        reply = await browser.ask(f"{origin}/.gateway/{name}?v={wanted.version}")
        assert (reply.status, reply.body.encode()) == (200, wanted.body) and "max-age" in reply.values("Cache-Control")[0]
        headed = await browser.ask(f"{origin}/.gateway/{name}", "HEAD")
        assert (headed.status, headed.body, headed.values("Content-Length")) == (200, "", [str(len(wanted.body))])


@pytest.mark.parametrize(
    "path",
    [
        *("/.gateway/nothing", "/.gateway/Session", "/.Gateway/session", "/%2Egateway/session", "/.gateway/session/"),
        *("/.gateway/jwks", "/.gateway/hooks/okta", "/.gateway//", "/.gateway/%73ession"),
        *("/.gateway/page.css/", "/.gateway/../session"),
    ],
)
async def test_every_other_own_path_is_404_with_one_name_in_the_log(gateway: Site, path: str) -> None:
    browser, _ = gateway.session()
    await browser.walk(f"{HR}/")
    reply = await browser.ask(f"{HR}{path}")
    assert (reply.status, reply.location, reply.set_names) == (404, "", [])
    assert gateway.notes[-1] == {"route": "/.gateway/*", "verdict": "refused", "reason": "no_such_path", "fingerprint": ""}


@pytest.mark.parametrize("path", ["/.gateway/auth", "/.gateway/auth/nginx"])
async def test_the_path_of_front_proxies_is_forbidden_to_browsers(gateway: Site, path: str) -> None:
    browser, _ = gateway.session()
    await browser.walk(f"{HR}/")
    reply = await browser.ask(f"{HR}{path}")
    assert (reply.status, reply.location, reply.set_names) == (403, "", [])
    assert (gateway.notes[-1]["verdict"], gateway.notes[-1]["fingerprint"]) == ("refused", "")


@pytest.mark.parametrize(
    ("origin", "path", "allow"),
    [
        (HR, "/.gateway/", "GET, HEAD"),
        (HR, "/.gateway/session", "GET, HEAD"),
        (HR, "/.gateway/sign-in", "GET"),
        (HR, "/.gateway/accept", "GET"),
        (HR, "/.gateway/sign-out", "GET, HEAD, POST"),
        (HR, "/.gateway/page.css", "GET, HEAD"),
        (LOGIN, "/.gateway/handoff", "GET"),
        (LOGIN, "/.gateway/sign-out", "GET, HEAD, POST"),
    ],
)
async def test_other_methods_are_405_with_the_ones_that_work(gateway: Site, origin: str, path: str, allow: str) -> None:
    browser, _ = gateway.session()
    for method in ("DELETE", "PUT", "OPTIONS"):
        reply = await browser.ask(f"{origin}{path}", method, FORM)
        assert (reply.status, reply.values("Allow")) == (405, [allow])


async def test_the_step_of_one_host_does_not_exist_on_the_other(gateway: Site) -> None:
    browser = gateway.browser()
    assert (await browser.ask(f"{HR}/.gateway/handoff?start=x")).status == 404
    assert (await browser.ask(f"{LOGIN}/.gateway/accept?ticket=x")).status == 404
    assert (await browser.ask(f"{LOGIN}/.gateway/sign-in?to=/")).status == 404


@pytest.mark.parametrize("path", EVERY_OWN_ANSWER)
async def test_no_own_answer_is_stored_or_sniffed_and_no_page_is_framed(gateway: Site, path: str) -> None:
    browser = gateway.browser()
    for origin in (HR, LOGIN):
        reply = await browser.ask(f"{origin}/.gateway{path}")
        assert reply.values("X-Content-Type-Options") == ["nosniff"]
        assert path == "/page.js" or reply.values("Cache-Control") == ["no-store"]
        if reply.values("Content-Type") == ["text/html; charset=utf-8"]:
            assert reply.values("X-Frame-Options") == ["DENY"] and reply.values("Referrer-Policy") == ["same-origin"]
            assert reply.values("Cross-Origin-Opener-Policy") == ["same-origin"]


async def test_a_head_is_the_get_without_its_body(gateway: Site) -> None:
    browser, _ = gateway.session()
    await browser.walk(f"{HR}/")
    got, headed = await browser.ask(f"{HR}/.gateway/session"), await browser.ask(f"{HR}/.gateway/session", "HEAD", NAVIGATION)
    assert (headed.status, headed.body) == (200, "") and headed.values("Content-Length") == got.values("Content-Length")
