"""``app.sign_out_path`` is called once with a former user's cookies. With a front proxy, the hand-off removes the app's cookies."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.shared_state import MemoryState
from tests.field.app_of_sessions import SIGN_OUT, WITH_SIGN_OUT, AppOfSessions, asked, fetched, removed, stamped
from tests.field.restarts import at
from tests.harness.app import Behind, Visit
from tests.harness.browser import ALICE, BOB, HR, Browser, BrowserReply
from tests.harness.site import CONFIGURATION, LOCAL, Site, cookie_line, deployed
from tests.harness.subrequests import TRUSTING
from tests.harness.wire import PATIENCE

PASS = "__Host-gateway"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed(configuration=WITH_SIGN_OUT, shares=MemoryState) as made:
        yield made


async def until(site: Site, is_so: Callable[[], bool]) -> None:
    """Wait for the app to be asked until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            site.behind.arrived.clear()
            await site.behind.arrived.wait()


def calls(site: Site) -> list[bytes]:
    return [visit.line for visit in site.behind.visits if SIGN_OUT.encode() in visit.line]


def told(site: Site) -> list[dict[str, object]]:
    return [line for line in site.lines if str(line["event"]).startswith("app_sign")]


async def came(site: Site, app: AppOfSessions) -> tuple[Browser, str]:
    """A browser in which alice has a session of the app; the cookie is in its jar and returned too."""
    browser = await site.entered(ALICE)
    site.behind.script = app
    cookie = stamped(await asked(site, cookie_line(browser, HR)))
    name, _, value = cookie.partition("=")
    browser.jar(HR)[name] = value
    return browser, cookie


async def test_a_sign_out_on_that_host_calls_it_once(site: Site) -> None:
    app = AppOfSessions()
    browser, cookie = await came(site, app)
    alice = browser.jar(HR).copy()
    await browser.post(f"{HR}/.gateway/sign-out")
    await until(site, lambda: app.signed_out != [])
    assert app.signed_out == ["s1"]
    call = site.behind.last
    assert call.line == f"GET {SIGN_OUT} HTTP/1.1".encode() and call.value(b"cookie") == b"JSESSIONID=s1"
    assert call.value(b"host") == b"hr.example.com" and call.value(b"x-forwarded-proto") == b"https"
    assert call.value(b"remote-user") is None and call.value(b"remote-user-id") is None, "it speaks for no user"

    browser.jars[HR.partition("://")[2]] = alice
    await browser.post(f"{HR}/.gateway/sign-out")
    bob = await site.signed_in(BOB)
    await asked(site, bob, cookie)
    await asked(site, bob)
    assert calls(site) == [] and app.signed_out == ["s1"]


async def test_else_it_is_called_once_when_such_a_cookie_comes_with_another_user(site: Site) -> None:
    app = AppOfSessions()
    _, cookie = await came(site, app)
    bob = await site.signed_in(BOB)
    replies = await asyncio.gather(*(ask(site, bob, cookie) for ask in (asked, fetched) for _ in range(5)))
    assert {reply.body for reply in replies} == {BOB.encode()}
    await until(site, lambda: app.signed_out != [])
    await asked(site, bob, cookie)
    assert len(calls(site)) == 1 and app.signed_out == ["s1"]
    assert [(line["event"], line["app"], line["status"]) for line in told(site)] == [("app_signed_out", "hr", 302)]


async def test_in_all_replicas_it_is_called_once(site: Site) -> None:
    app = AppOfSessions()
    _, cookie = await came(site, app)
    bob = await site.entered(BOB)
    async with site.beside() as replica:
        there = cookie_line(at(replica, bob), HR)
        bob.jar(HR).pop("JSESSIONID", None)
        await asyncio.gather(asked(site, cookie_line(bob, HR), cookie), asked(replica, there, cookie))
        await until(site, lambda: app.signed_out != [])
        await asked(replica, there, cookie)
    assert app.signed_out == ["s1"]


async def test_the_hand_off_calls_it_with_what_it_is_shown(site: Site) -> None:
    app = AppOfSessions()
    browser, _ = await came(site, app)
    browser.signs_in(site.org.sign_in(BOB))
    browser.jar(HR).pop(PASS)
    await site.enters(browser)
    await until(site, lambda: app.signed_out != [])
    assert app.signed_out == ["s1"] and len(calls(site)) == 1


async def test_the_same_user_who_comes_back_ends_nothing(site: Site) -> None:
    app = AppOfSessions()
    browser, _ = await came(site, app)
    browser.jar(HR).pop(PASS)
    await site.enters(browser)
    assert site.behind.last.value(b"cookie") == b"JSESSIONID=s1" and calls(site) == [] and app.signed_out == []


