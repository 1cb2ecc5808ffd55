"""What the lines of a request's head are to one app, remembered with them: browsers send the same lines again and again."""

from gateway.doors.app_sessions import LinesRead
from gateway.policy.http.caching import Use


class Kept:
    """What one app (``way`` forwards to it) gets of the header lines of a request. It is made once, and used again for the same lines.

    ``text``: the lines as bytes; None where each field must be looked at by itself. ``use``: what the browser wants the answer for.
    ``is_plain``: there is no ``Upgrade`` and no ``Authorization`` among them.
    ``read``: the sessions of the app that were found among them; None where sessions of apps are not bound to users.
    ``is_settled``: nothing among them may be read in another way the next time.
    """

    __slots__ = ("is_plain", "is_settled", "read", "text", "use", "way")

    def __init__(self, way: object, text: bytes | None, use: Use, is_plain: bool, read: LinesRead | None, is_settled: bool) -> None:
        """See above."""
        self.way = way
        self.text = text
        self.use = use
        self.is_plain = is_plain
        self.read = read
        self.is_settled = is_settled
