"""The last step of a hand-off: whether an app host takes a ticket for a pass.

Owns the order of the questions. Must never take a ticket at another host than its own, in another browser than the one that
began, a second time, or late.

The seal is the caller's: what arrives here was opened for this host, so a ``None`` is a ticket of nobody's. The caller
writes a ticket down as used when, and only when, it was accepted: a stranger's attempt must not spend somebody's ticket.
"""

import hmac
from dataclasses import dataclass
from typing import Literal

from gateway.policy.session.passes import Pass, Ticket, nonce_hash

Reason = Literal["no_ticket", "other_host", "expired", "no_nonce", "other_browser", "used"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Set this pass, clear the nonce, and send the browser to ``target``."""

    held: Pass
    target: str


@dataclass(frozen=True, slots=True)
class TicketRefused:
    """No pass; ``reason`` is for the page and the log."""

    reason: Reason


def accept(ticket: Ticket | None, host: str, nonce: str | None, now: float) -> Accepted | TicketRefused:
    """What becomes of an unused ticket at ``host`` (authority text), in a browser that holds ``nonce``, at ``now`` (Unix seconds)."""
    if ticket is None:
        return TicketRefused("no_ticket")
    if ticket.app != host:
        return TicketRefused("other_host")
    if now > ticket.expires_at:
        return TicketRefused("expired")
    if nonce is None:
        return TicketRefused("no_nonce")
    if not hmac.compare_digest(nonce_hash(nonce).encode(), ticket.nonce_hash.encode("utf-8", "surrogatepass")):
        return TicketRefused("other_browser")
    return Accepted(Pass(ticket.cookies, ticket.user_id, ticket.session_id, now, ticket.browser, ticket.epoch), ticket.target)
