"""``POST /.gateway/switch``: the user said yes on the confirmation page.

Turns the posted form back into a redemption. Must never act on a post from another site.
"""

from gateway.doors.login.confirmation_form import ConfirmationForm
from gateway.doors.login.redemptions import RedemptionRequest
from gateway.doors.own.requests import parameters
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.routing.navigation import is_same_origin_post
from gateway.policy.switch.org_requests import LARGEST_BODY_BYTES, PushedByReference, Redemption, read

SWITCH_PATH = "/.gateway/switch"
LARGEST_FORM_BYTES = 3 * LARGEST_BODY_BYTES


class ConfirmedSwitch:
    """Reads the confirmed request from the form."""

    def __init__(self, confirmation: ConfirmationForm, origin: str) -> None:
        """``origin``: the login host's. The form may be posted from this origin only."""
        self._confirmation = confirmation
        self._origin = origin

    async def read(self, request: Request, head: RequestHead, browser_id: str) -> RedemptionRequest | Malformed:
        """The redemption that the user confirmed; or why the post is refused (400, 403, 405, 408, 409, 413, 503)."""
        if head.method != "POST":
            return Malformed(405, "method")
        if not is_same_origin_post(head, self._origin):
            return Malformed(403, "other_site")
        body = await whole_body(request, LARGEST_FORM_BYTES)
        form = body if isinstance(body, Malformed) else parameters(body.decode("latin-1"))
        if isinstance(form, Malformed):
            return form
        confirmed = self._confirmation.confirmed(head, browser_id, form)
        if isinstance(confirmed, Malformed):
            return confirmed
        kept, kept_body = confirmed
        found = read(kept, kept_body)
        tokens = found.tokens if isinstance(found, Redemption) else ()
        references = found.references if isinstance(found, PushedByReference) else ()
        return RedemptionRequest(kept, kept_body, tokens, trusted=True, references=references, is_confirmed=True, browser_id=browser_id)
