"""Finds environment variables that look like keys of the configuration, but have no effect.

Guesses what was meant. Must never complain about what Kubernetes sets for a Service called session-gateway
(`SESSION_GATEWAY_SERVICE_HOST`, `SESSION_GATEWAY_PORT_8080_TCP`), and never show a value.
"""

import difflib
from collections.abc import Iterator, Mapping

from gateway.config.environment import PREFIX, SEAL_KEYS, SEAL_KEYS_FILE
from gateway.config.model import Config
from gateway.config.problems import keys_of, tables_within

_OURS = "SESSION_GATEWAY_"


def misspelt_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """One problem for each such variable."""
    return tuple(f"environment {name}: is read by nobody; did you mean {meant}?" for name, meant in _misspelt(environ))


def _misspelt(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    known = {_bare(name): name for name in (*_names(), SEAL_KEYS, SEAL_KEYS_FILE)}
    for name in sorted(environ):
        if not name.upper().startswith(_OURS) or name.startswith(PREFIX) or name in (SEAL_KEYS, SEAL_KEYS_FILE):
            continue
        meant = known.get(_bare(name))
        if meant is None and "SEAL" in name.upper():
            meant = next(iter(difflib.get_close_matches(name.upper(), (SEAL_KEYS, SEAL_KEYS_FILE), n=1)), None)
        if meant is not None:
            yield name, meant


def _names() -> Iterator[str]:
    for section, annotation in keys_of(Config).items():
        for table in tables_within(annotation):
            yield from (f"{PREFIX}{section}__{key}".upper() for key in keys_of(table) if section != "app")


def _bare(name: str) -> str:
    return name.upper().replace("_", "")
