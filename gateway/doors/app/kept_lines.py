"""The header lines of a request as one app gets them; cached with the lines, because browsers send the same lines again and again."""

from gateway.policy.http.bound_cookies import LinesRead
from gateway.policy.http.caching import Use


class Kept:
    """What one app gets of the header lines of a request. It is made once, and used again for the same lines.

    ``forwarding``: the ``AppForwarding`` that made it. ``text``: the lines as bytes; None where each field must be looked at by itself.
    ``use``: what the browser wants the answer for. ``is_plain``: the lines have no ``Upgrade`` and no ``Authorization``. ``read``: the
    session cookies of the app that were found in them; None where the app's sessions are not bound to users. ``is_settled``: none of the
    lines may be read differently the next time, so the cached text may be used.
    """

    __slots__ = ("forwarding", "is_plain", "is_settled", "read", "text", "use")

    def __init__(self, forwarding: object, text: bytes | None, use: Use, is_plain: bool, read: LinesRead | None, is_settled: bool) -> None:
        """The fields are explained at the class."""
        self.forwarding = forwarding
        self.text = text
        self.use = use
        self.is_plain = is_plain
        self.read = read
        self.is_settled = is_settled
