"""What the gateway's own paths read from a request: parameters, small forms and the pass.

Must never decide who is admitted. Must never use a parameter that occurs twice or that was cut off.
"""

from collections.abc import Mapping

from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.okta import browser_fields_of
from gateway.policy.http.cookies import PASS_NAME
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.http.percent import unescaped_bytes
from gateway.policy.routing.navigation import RequestKind, kind_of
from gateway.policy.session.passes import Pass
from gateway.policy.session.revocation_epoch import is_remembered
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Finding, NoSession, Session
from gateway.policy.session.split_cookies import joined
from gateway.sessions import Sessions

LARGEST_FORM_BYTES = 8 * 1024
MOST_PARAMETERS = 32
_FORM_TYPE = b"application/x-www-form-urlencoded"


def parameters(encoded: str) -> Mapping[str, str] | Malformed:
    """The decoded parameters of a query or a form. A name that occurs twice is refused, because only one of the two could be used."""
    pieces = encoded.split("&", MOST_PARAMETERS)
    if len(pieces) > MOST_PARAMETERS:
        return Malformed(400, "parameters")
    try:
        pairs = [(_text(name), _text(value)) for name, _, value in (piece.partition("=") for piece in pieces if piece)]
    except ValueError:
        return Malformed(400, "parameters")
    found = dict(pairs)
    return found if len(found) == len(pairs) else Malformed(400, "parameter_repeated")


def _text(raw: str) -> str:
    return unescaped_bytes(raw.replace("+", " ").encode()).decode()


async def form_of(request: Request) -> Mapping[str, str] | Malformed:
    """The fields of a posted form of at most 8 KiB. No body means an empty form. Errors: 400, 408, 413, 415, 503."""
    body = await whole_body(request, LARGEST_FORM_BYTES)
    if isinstance(body, Malformed):
        return body
    if not body:
        return {}
    if not _is_form(request):
        return Malformed(415, "form_type")
    return parameters(body.decode("ascii")) if body.isascii() else Malformed(400, "form")


def _is_form(request: Request) -> bool:
    said = request.named.get(b"content-type")
    return isinstance(said, bytes) and said.partition(b";")[0].strip(b" \t").lower() == _FORM_TYPE


def not_navigating(head: RequestHead) -> Malformed | None:
    """Why a step of the hand-off is refused: a prefetch (503), or a request that its browser does not call a navigation (403)."""
    kind = kind_of(head)
    if kind is RequestKind.PREFETCH:
        return Malformed(503, "prefetch")
    return Malformed(403, "not_a_navigation") if kind is not RequestKind.NAVIGATION and head.values(b"sec-fetch-mode") else None


def pass_of(sealer: Sealer, head: RequestHead) -> Pass | None:
    """The pass, if the browser presents exactly one and this gateway sealed it for this host; else None.

    It may have been made before the gateway's record of revocations begins; ``session_of_pass`` checks that.
    """
    sealed = joined(head.values(b"cookie"), PASS_NAME)
    opened = sealer.open("pass", str(head.authority), sealed) if sealed is not None else None
    return Pass.unpacked(opened.payload) if opened is not None else None


async def session_of_pass(sessions: Sessions, held: Pass | None, head: RequestHead) -> Finding:
    """What Okta says of the session in this pass.

    ``NoSession`` also if Okta now names another user than the pass, if the session was revoked, or if the pass was made before the
    gateway's record of revocations begins.
    """
    if held is None:
        return NoSession("no_pass")
    if not is_remembered(held, sessions.epoch):
        return NoSession("pass_before_start")
    if sessions.has_session_ended(held.session_id):
        return NoSession("revoked")
    finding = await sessions.current(held.cookies, browser_fields_of(head), vouched=True)
    if isinstance(finding, Session) and finding.user_id != held.user_id:
        return NoSession("user_changed")
    return finding
