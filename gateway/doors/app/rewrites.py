"""What becomes of an app's answer before its user's browser gets it.

Owns the order: fields that are the connection's, caching, the app's inner address, then the app's session cookies. The rules are in
``policy.http.answer_fields``, ``policy.http.caching``, ``policy.http.rewriting`` and ``policy.http.app_sessions``. Must never wait, nor
lead back to the head of the request: it is noted with it.
"""

from gateway.doors.app_sessions import Visit
from gateway.edge.relay import Rewrite
from gateway.policy.http.answer_fields import Refer, answered
from gateway.policy.http.app_cookies import KeepCookie
from gateway.policy.http.caching import Use, asked_again
from gateway.policy.http.messages import Fields
from gateway.policy.http.rewriting import Rewriting

SWITCHING_PROTOCOLS = 101


class Rewritten:
    """What becomes of an answer where the app has another address inside, or its sessions are bound to users."""

    __slots__ = ("_as_it_is", "_rewriting", "_visit")

    def __init__(self, as_it_is: Rewrite, rewriting: Rewriting | None, visit: Visit | None) -> None:
        """``as_it_is``: what becomes of it otherwise."""
        self._as_it_is = as_it_is
        self._rewriting = rewriting
        self._visit = visit

    def __call__(self, status: int, fields: Fields) -> Fields:
        """The fields that the browser gets."""
        kept = self._as_it_is(status, fields)
        if self._rewriting is not None:
            kept = self._rewriting.answer(kept)
        return kept if self._visit is None else self._visit.answer(kept)


def usual_rewrite(is_private: bool, use: Use, keep_cookie: KeepCookie, refer: Refer | None) -> Rewrite:
    """What becomes of most answers, whoever asked."""
    is_page = use is Use.PAGE

    def rewrite(status: int, fields: Fields) -> Fields:
        if not is_private or status == SWITCHING_PROTOCOLS:
            return answered(fields, False, is_page, keep_cookie, refer)
        kept = answered(fields, True, is_page, keep_cookie, refer)
        return kept if is_page else asked_again(kept, fields, use)

    return rewrite
