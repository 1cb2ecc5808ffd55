"""The references to pushed authorization requests (``request_uri``, RFC 9126), behind which a token may stand.

Owns what is known of each reference, by its fingerprint: what was pushed through this gateway, and what one client's redemption showed.
Must never store a reference.
"""

import json
from typing import Any

from gateway.coordination.sealed_records import SealedRecords
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.token_ledger import REMEMBERED_SECONDS
from gateway.policy.http.messages import Answer
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprint, Fingerprinter, SessionToken
from gateway.shared_state import SharedState

_MAY_HOLD, _HOLDS_NONE = b"\1", b"\0"


class PushedReferences:
    """The references of the last hour. Every call that waits raises ``StateFailed``."""

    def __init__(self, state: SharedState, sealer: Sealer, fingerprinter: Fingerprinter, unknown_redeems: bool) -> None:
        """``unknown_redeems``: whether a reference that was not pushed through this gateway counts as a token."""
        self._records = SealedRecords(state, sealer, "pushed-reference", REMEMBERED_SECONDS)
        self._fingerprinter = fingerprinter
        self._unknown_redeems = unknown_redeems

    async def may_redeem(self, references: tuple[str, ...], sender: LoginBrowser) -> bool:
        """Whether an authorize request with these references may redeem a token."""
        return any([await self._may_hold_token(reference, sender) for reference in references])

    async def _may_hold_token(self, reference: str, sender: LoginBrowser) -> bool:
        for key in (self._of_client(reference, sender), self._of_all(reference)):
            known = await self._records.get(key)
            if known is not None:
                return known == _MAY_HOLD
        return self._unknown_redeems

    async def are_pushed_here(self, references: tuple[str, ...]) -> bool:
        """Whether all of them were pushed through this gateway."""
        return all([await self._records.get(self._of_all(reference)) is not None for reference in references])

    async def note_pushed(self, answer: Answer, *, may_hold_token: bool) -> None:
        """Store the reference from Okta's answer to a pushed request, and whether it may stand for a token."""
        try:
            content: Any = json.loads(answer.body)
        except (ValueError, RecursionError):
            return
        reference = content.get("request_uri") if isinstance(content, dict) else None
        if isinstance(reference, str):
            await self._records.put(self._of_all(reference), _MAY_HOLD if may_hold_token else _HOLDS_NONE)

    async def note_without_session(self, references: tuple[str, ...], sender: LoginBrowser) -> None:
        """Okta accepted these references and no session began, so there was no valid token behind them.

        From now on they are forwarded like any other request of this client. One client's result is not used for another's.
        """
        for reference in references:
            await self._records.put(self._of_client(reference, sender), _HOLDS_NONE)

    def _of_all(self, reference: str) -> Fingerprint:
        return self._fingerprinter.of_token(SessionToken(reference))

    def _of_client(self, reference: str, sender: LoginBrowser) -> Fingerprint:
        return self._fingerprinter.of_token(SessionToken(f"{reference}\0{sender.signature.hex()}"))
