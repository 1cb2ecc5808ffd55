"""Lends the edge's tests the server behind and the proxy that the proxy's use."""

from tests.proxy.conftest import behind, front

__all__ = ["behind", "front"]
