"""A hostile page of another site. Its link tries to sign the visitor in as another user.

Owns: two attacks, labelled as a demonstration: a link with a new token of another user (a forged sign-in), and an image whose address is
the sign-out (a forged sign-out). Must never do more than a page of any site could do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.dev.demo.portal import ORG_CLIENT, NoToken, org_client, redeeming_url, session_token
from gateway.dev.demo.rendering import file_routes, page


@dataclass(frozen=True, slots=True)
class Stranger:
    """The other site's handlers. Its link signs in the last of the users."""

    login_url: str
    app_url: str
    org_url: str
    user: tuple[str, str]

    async def front(self, request: web.Request) -> web.Response:
        """Show the page, with a new token in its link. Without a token, the page says why there is no link."""
        link, trouble = "", ""
        try:
            token = await session_token(request.app[ORG_CLIENT], self.org_url, *self.user)
            link = redeeming_url(self.login_url, token, f"{self.app_url}/")
        except NoToken as error:
            trouble = str(error)
        facts: dict[str, object] = {"link": link, "trouble": trouble, "login": self.user[0], "login_url": self.login_url}
        answer = page("stranger.html", facts, status=200 if link else 502)
        # a hostile page would send no content security policy
        del answer.headers["Content-Security-Policy"]
        answer.headers["Cache-Control"] = "no-store"
        return answer


def stranger_site(*, login_url: str, app_url: str, org_url: str, users: Sequence[tuple[str, str]]) -> web.Application:
    """Return the other site's application. ValueError without users."""
    if not users:
        raise ValueError("the stranger's link needs a user")
    room = Stranger(login_url.rstrip("/"), app_url.rstrip("/"), org_url.rstrip("/"), users[-1])
    app = web.Application()
    app.cleanup_ctx.append(org_client)
    app.add_routes([web.get("/", room.front, allow_head=False), *file_routes("demo.css", "demo.svg")])
    return app
