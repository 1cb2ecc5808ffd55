"""Restarts a gateway with the same configuration and seal keys, and with an empty memory. Checks nothing by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.harness.browser import Browser
from tests.harness.site import Site

LONG_AFTER = 120.0
"""Seconds: a pass of the process before is older than every tolerance between two clocks."""


@asynccontextmanager
async def restarted(site: Site, seconds: float = LONG_AFTER) -> AsyncIterator[Site]:
    """The site with a new process, so many seconds later."""
    await site.gateway.aclose()
    site.times.passed += seconds
    async with site.beside() as after:
        yield after


def at(site: Site, browser: Browser) -> Browser:
    """The same browser, whose next requests reach this site's gateway."""
    moved = site.browser()
    moved.jars = browser.jars
    return moved
