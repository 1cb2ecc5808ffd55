"""The pending cookie: the browser carries in it, sealed, its sessions whose end at Okta is not proven yet.

Owns the content of that cookie. If one cookie is too small for it, it is split over several. Must never carry sessions unsealed. Must
never leave them in the browser under their own names as well.
"""

from gateway.policy.http.cookies import PENDING_NAME
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.session.passes import Pending
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Cookies
from gateway.policy.session.split_cookies import expired_lines, joined, set_lines
from gateway.policy.switch.redemption import expiries, parent_domains

PENDING_SECONDS = 12 * 3600


class PendingCookie:
    """Reads and writes the pending cookie of the login host."""

    def __init__(self, host: str, sealer: Sealer) -> None:
        """``host``: the login host's authority text. The cookie is sealed for this host."""
        self._host = host
        self._sealer = sealer

    def carried(self, head: RequestHead) -> Cookies:
        """The session cookies in this browser's pending cookie."""
        sealed = joined(head.values(b"cookie"), PENDING_NAME)
        opened = self._sealer.open("pending", self._host, sealed) if sealed is not None else None
        pending = Pending.unpacked(opened.payload) if opened is not None else None
        return pending.cookies if pending is not None else ()

    def moved(self, head: RequestHead, cookies: Cookies, others: Cookies) -> Fields:
        """The lines that move ``cookies`` into the pending cookie, beside ``others``.

        No lines where that would not fit: then all cookies stay where they are.
        """
        lines = self._lines(head, cookies + others)
        if lines is None:
            return ()
        return (*expiries({cookie.name for cookie in cookies}, parent_domains(head.authority.host)), *lines)

    def kept(self, head: RequestHead, cookies: Cookies) -> Fields:
        """The lines that store ``cookies``, oldest first.

        If they do not fit, the oldest are left out; the gateway tries to close those too.
        """
        lines = self._lines(head, cookies)
        while lines is None and cookies:
            cookies = cookies[1:]
            lines = self._lines(head, cookies)
        return lines or ()

    def cleared(self, head: RequestHead) -> Fields:
        """The lines that remove the pending cookie, when every end is proven."""
        return expired_lines(PENDING_NAME, head.fields)

    def _lines(self, head: RequestHead, cookies: Cookies) -> Fields | None:
        sealed = self._sealer.seal("pending", self._host, Pending(tuple(dict.fromkeys(cookies))).packed())
        return set_lines(PENDING_NAME, sealed, head.fields, PENDING_SECONDS)
