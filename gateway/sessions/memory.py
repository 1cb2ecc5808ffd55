"""``Sessions``, the session cache of one process: it answers "whose session is this?" from memory, or by a question to Okta.

Callers with the same cookies share one question. It must never cancel a question because a client left, keep a raw cookie after its
question, or treat a missing answer as "signed out". See families.py for families of cookies, and guesses.py for guesses.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from cachetools import TTLCache

from gateway.background import BackgroundTasks
from gateway.clock import Clock
from gateway.errors import OutsideFailed
from gateway.observe import Tell
from gateway.okta import BrowserFields
from gateway.policy.hooks.hook_trust import HookTrust
from gateway.policy.http.cookies import repeated
from gateway.policy.session.cache import EntryState
from gateway.policy.session.cookies import split
from gateway.policy.session.judging import Judgement, judged_apart
from gateway.policy.session.revocation_epoch import RevocationEpoch
from gateway.policy.session.session import (
    SESSION_NAMES,
    Finding,
    Fingerprint,
    Fingerprinter,
    Marks,
    NoSession,
    Session,
    SessionCookie,
    SessionToken,
    Unknown,
    key_of,
    parts_of,
    shown,
)
from gateway.revocations import Moved, Revocation, Revocations, Rotation
from gateway.sessions.answers import NO_COOKIE, REVOKED, Answers, Cookies, KnownAnswer, SessionRules, ValidUntil
from gateway.sessions.asking import GONE, Asking, OktaReply
from gateway.sessions.counts import Counts
from gateway.sessions.epochs import Epochs
from gateway.sessions.families import Families
from gateway.sessions.seen import SeenCookies

IMPOSSIBLE: Final = NoSession("impossible_cookie")
"""The finding if Okta cannot have issued any of the presented cookies."""

OnNamed = Callable[[Session, bool], None]
"""Called with each session that Okta names, and whether it has just begun through this gateway. It must not block or raise."""


class Sessions:
    """The session cache of one process. It owns the tasks of its questions; close it with ``aclose``."""

    def __init__(
        self, asking: Asking, revocations: Revocations, fingerprinter: Fingerprinter, rules: SessionRules, clock: Clock, tell: Tell
    ) -> None:
        """``revocations`` and ``clock``: those of the whole process, so that times compare. ``keeps_alive``: ``touch`` has an effect."""
        self._asking = asking
        self._revocations = revocations
        self._fingerprinter = fingerprinter
        self._tell = tell
        self._answers = Answers(revocations, fingerprinter, rules, clock)
        self._families = Families(rules.max_entries, rules.family_seconds, clock.monotonic)
        self._seen = SeenCookies(rules.max_entries, clock.monotonic)
        self._epochs = Epochs(revocations, rules.epoch, clock, tell)
        self.keeps_alive = rules.keep_alive > 0
        self._touched: TTLCache[bytes, None] = TTLCache(rules.max_entries, rules.keep_alive, timer=clock.monotonic)
        self._questions: dict[bytes, asyncio.Task[OktaReply]] = {}
        self._outdated: set[asyncio.Task[OktaReply]] = set()
        self._background = BackgroundTasks()
        self.counts = Counts()
        self.on_named: OnNamed = _nobody_listens
        for rotation in revocations.known_rotations():
            self._learn(rotation)
        revocations.subscribe(self._hear)

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def epoch(self) -> RevocationEpoch:
        """The current epoch, which decides which passes are still valid. It is the same object until it changes."""
        self._revocations.poll()
        return self._epochs.current

    def fingerprints(self, cookies: Iterable[SessionCookie]) -> tuple[Fingerprint, ...]:
        """The fingerprints of cookies, in their order."""
        return self._fingerprinter.all(cookies)

    def marks(self, cookies: Cookies) -> Marks:
        """The marks of these cookies. They stay valid as long as this object lives."""
        return self._fingerprinter.marks(cookies)

    def fingerprint_of(self, token: SessionToken) -> Fingerprint:
        """The fingerprint of a session token."""
        return self._fingerprinter.of_token(token)

    def shown_of(self, cookies: Iterable[SessionCookie]) -> str:
        """The name of these cookies in the log: the short fingerprint of the first one, or an empty text."""
        return self._fingerprinter.marks(tuple(cookies)).shown

    def is_revoked(self, cookies: Iterable[SessionCookie]) -> bool:
        """Whether any of these cookies is revoked."""
        return self._revocations.has_cookie(self.fingerprints(cookies))

    def are_revoked(self, marks: Marks) -> bool:
        """The same as ``is_revoked``, for cookies whose marks are already computed."""
        return self._revocations.has_cookie(marks.fingerprints)

    def from_cache(self, cookies: Cookies) -> Finding | None:
        """The cached finding. None if the caller must call ``current``: there is none, or it is due and no question is under way."""
        return self._cached_finding(self._answers.find(cookies))

    def from_cache_for_pass(self, cookies: Cookies, marks: Marks, browser: Callable[[], BrowserFields]) -> Finding | None:
        """The same as ``from_cache``, for the cookies of a pass. If the answer is due, it asks Okta again in the background."""
        found = self._answers.find_marked(marks, for_pass=True)
        if isinstance(found, KnownAnswer) and found.worth is EntryState.DUE and not self._is_asked(found.key):
            self._begin(found.key, cookies, browser(), vouched=True, for_pass=True)
        return self._cached_finding(found)

    def valid_until(self, marks: Marks) -> ValidUntil | None:
        """How long ``from_cache_for_pass`` returns the same session; None if there is no fresh session."""
        return self._answers.valid_until(marks)

    def is_valid(self, valid_until: ValidUntil) -> bool:
        """Whether a result of ``valid_until`` still holds. It counts as an answer from the cache."""
        is_valid = self._answers.is_valid(valid_until)
        self.counts.hits += is_valid
        return is_valid

    def _cached_finding(self, found: NoSession | Unknown | KnownAnswer) -> Finding | None:
        if not isinstance(found, KnownAnswer):
            return found
        key, entry, worth = found
        if entry is not None and (worth is EntryState.FRESH or (worth is EntryState.DUE and self._is_asked(key))):
            self.counts.hits += 1
            return entry.finding
        return None

    def seconds_left(self, marks: Marks) -> float:
        """How many seconds the cached answer about these cookies stays valid; 0 if there is none."""
        return self._answers.seconds_left(marks)

    @property
    def is_rate_short(self) -> bool:
        """Whether Okta's rate limit is nearly used up. Then only questions that a user waits for should be sent at once."""
        return self._asking.shortage > 0

    @property
    def hook_trust(self) -> HookTrust:
        """Which answers may stay valid for ``session.ttl_with_hook``."""
        return self._answers.hook_trust

    def rely_on_hook(self, trust: HookTrust) -> None:
        """Replace ``hook_trust``: it decides from now on which answers stay valid for longer."""
        self._answers.hook_trust = trust

    async def current(
        self,
        cookies: Cookies,
        browser: BrowserFields,
        *,
        vouched: bool = False,
        wait_seconds: float | None = None,
        despite_hold: bool = False,
    ) -> Finding:
        """The session of these cookies, from the cache or from Okta. Callers with the same cookies share the question under way.

        This holds with a ttl of 0 too. ``vouched``: the cookies come from a sealed value, so Okta has named a session for all of them
        together, and the question is no guess; if one of them was revoked since, all count as revoked. Other cookies are judged as in
        ``judged``. ``wait_seconds``: after so many seconds the result is ``Unknown``; a later answer is still cached. ``despite_hold``:
        ignore a hold; only for the caller that decides whose held cookies these are.
        """
        if vouched:
            return await self._found(cookies, browser, vouched=True, wait_seconds=wait_seconds, despite_hold=despite_hold)
        return (await self.judged(cookies, browser, wait_seconds=wait_seconds)).finding

    async def judged(
        self, cookies: Cookies, browser: BrowserFields, *, wait_seconds: float | None = None, each_alone: bool = False
    ) -> Judgement:
        """The session of a browser that presents these cookies, the cookies that carry it, and the dead cookies to expire in the browser.

        A cookie that Okta cannot have issued, or that was revoked, is dead. If a name occurs twice among the rest, Okta is asked about each
        cookie alone. ``each_alone``: also ask so if all together carry no session, because a dead cookie may hide a living one; and drop a
        cached "a factor is missing", because the user may have shown it since.
        """
        possible, impossible = split(dict.fromkeys(cookies))
        living = tuple(cookie for cookie in possible if not self.is_revoked((cookie,)))
        left_out = (*impossible, *(cookie for cookie in possible if cookie not in living))
        if not living:
            return Judgement(REVOKED if possible else IMPOSSIBLE if impossible else NO_COOKIE, dead=left_out)
        if each_alone:
            self._answers.forget_nobody(self.fingerprints(living), waiting_only=True)
        finding = None if repeated(living) else await self._found(living, browser, vouched=False, wait_seconds=wait_seconds)
        if finding is None or (each_alone and isinstance(finding, NoSession) and len(living) > 1):
            questions = (self._found((cookie,), browser, vouched=False, wait_seconds=wait_seconds) for cookie in living)
            findings = await asyncio.gather(*questions)
            judgement = judged_apart(tuple(zip(living, findings, strict=True)))
            self._answers.forget_nobody(self.fingerprints(judgement.living))  # Okta has just named a user for them
            return replace(judgement, dead=(*left_out, *judgement.dead))
        if isinstance(finding, Session):
            return Judgement(finding, living, left_out)
        return Judgement(finding, dead=(*left_out, *living) if finding == REVOKED else left_out)

    async def has_ended(self, cookies: Cookies, browser: BrowserFields) -> bool:
        """Whether the session of these cookies, which Okta named a moment ago for a sealed value, has ended since.

        A cached "no session" may be older than that moment. So Okta is asked again, unless the cookies are revoked.
        """
        if not isinstance(self.from_cache(cookies), NoSession):
            return False
        if not self.is_revoked(cookies):
            self._answers.forget_nobody(self.fingerprints(cookies))
        return isinstance(await self.current(cookies, browser, vouched=True), NoSession)

    async def alone(self, cookie: SessionCookie, browser: BrowserFields) -> OktaReply:
        """Ask Okta about this cookie alone, without the cache. For a cookie that may be made up, the question is a guess."""
        return await self._asking.session((cookie,), browser, known=self._known((cookie,)))

    def may_guess(self, browser: BrowserFields) -> Unknown | None:
        """Why this client must not guess now; None if it may."""
        return self._asking.guess_refused(browser)

    def is_known(self, cookie: SessionCookie) -> bool:
        """Whether this cookie was a session by Okta's last answer here. Any other cookie may be made up."""
        return self._seen.is_known(self.fingerprints((cookie,)))

    def user_of(self, cookie: SessionCookie) -> str | None:
        """The user that Okta last named for this cookie; None if Okta's last answer said that its session is gone."""
        (fingerprint,) = self.fingerprints((cookie,))
        return self._seen.user_of(fingerprint) if self._seen.is_known((fingerprint,)) else None

    def has_session_ended(self, session_id: str) -> bool:
        """Whether the Okta session with this id is revoked, whatever its cookies are."""
        return self._answers.has_session_ended(session_id)

    def note_gone(self, cookie: SessionCookie) -> None:
        """Note that Okta said that this cookie carries no session. From now on a question about it is a guess."""
        self._seen.end(self.fingerprints((cookie,)))

    def vouch(self, cookies: Iterable[SessionCookie], user_id: str) -> None:
        """Note that these cookies are real: they come from a sealed value, with the user that Okta named for them."""
        unknown = tuple(one for one in self.fingerprints(cookies) if self._seen.user_of(one) is None)
        self._seen.name(unknown, user_id)

    def forget(self, cookies: Iterable[SessionCookie]) -> None:
        """Drop the cached answers about these cookies and about every set that contains one of them, so that Okta is asked again.

        A question that is under way was sent before. Its callers get the answer, but it is not cached.
        """
        self._forget(self.fingerprints(cookies))

    async def doubt(self, cookies: Iterable[SessionCookie]) -> None:
        """Call ``forget`` in every process. Use it when Okta deletes these cookies in a browser: their session may have ended."""
        await self._publish(Revocation(doubted=self.fingerprints(cookies)))

    def _forget(self, fingerprints: tuple[Fingerprint, ...]) -> None:
        self._answers.forget_with(fingerprints)
        for key in tuple(self._questions):
            if not set(fingerprints).isdisjoint((key, *parts_of(key))):
                self._outdated.add(self._questions.pop(key))

    async def _found(
        self, cookies: Cookies, browser: BrowserFields, *, vouched: bool, wait_seconds: float | None, despite_hold: bool = False
    ) -> Finding:
        for_pass = vouched and not despite_hold
        found = self._answers.find(cookies, despite_hold=despite_hold, for_pass=for_pass)
        if not isinstance(found, KnownAnswer):
            return found
        if found.entry is not None and found.worth in (EntryState.FRESH, EntryState.DUE):
            self.counts.hits += 1
            if found.worth is EntryState.DUE and not self._is_asked(found.key):
                self._begin(found.key, cookies, browser, vouched, for_pass)
            return found.entry.finding
        if self._is_asked(found.key):
            self.counts.coalesced += 1
            question = self._questions[found.key]
        else:
            question = self._begin(found.key, cookies, browser, vouched, for_pass)
        await asyncio.wait({question}, timeout=wait_seconds)  # a cancelled waiter does not cancel the question, nor the reverse
        finding = self._answer(cookies, question, despite_hold)
        self.counts.unknown += isinstance(finding, Unknown)
        return finding

    async def revoke(
        self, cookies: Iterable[SessionCookie], *, session_id: str | None = None, user_id: str | None = None, spared_for: str = ""
    ) -> None:
        """Revoke, in every process, these cookies and their families, the session, and with ``user_id`` all older answers about that user.

        In this process it takes effect before the first ``await``. If the caller gives no session id, the cached one is used. Raises
        ``OutsideFailed`` if other processes could not be told. ``spared_for``: as in ``Revocation``; call ``moved`` afterwards.
        """
        own = self.fingerprints(cookies)
        known = self._answers.session(own)
        if session_id is None and known is not None:
            session_id = known.id
        fingerprints = self._families.family_of(own)
        self._answers.forget(key_of(own), *fingerprints)
        unseen = tuple(one for one in own if self._seen.user_of(one) is None and self._families.family_of((one,)) == (one,))
        mark = self._fingerprinter.of_session(session_id) if session_id is not None else None
        if fingerprints or mark is not None or user_id is not None:
            user = user_id or (known.user_id if known is not None else next(filter(None, map(self._seen.user_of, own)), ""))
            self._tell("revoked", _figures(user, fingerprints))
            await self._revocations.publish(Revocation(fingerprints, mark, user_id, unseen, spared_for=spared_for))

    async def moved(self, cookies: Iterable[SessionCookie], user_id: str, browser: str) -> None:
        """End a redemption that revoked these cookies: open connections of this user continue under the browser's new session.

        All other spared connections are cut in every worker before this returns. ``user_id``: the new user, "" if it is not known. Raises
        ``OutsideFailed`` if other processes could not be told.
        """
        fingerprints = self._families.family_of(self.fingerprints(cookies))
        if fingerprints:
            await self._revocations.publish(Revocation(moved=Moved(fingerprints, user_id, browser)))

    def issued(self, cookies: Iterable[SessionCookie]) -> None:
        """Note that Okta has just set these cookies in an answer that passed through here, so a question about them is no guess."""
        self._seen.issue(self.fingerprints(cookies))

    def note_set(self, values: Iterable[bytes]) -> None:
        """Note that Okta has set cookies with these values, under any name."""
        self._seen.note_set(values)

    def is_oktas(self, value: bytes) -> bool:
        """Whether Okta is known to have set a cookie with this value: it passed through here, Okta named its user, or it is revoked."""
        fingerprints = self.fingerprints(SessionCookie(name, value) for name in SESSION_NAMES)
        is_known = self._seen.was_set(value) or self._seen.is_known(fingerprints) or any(map(self._seen.user_of, fingerprints))
        return is_known or self._revocations.has_cookie(fingerprints)

    def are_of_one_family(self, cookies: Iterable[SessionCookie], others: Iterable[SessionCookie]) -> bool:
        """Whether one of ``cookies`` is known to belong to the same browser as one of ``others``."""
        return not set(self._families.family_of(self.fingerprints(cookies))).isdisjoint(self.fingerprints(others))

    async def adopt(self, old: Iterable[SessionCookie], new: Iterable[SessionCookie]) -> None:
        """Put ``new`` into the family of ``old`` in every process, because Okta set ``new`` in the answer to a request with ``old``.

        In this process it takes effect before the first ``await``. A cookie that joins a revoked family is revoked at once. If other
        processes cannot be told, the error is only logged: a revocation also names the session's id, the same for all its cookies.
        """
        olds, news = self.fingerprints(old), self.fingerprints(new)
        users = {one: self._seen.user_of(one) for one in olds}
        unseen = tuple(one for one, user in users.items() if user is None)
        if olds and news:
            await self._publish(Revocation(rotation=Rotation(olds, news, next(filter(None, users.values()), None), unseen)))

    def _hear(self, revocation: Revocation) -> None:
        """Handle a published revocation. It also revokes members of their families that only this process knows."""
        self._forget(revocation.doubted)
        if (rotation := revocation.rotation) is not None:
            self._learn(rotation)
            self._background.start(self._revoke_joined(rotation), "revoking a family")
        if len(self._families.family_of(revocation.fingerprints)) > len(revocation.fingerprints):
            self._background.start(self._revoke_family(revocation), "revoking a family")

    def _learn(self, rotation: Rotation) -> None:
        self._families.adopt(rotation.olds, rotation.news, rotation.user_id, rotation.unseen)
        self._seen.issue(rotation.news)

    async def _revoke_joined(self, rotation: Rotation) -> None:
        if self._revocations.has_cookie(rotation.olds) and not all(self._revocations.has_cookie((one,)) for one in rotation.news):
            await self._publish(Revocation(rotation.news))

    async def _revoke_family(self, revocation: Revocation) -> None:
        unknown = tuple(one for one in self._families.family_of(revocation.fingerprints) if not self._revocations.has_cookie((one,)))
        if unknown:
            await self._publish(Revocation(unknown, spared_for=revocation.spared_for))

    def are_held(self, cookies: Iterable[SessionCookie]) -> bool:
        """Whether all of these cookies are held: they are not accepted until Okta has named their user."""
        return all(self._revocations.is_held((one,)) for one in self.fingerprints(cookies))

    async def hold(self, cookies: Iterable[SessionCookie]) -> None:
        """Hold these cookies and their families: they are not accepted until ``release``. Raises ``OutsideFailed``.

        In this process it takes effect before the first ``await``.
        """
        held = self._families.family_of(self.fingerprints(cookies))
        if held and not all(self._revocations.is_held((one,)) for one in held):
            await self._revocations.publish(Revocation(held=held))

    async def release(self, cookies: Iterable[SessionCookie]) -> None:
        """End the hold of these cookies and their families, because their user is known. Raises ``OutsideFailed``."""
        held = self._families.family_of(self.fingerprints(cookies))
        if self._revocations.is_held(held):
            await self._revocations.publish(Revocation(released=held))

    @contextmanager
    def noticing(self, cookies: Iterable[SessionCookie]) -> Iterator[asyncio.Event]:
        """An event that is set if one of these cookies is revoked while the block runs."""
        watched, noticed = frozenset(self.fingerprints(cookies)), asyncio.Event()

        def hear(revocation: Revocation) -> None:
            if not watched.isdisjoint(revocation.fingerprints):
                noticed.set()

        unsubscribe = self._revocations.subscribe(hear)
        try:
            yield noticed
        finally:
            unsubscribe()

    def touch(self, cookies: Cookies, browser: BrowserFields) -> None:
        """The user is active: refresh the session at Okta in the background, at most once per ``session.keep_alive``."""
        if not self.keeps_alive:
            return
        found = self._answers.find(cookies)
        if isinstance(found, KnownAnswer) and found.key not in self._touched:
            self._touched[found.key] = None
            self._background.start(self._refresh(found.key, cookies, browser), "keeping alive")

    async def aclose(self) -> None:
        """Cancel every question under way. Its callers get ``Unknown``."""
        tasks = [*self._questions.values(), *self._outdated, *self._background]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_asked(self, key: bytes) -> bool:
        question = self._questions.get(key)
        return question is not None and not question.done()

    def _begin(self, key: bytes, cookies: Cookies, browser: BrowserFields, vouched: bool, for_pass: bool) -> asyncio.Task[OktaReply]:
        self.counts.questions += 1
        question = asyncio.create_task(self._ask(key, cookies, browser, vouched, for_pass), name="asking Okta")
        self._questions[key] = question
        question.add_done_callback(lambda done: self._ended(key, done))
        return question

    def _ended(self, key: bytes, question: asyncio.Task[OktaReply]) -> None:
        self._outdated.discard(question)
        if self._questions.get(key) is question:
            del self._questions[key]
        if not question.cancelled() and (error := question.exception()) is not None:
            self._tell("question_failed", {"error": type(error).__name__})

    async def _ask(self, key: bytes, cookies: Cookies, browser: BrowserFields, vouched: bool, for_pass: bool) -> OktaReply:
        own = self.fingerprints(cookies)
        known = self._known(cookies) or (own[0] if vouched else b"")
        reply = await self._asking.session(cookies, browser, known=known)
        if self._answers.must_ask_again(reply):
            reply = await self._asking.session(cookies, browser, known=known)
        finding = self._answers.current_finding(cookies, reply)
        if reply.finding == GONE:
            self._seen.end(own)
        if finding == REVOKED and isinstance(reply.finding, Session) and self._answers.is_over(reply.finding):
            await self._publish(Revocation(self._families.family_of(own)))
        if isinstance(finding, Session):
            is_new = self._seen.are_new(own) and all(self._seen.user_of(one) != finding.user_id for one in self._families.family_of(own))
            self.on_named(finding, is_new)
            self._seen.name(own, finding.user_id)
            strangers = self._families.named(own, finding.user_id)
            if strangers:
                self._tell("kin_revoked", {"cookies": len(strangers)})
                await self._publish(Revocation(strangers))
        if self._questions.get(key) is asyncio.current_task():  # else ``forget`` dropped this question meanwhile
            self._answers.keep(key, reply, self._answers.current_finding(cookies, reply), self._asking.shortage, for_pass=for_pass)
        return reply

    def _known(self, cookies: Iterable[SessionCookie]) -> bytes:
        return self._seen.known_of(self.fingerprints(cookies)) or b""

    def _answer(self, cookies: Cookies, question: asyncio.Task[OktaReply], despite_hold: bool) -> Finding:
        """The finding for a caller that waited. It checks again, because a revocation or a hold may have come after the answer."""
        if question.cancelled():
            return Unknown("closing")
        is_done = question.done()
        finding = self._answers.current_finding(cookies, question.result(), despite_hold=despite_hold) if is_done else Unknown("slow")
        if not isinstance(finding, Unknown):
            return finding
        found = self._answers.find(cookies, despite_hold=despite_hold)
        if not isinstance(found, KnownAnswer):
            return found
        last = found.entry.finding if found.entry is not None and found.worth is not EntryState.DEAD else None
        return last if isinstance(last, Session) else finding

    async def _refresh(self, key: bytes, cookies: Cookies, browser: BrowserFields) -> None:
        reply = await self._asking.refresh(cookies, browser, self.fingerprints(cookies)[0])
        if isinstance(reply.finding, NoSession):
            self._answers.forget(key)

    async def _publish(self, revocation: Revocation) -> None:
        try:
            await self._revocations.publish(revocation)
        except OutsideFailed as error:
            self._tell("revocation_not_shared", {"reason": error.reason})


def _nobody_listens(session: Session, is_new: bool) -> None:
    """The default of ``Sessions.on_named``: it does nothing."""


def _figures(user: str, fingerprints: tuple[Fingerprint, ...]) -> dict[str, object]:
    """The figures of the log line ``revoked``: the user, the number of cookies, and the short fingerprint of the first one."""
    named: dict[str, object] = {"user": user} if user else {}
    return named | ({"fingerprint": shown(fingerprints[0]), "cookies": len(fingerprints)} if fingerprints else {})
