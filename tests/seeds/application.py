"""An OpenID Connect application with pages of its own, and the person who uses it: the one setup of every client in a browser."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.dev.standin import Client
from tests.browser.visitor import Visitor

GRANTS = frozenset({"authorization_code", "refresh_token"})


@dataclass(frozen=True, slots=True)
class Application:
    """What the org knows by `client_id`; `home` is its first page."""

    visitor: Visitor
    client_id: str
    home: str

    @property
    def issuer(self) -> str:
        """The authorization server, under the login host's name."""
        return f"{self.visitor.stage.where.login}/oauth2/default"


def registered(visitor: Visitor, client_id: str, home: str, *, back: str = "", bye: str = "", secret: str | None = None) -> Application:
    """Make an application known at the org; `back` and `bye` are where a sign-in and a sign-out lead, and its home when they are empty.

    Its origin is a Trusted Origin. `back` may be several addresses, with a blank between them.
    """
    org, parts = visitor.stage.org, urlsplit(home)
    org.trusted_origins.add(f"{parts.scheme}://{parts.netloc}")
    addresses = tuple((back or home).split())
    org.clients.register(Client(client_id, addresses, secret=secret, post_logout_redirect_uris=(bye or home,), grant_types=GRANTS))
    return Application(visitor, client_id, home)
