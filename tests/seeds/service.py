"""Owns a SAML application on a host of its own: python3-saml, strict, in a small web server that says whom it signed in."""

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.dev.demo.rendering import serve
from gateway.dev.standin import Org, SsoApp
from tests.dev.standin.service_provider import ENTITY, ServiceProvider

APP_ID = "0oaPayroll"
LINK = f"/home/acme_payroll/{APP_ID}/aln1"
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Acme Payroll</title><link rel="icon" href="data:,"><style>'
    "body {{ margin: 3rem auto; max-width: 30rem; font: 1.1rem/1.5 system-ui, sans-serif }}</style>"
    '<h1>Acme Payroll</h1><p>Signed in by SAML as <strong id="who">{who}</strong></p></html>'
)


@dataclass(frozen=True, slots=True)
class Service:
    """The running application; `url` is where the org posts its answers."""

    url: str


@asynccontextmanager
async def service(saml: Any, org: Org, login: str, host: str = "sp.localhost") -> AsyncIterator[Service]:
    """The application, registered at the org, until the block ends. By default it is of another site than the gateway."""
    provider: list[ServiceProvider] = []

    async def consume(request: web.Request) -> web.Response:
        post = {name: str(value) for name, value in (await request.post()).items()}
        return web.Response(text=_PAGE.format(who=html.escape(provider[0].signs_in(post))), content_type="text/html")

    application = web.Application()
    application.add_routes([web.post("/acs", consume)])
    running = await serve(application, "127.0.0.1", 0)
    url = f"http://{host}:{running.port}/acs"
    org.apps.register(SsoApp(APP_ID, url, ENTITY))
    provider.append(ServiceProvider(saml, org, login + LINK, APP_ID, url))
    yield Service(url)
    await running.aclose()
