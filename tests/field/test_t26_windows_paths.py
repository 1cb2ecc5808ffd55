"""T26: an app on Windows serves one page under many spellings of its path. The page's rule holds for each spelling, or it is refused."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.browser import ALICE, BOB, HR
from tests.harness.site import IIS, Site, deployed


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed() as made:
        yield made


async def test_t26_alice_does_not_reach_what_is_bobs_by_any_spelling(site: Site) -> None:
    """The rule of this app is for ``/Bob/**``."""
    alice, bob = await site.signed_in(ALICE, IIS), await site.signed_in(BOB, IIS)
    spellings = (
        *("/bob::$DATA", "/bob::$INDEX_ALLOCATION/x", "/BOB:$i30:$INDEX_ALLOCATION", "/bob%3A%3A$DATA", "/bob./x", "/bob%20/x"),
        *("/%EF%BD%82ob/x", "/bob%EF%BC%9A:$DATA"),
    )
    for path in spellings:
        site.behind.visits.clear()
        assert (await site.ask(path, alice, origin=IIS)).status == 403, path
        assert site.behind.visits == []
        assert (await site.ask(path, bob, origin=IIS)).status == 200, path
        assert site.behind.last.line == f"GET {path} HTTP/1.1".encode()
    site.behind.visits.clear()
    for path in ("/bob~1/x", "/x%EF%BC%8F..%EF%BC%8Fbob", "/x%EF%BC%BCbob"):
        assert (await site.ask(path, bob, origin=IIS)).status == 400, path
    assert site.behind.visits == []


async def test_t26_another_app_gets_such_paths_as_before(site: Site) -> None:
    alice = await site.signed_in(ALICE, HR)
    for path in ("/bob~1/x", "/bobx::$DATA", "/x%EF%BC%8Fy", "/x/12:30"):
        assert (await site.ask(path, alice)).status == 200
        assert site.behind.last.line == f"GET {path} HTTP/1.1".encode()
