"""Lends the edge's tests the server behind that the proxy's use."""

from tests.proxy.conftest import behind

__all__ = ["behind"]
