"""Row X12: with a valid pass, the sign-in address redirects to the target at once. Only many such redirects in a minute count as a loop."""

from gateway.policy.session.sign_in_loops import STRAIGHT_ON_ALLOWED
from tests.harness.app import greets
from tests.harness.browser import ALICE, HR
from tests.harness.gateway import REPLICAS
from tests.harness.site import FETCH, Site, deployed

PASS, START = "__Host-gateway", "__Host-gateway-start"
SIGN_IN = "/.gateway/sign-in?to=/x"
ME = "/api/v1/sessions/me"


async def test_x12_a_live_pass_goes_straight_on_however_often(site: Site) -> None:
    browser = await site.entered(ALICE)
    for _ in range(REPLICAS):
        await browser.ask(f"{HR}/")
    asked = site.seen(ME)
    replies = [await browser.ask(f"{HR}{SIGN_IN}") for _ in range(6)]
    assert [(reply.status, reply.location) for reply in replies] == [(303, "/x")] * 6
    assert site.seen(ME) == asked
    assert all(PASS not in reply.set_names for reply in replies)
    browser.jar(HR).pop(PASS)
    shown, _asked = await browser.walk(f"{HR}/x")
    assert shown.status == 200, "no step of a loop"


async def test_x12_a_live_pass_that_comes_back_again_and_again_is_a_circle_of_the_front_proxy(site: Site) -> None:
    """The proxy asks a replica that refuses the pass, and this one knows it for good: without an end browsers give up by themselves."""
    browser = await site.entered(ALICE)
    replies = [await browser.ask(f"{HR}{SIGN_IN}") for _ in range(STRAIGHT_ON_ALLOWED + 1)]
    assert [reply.status for reply in replies] == [303] * STRAIGHT_ON_ALLOWED + [400] and "circles" in replies[-1].body
    assert (await browser.ask(f"{HR}{SIGN_IN}")).status == 303, "the user's own next try counts anew"


async def test_x12_three_sign_ins_that_each_ended_well_are_no_loop(site: Site) -> None:
    browser = await site.entered(ALICE)
    for _ in range(5):
        browser.jar(HR).pop(PASS)
        shown, _asked = await browser.walk(f"{HR}/")
        assert shown.status == 200
        assert (await browser.ask(f"{HR}{SIGN_IN}")).location == "/x"


async def test_x12_what_is_no_navigation_with_a_live_pass_goes_on_too(site: Site) -> None:
    line = f"Cookie: {PASS}={(await site.entered(ALICE)).jar(HR)[PASS]}\r\n".encode()
    reply = await site.ask(SIGN_IN, FETCH + line)
    assert (reply.status, reply.location) == (303, "/x") and not reply.values("Set-Cookie"), "a script is no way round"


async def test_x12_a_bad_target_with_a_live_pass_is_none(site: Site) -> None:
    browser = await site.entered(ALICE)
    for target in ("//evil.example.net", "https://evil.example.net/", "/.gateway/sign-in", "/\\evil.example.net"):
        assert (await browser.ask(f"{HR}/.gateway/sign-in?to={target}")).location == "/"


async def test_x12_failures_still_count() -> None:
    async with deployed(script=greets) as gateway:
        browser, _ = gateway.session()
        statuses = []
        for _ in range(4):
            reply = await browser.ask(f"{HR}{SIGN_IN}")
            statuses.append(reply.status)
            if reply.status == 302:
                await browser.ask((await browser.ask(reply.location)).location)
                browser.jar(HR).pop(PASS)  # a browser that does not keep the pass
        assert statuses == [302, 302, 302, 400]
