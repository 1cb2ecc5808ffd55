"""The configuration: TOML, environment and secret files in; frozen values or every problem at once out.

Owns all keys, their defaults, their units and the words for what is wrong with them. Must never start, open or ask anything beyond the
files that it names.
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
