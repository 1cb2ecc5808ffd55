"""The memory of sessions: who Okta last said a browser is, and for how long that may be believed.

Owns ``Sessions`` (memory.py), the one way to ask Okta (asking.py) and the kinship of cookies (families.py). Must never believe
a revoked cookie, and must never take silence of Okta's for "signed out".
"""

from gateway.sessions.answers import Good, SessionRules, is_session_revoked
from gateway.sessions.asking import Asking, AskingRules, OktaReply, OnEvent, SessionsApi
from gateway.sessions.counts import Counts
from gateway.sessions.families import Families
from gateway.sessions.memory import Sessions
from gateway.sessions.turns import ClientTurns

__all__ = [
    "Asking",
    "AskingRules",
    "ClientTurns",
    "Counts",
    "Families",
    "Good",
    "OktaReply",
    "OnEvent",
    "SessionRules",
    "Sessions",
    "SessionsApi",
    "is_session_revoked",
]
