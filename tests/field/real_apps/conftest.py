"""The browser that real apps are opened in."""

from tests.browser.conftest import arrive, chromium, playwright, start

__all__ = ["arrive", "chromium", "playwright", "start"]
