"""The session cache of one process: what Okta last said about a browser's cookies, and the questions to Okta.

``Sessions`` (memory.py) is the interface. asking.py sends the questions, answers.py keeps the answers, families.py knows which cookies
belong to one browser. It must never accept a revoked cookie, and never treat a missing answer of Okta as "signed out".
"""

from gateway.sessions.answers import SessionRules, ValidUntil, is_session_revoked
from gateway.sessions.asking import Asking, AskingRules, OktaReply, SessionsApi
from gateway.sessions.client_queues import ClientQueues
from gateway.sessions.counts import Counts
from gateway.sessions.families import Families
from gateway.sessions.memory import Sessions

__all__ = [
    "Asking",
    "AskingRules",
    "ClientQueues",
    "Counts",
    "Families",
    "OktaReply",
    "SessionRules",
    "Sessions",
    "SessionsApi",
    "ValidUntil",
    "is_session_revoked",
]
