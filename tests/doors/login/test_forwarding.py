"""What the login door passes on: byte for byte, except for sessions that ended."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.dev.standin import Engine
from tests.harness.app import Behind, Script, Visit, answering
from tests.harness.person import ALICE, BOB, HR, LOGIN, NAVIGATION, SCRIPT, Person, redemption
from tests.harness.system import ME, System, quoted, system

AUTHORIZE = "/oauth2/v1/authorize"
CODE = f"{LOGIN}{AUTHORIZE}?client_id=portal&response_type=code&redirect_uri={quoted(HR + '/back')}"
SET_COOKIES = (
    'sid="";Version=1;Path=/;Max-Age=0',
    "JSESSIONID=A1; Path=/; Secure; HttpOnly",
    "t=default; Path=/",
    'sid="";Version=1;Path=/;Max-Age=0',
    "sid=102new;Version=1;Path=/;Secure;HttpOnly;SameSite=None",
    "t=default; Path=/",
    "sid=102new;Version=1;Path=/;Secure;HttpOnly;SameSite=None",
)


@pytest.fixture(params=["classic", "identity"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    async with system(cast(Engine, request.param)) as made:  # pytest does not say what type a parameter has
        yield made


@pytest.fixture
async def raw_org() -> AsyncIterator[Behind]:
    behind = Behind()
    server = await asyncio.start_server(behind.serve, "127.0.0.1", 0)
    behind.port = server.sockets[0].getsockname()[1]
    yield behind
    server.close()
    await server.wait_closed()


def as_okta(text: bytes) -> Script:
    """Alice is signed in, whatever the cookies; everything else is answered with this text."""
    until = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 3600))
    session = {"id": "102s", "userId": "00u1", "login": ALICE, "status": "ACTIVE", "expiresAt": until}
    words = json.dumps(session).encode()
    signed_in = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(words), words)

    async def script(visit: Visit) -> None:
        await answering(signed_in if visit.line == b"GET /api/v1/sessions/me HTTP/1.1" else text)(visit)

    return script


@pytest.mark.parametrize("target", ["/a%2Fb;v=1/../%7Ex?q=%7E&y=+&&z", "/login/default?", "/?sid=1&idx=2", "/%E4%BD%A0/%ff"])
async def test_a_request_and_its_answer_pass_byte_for_byte(raw_org: Behind, target: str) -> None:
    lines = "".join(f"Set-Cookie: {line}\r\n" for line in SET_COOKIES)
    raw_org.script = as_okta(f"HTTP/1.1 200 OK\r\nX-B: 2\r\n{lines}x-a:  1\r\nContent-Length: 3\r\n\r\nabc".encode())
    async with system(org_url=f"http://127.0.0.1:{raw_org.port}") as place:
        person = place.person()
        person.keeps("sid", "102a")
        person.keeps("odd", "{%22a%22:[1,2]} x")
        reply = await person.ask(LOGIN + target, fields={**NAVIGATION, "X-Okta-User-Agent-Extended": "okta-auth-js/8.0.1"})
    [visit] = [one for one in raw_org.visits if one.line == f"GET {target} HTTP/1.1".encode()]
    assert visit.value(b"cookie") == b"sid=102a; odd={%22a%22:[1,2]} x"
    assert visit.value(b"host") == b"login.example.com"
    assert visit.value(b"x-okta-user-agent-extended") == b"okta-auth-js/8.0.1"
    *answered, browser_id = reply.set_cookies
    assert answered == list(SET_COOKIES) and browser_id.startswith("__Host-gateway-browser=")
    assert [name for name, _ in reply.fields][:1] == ["X-B"]
    assert (reply.body, person.cookie("sid")) == ("abc", "102new")


async def test_the_answer_to_a_redemption_keeps_its_lines_and_their_order(raw_org: Behind) -> None:
    lines = "".join(f"Set-Cookie: {line}\r\n" for line in SET_COOKIES)
    raw_org.script = as_okta(f"HTTP/1.1 302 Found\r\n{lines}Location: {HR}/\r\nContent-Length: 0\r\n\r\n".encode())
    async with system(org_url=f"http://127.0.0.1:{raw_org.port}") as place:
        person = place.person()
        reply = await person.ask(redemption("20111x"), site="same-site")
    kept = [line for line in reply.set_cookies if line in SET_COOKIES]
    assert kept == list(SET_COOKIES)
    *expired, browser_id = [line for line in reply.set_cookies if line not in SET_COOKIES]
    assert all("Max-Age=0" in line for line in expired) and browser_id.startswith("__Host-gateway-browser=")
    assert person.cookie("sid") == "102new"


async def test_a_session_that_ended_does_not_reach_the_org_any_more(place: System) -> None:
    person = await place.entered(ALICE)
    old = dict(person.jar)
    assert (await place.enter(person, BOB)).body == f"hello {BOB}"
    person.jar = old
    for url in (f"{LOGIN}/api/v1/users/me", f"{LOGIN}/app/UserHome", f"{LOGIN}/app/x/y/link"):
        await person.ask(url)
        last = place.org.journal.rows[-1]
        assert not {"sid", "idx"} & set(last.cookie_names)
        assert {"DT", "JSESSIONID"} <= set(last.cookie_names)


async def revoked_everywhere(person: Person) -> None:
    """Come back when the app no longer knows the browser: the switch has begun."""
    async with asyncio.timeout(10):
        while await person.named_by_app() is not None:
            pass


@pytest.mark.parametrize("path", ["/app/UserHome", "/api/v1/users/me", AUTHORIZE])
async def test_a_switch_waits_for_an_answer_under_way_which_does_not_put_the_old_user_back(path: str) -> None:
    async with system("identity", quirks=["idx-rotates", "sid-noise"]) as place:
        person = await place.entered(ALICE)
        alice = place.session(ALICE)
        late = await place.kept_back(person, CODE if path == AUTHORIZE else LOGIN + path)
        entering = asyncio.create_task(place.enter(person, BOB))
        await revoked_everywhere(person)
        assert [row.method for row in place.org.journal.rows if row.method == "DELETE"] == []
        place.org.faults.clear()
        reply = await late
        assert [line for line in reply.set_cookies if line.startswith(("sid=", "idx=", "xids=", "myr="))] == []
        assert (await entering).body == f"hello {BOB}"
        bob = place.session(BOB)
        assert (person.cookie("sid"), person.cookie("idx")) == (bob.sid, bob.idx)
        assert alice.is_over
        assert await person.named_by_app() == BOB


async def test_a_session_that_only_a_late_answer_knows_is_closed_before_the_token_is_sent() -> None:
    """The value of idx was renewed by a request under way: nobody but its answer will ever tell the new one."""
    async with system("identity", quirks=["idx-rotates"]) as place:
        person, alice = place.person(), place.org.sign_in(ALICE)
        person.signs_in(None, alice.idx)
        assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"
        late = await place.kept_back(person, CODE)
        entering = asyncio.create_task(place.enter(person, BOB))
        await revoked_everywhere(person)
        assert place.live() == [ALICE]
        place.org.faults.clear()
        assert not [line for line in (await late).set_cookies if line.startswith("idx=")]
        await entering
        assert alice.is_over
        assert place.live() == [BOB]


async def test_the_value_that_came_after_the_one_that_is_shown_is_closed_too() -> None:
    """A token that was on its way with the old idx when the new one was set."""
    async with system("identity", quirks=["idx-rotates"]) as place:
        person, alice = place.person(), place.org.sign_in(ALICE)
        person.signs_in(None, alice.idx)
        assert (await person.ask(f"{LOGIN}/login/login.htm")).status == 302
        old = dict(person.jar)
        await person.ask(CODE)
        assert person.cookie("idx") == alice.idx
        assert person.jar != old
        person.jar = old
        await place.enter(person, BOB)
        assert place.live() == [BOB]


class TestSignOut:
    WAYS = (("DELETE", ME), ("GET", "/login/signout"), ("POST", "/login/signout"), ("GET", "/oauth2/v1/logout"))

    @pytest.mark.parametrize(("method", "path"), WAYS[:3])
    async def test_the_session_is_refused_before_okta_hears_of_it(self, place: System, method: str, path: str) -> None:
        person = await place.entered(ALICE)
        place.fails(path, method=method, hold=True)
        leaving = asyncio.create_task(person.ask(LOGIN + path, method, fields=SCRIPT, site="same-origin"))
        await place.org.journal.seen(method, path)
        assert await person.named_by_app() is None
        assert place.live() == [ALICE]
        place.org.faults.clear()
        await leaving
        await place.until()

    @pytest.mark.parametrize(("method", "path"), WAYS)
    async def test_it_is_really_closed_where_okta_leaves_half_of_it_alive(self, method: str, path: str) -> None:
        async with system("identity", quirks=["delete-404-leaves-sid"]) as place:
            person = await place.entered(ALICE)
            hint = f"?id_token_hint={place.hint(ALICE)}" if "logout" in path else ""
            await person.ask(LOGIN + path + hint, method, fields=SCRIPT, site="same-origin")
            await place.until()
            assert (await place.enter(person, BOB)).body == f"hello {BOB}"

    async def test_a_picture_of_another_site_signs_nobody_out(self, place: System) -> None:
        person = await place.entered(ALICE)
        picture = {"Accept": "image/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        for path, status in (("/login/signout", 403), ("/oauth2/v1/logout", 400)):
            assert (await person.ask(LOGIN + path, fields=picture, site="cross-site")).status == status
        assert place.live() == [ALICE]
        assert await person.named_by_app() == ALICE

    async def test_x17_a_link_of_another_site_to_oktas_sign_out_ends_at_our_button_and_keeps_its_way_back(self, place: System) -> None:
        person = await place.entered(ALICE)
        reply = await person.ask(f"{LOGIN}/login/signout?fromURI=%2F", site="cross-site")
        assert (reply.status, reply.location) == (303, f"{LOGIN}/.gateway/sign-out?to=%2F")
        assert place.live() == [ALICE]

    async def test_an_oidc_logout_that_okta_accepts_from_another_site_holds_here_at_once(self, place: System) -> None:
        """The answer waits until Okta has said that the session is gone; nobody waits for the ttl."""
        person = await place.entered(ALICE)
        place.org.sessions.end(place.session(ALICE))
        await person.ask(f"{LOGIN}/oauth2/v1/logout?id_token_hint=x", site="cross-site")
        assert await person.named_by_app() is None

    async def test_the_answer_of_a_sign_out_keeps_its_deletions_and_begins_nothing(self, place: System) -> None:
        person = await place.entered(ALICE)
        reply = await person.ask(f"{LOGIN}/login/signout?fromURI={quoted(HR + '/')}", site="same-site")
        assert (reply.status, reply.location) == (302, f"{HR}/")
        assert person.cookie("sid") is None and person.cookie("idx") is None


class TestLegacyCalls:
    async def test_calls_by_id_are_answered_through_me_and_marked(self, place: System) -> None:
        person = await place.entered(ALICE)
        by_id = f"{LOGIN}/api/v1/sessions/{place.session(ALICE).id}"
        read = await person.script(by_id)
        assert (read.status, read.values("Deprecation"), ALICE in read.body) == (200, ["@1689638400"], True)
        assert place.org.journal.rows[-1].path == ME
        refreshed = await person.script(f"{by_id}/lifecycle/refresh", "POST", "{}")
        assert (refreshed.status, refreshed.values("Deprecation")) == (200, ["@1689638400"])
        closed = await person.script(by_id, "DELETE")
        assert (closed.status, closed.values("Deprecation")) == (204, ["@1689638400"])
        assert place.live() == []
        assert await person.named_by_app() is None

    async def test_an_id_of_somebody_else_or_an_api_token_is_the_orgs_own_matter(self, place: System) -> None:
        person = await place.entered(ALICE)
        bob = place.org.sign_in(BOB)
        other = await person.script(f"{LOGIN}/api/v1/sessions/{bob.id}", "DELETE")
        assert other.status in (401, 403) and other.values("Deprecation") == ["@1689638400"]
        key = {**SCRIPT, "Authorization": f"SSWS {place.org.api_token}"}
        named = await person.ask(f"{LOGIN}/api/v1/sessions/{place.session(ALICE).id}", fields=key, site="same-origin")
        assert named.values("Deprecation") == ["@1689638400"]
        assert place.org.journal.rows[-1].path.endswith(place.session(ALICE).id)


async def test_an_org_that_is_away_is_unavailable_and_nobody_is_signed_out(place: System) -> None:
    person = await place.entered(ALICE)
    place.is_down()
    page = await person.ask(f"{LOGIN}/app/UserHome")
    assert (page.status, page.set_cookies, page.values("Retry-After")) == (503, [], ["5"])
    told = await person.script(f"{LOGIN}/api/v1/users/me")
    assert (told.status, told.values("Content-Type")) == (503, ["application/json"])
    place.org.faults.clear()
    assert await person.named_by_app() == ALICE
