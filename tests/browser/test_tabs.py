"""Several tabs of one browser at once, and links that were used before: at the end there is one session, and it is shown."""

import asyncio
from collections.abc import Sequence

import pytest
from playwright.async_api import Page

from gateway.standin import ALICE_AND_BOB, Org, User, fault
from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB, CAROL, PASSWORD, REDEMPTION, Visitor, follow, redemptions, signed_in
from tests.journeys.stage import Stage, Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")
EACH_ENGINE = pytest.mark.parametrize("engine", ["classic", "identity"])
THREE = (*ALICE_AND_BOB, User(CAROL, PASSWORD))


def hold(org: Org, method: str, path: str) -> asyncio.Event:
    """Let the next such request wait at the org until the event is set."""
    order = fault({"method": method, "path": path, "hold": True, "after": True})
    assert order.release is not None
    org.faults.add(order)
    return order.release


async def _one_is_signed_in_and_shown(visitor: Visitor, tabs: Sequence[Page]) -> str:
    """The only live session's user, whom every tab shows once it is loaded again."""
    [login] = signed_in(visitor.stage)
    for tab in tabs:
        assert tab.url == f"{visitor.stage.where.app}/"
        await tab.reload()
        await visitor.is_shown(login, tab)
    return login
