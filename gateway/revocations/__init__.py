"""Revocations: what may never be believed again, whatever Okta says later.

Owns the one interface that Sessions, live sockets and doors rely on, however far a revocation has to travel. Must never forget
one before the session could have expired, and must never hold a cookie: only fingerprints and Okta's ids.
"""

from gateway.revocations.interface import Kin, Moved, Remembered, Report, Revocation, Revocations
from gateway.revocations.local import LARGEST, REMEMBERED_SECONDS, LocalRevocations
from gateway.revocations.shared import SharedRevocations

__all__ = [
    "LARGEST",
    "REMEMBERED_SECONDS",
    "Kin",
    "LocalRevocations",
    "Moved",
    "Remembered",
    "Report",
    "Revocation",
    "Revocations",
    "SharedRevocations",
]
