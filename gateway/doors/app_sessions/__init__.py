"""The apps' own sessions: nobody goes on with another user's, and an app hears when its user is gone.

Owns what the doors share of that: a request to an app (``visits``), the hand-off and the sign-out (``former_users``), and the calls to apps
(``sign_outs``). The rules are in ``policy.http.app_sessions``.
"""

from gateway.doors.app_sessions.former_users import FormerUsers
from gateway.doors.app_sessions.sign_outs import AppSignOuts, SignOutPlace
from gateway.doors.app_sessions.visits import AppSessions, LinesRead, UnboundNote, Visit

__all__ = ["AppSessions", "AppSignOuts", "FormerUsers", "LinesRead", "SignOutPlace", "UnboundNote", "Visit"]
