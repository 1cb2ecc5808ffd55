"""How the head of an app's answer is rewritten before the browser gets it.

Owns the order: hop-by-hop fields, caching, the app's inner address, then the app's session cookies. The rules are in
``policy.http.answer_fields``, ``policy.http.caching``, ``policy.http.rewriting`` and ``policy.http.bound_cookies``. Must never hold a
reference to the request's head: the rewrite is cached with the head, and a cycle would be freed only by the garbage
collector.
"""

from collections.abc import Callable

from gateway.policy.http.answer_fields import Refer, answered
from gateway.policy.http.app_cookies import KeepCookie
from gateway.policy.http.bound_cookies import BoundCookies
from gateway.policy.http.caching import Use, asked_again
from gateway.policy.http.messages import Fields
from gateway.policy.http.rewriting import Rewriting

SWITCHING_PROTOCOLS = 101

Rewrite = Callable[[int, Fields], Fields]
"""Gets the status and the end-to-end fields of an answer; returns the fields that the client gets."""


class Rewritten:
    """The rewrite for an app that has another address inside, or whose sessions are bound to users."""

    __slots__ = ("_as_it_is", "_bound", "_rewriting")

    def __init__(self, as_it_is: Rewrite, rewriting: Rewriting | None, bound: BoundCookies | None) -> None:
        """``as_it_is``: the usual rewrite, which is applied first."""
        self._as_it_is = as_it_is
        self._rewriting = rewriting
        self._bound = bound

    def __call__(self, status: int, fields: Fields) -> Fields:
        """The fields that the browser gets."""
        kept = self._as_it_is(status, fields)
        if self._rewriting is not None:
            kept = self._rewriting.answer(kept)
        return kept if self._bound is None else self._bound.answer(kept)


def usual_rewrite(is_private: bool, use: Use, keep_cookie: KeepCookie, refer: Refer | None) -> Rewrite:
    """The rewrite for most answers. It does not depend on the user, so all users share it."""
    is_page = use is Use.PAGE

    def rewrite(status: int, fields: Fields) -> Fields:
        if not is_private or status == SWITCHING_PROTOCOLS:
            return answered(fields, False, is_page, keep_cookie, refer)
        kept = answered(fields, True, is_page, keep_cookie, refer)
        return kept if is_page else asked_again(kept, fields, use)

    return rewrite
