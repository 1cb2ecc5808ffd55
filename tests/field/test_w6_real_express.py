"""Rows W6 and W1 with a real Express app: its redirects name its public host by plain http, and its session cookie is called ``sid``."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deploy.running import running
from tests.field import real_apps
from tests.harness.browser import ALICE, FETCH, FORM, HR
from tests.harness.ports import free_port
from tests.harness.site import CONFIGURATION, Site, deployed

MODULES = Path(__file__).parents[1] / "browser" / "npm" / "node_modules"


@pytest.fixture
async def express() -> AsyncIterator[Site]:
    if shutil.which("node") is None or not (MODULES / "express-session").is_dir():
        pytest.skip("needs node, and `npm ci` in tests/browser/npm")
    port = free_port()
    command = ("node", str(Path(real_apps.__file__).parent / "express_app.cjs"), str(port))
    text = CONFIGURATION.replace('"{upstream}"', f'"http://127.0.0.1:{port}"', 1)
    async with running(command, b"ready", {"NODE_PATH": str(MODULES)}), deployed(configuration=text) as site:
        yield site


async def test_w1_w6_a_session_named_sid_a_form_and_a_redirect(express: Site) -> None:
    browser = await express.entered()
    assert "sid" in browser.jar(HR)
    assert [(await browser.ask(f"{HR}/count")).body for _ in range(3)] == [f"{ALICE} {count}" for count in (1, 2, 3)]
    reply = await browser.post(f"{HR}/form", "word=hello", FORM)
    assert (reply.status, reply.location) == (302, f"{HR}/done")
    assert (await browser.ask(reply.location)).body == "hello"
    assert (await browser.ask(f"{HR}/upload", "PUT", FETCH, "x" * 300_000)).body == "300000"
