"""Owns an app with a form, as old ones have it: another character set, relative addresses, frames. It writes every body down as it came."""

from dataclasses import dataclass, field

from aiohttp import web

_HEAD = '<!doctype html><html lang="en"><head><title>Leave</title><link rel="icon" href="data:,"></head>'
FORM = f"""{_HEAD}<body><p id="who">{{user}}</p>
<form method="post" action="save?year=2026&amp;of=a%20b"><input name="from" value="2026-12-01"><input name="empty">
<textarea name="why"></textarea><input type="checkbox" name="half" value="1" checked><input type="checkbox" name="half" value="2" checked>
<button>Apply</button></form></body></html>"""
SAVED = f'{_HEAD}<body><p id="who">{{user}}</p><h1>Saved</h1><a href="list">All</a></body></html>'
FRAMES = f'{_HEAD}<body><p id="who">{{user}}</p><iframe name="part" src="/leave/form" width="600" height="500"></iframe></body></html>'


@dataclass
class FormApp:
    """``saved``: user and body of each form that arrived; ``elsewhere``: where a saved form leads, instead of to a page."""

    saved: list[tuple[str, bytes]] = field(default_factory=list)
    elsewhere: str = ""
    address: str = ""

    async def save(self, request: web.Request) -> web.StreamResponse:
        user = request.headers.get("Remote-User", "")
        self.saved.append((user, await request.read()))
        if self.elsewhere:
            raise web.HTTPSeeOther(self.elsewhere)
        return self._page(SAVED, request)

    def _page(self, text: str, request: web.Request) -> web.Response:
        filled = text.replace("{user}", request.headers.get("Remote-User", ""))
        return web.Response(body=filled.encode("windows-1252"), headers={"Content-Type": "text/html; charset=windows-1252"})

    async def form(self, request: web.Request) -> web.Response:
        return self._page(FORM, request)

    async def frames(self, request: web.Request) -> web.Response:
        return self._page(FRAMES, request)

    def application(self) -> web.Application:
        """To be served; every address that is nothing else is the form."""
        app = web.Application()
        routes = [web.post("/leave/save", self.save), web.get("/leave/frames", self.frames), web.get("/{rest:.*}", self.form)]
        app.add_routes(routes)
        return app
