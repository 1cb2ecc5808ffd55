"""Log events about override fields: fields such as ``X-HTTP-Method-Override`` that name another method or path than the request line.

The gateway takes them out. This module owns the event ``override_stripped``, written once for each app, field and process. It must never
log a field's value, nor a field name that a client invented: only names of ``policy.http.proxy_fields.OVERRIDES`` are logged.
"""

from collections.abc import Callable, Mapping

from gateway.policy.http.messages import Named
from gateway.policy.http.proxy_fields import OVERRIDES

Tell = Callable[[str, Mapping[str, object]], None]


class StrippedOverrides:
    """The override fields of one app that were not logged yet."""

    __slots__ = ("_app", "_tell", "_untold")

    def __init__(self, app: str, allowed: frozenset[bytes], tell: Tell) -> None:
        """``app``: the app's name; ``allowed``: field names in lower case that the app does get."""
        self._app = app
        self._tell = tell
        self._untold = set(OVERRIDES - allowed)

    def note(self, named: Named) -> None:
        """Log each override field that is taken out for the first time."""
        if named.keys().isdisjoint(self._untold):
            return
        for name in sorted(self._untold & named.keys()):
            self._untold.discard(name)
            self._tell("override_stripped", {"app": self._app, "field": name.decode("ascii")})
