"""The confirmation of a switch that nobody trustworthy asked for.

Owns the sealed request that waits inside the page's form: five minutes, for this browser alone. Must never act on a post
from another site, nor on a request that another browser, or the same one with another session, was shown.
Rules from: DESIGN section 4 ("Trusted start"), ATTACKS L1, L8.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote_plus

from gateway.clock import Clock
from gateway.core.cookies import session_cookies
from gateway.core.messages import Answer, Malformed, RequestHead
from gateway.core.passes import Confirmation, Sealer
from gateway.core.session import Session
from gateway.doors.answers import page_answer
from gateway.doors.login.redeemed import Redeeming
from gateway.pages import ConfirmSwitch, render
from gateway.sessions import Sessions

CONFIRM_SECONDS = 300.0
_ORIGIN_IN_PARAMETER = re.compile(r"(?ai)\A(https?://[a-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#]|\Z)")
_REPLACED = frozenset({b"content-type", b"content-length", b"transfer-encoding", b"origin"})


class Confirming:
    """Asks, and reads the answer."""

    def __init__(self, host: str, sealer: Sealer, sessions: Sessions, clock: Clock, form_targets: tuple[str, ...]) -> None:
        """``host``: the login host's authority text; ``form_targets``: the origins to which a confirmed switch may lead."""
        self._host = host
        self._sealer = sealer
        self._sessions = sessions
        self._clock = clock
        self._form_targets = form_targets

    def ask(self, redeeming: Redeeming, session: Session) -> Answer:
        """The page that names the signed-in user and holds the request, sealed."""
        head = redeeming.head
        kept = Confirmation(
            method=head.method,
            target=head.target,
            content_type=(head.value(b"content-type") or b"").decode("latin-1"),
            body=redeeming.body,
            fingerprints=self._browser(head),
            expires_at=self._clock.wall() + CONFIRM_SECONDS,
        )
        sealed = self._sealer.seal("confirm", self._host, kept.packed())
        targets = tuple(dict.fromkeys((*self._form_targets, *_named_origins(redeeming))))
        return page_answer(render(ConfirmSwitch(login=session.login, sealed=sealed), form_targets=targets))

    def confirmed(self, head: RequestHead, form: Mapping[str, str]) -> tuple[RequestHead, bytes] | Malformed:
        """The request that the user confirmed, as it is to be sent; or why the form counts for nothing."""
        opened = self._sealer.open("confirm", self._host, form.get("request", ""))
        kept = Confirmation.unpacked(opened.payload) if opened is not None else None
        if kept is None:
            return Malformed(400, "confirmation")
        if kept.expires_at < self._clock.wall():
            return Malformed(400, "confirmation_expired")
        if not hmac.compare_digest(b"".join(kept.fingerprints), b"".join(self._browser(head))):
            return Malformed(409, "browser_changed")
        fields = tuple((name, value) for name, value in head.fields if name.lower() not in _REPLACED)
        if kept.content_type:
            fields = (*fields, (b"Content-Type", kept.content_type.encode("latin-1")))
        return replace(head, method=kept.method, target=kept.target, fields=fields), kept.body

    def _browser(self, head: RequestHead) -> tuple[bytes, ...]:
        return tuple(sorted(self._sessions.fingerprints(session_cookies(head.fields))))


def _named_origins(redeeming: Redeeming) -> tuple[str, ...]:
    """The origins that the request's own parameters name: Okta may redirect there, and Chromium asks the form's page for leave."""
    text = redeeming.head.query + "&" + redeeming.body.decode("latin-1")
    values = (unquote_plus(pair.partition("=")[2]) for pair in re.split("[&;]", text))
    return tuple(found[1].lower() for value in values if (found := _ORIGIN_IN_PARAMETER.match(value)))[:4]
