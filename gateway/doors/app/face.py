"""How the gateway looks to one app: which fields the app gets, which ``Host`` it is called by, and which paths it knows."""

from dataclasses import dataclass, field

from gateway.policy.http.fields import FieldRules
from gateway.policy.http.rewriting import Rewriting
from gateway.policy.routing.prefixes import Prefixes


@dataclass(frozen=True, slots=True)
class Face:
    """The settings of one app for what it is sent, and for how its answers are rewritten.

    ``rules``: which fields it gets. ``host``: the ``Host`` of its requests. ``rewriting``: changes the app's inner addresses in answers
    to public ones; None where the app knows its public name. ``references``: for an app that knows its public name, writes the app's own
    addresses in an answer as browsers know them. ``prefix``: is removed from the front of its paths. ``is_sticky``: all requests of one
    session go to the same server.
    """

    rules: FieldRules
    host: str
    prefixes: Prefixes = field(default_factory=Prefixes)
    rewriting: Rewriting | None = None
    is_sticky: bool = False
    references: Rewriting | None = None
    prefix: str = ""
