"""Transactions (``stateToken``) that Okta hands out to a browser in the ``Location`` of an answer.

Owns which addresses count: those of the login host, which may be its sign-in page. An address that would redeem another kind of token
hands out nothing.
"""

from gateway.policy.http.messages import RequestHead
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_parameters import Parameters
from gateway.policy.switch.org_requests import Redemption, read

_NAMES = frozenset({"statetoken"})


def transactions_in(location: str, head: RequestHead, login: str) -> tuple[SessionToken, ...]:
    """The transactions in the ``Location`` of the answer to a request. ``login``: the origin of the login host."""
    target = _own_target(location, login)
    found = read(head.replaced(method="GET", target=target)) if target is not None else None
    if target is None or (isinstance(found, Redemption) and len(found.state_tokens) < len(found.tokens)):
        return ()
    named = Parameters(_NAMES, is_authorize=False)
    named.take_pairs(target.partition("#")[0].partition("?")[2])
    return tuple(token for _, token in named.tokens)


def _own_target(location: str, login: str) -> str | None:
    """The path and query of an address on the login host; None for another host."""
    if location.lower().startswith(login + "/"):
        return location[len(login) :]
    return location if location.startswith("/") and not location.startswith(("//", "/\\")) else None


def is_foreign_form(head: RequestHead) -> bool:
    """Whether another site may have posted this form: its body may name any transaction."""
    return head.method not in ("GET", "HEAD") and head.values(b"sec-fetch-site") != (b"same-origin",)
