"""The apps' own sessions (cookies such as ``JSESSIONID``): each belongs to one user, and an app is told when that user is gone.

Owns what several doors share of that: requests to an app (``sessions``), the hand-off and the sign-out (``former_users``), and the calls
that tell an app (``sign_outs``). The rules are in ``policy.http.app_sessions``.
"""

from gateway.doors.app_sessions.former_users import FormerUsers
from gateway.doors.app_sessions.sessions import AppSessions, UnboundNote
from gateway.doors.app_sessions.sign_outs import AppSignOuts, SignOutPlace

__all__ = ["AppSessions", "AppSignOuts", "FormerUsers", "SignOutPlace", "UnboundNote"]
