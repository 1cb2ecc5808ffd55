"""Builds all objects of a gateway from its configuration. This is the only place that does it.

Owns which object gets which other objects, and the order of start and stop. Must never decide anything about a request. `run`, `dev` and
the tests build with the same functions.
"""

from gateway.compose.gateway import Gateway, WrapListener

__all__ = ["Gateway", "WrapListener"]
