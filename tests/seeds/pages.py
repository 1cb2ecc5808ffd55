"""Owns pages of applications that use npm's browser clients unchanged, served under any name of this machine.

`/{client}/…` is a page with that client's bundle in it: `auth-js`, `oidc-client-ts`, `widget`, `widget-classic`, `widget-oie`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Page

BUNDLES = {
    "auth-js": "@okta/okta-auth-js/dist/okta-auth-js.min.js",
    "oidc-client-ts": "oidc-client-ts/dist/browser/oidc-client-ts.min.js",
    "widget": "@okta/okta-signin-widget/dist/js/okta-sign-in.min.js",
    "widget-classic": "@okta/okta-signin-widget/dist/js/okta-sign-in.classic.min.js",
    "widget-oie": "@okta/okta-signin-widget/dist/js/okta-sign-in.oie.min.js",
}
_PAGE = (
    '<!doctype html><html lang="en"><title>An application</title><link rel="icon" href="data:,">'
    '<script src="/bundles/{client}.js"></script><div id="widget"></div>{more}</html>'
)
_MORE = {
    "oidc-client-ts": '<script>if (location.pathname.endsWith("/silent")) new oidc.UserManager({}).signinSilentCallback()</script>',
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The running server."""

    port: int

    def at(self, client: str, host: str = "rp.example.localhost") -> str:
        """The page of a client, without a slash at the end; `rp.example.localhost` is of the gateway's site."""
        return f"http://{host}:{self.port}/{client}"


@asynccontextmanager
async def serving(modules: Path) -> AsyncIterator[Pages]:
    """The server, until the block ends."""

    async def bundle(request: web.Request) -> web.FileResponse:
        return web.FileResponse(modules / BUNDLES[request.match_info["client"]])

    async def page(request: web.Request) -> web.Response:
        client = request.match_info["client"]
        return web.Response(text=_PAGE.format(client=client, more=_MORE.get(client, "")), content_type="text/html")

    application = web.Application()
    clients = "|".join(BUNDLES)
    application.add_routes([web.get(f"/bundles/{{client:{clients}}}.js", bundle), web.get(f"/{{client:{clients}}}{{rest:(/.*)?}}", page)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Pages(int(runner.addresses[0][1]))
    await runner.cleanup()


async def asked(page: Page, script: str, *values: object) -> Any:
    """What an async function of the page returns; `values` are its parameters `a`, `b`, …"""
    names = ", ".join("abcdef"[: len(values)])
    return await page.evaluate(f"async ([{names}]) => {script}", list(values))
