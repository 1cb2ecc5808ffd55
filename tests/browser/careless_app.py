"""Owns an app that lets everything be kept for ten minutes, as a careless one does: a page, what a script fetches, and a script."""

import json
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from tests.browser.careless_front import APP_SAID

FRESH = dict.fromkeys(("Cache-Control", APP_SAID), "max-age=600, immutable")
PUBLIC = dict.fromkeys(("Cache-Control", APP_SAID), "public, max-age=600")
PAGE = """<!doctype html><html lang="en"><head><title>Notes</title><link rel="icon" href="data:,"></head>
<body><p id="who">{user}</p><p id="stored"></p><script src="/shared.js"></script><script src="/who.js"></script>
<script src="/of{path}.js"></script>
<script>
document.getElementById("stored").textContent = localStorage.getItem("owner") || "nobody";
localStorage.setItem("owner", "{user}");
</script></body></html>"""


@dataclass
class CarelessApp:
    """Says to whoever comes who he is, and that it may be kept; ``asked`` counts the requests for each path and user."""

    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    address: str = ""

    def _user(self, request: web.Request) -> str:
        user = request.headers.get("Remote-User", "")
        self.asked[request.path, user] += 1
        return user

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(
            text=PAGE.replace("{user}", self._user(request)).replace("{path}", request.path.rstrip("/")),
            content_type="text/html",
            headers=FRESH,
        )

    async def read(self, request: web.Request) -> web.Response:
        return web.json_response({"user": self._user(request)}, headers=FRESH)

    async def shared(self, request: web.Request) -> web.Response:
        self._user(request)
        return web.Response(text="window.shared = true;", content_type="text/javascript", headers=PUBLIC)

    async def script(self, request: web.Request) -> web.Response:
        """One that every page has, and one that only this page has, so that no later page fetches it anew."""
        name = "who" if request.path == "/who.js" else "ofPage"
        text = f"window.{name} = {json.dumps(self._user(request))};"
        return web.Response(text=text, content_type="text/javascript", headers=FRESH)

    def application(self) -> web.Application:
        """To be served; every address that is nothing else is a page."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/read.json", self.read),
                web.get("/who.js", self.script),
                web.get("/of{page:.*}.js", self.script),
                web.get("/shared.js", self.shared),
                web.get("/{rest:.*}", self.page),
            ]
        )
        return app