async def test_a_session_that_began_for_nobody_is_no_former_users(site: Site) -> None:
    app = AppOfSessions()
    alice = await site.entered(ALICE)
    site.behind.script = app
    name, _, value = stamped(await asked(site, b"", "a=1", target="/maybe/x")).partition("=")
    assert removed(await asked(site, cookie_line(alice, HR), f"{name}={value}")) == ["JSESSIONID= Path=/"]
    alice.jar(HR)[name] = value
    await alice.post(f"{HR}/.gateway/sign-out")
    assert not any(task.get_name() == "app sign-out" for task in asyncio.all_tasks()) and app.signed_out == []


async def test_nobody_ends_nothing_either(site: Site) -> None:
    """She may sign in again, and go on."""
    app = AppOfSessions()
    _, cookie = await came(site, app)
    reply = await asked(site, b"", cookie, target="/maybe/x")
    assert reply.body == b"nobody" and calls(site) == [] and app.signed_out == []
    assert not any(task.get_name() == "app sign-out" for task in asyncio.all_tasks())


@pytest.mark.parametrize("cookie", ["JSESSIONID=s1", "JSESSIONID=~gw~AAAAAAAAAAAAAAAAAAAAAAAAAAAAs1", "jsessionid=s1"])
async def test_it_is_never_called_with_a_cookie_that_may_be_made_up(site: Site, cookie: str) -> None:
    app = AppOfSessions()
    browser, _ = await came(site, app)
    await asked(site, await site.signed_in(BOB), cookie)
    name, _, value = cookie.partition("=")
    browser.jar(HR)[name] = value
    if name != "JSESSIONID":
        browser.jar(HR).pop("JSESSIONID")
    await browser.post(f"{HR}/.gateway/sign-out")
    await asked(site, await site.signed_in(BOB))
    assert calls(site) == [] and app.signed_out == []


async def test_an_app_that_does_not_answer_holds_nobody_up_and_is_told_in_the_log(site: Site) -> None:
    app = AppOfSessions()
    browser, cookie = await came(site, app)

    async def script(visit: object) -> None:
        raise ConnectionError

    site.behind.script = script
    reply = await browser.post(f"{HR}/.gateway/sign-out")
    assert reply.status == 303
    await asyncio.wait({task for task in asyncio.all_tasks() if task.get_name() == "app sign-out"}, timeout=PATIENCE)
    assert [(line["event"], line["reason"]) for line in told(site)] == [("app_sign_out_failed", "hung_up")]
    assert cookie not in str(site.lines)


async def leaving(site: Site, answers: asyncio.Event) -> tuple[AppOfSessions, asyncio.Task[None]]:
    """The gateway is told to stop while it calls the app, which answers when ``answers`` is set."""
    app = AppOfSessions()
    browser, _ = await came(site, app)

    async def script(visit: Visit) -> None:
        await answers.wait()
        await app(visit)

    site.behind.script = script
    await browser.post(f"{HR}/.gateway/sign-out")
    await until(site, lambda: calls(site) != [])
    return app, asyncio.create_task(site.gateway.aclose())


async def test_a_gateway_that_stops_waits_for_a_call_under_way(site: Site) -> None:
    """No other process would make it: all know that this one did."""
    answers = asyncio.Event()
    app, closing = await leaving(site, answers)
    _, waiting = await asyncio.wait({closing}, timeout=0.2)
    assert waiting == {closing} and told(site) == []
    answers.set()
    await closing
    assert app.signed_out == ["s1"]
    assert [(line["event"], line["status"]) for line in told(site)] == [("app_signed_out", 302)]


async def test_a_gateway_that_stops_does_not_wait_for_ever(site: Site) -> None:
    answers = asyncio.Event()
    _, closing = await leaving(site, answers)
    await asyncio.wait_for(closing, PATIENCE)
    assert [(line["event"], line["reason"]) for line in told(site)] == [("app_sign_out_failed", "stopping")]
    answers.set()


async def test_every_server_of_a_sticky_app_is_called() -> None:
    """The session is on one of them, and who comes later does not know on which."""
    other, app = Behind(), AppOfSessions()
    serving = await asyncio.start_server(other.serve, "127.0.0.1", 0)
    other.port, other.script = serving.sockets[0].getsockname()[1], app
    both = f'balance = "sticky"\nserver = [{{{{ url = "{{upstream}}" }}}}, {{{{ url = "http://127.0.0.1:{other.port}" }}}}]'
    text = WITH_SIGN_OUT.replace('upstream = "{upstream}"', both, 1)
    async with serving, deployed(configuration=text) as site:
        site.behind.script = app
        browser = await site.entered(ALICE)
        assert list(app.owners) == ["s1"]
        await browser.post(f"{HR}/.gateway/sign-out")
        await asyncio.wait({task for task in asyncio.all_tasks() if task.get_name() == "app sign-out"}, timeout=PATIENCE)
        assert [sum(SIGN_OUT.encode() in visit.line for visit in one.visits) for one in (site.behind, other)] == [1, 1]
    assert app.signed_out == ["s1", "s1"]


