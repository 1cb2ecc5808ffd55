"""Settings of tests for single app links: a step-up before the app, or an app at another origin.

Owns: which paths under `/app/…` and `/home/…` need a fresh factor, and which lead to another origin.
Must never: read a request, or grow without bound.
"""

from typing import Literal
from urllib.parse import urlsplit

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
