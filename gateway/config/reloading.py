"""Loads a new configuration while the gateway runs, and refuses changes that need a restart.

Those are: addresses, the number of processes, and everything on which shared or sealed data depends. Must never take over a part of a
configuration: all of it or nothing, with all problems at once.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path as File

from gateway.config.places import Path
from gateway.config.reading import Settings, load
from gateway.errors import BadConfig

_FIXED: tuple[Path, ...] = (
    ("listen", "address"),
    ("listen", "redirect_address"),
    ("listen", "workers"),
    ("admin", "address"),
    ("okta", "org"),
    ("session", "source"),
    ("log", "level"),
    ("log", "format"),
)


def reloaded(current: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings that the current file holds now. Raises `BadConfig` with all problems."""
    found = load(File(current.written.name), environ)
    problems = tuple(_not_now(current, found))
    if problems:
        raise BadConfig(problems)
    return found


def is_as_before(current: Settings, found: Settings) -> bool:
    """Whether nothing changed, except perhaps the certificate of the public listener."""
    return (current.config, current.secrets, current.stamp) == (found.config, found.secrets, found.stamp)


def _not_now(current: Settings, found: Settings) -> Iterator[str]:
    for section, key in _FIXED:
        if getattr(getattr(current.config, str(section)), str(key)) != getattr(getattr(found.config, str(section)), str(key)):
            yield found.problem((section, key), "cannot change while the gateway runs; restart it, or take the change back")
    for key in type(found.config.state).model_fields:
        if getattr(current.config.state, key) != getattr(found.config.state, key):
            yield found.problem(("state", key), "cannot change while the gateway runs; restart it, or take the change back")
    if current.seal_keys != found.seal_keys:
        yield found.problem(("seal", "keys_file"), "the keys cannot change while the gateway runs; restart it, one replica after the other")
