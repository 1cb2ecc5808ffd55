"""What the lines of a request's head are to one app, remembered with them: browsers send the same lines again and again."""

from gateway.doors.app_sessions import LinesRead
from gateway.policy.http.caching import Use


class Kept:
    """What these lines of a request are to one app, ``way``: noted once for as long as they come again.

    ``text``: as the app gets them, None where they must be read; ``use``: what the answer is for. ``is_plain``: they ask for no other
    protocol, and sign nobody in to the connection. ``read``: whose sessions of the app were found in them, None where nobody looked.
    """

    __slots__ = ("is_plain", "read", "text", "use", "way")

    def __init__(self, way: object, text: bytes | None, use: Use, is_plain: bool, read: LinesRead | None) -> None:
        """See above."""
        self.way = way
        self.text = text
        self.use = use
        self.is_plain = is_plain
        self.read = read
