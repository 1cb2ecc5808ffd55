"""W1: an app may use Okta's cookie names for its own cookies and gets them back. A cookie whose value Okta set never reaches an app."""

import random
from collections.abc import AsyncIterator
from itertools import product

import pytest

from gateway.dev.standin.faults import Fault
from tests.harness.app import answering
from tests.harness.browser import ALICE, BOB, HR, LOGIN, NAVIGATION
from tests.harness.gateway import of_one_process
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, cookie_line, deployed
from tests.harness.subrequests import DIALECTS, TRUSTING, ask

NAMES = ("sid", "idx", "DT", "xids", "myr")


@pytest.fixture(params=["classic", "identity"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with deployed(request.param, listen=TRUSTING) as made:
        yield made


def at_app(site: Site) -> list[str]:
    """The cookies of the last request at the app."""
    lines = [line[len("cookie: ") :] for line in site.behind.last.fields if line.lower().startswith(b"cookie:")]
    return [piece.strip() for line in lines for piece in line.decode("latin-1").split(";") if piece.strip()]


def line(*pieces: str) -> bytes:
    return f"Cookie: {'; '.join(pieces)}\r\n".encode("latin-1")


@pytest.mark.parametrize("attributes", ["", "; HttpOnly; Secure"], ids=["for scripts", "for the server alone"])
@pytest.mark.parametrize("name", NAMES)
async def test_w1_a_cookie_of_the_apps_own_travels_both_ways(site: Site, name: str, attributes: str) -> None:
    """What is for the server alone is bound to its user on the way, and the app sees its own bytes again."""
    browser, value = await site.entered(), "Fe26.2**0a1b2c3d4e5f60718293"
    site.behind.script = answering(
        f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: {name}={value}; Path=/{attributes}\r\n\r\n".encode()
    )
    reply = await site.ask("/login", FETCH + cookie_line(browser, HR))
    (sent,) = [one.partition(";")[0] for one in reply.values("Set-Cookie") if one.startswith(f"{name}=")]
    assert (sent == f"{name}={value}") is (not attributes)
    own = cookie_line(browser, HR).decode().strip().removeprefix("Cookie: ")
    for _ in range(3):
        await site.ask("/x", FETCH + line(own, sent))
        assert at_app(site) == [f"{name}={value}"]
    for dialect in DIALECTS:
        assert (await ask(site, dialect, "/x", FETCH + line(own, f"{name}={value}"))).status == 200


async def test_w1_nobody_needs_a_session_for_them_where_nobody_is_asked(site: Site) -> None:
    await site.ask("/public/x", line(*(f"{name}=own-{name}" for name in NAMES), "sid="))
    assert at_app(site) == [*(f"{name}=own-{name}" for name in NAMES), "sid="]


async def oktas_values(site: Site) -> tuple[bytes, list[str]]:
    """The Cookie line of alice at the app, and every value that Okta has set in her browser and in bob's until now."""
    found: list[str] = []
    passes = b""
    for login in (BOB, ALICE):
        browser = site.browser()
        link = f"{LOGIN}/login/sessionCookieRedirect?token={site.org.session_token(login)}&redirectUrl={HR}/"
        from_here = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}
        if (redeemed := await browser.ask(link, fields=from_here)).status == 307:  # a browser without an id is given one, and comes again
            redeemed = await browser.ask(link, fields=from_here)
        assert redeemed.status == 302, redeemed
        await site.enters(browser)
        passes = cookie_line(browser, HR)
        found += [value for name, value in browser.jar(LOGIN).items() if name in NAMES and value.strip('"')]
    site.behind.visits.clear()
    return passes, found


async def test_w1_what_okta_set_reaches_no_app_under_any_of_these_names(site: Site) -> None:
    passes, values = await oktas_values(site)
    own = passes.decode().strip().removeprefix("Cookie: ")
    assert len(values) >= 3
    for value, name in product(values, NAMES):
        for hidden in (f"{name}={value}", f'{name}="{value}"', f" {name} = {value}", f"{name}=~gw~{'x' * 28}{value}"):
            for target, held in (("/x", (own,)), ("/public/x", ()), ("/public/x", (own,)), ("/maybe/x", ())):
                assert (await site.ask(target, FETCH + line(*held, hidden, "keep=1"))).status == 200
                assert at_app(site) == ["keep=1"], (target, hidden)
        for dialect in DIALECTS:
            for target, held in (("/x", (own,)), ("/public/x", ())):
                reply = await ask(site, dialect, target, FETCH + line(*held, f"{name}={value}"))
                assert reply.status == 403 and reply.values("Remote-User") == [], dialect


async def test_w1_her_own_values_reach_the_app_under_no_name_at_all(site: Site) -> None:
    browser = await site.entered()
    own = cookie_line(browser, HR).decode().strip().removeprefix("Cookie: ")
    for value in (value for name, value in browser.jar(LOGIN).items() if name in ("sid", "idx")):
        for piece in (f"token={value}", f"a={value}.x", f"JSESSIONID={value}", value, f"={value}", f"a=1, sid={value}", f"{value}=1"):
            assert (await site.ask("/x", FETCH + line(own, piece, "keep=1"))).status == 200
            assert at_app(site) == ["keep=1"], piece


async def test_w1_it_is_so_after_a_restart_and_after_the_end_of_the_session(site: Site) -> None:
    passes, values = await oktas_values(site)
    async with site.beside() as after:
        for value in values:
            await after.ask("/public/x", line(f"sid={value}", "keep=1"))
            assert at_app(site) == ["keep=1"]
    posted = NAVIGATE.replace(b"Site: none", b"Site: same-origin") + b"Origin: https://hr.example.com\r\n"
    gone = await site.ask("/.gateway/sign-out", posted + passes, method="POST")
    assert gone.status in (200, 303)
    for value in values:
        await site.ask("/public/x", line(f"sid={value}", "keep=1"))
        assert at_app(site) == ["keep=1"]


async def test_w1_whatever_is_mixed_the_app_sees_its_own_bytes_and_nothing_of_oktas() -> None:
    """A property over Cookie lines made of an app's pieces and of Okta's, in every spelling that some parser reads."""
    async with deployed("identity", configuration=CONFIGURATION.replace('name = "hr"', 'name = "hr"\nsession_cookies = []', 1)) as site:
        passes, values = await oktas_values(site)
        own, dice = passes.decode().strip().removeprefix("Cookie: "), random.Random(14)
        apps = (
            *(f"{name}=own{number}" for number, name in enumerate(NAMES)),
            "a=1",
            'b="x y"',
            "idx=a.b.c",
            "sid=s%3Aabc.def",
            "d",
            "DT=DI",
        )
        wire = await site.connect()
        for _ in range(400):
            kept = dice.sample(apps, dice.randint(0, 4))
            mixed = [(piece, True) for piece in kept]
            for value in dice.sample(values, dice.randint(0, 2)):
                name = dice.choice(NAMES)
                spelled = (
                    f"{name}={value}",
                    f'{name}="{value}"',
                    f"x=1, sid={value}",
                    f'y="z idx={value}',
                    f"=sid={value}",
                    f"{name} ={value}",
                )
                mixed.insert(dice.randint(0, len(mixed)), (dice.choice(spelled), False))
            target, held = dice.choice((("/x", [own]), ("/public/x", [own]), ("/public/x", [])))
            pieces = [*held, *(piece for piece, _ in mixed)]
            await wire.say(f"GET {target} HTTP/1.1\r\nHost: hr.example.com\r\n".encode() + (line(*pieces) if pieces else b"") + b"\r\n")
            assert b" 200 " in await wire.head() and await wire.exactly(5) == b"hello"
            assert at_app(site) == [piece for piece, is_own in mixed if is_own]
            assert not any(value.encode() in site.behind.last.head for value in values)


@of_one_process
@pytest.mark.parametrize("name", ["DT", "xids", "myr"])
async def test_w1_what_okta_sets_later_is_taken_out_of_a_line_that_went_to_the_app_before(name: str) -> None:
    """Of no form that anybody knows; and the same lines come again on the same connection."""
    async with deployed() as site:
        own = (await site.signed_in()).decode().strip().removeprefix("Cookie: ")
        seen = []
        for target, held in (("/x", [own]), ("/public/x", [])):
            wire, value = await site.connect(), f"of-okta-{target[1:2]}"
            for number in range(6):
                if number == 3:
                    site.org.faults.add(Fault("/login/login.htm", set_cookies=(f'{name}="{value}"; Path=/; Secure',)))
                    assert value in (await site.ask("/login/login.htm", NAVIGATE, origin=LOGIN)).raw.decode("latin-1")
                sent = line(*held, f"{name}={value}", "a=1")
                await wire.say(f"GET {target} HTTP/1.1\r\nHost: hr.example.com\r\n".encode() + FETCH + sent + b"\r\n")
                await wire.head()
                await wire.exactly(5)
                seen.append(at_app(site))
            assert seen == [[f"{name}={value}", "a=1"]] * 3 + [["a=1"]] * 3
            seen.clear()
