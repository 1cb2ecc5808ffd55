"""An Express application with @okta/oidc-middleware and a session of its own, behind the gateway and on a host beside it. Seed 4."""

import aiohttp
import pytest
from playwright.async_api import expect

from gateway.dev.standin import Client, Engine
from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB, Visitor, signed_in
from tests.harness.demonstration import Stage, Stages
from tests.seeds.application import Application, registered
from tests.seeds.engines import EACH_ENGINE
from tests.seeds.node import Node

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECRET = "s3cret"


async def application(start: Stages, arrive: Arrive, node: Node, engine: Engine, *, behind: bool) -> Application:
    port = await node.serve("middleware_app.cjs")
    stage = await start(engine=engine, upstream=f"http://127.0.0.1:{port}") if behind else await start(engine=engine)
    url = stage.where.app if behind else f"http://rp.example.localhost:{port}"
    rp = registered(await arrive(stage), "0oaExpress", url, back=f"{url}/authorization-code/callback", bye=f"{url}/bye", secret=SECRET)
    told = {"issuer": rp.issuer, "appBaseUrl": url, "client_id": rp.client_id, "client_secret": SECRET}
    timeout = aiohttp.ClientTimeout(30)
    async with aiohttp.ClientSession(timeout=timeout) as client, client.post(f"http://127.0.0.1:{port}/setup", json=told) as answer:
        assert answer.status == 200, await answer.text()
    return rp


async def shows(rp: Application, login: str, told: str = "") -> None:
    """Whom the application takes the browser for, and whom the gateway names to it."""
    await rp.visitor.page.goto(f"{rp.home}/")
    await expect(rp.visitor.page.locator("#who")).to_have_text(login)
    await expect(rp.visitor.page.locator("#told")).to_have_text(told)


async def enters(stage: Stage, visitor: Visitor, login: str) -> None:
    """A portal's link that ends at the dashboard."""
    await visitor.page.goto(f"{stage.where.portal}/")
    link = visitor.link_for(login).replace(f"{stage.where.app}/".replace(":", "%3A").replace("/", "%2F"), "%2Fapp%2FUserHome")
    async with visitor.page.expect_navigation():
        await visitor.page.evaluate("link => { location.assign(link) }", link)
    await expect(visitor.page.locator("#login")).to_have_text(login)


@EACH_ENGINE
async def test_s59_behind_the_gateway_bob_never_goes_on_in_alices_session_by_oidc_middleware(
    start: Stages, arrive: Arrive, node: Node, engine: Engine
) -> None:
    rp = await application(start, arrive, node, engine, behind=True)
    stage = rp.visitor.stage
    await enters(stage, rp.visitor, ALICE)
    await shows(rp, ALICE, ALICE)
    await enters(stage, rp.visitor, BOB)
    await shows(rp, BOB, BOB)


@EACH_ENGINE
async def test_s59_beside_the_gateway_an_app_keeps_its_own_session_by_oidc_middleware(
    start: Stages, arrive: Arrive, node: Node, engine: Engine
) -> None:
    """What the gateway does not carry it cannot end: seed 4's two sessions. The app's own sign-out does."""
    rp = await application(start, arrive, node, engine, behind=False)
    stage = rp.visitor.stage
    await enters(stage, rp.visitor, ALICE)
    await shows(rp, ALICE)
    await enters(stage, rp.visitor, BOB)
    await shows(rp, ALICE)
    await rp.visitor.page.goto(f"{rp.home}/local-logout")
    await shows(rp, BOB)


@EACH_ENGINE
async def test_s71_logout_and_revoke_ends_both_sessions_by_oidc_middleware(
    start: Stages, arrive: Arrive, node: Node, engine: Engine
) -> None:
    rp = await application(start, arrive, node, engine, behind=False)
    stage = rp.visitor.stage
    await enters(stage, rp.visitor, ALICE)
    await shows(rp, ALICE)
    await rp.visitor.page.goto(f"{rp.home}/logout")
    assert rp.visitor.page.url == f"{rp.home}/bye" and signed_in(stage) == []


@EACH_ENGINE
async def test_s70_alices_logout_over_bobs_session_ends_alices_app_session_alone_by_oidc_middleware(
    start: Stages, arrive: Arrive, node: Node, engine: Engine
) -> None:
    rp = await application(start, arrive, node, engine, behind=False)
    stage = rp.visitor.stage
    await enters(stage, rp.visitor, ALICE)
    await shows(rp, ALICE)
    await enters(stage, rp.visitor, BOB)
    await rp.visitor.page.goto(f"{rp.home}/logout")
    assert rp.visitor.page.url == f"{rp.home}/bye" and signed_in(stage) == [BOB]


@EACH_ENGINE
async def test_s58_a_server_checks_both_tokens_by_jwt_verifier(start: Stages, node: Node, engine: Engine) -> None:
    stage = await start(engine=engine)
    back = "https://rp.example.com/callback"
    stage.org.clients.register(Client("0oaServer", (back,), secret=SECRET))
    issuer, token = f"{stage.where.login}/oauth2/default", stage.org.session_token(ALICE)
    told = await node.ask("jwt_verifier.cjs", issuer=issuer, clientId="0oaServer", secret=SECRET, back=back, sessionToken=token)
    assert told == {"access": ALICE, "email": ALICE}
