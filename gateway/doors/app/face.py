"""What an app sees of the gateway and its clients: the fields that it is told, the name that it is called by, the paths that it knows."""

from dataclasses import dataclass, field

from gateway.policy.http.fields import FieldRules
from gateway.policy.http.rewriting import Rewriting
from gateway.policy.routing.prefixes import Prefixes


@dataclass(frozen=True, slots=True)
class Face:
    """What an app sees: ``rules`` say what it is told, ``host`` by which name it is called; ``rewriting`` None: it knows its public name.

    ``references``: says the app's own addresses in an answer as browsers know them, where the app knows its public name.
    ``prefix``: what is taken off the front of its paths. ``is_sticky``: one session goes to one of its servers.
    """

    rules: FieldRules
    host: str
    prefixes: Prefixes = field(default_factory=Prefixes)
    rewriting: Rewriting | None = None
    is_sticky: bool = False
    references: Rewriting | None = None
    prefix: str = ""
