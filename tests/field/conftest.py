"""The deployment on which the tests of this folder run."""

from tests.attacks.conftest import behind_a_proxy, site

__all__ = ["behind_a_proxy", "site"]
