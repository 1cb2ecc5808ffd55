"""The check which OpenID Connect requests must be forwarded without the browser's session.

After a switch, a page of the first user may still be open. It may ask for tokens silently (``prompt=none``), or sign its user out with an
``id_token_hint``. Both would act on the second user's session. So the gateway forwards such a request without session cookies, and Okta
answers as if nobody were signed in: ``login_required``, or a plain redirect.
Sources: OpenID Connect Core 1.0 §3.1.2.1 (``prompt``), OpenID Connect RP-Initiated Logout 1.0 §2 (``id_token_hint``).
"""

from gateway.policy.http.messages import RequestHead
from gateway.policy.session.session import Session
from gateway.policy.switch.org_parameters import Parameters
from gateway.policy.switch.org_places import OrgPath

LONGEST_QUERY = 32 * 1024


def client_of(head: RequestHead) -> str:
    """The ``client_id`` of an authorize request; empty if there is none, or if two differ."""
    if len(head.query) > LONGEST_QUERY or not OrgPath.of(head.path).is_authorize:
        return ""
    found = Parameters(frozenset(), is_authorize=True)
    found.take_pairs(head.query)
    return found.client_ids[0] if len(set(found.client_ids)) == 1 else ""


def asks_for_another_user(used_by: str | None, user_id: str) -> bool:
    """Whether a silent request belongs to another user. ``used_by``: the user who last used this client in this browser."""
    return used_by is not None and used_by != user_id


def names_another_user(hint_subject: str | None, session: Session) -> bool:
    """Whether the subject of an ``id_token_hint`` is not this session's user.

    Okta's own authorization server names the user id as the subject; a custom one may name the login.
    """
    return hint_subject is not None and hint_subject not in (session.user_id, session.login)
