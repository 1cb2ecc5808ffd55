"""The deployment that rows of the field are tried on."""

from tests.attacks.conftest import behind_a_proxy, site

__all__ = ["behind_a_proxy", "site"]
