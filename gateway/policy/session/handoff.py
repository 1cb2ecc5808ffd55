"""The last step of a hand-off: the app host checks a ticket and turns it into a pass.

In a *hand-off* the app host sends the browser to the login host, which returns a one-time ticket. This module owns the order of the checks.
It must never accept a ticket at another host, in another browser than the one that began, a second time, or after its end.

The caller has opened the seal for this host; ``None`` means that the ticket did not open. The caller marks a ticket as used only after it
was accepted here. Otherwise a stranger's attempt could use up another user's ticket.
"""

import hmac
from dataclasses import dataclass
from typing import Literal

from gateway.policy.session.passes import Pass, Ticket, nonce_hash

Reason = Literal["no_ticket", "other_host", "expired", "no_nonce", "other_browser", "used"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The ticket is good: set this pass, clear the nonce, and send the browser to ``target``."""

    held: Pass
    target: str


@dataclass(frozen=True, slots=True)
class TicketRefused:
    """The ticket is refused. ``reason``: a word for the page and the log."""

    reason: Reason


def accept(ticket: Ticket | None, host: str, nonce: str | None, now: float) -> Accepted | TicketRefused:
    """Check an unused ticket at ``host`` (authority text). ``nonce``: from the browser's start cookie. ``now``: Unix seconds."""
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