async def test_an_app_under_a_prefix_is_called_by_its_own_path_and_its_cookie_goes_where_browsers_keep_it() -> None:
    prefixed = 'name = "local"\nstrip_prefix = "/hr"\nadd_prefix = "/app"\nsign_out_path = "/hr/logout?all=1"'
    async with deployed(configuration=CONFIGURATION.replace('name = "local"', prefixed)) as site:
        site.behind.script = app = AppOfSessions(attributes="Path=/app/deep")
        alice, bob = site.session(ALICE)[0], site.session(BOB)[0]
        for browser in (alice, bob):
            await browser.walk(f"{LOCAL}/hr/")
            browser.jar(LOCAL).pop("JSESSIONID")
        cookie = stamped(await asked(site, cookie_line(alice, LOCAL), target="/hr/deep/page", origin=LOCAL))
        reply = await asked(site, cookie_line(bob, LOCAL), cookie, target="/hr/deep/page", origin=LOCAL)
        assert removed(reply) == ["JSESSIONID= Path=/hr/deep"]
        await until(site, lambda: app.signed_out != [])
        assert [visit.line for visit in site.behind.visits if b"logout" in visit.line] == [b"GET /app/logout?all=1 HTTP/1.1"]


_OF_HR = 'url = "https://hr.example.com"\n'
FRONT = CONFIGURATION.replace(f'{_OF_HR}upstream = "{{upstream}}"\nfirst_byte_timeout = "5s"\n', _OF_HR)


async def accepted(browser: Browser, target: str) -> BrowserReply:
    """The answer that brings the pass."""
    started = await browser.ask(f"{HR}/.gateway/sign-in?to={target}")
    return await browser.ask((await browser.ask(started.location)).location)


def gone(reply: BrowserReply) -> list[str]:
    """Name and path of each cookie that an answer removes, the gateway's own aside."""
    lines = [line for line in reply.values("Set-Cookie") if "Max-Age=0" in line and not line.startswith("__Host-gateway")]
    return [line.partition("; Max-Age")[0] for line in lines]


async def test_behind_a_front_proxy_listed_names_go_when_the_owner_changes_and_only_then() -> None:
    async with deployed(listen=TRUSTING, configuration=FRONT) as site:
        browser, _ = site.session(ALICE)
        assert gone(await accepted(browser, "/hr/page")) == []
        browser.jar(HR).pop(PASS)
        browser.jar(HR).update({"JSESSIONID": "a1", "theme": "dark"})
        assert gone(await accepted(browser, "/hr/page")) == [], "the same user goes on"
        browser.jar(HR).pop(PASS)
        browser.signs_in(site.org.sign_in(BOB))
        reply = await accepted(browser, "/hr/page")
        assert gone(reply)[:3] == ["JSESSIONID=; Path=/"] * 3
        lines = [line for line in reply.values("Set-Cookie") if line.startswith("JSESSIONID=; Path=/;")]
        assert ["Domain" in line for line in lines] == [False, True, True] and "Domain=example.com" in lines[2]
        assert {"JSESSIONID=; Path=/hr", "PHPSESSID=; Path=/hr", "sessionid=; Path=/hr"} <= set(gone(reply))
        assert not any(line.startswith(("theme", "ASPSESSIONID")) for line in gone(reply))
        assert "JSESSIONID" not in browser.jar(HR) and browser.jar(HR)["theme"] == "dark"


async def test_behind_a_front_proxy_a_sign_out_takes_the_listed_names_that_it_is_shown() -> None:
    async with deployed(listen=TRUSTING, configuration=FRONT) as site:
        browser, _ = site.session(ALICE)
        await accepted(browser, "/")
        browser.jar(HR).update({"JSESSIONID": "a1", "theme": "dark"})
        reply = await browser.post(f"{HR}/.gateway/sign-out")
        assert set(gone(reply)) == {"JSESSIONID=; Path=/"} and "JSESSIONID" not in browser.jar(HR)


async def test_z3_w14_it_is_called_again_over_a_new_connection_with_the_fields_that_the_app_always_gets() -> None:
    keys = WITH_SIGN_OUT.replace("sign_out_path", 'set_fields = {{ "X-Tenant" = "acme" }}\nsign_out_path', 1)
    async with deployed(configuration=keys) as site:
        app, dropped = AppOfSessions(), list[Visit]()
        browser, _ = await came(site, app)

        async def stale(visit: Visit) -> None:
            if visit.line.startswith(f"GET {SIGN_OUT} ".encode()) and not dropped:
                dropped.append(visit)
                raise ConnectionError
            await app(visit)

        site.behind.script = stale
        await browser.post(f"{HR}/.gateway/sign-out")
        await until(site, lambda: app.signed_out != [])
        assert len(dropped) == 1 and app.signed_out == ["s1"] and site.behind.last.value(b"x-tenant") == b"acme"
