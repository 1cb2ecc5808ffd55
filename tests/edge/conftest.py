"""Lends the edge's tests the server behind and the proxy that the proxy's use."""

from tests.upstream.conftest import behind, front

__all__ = ["behind", "front"]
