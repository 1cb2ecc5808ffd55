"""The pictures of the README, taken from the running product, so that they cannot lie.

`GATEWAY_PICTURES=1 pytest tests/browser/test_pictures.py` takes them anew; without it each page is held against its picture: the same
size, the same words.
"""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.picture_files import keep
from tests.browser.visitor import ALICE, BOB, Visitor
from tests.harness.demonstration import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
FOLDER = Path(__file__).parent / "pictures"
_SIDE_BY_SIDE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Side by side</title><style>
body { margin: 0; padding: 28px 32px 32px; width: 1400px; box-sizing: border-box; background: #eef1f0; color: #182326;
  font: 18px/1.4 system-ui, "Liberation Sans", sans-serif }
h1 { margin: 0 0 20px; font-size: 26px; font-weight: 650 }
div { display: grid; grid-template-columns: 1fr 1fr; gap: 28px }
figure { margin: 0; border: 1px solid #d3dbda; border-radius: 14px; overflow: hidden; background: #fff }
figcaption { padding: 14px 20px 16px; border-bottom: 1px solid #d3dbda }
strong { display: block; font-size: 22px }
.cure strong { color: #1c6237 } .bug strong { color: #98292f }
img { display: block; width: 100%% }
</style><body><h1>Enter as alice. Then enter as bob.</h1><div>
<figure class="cure"><figcaption><strong>Through the gateway, you are bob</strong>The application, after the switch</figcaption>
<img src="%s"></figure>
<figure class="bug"><figcaption><strong>Straight to the org, you are still alice</strong>The org ignored bob’s token</figcaption>
<img src="%s"></figure></div>"""


def _embedded(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()


@pytest_asyncio.fixture(loop_scope="session")
async def wide(stage: Stage, arrive: Arrive) -> AsyncIterator[Visitor]:
    """A person with a window of the size that the README shows."""
    yield await arrive(stage, viewport={"width": 1200, "height": 700}, color_scheme="light", locale="en-GB", timezone_id="UTC")


async def test_the_portal(stage: Stage, wide: Visitor) -> None:
    await wide.page.goto(f"{stage.where.portal}/")
    await wide.page.set_viewport_size({"width": 1200, "height": 780})
    await keep(FOLDER / "portal.png", wide.page)


async def test_the_question_before_a_switch(stage: Stage, wide: Visitor) -> None:
    await wide.enter("alice")
    await wide.page.goto(f"{stage.where.evil}/")
    await wide.click("link", "Collect your prize")
    await wide.has_heading("Continue as somebody else?")
    await wide.page.set_viewport_size({"width": 900, "height": 860})
    await keep(FOLDER / "confirm.png", wide.page)


async def test_the_session_page(stage: Stage, wide: Visitor) -> None:
    await wide.enter("alice")
    await wide.page.goto(f"{stage.where.app}/.gateway/")
    await wide.has_heading("You are signed in")
    await wide.page.set_viewport_size({"width": 900, "height": 700})
    await keep(FOLDER / "session.png", wide.page)


async def test_bug_and_cure_side_by_side(stage: Stage, wide: Visitor) -> None:
    await wide.page.set_viewport_size({"width": 654, "height": 520})  # a window for each, half of the picture
    for name in ("alice", "bob"):
        await wide.enter(name)
    await wide.is_shown(BOB)
    cure = await keep(FOLDER / "app-bob.png", wide.page)
    for name in ("alice", "bob"):
        await wide.enter(name, "straight")
    await expect(wide.page.locator("#login")).to_have_text(ALICE)
    bug = await keep(FOLDER / "bug-alice.png", wide.page)
    await wide.page.set_viewport_size({"width": 1400, "height": 730})
    await wide.page.set_content(_SIDE_BY_SIDE % (_embedded(cure), _embedded(bug)))
    await wide.page.evaluate("() => Promise.all([...document.images].map((image) => image.decode()))")
    await keep(FOLDER / "switch.png", wide.page)
