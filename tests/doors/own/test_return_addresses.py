"""No address of another site gets into a redirect or a page, whatever its spelling and wherever it is given."""

from dataclasses import replace

import pytest

from gateway.policy.session.passes import Ticket
from tests.harness.browser import ALICE, HR, LOGIN
from tests.harness.site import Site

SIGN_OUT = "/.gateway/sign-out"
OFF_SITE = [
    *("//evil.example.net", "///evil.example.net", "https://evil.example.net/", "http:evil.example.net", "javascript:alert(1)"),
    *("\\\\evil.example.net", "/\\evil.example.net", "/%5Cevil.example.net", "/%5cevil.example.net"),
    *("/%2F/evil.example.net", "/%2fevil.example.net"),
    *("/%09/evil.example.net", "/\t/evil.example.net", "/%0d%0aSet-Cookie:%20a=b", "/\r\nSet-Cookie: a=b", "@evil.example.net"),
    *(".evil.example.net", ":443@evil.example.net", "/.gateway/sign-out", "/.gateway/accept?ticket=x", "/%2egateway/sign-in"),
    *(
        "/..//evil.example.net",
        "/./%2e%2e//evil.example.net",
        "data:text/html,x",
        "",
        " /",
        "/\u2028",
        "/x y",
        "/\x00",
        "https:///evil.example.net",
    ),
    *("https://hr.example.com.evil.example.net/", "https://hr.example.com@evil.example.net/", "https://hr.example.com:444/"),
]


@pytest.mark.parametrize("to", OFF_SITE)
async def test_no_return_address_leaves_the_host(gateway: Site, to: str) -> None:
    browser, _ = gateway.session()
    for _ in range(2):
        encoded = "".join(f"%{byte:02X}" for byte in to.encode())
        reply, asked = await browser.walk(f"{HR}/.gateway/sign-in?to={encoded}")
        assert asked[-1] == f"{HR}/" and reply.body == f"hello {ALICE}"
        to = encoded


async def test_a_return_path_too_long_to_be_judged_whole_is_refused(gateway: Site) -> None:
    browser = gateway.browser()
    fits = await browser.ask(f"{HR}/.gateway/sign-in?to=/{'a' * 4095}")
    too_long = await browser.ask(f"{HR}/.gateway/sign-in?to=/{'a' * 4096}")
    assert (fits.status, too_long.status, too_long.location) == (302, 400, "")


async def test_a_parameter_given_twice_is_refused(gateway: Site) -> None:
    browser = gateway.browser()
    assert (await browser.ask(f"{HR}/.gateway/sign-in?to=/a&to=//evil.example.net")).status == 400


async def test_even_a_ticket_of_our_own_leads_to_no_other_host(gateway: Site) -> None:
    browser, _ = gateway.session()
    url = await browser.ticket_url()
    opened = gateway.parts.sealer.open("ticket", "hr.example.com:443", url.partition("ticket=")[2])
    ticket = Ticket.unpacked(opened.payload) if opened is not None else None
    assert ticket is not None
    sealed = gateway.parts.sealer.seal("ticket", "hr.example.com:443", replace(ticket, target="//evil.example.net/").packed())
    assert (await browser.ask(f"{HR}/.gateway/accept?ticket={sealed}")).location == "/"


@pytest.mark.parametrize("to", [*OFF_SITE, f"{LOGIN}.evil.example.net/", "https://hr.example.com\\@evil.example.net/"])
async def test_no_address_of_another_site_gets_into_a_sign_out(gateway: Site, to: str) -> None:
    browser = await gateway.entered()
    encoded = "".join(f"%{byte:02X}" for byte in to.encode())
    asked = await browser.ask(f"{HR}{SIGN_OUT}?to={encoded}")
    posted = await browser.post(f"{HR}{SIGN_OUT}", f"to={encoded}")
    shown = await browser.ask(posted.location)
    own = await browser.post(f"{LOGIN}{SIGN_OUT}", f"to={encoded}")
    for reply in (asked, posted, shown, own):
        assert "evil.example" not in reply.body + reply.location and "javascript" not in reply.body and len(reply.values("Set-Cookie")) < 9
    assert f'href="{HR}/"' in shown.body


@pytest.mark.parametrize("query", ["to=/a&to=/b", f"to=/{'a' * 4096}", "done=x&done=y"])
async def test_a_sign_out_page_for_an_unreadable_address_is_refused(gateway: Site, query: str) -> None:
    browser = gateway.browser()
    for origin in (HR, LOGIN):
        assert (await browser.ask(f"{origin}{SIGN_OUT}?{query}")).status == 400
