"""The pending cookie: sessions whose end at Okta is not proven yet, carried by their own browser.

Owns what goes into that cookie and how it is read. Must never carry them unsealed, nor leave them in the browser under their
own names while it carries them. Rules from: DESIGN section 4, "unproven ends are carried, not forgotten".
"""

from gateway.core.cookies import PENDING_NAME, set_cookie, single
from gateway.core.messages import Fields, RequestHead
from gateway.core.passes import Pending
from gateway.core.redemption import expiries, parent_domains
from gateway.core.seal import Sealer
from gateway.core.session import SessionCookie

LARGEST_COOKIE_BYTES = 3800
PENDING_SECONDS = 12 * 3600

Cookies = tuple[SessionCookie, ...]


class Carrying:
    """Reads and writes the pending cookie of the login host."""

    def __init__(self, host: str, sealer: Sealer) -> None:
        """``host``: the login host's authority text, to which the cookie is sealed."""
        self._host = host
        self._sealer = sealer

    def carried(self, head: RequestHead) -> Cookies:
        """The sessions that this browser carries."""
        sealed = single(head.fields, PENDING_NAME)
        opened = self._sealer.open("pending", self._host, sealed) if sealed is not None else None
        pending = Pending.unpacked(opened.payload) if opened is not None else None
        return pending.cookies if pending is not None else ()

    def moved(self, head: RequestHead, presented: Cookies, others: Cookies) -> Fields:
        """The lines that move ``presented`` into the pending cookie, beside ``others``; none where it would not fit: then all stay put."""
        sealed = self._sealed(presented + others)
        if len(sealed) > LARGEST_COOKIE_BYTES:
            return ()
        gone = expiries({cookie.name for cookie in presented}, parent_domains(head.authority.host))
        return (*gone, set_cookie(PENDING_NAME, sealed, PENDING_SECONDS))

    def kept(self, cookies: Cookies) -> tuple[bytes, bytes]:
        """The pending cookie for ``cookies``, oldest first; what does not fit goes in that order (the gateway retries those too)."""
        sealed = self._sealed(cookies)
        while len(sealed) > LARGEST_COOKIE_BYTES and len(cookies) > 1:
            cookies = cookies[1:]
            sealed = self._sealed(cookies)
        return set_cookie(PENDING_NAME, sealed, PENDING_SECONDS)

    def _sealed(self, cookies: Cookies) -> str:
        return self._sealer.seal("pending", self._host, Pending(tuple(dict.fromkeys(cookies))).packed())
