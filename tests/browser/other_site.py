"""Owns pages of other parties, served for one test: whatever HTML the test gives them, under any name of this machine."""

import html
from dataclasses import dataclass, field

from aiohttp import web

from gateway.dev.demo.rendering import Running, serve
from tests.browser.visitor import Visitor

_HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Elsewhere</title><link rel="icon" href="data:,"></head>'

STAYS = "/stays"


@dataclass(slots=True)
class OtherSite:
    """A server that answers on every name: `evil.localhost` is another site than the gateway's, `tools.example.localhost` a sibling.

    A path that no test gave a page answers with an empty one; `STAYS` with 204, which leaves the browser where it is
    (RFC 9110 §15.3.5).
    """

    running: Running
    pages: dict[str, str] = field(default_factory=dict)

    def at(self, host: str) -> str:
        """The origin under this name."""
        return f"http://{host}:{self.running.port}"

    def show(self, path: str, body: str) -> None:
        """From now on this path has this body."""
        self.pages[path] = body

    async def opens(self, visitor: Visitor, body: str, host: str = "evil.localhost") -> None:
        """A person opens a page with this body, on a site that knows nothing of us."""
        self.show("/page", body)
        await visitor.page.goto(f"{self.at(host)}/page")


async def serve_other_site() -> OtherSite:
    """The server, listening; end it with `running.aclose()`."""
    pages: dict[str, str] = {}

    async def page(request: web.Request) -> web.Response:
        if request.path == STAYS:
            return web.Response(status=204)
        return web.Response(text=f"{_HEAD}<body>{pages.get(request.path, '')}</body></html>", content_type="text/html")

    application = web.Application()
    application.add_routes([web.route("*", "/{any:.*}", page)])
    return OtherSite(await serve(application, "127.0.0.1", 0), pages)


def form_that_sends_itself(action: str, **values: str) -> str:
    """What a SAML identity provider's page holds: a form that a script posts at once (SAML 2.0 Bindings §3.5.4)."""
    fields = "".join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in values.items())
    return f'<form method="post" action="{html.escape(action)}">{fields}</form><script>document.forms[0].submit()</script>'


def link(address: str, words: str) -> str:
    """A link of the page."""
    return f'<a href="{html.escape(address)}">{words}</a>'
