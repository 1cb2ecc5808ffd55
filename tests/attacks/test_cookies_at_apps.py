"""Group C at the apps: which of a browser's cookies an app gets, and which cookies it may set."""

import re

import pytest

from tests.harness.app import Visit, answering
from tests.harness.browser import HR, LOGIN
from tests.harness.site import NAVIGATE, Site


def cookies_at_app(site: Site) -> list[bytes]:
    """The Cookie lines of the last request at the app, as bytes."""
    return [line[len("cookie: ") :] for line in site.behind.last.fields if line.lower().startswith(b"cookie:")]


async def test_c11_many_cookies_of_the_app_pass_until_the_limit(site: Site) -> None:
    cookie = (await site.signed_in()).decode().strip()
    grown = f"{cookie}; " + "; ".join(f"app{number}={'x' * 3990}" for number in range(10))
    assert (await site.ask("/", grown.encode() + b"\r\n")).status == 200
    assert len(cookies_at_app(site)[0]) > 39_000
    site.behind.visits.clear()
    for many in (17, 30):
        grown = f"{cookie}; " + "; ".join(f"app{number}={'x' * 3990}" for number in range(many))
        reply = await site.ask("/", grown.encode() + b"\r\n" + NAVIGATE)
        assert reply.status == 431 and b"cookie" in reply.body.lower()
    assert site.behind.visits == []


async def test_c12_apps_get_their_own_cookies_and_nobody_elses(site: Site) -> None:
    """What is Okta's is known by its value: an app may call its own cookies as Okta does."""
    browser = await site.entered()
    value, sid = browser.jar(HR)["__Host-gateway"], browser.jar(LOGIN)["sid"]
    own = "idx=eyJ; DT=DI1; JSESSIONID2=q; SID=4; xids=5"
    line = f'a=1; sid={sid}; __Host-gateway={value}; b="2";c=3 ;  {own}; __Host-gateway-start=n~1; sidx=6; myr=7; d'
    assert (await site.ask("/", f"Cookie: {line}\r\n".encode())).status == 200
    assert [re.split(rb"; *", one.strip(b"; ")) for one in cookies_at_app(site)] == [
        [b"a=1", b'b="2"', b"c=3 ", b"idx=eyJ", b"DT=DI1", b"JSESSIONID2=q", b"SID=4", b"xids=5", b"sidx=6", b"myr=7", b"d"]
    ]
    for hidden in (
        f"x=1, sid={sid}",
        f'x="a; sid={sid}; b"',
        f"=sid={sid}",
        f"x=1 sid={sid}",
        f"sid ={sid}",
        f"\tsid={sid}",
        f'sid="{sid}"',
        f"x=1,idx={sid}",
        f"myr={sid}",
        f"other={sid}",
        f"sid={sid}{sid}",
        f"{sid}=1",
    ):
        await site.ask("/", f"Cookie: {hidden}; __Host-gateway={value}; keep=1\r\n".encode())
        assert sid.encode() not in site.behind.last.head and b"keep=1" in site.behind.last.head, hidden
        assert value.encode() not in site.behind.last.head
    for origin, path in ((HR, "/public/x"), (HR, "/maybe/x")):
        await site.ask(path, f"Cookie: __Host-gateway={value}; sid={sid}; keep=1\r\n".encode(), origin=origin)
        assert cookies_at_app(site) == [b"keep=1"]


async def test_c12_a_line_that_was_harmless_without_the_pass_is_read_again_beside_it(site: Site) -> None:
    """The pass in one ``Cookie`` line says that the value in another one is Okta's."""
    browser = await site.entered()
    value, sid = browser.jar(HR)["__Host-gateway"], browser.jar(LOGIN)["sid"]
    line = f"Cookie: other={sid}; JSESSIONID=1; keep=1\r\n"
    for _ in range(2):
        await site.ask("/public/x", line.encode())
    await site.ask("/", f"Cookie: __Host-gateway={value}\r\n{line}".encode())
    assert cookies_at_app(site) == [b"keep=1"]


async def test_c12_an_app_sets_no_cookie_in_our_names(site: Site) -> None:
    """Not in the list of attacks: the way back; an app could otherwise end or replace the pass of its host."""
    lines = b"".join(
        b"Set-Cookie: " + name + b"=x; Path=/; Secure\r\n"
        for name in (b"__Host-gateway", b"__host-gateway-start", b"__Host-gateway-x", b"own")
    )
    cookie = await site.signed_in()

    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines + b"\r\n")

    site.behind.script = script
    assert (await site.ask("/", cookie)).values("Set-Cookie") == ["own=x; Path=/; Secure"]


@pytest.mark.parametrize(
    "lines",
    [
        'n=zoë\u20ac; q="a b"; e=a=b==; p=%3D%zz; s=a b c; t=\t1',
        "a=1",
        "a=1; b=2\r\nCookie: c=3; d=4\r\ncookie: a=5",
        'j={"a":1,"b":[2]}; k=a,b; l=\\; m=<>()@',
        "x=1;y=2;;  z=3;",
    ],
)
async def test_c16_cookies_of_the_app_arrive_byte_for_byte(site: Site, lines: str) -> None:
    cookie = await site.signed_in()
    await site.ask("/", cookie + f"Cookie: {lines}\r\n".encode())
    assert cookies_at_app(site) == [line.removeprefix("Cookie: ").removeprefix("cookie: ").encode() for line in lines.split("\r\n")]


async def test_c16_every_cookie_that_an_app_sets_arrives(site: Site) -> None:
    """Not in the list of attacks: the way back, in names that differ in case, and in values that no parser likes."""
    cookie = await site.signed_in()
    lines = (
        b"Set-Cookie: a=1; Path=/",
        b"set-cookie: a=2; path=/x",
        b'SET-COOKIE: b="x, y"; Expires=Thu, 01 Jan 2099 00:00:00 GMT',
        b"Set-Cookie: =n",
        b"Set-Cookie: z=\xff",
    )
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")
    reply = await site.ask("/", cookie)
    assert reply.values("Set-Cookie") == [line.partition(b": ")[2].decode("latin-1") for line in lines]
