"""The log's notes of fields that ask for another method or path than the first line, and that an app does not get.

Owns the note, once for each app, field and process. Must never write a field's value, nor a name that a client made up.
"""

from collections.abc import Callable, Mapping

from gateway.policy.http.messages import Named
from gateway.policy.http.proxy_fields import OVERRIDES

Tell = Callable[[str, Mapping[str, object]], None]


class StrippedOverrides:
    """Those of one app."""

    __slots__ = ("_app", "_tell", "_untold")

    def __init__(self, app: str, allowed: frozenset[bytes], tell: Tell) -> None:
        """``app``: its name; ``allowed``: the names in lower case that go on to it."""
        self._app = app
        self._tell = tell
        self._untold = set(OVERRIDES - allowed)

    def note(self, named: Named) -> None:
        """Say which of these fields are taken out for the first time."""
        if named.keys().isdisjoint(self._untold):
            return
        for name in sorted(self._untold & named.keys()):
            self._untold.discard(name)
            self._tell("override_stripped", {"app": self._app, "field": name.decode("ascii")})
