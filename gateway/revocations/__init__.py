"""Revocations: the cookies, sessions and users that must never be accepted again, whatever Okta answers later.

This package owns the interface that the session cache, open connections and doors use, with one process or with many. It must never forget
a revocation before its session would have expired. It must never hold a cookie, only fingerprints and Okta's ids.
"""

from gateway.revocations.interface import Moved, Remembered, Report, Revocation, Rotation
from gateway.revocations.local import LARGEST, REMEMBERED_SECONDS, LocalRevocations
from gateway.revocations.shared import SharedRevocations

Revocations = LocalRevocations | SharedRevocations
"""A memory of revocations: of one process, or one that is connected to the others."""

__all__ = [
    "LARGEST",
    "REMEMBERED_SECONDS",
    "LocalRevocations",
    "Moved",
    "Remembered",
    "Report",
    "Revocation",
    "Revocations",
    "Rotation",
    "SharedRevocations",
]
