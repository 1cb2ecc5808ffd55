"""``app.sign_out_path`` of Tomcat, PHP and Django: a former user's session ends in the app too, even for a client that has its id."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.field.app_of_sessions import WITH_SIGN_OUT, asked, stamped
from tests.field.real_apps import APPS, Cookies, RealApp
from tests.harness.browser import ALICE, BOB
from tests.harness.site import Site, deployed
from tests.harness.wire import PATIENCE

CASES = [(app, cookies) for app in APPS for cookies in (Cookies(), Cookies("/app", "example.com"))]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0].name}-{case[1].path}")
async def real(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[RealApp, Site, str]]:
    app, cookies = request.param
    if app.missing():
        pytest.skip(app.missing())
    async with AsyncExitStack() as opened:
        address = await opened.enter_async_context(app.running(tmp_path, cookies))
        text = WITH_SIGN_OUT.replace('"{upstream}"', f'"{address}"', 1)
        yield app, await opened.enter_async_context(deployed(configuration=text)), address


def without(name: str, line: bytes) -> bytes:
    """The Cookie line of a browser that has lost this cookie."""
    pieces = line.strip().removeprefix(b"Cookie: ").split(b"; ")
    return b"Cookie: " + b"; ".join(piece for piece in pieces if not piece.startswith(name.encode() + b"="))


async def test_a_session_that_bob_brings_is_over_in_the_app(real: tuple[RealApp, Site, str]) -> None:
    app, site, address = real
    alice, bob = without(app.cookie, await site.signed_in(ALICE)), without(app.cookie, await site.signed_in(BOB))
    cookie = stamped(await asked(site, alice), app.cookie)
    own = f"{app.cookie}={cookie[len(app.cookie) + 1 + 32 :]}"

    async def owner(**fields: str) -> str:
        async with site.browsers.get(f"{address}/app/page", headers={"Cookie": own, **fields}) as answer:
            return await answer.text()

    assert f"<p id=owner>{ALICE}</p>" in await owner()
    reply = await asked(site, bob, cookie)
    assert f"<p id=owner>{BOB}</p>".encode() in reply.body
    running = {task for task in asyncio.all_tasks() if task.get_name() == "app sign-out"}
    if running:
        await asyncio.wait(running, timeout=PATIENCE)
    assert [line["event"] for line in site.lines if str(line["event"]).startswith("app_sign")] == ["app_signed_out"]
    assert ALICE not in await owner(**{"Remote-User": "nobody"})
