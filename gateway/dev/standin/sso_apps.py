"""The org's apps that do not use OpenID Connect: SAML, WS-Fed, bookmarks.

Owns: their registration: the address of an answer, its audience, and the users of the app. Also what a test demands of a single app
link: a step-up before the app, or another origin.
Must never: answer a request.
Rules: Okta's app links: `/app/{name}/{id}/sso/saml`, `/home/{name}/{id}/{n}`, `/app/{name}/{id}/sso/wsfed/passive`: `{id}`
names the app. A link of an unregistered app ends at a page that names the user.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter

StepUpAnswer = Literal["redirect", "page"]
MOST_LINKS = 1000


class AppLinks:
    """The settings, by the decoded path of the app link."""

    def __init__(self) -> None:
        self._step_ups: dict[str, StepUpAnswer] = {}
        self._locations: dict[str, str] = {}

    def require_step_up(self, path: str, answer: StepUpAnswer = "redirect") -> None:
        """Make the link ask a live session for a new factor; ValueError for a path that is no app link.

        `redirect` answers with `/login/step-up/redirect?stateToken=`, `page` with the sign-in page at once.
        """
        _require_room(path, self._step_ups)
        self._step_ups[path] = answer

    def lead_elsewhere(self, path: str, location: str) -> None:
        """Make the link redirect to an absolute http(s) URL; ValueError for anything else, or a path that is no app link."""
        _require_room(path, self._locations)
        parts = urlsplit(location)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("location: an absolute http or https URL is needed")
        self._locations[path] = location

    def step_up(self, path: str) -> StepUpAnswer | None:
        """Return how this link asks for a new factor; None if it does not."""
        return self._step_ups.get(path)

    def location(self, path: str) -> str | None:
        """Return the URL that this link redirects to; None if the org itself answers."""
        return self._locations.get(path)

    def forget_step_ups(self) -> None:
        """Remove all settings for a step-up."""
        self._step_ups.clear()

    def forget_locations(self) -> None:
        """Remove all settings for another origin."""
        self._locations.clear()


def _require_room(path: str, orders: dict[str, StepUpAnswer] | dict[str, str]) -> None:
    if not path.startswith(("/app/", "/home/")):
        raise ValueError("path: an app link under /app/ or /home/ is needed")
    if len(orders) >= MOST_LINKS and path not in orders:
        raise ValueError(f"path: there are {MOST_LINKS} orders already")


Kind = Literal["saml", "wsfed", "bookmark"]
MOST_APPS = 1000
_LINK = re.compile(r"/(?:app|home)/[^/]+/([^/]+)/.+")


@dataclass(frozen=True, slots=True)
class SsoApp:
    """One app. `address` is where the answer is posted (SAML: the assertion consumer service), or the address of a bookmark.

    `audience` is whom a SAML or WS-Fed answer is for (entity id, realm). `only_for` are the logins that it is assigned to; None is
    everybody. `logout_address` is where the answer to a SAML logout is posted; `logout_certificate` (PEM) verifies logout requests. Without
    both, the app cannot log out. `relay_state` is the RelayState of an IdP-initiated answer if the link has none.
    """

    id: Annotated[str, Field(min_length=1)]
    address: Annotated[str, Field(min_length=1)]
    audience: str = ""
    kind: Kind = "saml"
    relay_state: str = ""
    only_for: frozenset[str] | None = None
    logout_address: str = ""
    logout_certificate: str = ""


class SsoApps:
    """The registered apps, by id."""

    def __init__(self) -> None:
        self._apps: dict[str, SsoApp] = {}

    def register(self, app: SsoApp) -> None:
        """Register an app. It replaces one with the same id. ValueError if there are too many."""
        if len(self._apps) >= MOST_APPS and app.id not in self._apps:
            raise ValueError(f"id: there are {MOST_APPS} apps already")
        self._apps[app.id] = app

    def of_link(self, path: str) -> SsoApp | None:
        """Return the app of an app link; None when it is not registered."""
        found = _LINK.fullmatch(path)
        return self._apps.get(found[1]) if found is not None else None

    def find(self, app_id: str) -> SsoApp | None:
        """Return the app with this id."""
        return self._apps.get(app_id)


_APP = TypeAdapter(SsoApp)


def app_of(order: Mapping[str, Any]) -> SsoApp:
    """Return the app of an order. The ValueError says what is wrong with it."""
    return _APP.validate_python(order)
