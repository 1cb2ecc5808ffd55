"""The confirmation of a switch that no trusted page started: the page that asks the user, and ``POST /.gateway/switch``, its form.

Owns the sealed request inside the form. It is valid for five minutes (``CONFIRM_SECONDS``) and for this browser alone. Must never act on
a post from another site. Must never act on a request that was shown to another browser, or to this browser with another session.
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace

from gateway.clock import Clock
from gateway.doors.answers import page_answer
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.redemptions import RedemptionRequest
from gateway.doors.own.addresses import SESSION_PAGE
from gateway.doors.own.requests import parameters
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.pages import ConfirmSwitch, render
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.http.request_ids import SLOT
from gateway.policy.routing.navigation import is_same_origin_post
from gateway.policy.routing.routing import RouteTable
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.passes import Confirmation, Sealer
from gateway.policy.session.session import Session
from gateway.policy.switch.org_requests import LARGEST_BODY_BYTES, PushedByReference, Redemption, read
from gateway.policy.switch.way_back import way_back
from gateway.sessions import Sessions

SWITCH_PATH = "/.gateway/switch"
CONFIRM_SECONDS = 300.0
LARGEST_FORM_BYTES = 3 * LARGEST_BODY_BYTES
_REPLACED = frozenset({b"content-type", b"content-length", b"transfer-encoding", b"origin"})


class ConfirmationForm:
    """Makes the page with the form, and reads the form that is posted."""

    def __init__(self, table: RouteTable, sealer: Sealer, sessions: Sessions, clock: Clock) -> None:
        """``table``: a user who does not switch may go on to its apps."""
        self._origin = table.login.origin
        self._host = str(table.login.authority)
        self._apps = [app.origin for app in table.apps]
        self._sealer = sealer
        self._sessions = sessions
        self._clock = clock

    def ask(self, redemption: RedemptionRequest, session: Session | None) -> Answer:
        """The page. It names the signed-in user, if there is one, and holds the request, sealed."""
        head = redemption.head
        kept = Confirmation(
            method=head.method,
            target=head.target,
            content_type=(head.value(b"content-type") or b"").decode("latin-1"),
            body=redemption.body,
            fingerprints=self._browser(head, redemption.sender.browser_id),
            expires_at=self._clock.wall() + CONFIRM_SECONDS,
        )
        sealed = self._sealer.seal("confirm", self._host, kept.packed())
        if session is None:
            return page_answer(render(ConfirmSwitch(None, sealed, redemption.started_by), request_id=SLOT))
        stay = way_back(head, redemption.body, self._apps) or SESSION_PAGE
        view = ConfirmSwitch(session.login, sealed, redemption.started_by, stay_path=stay)
        return page_answer(render(view, request_id=SLOT))

    async def read(self, request: Request, sender: LoginBrowser) -> RedemptionRequest | Malformed:
        """The redemption that the user confirmed; or why the post is refused (400, 403, 405, 408, 409, 413, 503)."""
        head = sender.head
        if head.method != "POST":
            return Malformed(405, "method")
        if not is_same_origin_post(head, self._origin):
            return Malformed(403, "other_site")
        body = await whole_body(request, LARGEST_FORM_BYTES)
        form = body if isinstance(body, Malformed) else parameters(body.decode("latin-1"))
        if isinstance(form, Malformed):
            return form
        confirmed = self._confirmed(head, sender.browser_id, form)
        if isinstance(confirmed, Malformed):
            return confirmed
        kept, kept_body = confirmed
        found = read(kept, kept_body)
        tokens = found.tokens if isinstance(found, Redemption) else ()
        references = found.references if isinstance(found, PushedByReference) else ()
        return RedemptionRequest(replace(sender, head=kept), kept_body, tokens, trusted=True, references=references, is_confirmed=True)

    def _confirmed(self, head: RequestHead, browser_id: str, form: Mapping[str, str]) -> tuple[RequestHead, bytes] | Malformed:
        """The request that the user confirmed, as it will be sent; or why the form is not valid."""
        opened = self._sealer.open("confirm", self._host, form.get("request", ""))
        kept = Confirmation.unpacked(opened.payload) if opened is not None else None
        if kept is None:
            return Malformed(400, "confirmation")
        if kept.expires_at < self._clock.wall():
            return Malformed(400, "confirmation_expired")
        if not hmac.compare_digest(b"".join(kept.fingerprints), b"".join(self._browser(head, browser_id))):
            return Malformed(409, "browser_changed")
        fields = tuple((name, value) for name, value in head.fields if name.lower() not in _REPLACED)
        if kept.content_type:
            fields = (*fields, (b"Content-Type", kept.content_type.encode("latin-1")))
        return head.replaced(method=kept.method, target=kept.target, fields=fields), kept.body

    def _browser(self, head: RequestHead, browser_id: str) -> tuple[bytes, ...]:
        """What must be the same for the page and for its posted form: the browser's id and its sessions."""
        return (browser_key(browser_id), *sorted(self._sessions.fingerprints(session_cookies(head.fields))))
