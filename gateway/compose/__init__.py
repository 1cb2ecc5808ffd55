"""Builds all objects of a gateway from its configuration. This is the only place that does it.

Owns which object gets which other objects, and the order of start and stop. Must never decide anything about a request. `run`, `dev` and
the tests build with the same functions.
"""

from gateway.compose.gateway import Around, Gateway
from gateway.compose.okta_admin import okta_admin
from gateway.compose.okta_settings import okta_settings
from gateway.compose.online import ask_apps, ask_org, ask_state
from gateway.compose.online_oidc import TestUser, ask_oidc, user_of
from gateway.compose.ordered_sign_out import order_sign_out
from gateway.compose.running import Running, refused
from gateway.compose.settling import settle

__all__ = [
    "Around",
    "Gateway",
    "Running",
    "TestUser",
    "ask_apps",
    "ask_oidc",
    "ask_org",
    "ask_state",
    "okta_admin",
    "okta_settings",
    "order_sign_out",
    "refused",
    "settle",
    "user_of",
]
