"""The audit log of sign-ins and switches: one line for a sign-in, one line for each step of a switch.

    asked ─▶ (the user confirms) ─▶ closed ─▶ redeemed          refused: the session before is not proven gone, and the token is unspent
                                        └──▶ unanswered: Okta may have taken the token, and said nothing

Owns the words. A user is named by Okta's id, a browser by the fingerprint of a cookie. Must never log a cookie, a token or the address of
a page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.doors.login.redemptions import RedemptionRequest
from gateway.observe import Tell
from gateway.policy.session.session import Session, SessionCookie
from gateway.sessions import Sessions


@dataclass(frozen=True, slots=True)
class SwitchAudit:
    """Writes these lines."""

    sessions: Sessions
    tell: Tell

    def signed_in(self, user_id: str, begun: Iterable[SessionCookie], client: str, by: str) -> None:
        """A session began in a browser that had none.

        ``user_id`` is empty if Okta was not asked yet; then the fingerprint names the session.

        ``by``: ``token``, or ``okta`` (a form, a script, another identity provider).
        """
        self.tell("signed_in", _present({"user": user_id, "fingerprint": self.sessions.shown_of(begun), "by": by, "client": client}))

    def step(self, redemption: RedemptionRequest, before: str, step: str, *, user: str = "", reason: str = "") -> None:
        """A switch by a token has reached this step. ``before``: the former user, or ""; ``user``: the new one, if Okta has named it."""
        by = "confirmed" if redemption.is_confirmed else "trusted" if redemption.trusted else "untrusted"
        figures = {"step": step, "before": before, "user": user, "by": by, "reason": reason, "client": redemption.head.client}
        self.tell("switched", _present({**figures, "started_by": redemption.started_by}))

    def taken_over(self, before: str, session: Session | None, client: str) -> None:
        """Another user signed in without a token."""
        user = session.user_id if session is not None else ""
        self.tell("switched", _present({"step": "delivered", "before": before, "user": user, "by": "without_token", "client": client}))


def _present(figures: Mapping[str, str]) -> dict[str, object]:
    return {name: value for name, value in figures.items() if value}
