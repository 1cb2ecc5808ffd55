"""deploy/portal-express as its README starts it: what it sends to the gateway, and where it leads. Seed 3."""

import json
from pathlib import Path

import aiohttp
import pytest

from tests.browser.visitor import ALICE, PASSWORD
from tests.harness.demonstration import Stage, Stages
from tests.harness.ports import free_port
from tests.seeds.node import Node
from tests.seeds.portal import SECRET

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def started(node: Node, stage: Stage, **more: str) -> str:
    """The recipe, before this gateway; its origin."""
    port = str(free_port())
    home = f"http://127.0.0.1:{port}"
    link = f"{stage.where.login}/home/acme_payroll/0oaPayroll/aln1"
    users = json.dumps({ALICE: PASSWORD, "bob@example.com": "wrong"})
    told = await node.run_recipe(PORT=port, LOGIN_URL=stage.where.login, EMBED_LINK=link, HOME_URL=home, PORTAL_USERS=users, **more)
    assert port in told
    return home


async def test_s52_the_recipe_sends_a_user_to_the_link_with_a_fresh_token_by_express_and_axios(stage: Stage, node: Node) -> None:
    home = await started(node, stage)
    async with aiohttp.ClientSession() as client:
        async with client.post(f"{home}/enter", data={"user": ALICE}, allow_redirects=False) as answer:
            location, policy = answer.headers["Location"], answer.headers["Referrer-Policy"]
        assert answer.status == 303 and policy == "origin" and location.startswith(f"{stage.where.login}/home/acme_payroll/")
        token = location.partition("?sessionToken=")[2]
        assert stage.org.session_tokens.meaning(token) == stage.org.known_user(ALICE)
        async with client.get(f"{home}/sign-out", allow_redirects=False) as answer:
            assert answer.headers["Location"].startswith(f"{stage.where.login}/login/signout?fromURI=")


async def test_s52_what_okta_refused_is_said_and_leads_nowhere_by_express_and_axios(stage: Stage, node: Node) -> None:
    home = await started(node, stage)
    async with aiohttp.ClientSession() as client:
        async with client.post(f"{home}/enter", data={"user": "bob@example.com"}, allow_redirects=False) as answer:
            text = await answer.text()
        assert answer.status == 502 and "Authentication failed" in text and "sessionToken" not in str(answer.headers)
        for user in ("nobody", "__proto__", ""):
            async with client.post(f"{home}/enter", data={"user": user}, allow_redirects=False) as answer:
                assert answer.status == 400


@pytest.mark.parametrize("secret", [SECRET, "not-the-secret-of-any-portal-0123456789"])
async def test_s53_the_recipe_announces_its_starts_by_express_and_axios(start: Stages, node: Node, tmp_path: Path, secret: str) -> None:
    file = tmp_path / "portals"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    stage = await start(environ={"SESSION_GATEWAY__SWITCH__PORTAL_SECRETS_FILE": str(file)})
    home = await started(node, stage, PORTAL_SECRET=secret)
    async with aiohttp.ClientSession() as client, client.post(f"{home}/enter", data={"user": ALICE}, allow_redirects=False) as answer:
        assert answer.status == (303 if secret == SECRET else 502)
