"""Where a token comes from, as far as earlier requests and answers show.

Owns three short-lived records, by fingerprint: tokens in a request that no trusted page started; tokens in any request; and transactions
(``stateToken``) that Okta gave to a browser with a living session. ``policy.switch.start`` judges by them.

A transaction belongs to the browser only if Okta's ``Location`` was the first to name it. If it stood in an earlier request, somebody may
have put it there. An answer to another site's form makes no transaction the browser's own, because the form's body may name any.
"""

from collections.abc import Iterable, Sequence

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.doors.announced_starts import AnnouncedStarts
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.session import Fingerprint, Fingerprinter, SessionToken
from gateway.policy.switch.nested_tokens import nested_tokens, tokens_in_location
from gateway.policy.switch.org_requests import OrgRequest, PushedByReference, Redemption
from gateway.policy.switch.start import StartRules, TokenOrigin, Via, is_trusted_place, via_of
from gateway.policy.switch.transactions import is_foreign_form, transactions_in
from gateway.shared_state import SharedState

REMEMBERED_SECONDS = 3600.0
"""Far longer than a token lives at Okta (five minutes)."""

MOST_STRANGE = 80_000
"""If strangers send more tokens than this in an hour, no token is trusted: the shared state keeps 100,000 and forgets the oldest."""

_SEEN, _STRANGE, _OWN = "seen-token", "stranger-token", "own-transaction"


class TokenOrigins:
    """What is known of tokens before they are redeemed. Every call raises ``StateFailed``."""

    def __init__(
        self, state: SharedState, fingerprinter: Fingerprinter, rules: StartRules, announced: AnnouncedStarts, login: str, clock: Clock
    ) -> None:
        """``rules``: whose starts are trusted; ``login``: the origin of the login host."""
        self._state = state
        self._fingerprinter = fingerprinter
        self._rules = rules
        self._announced = announced
        self._login = login
        self._strange: TTLCache[int, int] = TTLCache(120, REMEMBERED_SECONDS, timer=clock.monotonic)
        self._minute = clock.monotonic

    async def note_request(self, head: RequestHead, form: bytes, redeems: Iterable[SessionToken]) -> bool:
        """Store the tokens in a request, also nested ones (an address inside an address). ``form``: the body of a posted form.

        ``redeems``: tokens that the request itself would redeem. They are judged first and stored after that (``note_tokens``). False if
        the request may contain more tokens than were found, and a page may send them back to be redeemed. Such a request must be refused,
        because the gateway would not know where those tokens come from.
        """
        text = head.query + ("&" + form.decode("latin-1") if form else "")
        nested = nested_tokens(text)
        judged_later = frozenset(redeems)
        await self.note_tokens(head, [token for token in nested.tokens if token not in judged_later])
        return nested.is_all or via_of(head) in (Via.PROGRAM, Via.SCRIPT)

    async def note_tokens(self, head: RequestHead, tokens: Sequence[SessionToken]) -> None:
        """Store that these tokens stood in this request, and whether a stranger may have put them there."""
        if not tokens or via_of(head) is Via.PROGRAM:
            return
        is_strange = not is_trusted_place(head, self._rules)
        for fingerprint in self._fingerprints(tokens):
            if is_strange and await self._state.get(_OWN, fingerprint) is None:
                await self._mark_strange(fingerprint)
            await self._state.claim(_SEEN, fingerprint, REMEMBERED_SECONDS)

    async def note_answer(self, head: RequestHead, browser_id: str, is_alive: bool, answered: Fields) -> None:
        """Store the tokens in Okta's ``Location``: as a transaction of the living session, or as tokens that a stranger may have chosen.

        ``is_alive``: the request came with a living session.
        """
        locations = [value.decode("latin-1") for name, value in answered if name.lower() == b"location"]
        for location in locations:
            own = transactions_in(location, head, self._login)
            may_be_own = bool(own) and is_alive and bool(browser_id) and not is_foreign_form(head)
            for token in tokens_in_location(location):
                fingerprint = self._fingerprinter.of_token(token)
                if await self._state.get(_OWN, fingerprint) is not None:
                    continue
                if may_be_own and token in own and await self._state.get(_SEEN, fingerprint) is None:
                    await self._state.put(_OWN, fingerprint, browser_key(browser_id), REMEMBERED_SECONDS)
                else:
                    await self._mark_strange(fingerprint)

    async def of(self, head: RequestHead, redemption: Redemption, browser_id: str) -> TokenOrigin:
        """What is known of the tokens that this request would redeem. An announcement is used up by this call."""
        fingerprints = self._fingerprints(redemption.tokens)
        is_transaction = bool(redemption.tokens) and set(redemption.tokens) == set(redemption.state_tokens) and redemption.doubt is None
        if is_transaction and browser_id:
            browsers = [await self._state.get(_OWN, fingerprint) for fingerprint in fingerprints]
            if all(browser == browser_key(browser_id) for browser in browsers):
                return TokenOrigin(own_transaction=True)
        strange = [await self._state.get(_STRANGE, fingerprint) is not None for fingerprint in fingerprints]
        if any(strange) or sum(self._strange.values()) > MOST_STRANGE:
            return TokenOrigin(by_stranger=True)
        if is_transaction and head.values(b"sec-fetch-site") == (b"same-origin",):
            return TokenOrigin(own_transaction=True)  # Okta handed it out in the body of a page of its own
        announced = not is_trusted_place(head, self._rules) and await self._announced.take(head, redemption.tokens)
        return TokenOrigin(announced=announced)

    async def _mark_strange(self, fingerprint: Fingerprint) -> None:
        """Store that a stranger may have chosen this token. Such tokens are counted by the minute: too many would push out the oldest."""
        if await self._state.claim(_STRANGE, fingerprint, REMEMBERED_SECONDS):
            minute = int(self._minute() // 60)
            self._strange[minute] = self._strange.get(minute, 0) + 1

    def _fingerprints(self, tokens: Iterable[SessionToken]) -> list[Fingerprint]:
        return [self._fingerprinter.of_token(token) for token in tokens]


def tokens_redeemed(found: OrgRequest) -> tuple[SessionToken, ...]:
    """The tokens that a request itself would redeem. A reference to pushed parameters counts as one."""
    match found:
        case Redemption(tokens):
            return tokens
        case PushedByReference(references):
            return tuple(map(SessionToken, references))
        case _:
            return ()
