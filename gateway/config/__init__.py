"""The configuration: reads TOML, environment and secret files; returns frozen values, or all problems at once.

Owns all keys, their defaults, their units, and the texts of all problems. Must never start anything, and never use the network or a file
that the configuration does not name.
"""

from gateway.config.model import AppTable, Config, RuleTable
from gateway.config.reading import Settings, advice, certificate_pair, client_pair, load, read, redis_pair, secret_of, state_folder
from gateway.config.reloading import is_as_before, reloaded
from gateway.config.values import host_of, port_of

__all__ = [
    "AppTable",
    "Config",
    "RuleTable",
    "Settings",
    "advice",
    "certificate_pair",
    "client_pair",
    "host_of",
    "is_as_before",
    "load",
    "port_of",
    "read",
    "redis_pair",
    "reloaded",
    "secret_of",
    "state_folder",
]
