"""A page of another site, with a link that would sign its visitor in as somebody else.

Owns: the two tricks of such a page, shown and labelled as a demonstration: a link that carries a fresh token of another user (a forged
sign-in), and an image whose address is the sign-out (a forged sign-out). Never does more than a page of any site could do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.dev.demo.looks import file_routes, page
from gateway.dev.demo.tokens import ORG_CLIENT, NoToken, org_client, redeeming_url, session_token


@dataclass(frozen=True, slots=True)
class Stranger:
    """The other site; its link signs in the last of the users."""

    login_url: str
    app_url: str
    org_url: str
    user: tuple[str, str]

    async def front(self, request: web.Request) -> web.Response:
        """The page, with a link that holds a token asked for just now; without a token it says why there is no link."""
        link, trouble = "", ""
        try:
            token = await session_token(request.app[ORG_CLIENT], self.org_url, *self.user)
            link = redeeming_url(self.login_url, token, f"{self.app_url}/")
        except NoToken as error:
            trouble = str(error)
        facts: dict[str, object] = {"link": link, "trouble": trouble, "login": self.user[0], "login_url": self.login_url}
        answer = page("stranger.html", facts, status=200 if link else 502)
        # a hostile page has no policy against itself
        del answer.headers["Content-Security-Policy"]
        answer.headers["Cache-Control"] = "no-store"
        return answer


def stranger_site(*, login_url: str, app_url: str, org_url: str, users: Sequence[tuple[str, str]]) -> web.Application:
    """The other site's application; ValueError without users."""
    if not users:
        raise ValueError("the stranger's link needs a user")
    room = Stranger(login_url.rstrip("/"), app_url.rstrip("/"), org_url.rstrip("/"), users[-1])
    app = web.Application()
    app.cleanup_ctx.append(org_client)
    app.add_routes([web.get("/", room.front, allow_head=False), *file_routes("demo.css", "demo.svg")])
    return app
