"""``Sessions``: the question "who is this?" answered from memory, or asked of Okta once however many wait.

Owns the questions under way and what runs in the background. Must never lose a question because a client left, keep a raw cookie
after its question, or read "Okta does not say" as "signed out".
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.errors import OutsideFailed
from gateway.okta import Browser
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
from gateway.revocations import Kin, Moved, Revocation, Revocations
from gateway.sessions.answers import NO_COOKIE, REVOKED, Answers, Cookies, Good, KnownAnswer, SessionRules
from gateway.sessions.asking import GONE, Asking, OktaReply, OnEvent
from gateway.sessions.counts import Counts
from gateway.sessions.epochs import Epochs
from gateway.sessions.families import Families
from gateway.sessions.seen import SeenCookies

IMPOSSIBLE: Final = NoSession("impossible_cookie")
"""Every cookie that was presented is one that Okta cannot have issued."""


OnNamed = Callable[[Session, bool], None]
"""Gets a session that Okta has just named, and whether it began through this gateway a moment ago. It must not block or raise."""


class Sessions:
    """The memory of one process. Close it with ``aclose``; the questions under way are its own tasks."""

    def __init__(
        self, asking: Asking, revocations: Revocations, fingerprinter: Fingerprinter, rules: SessionRules, clock: Clock, on_event: OnEvent
    ) -> None:
        """``revocations`` and ``clock`` are the whole process's: both count by one second. ``keeps_alive``: ``touch`` does something."""
        self._asking = asking
        self._revocations = revocations
        self._fingerprinter = fingerprinter
        self._on_event = on_event
        self._answers = Answers(revocations, fingerprinter, rules, clock)
        self._families = Families(rules.max_entries, rules.kin_seconds, clock.monotonic)
        self._seen = SeenCookies(rules.max_entries, clock.monotonic)
        self._epochs = Epochs(revocations, rules.epoch, clock, on_event)
        self.keeps_alive = rules.keep_alive > 0
        self._touched: TTLCache[bytes, None] = TTLCache(rules.max_entries, rules.keep_alive, timer=clock.monotonic)
        self._questions: dict[bytes, asyncio.Task[OktaReply]] = {}
        self._outdated: set[asyncio.Task[OktaReply]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self.counts = Counts()
        self.on_named: OnNamed = _nobody_listens
        for kin in revocations.known_kin():
            self._learn(kin)
        revocations.subscribe(self._hear)

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def epoch(self) -> RevocationEpoch:
        """Which passes count; the same object until that changes."""
        self._revocations.poll()
        return self._epochs.current

    def fingerprints(self, cookies: Iterable[SessionCookie]) -> tuple[Fingerprint, ...]:
        """The fingerprints of cookies, in their order."""
        return self._fingerprinter.all(cookies)

    def marks(self, cookies: Cookies) -> Marks:
        """What these cookies are known by; good for as long as this memory lives."""
        return self._fingerprinter.marks(cookies)

    def fingerprint_of(self, token: SessionToken) -> Fingerprint:
        """The fingerprint of a session token."""
        return self._fingerprinter.of_token(token)

    def shown_of(self, cookies: Iterable[SessionCookie]) -> str:
        """How a browser's cookies are named in the log: the first one's fingerprint, or nothing."""
        return self._fingerprinter.marks(tuple(cookies)).shown

    def is_revoked(self, cookies: Iterable[SessionCookie]) -> bool:
        """Whether any of these cookies is revoked."""
        return self._revocations.has_cookie(self.fingerprints(cookies))

    def are_revoked(self, marks: Marks) -> bool:
        """As ``is_revoked``, for cookies whose marks are known."""
        return self._revocations.has_cookie(marks.fingerprints)

    def recall(self, cookies: Cookies) -> Finding | None:
        """What is known without asking; None where ``current`` must be called, and once per life for an answer that is about to end."""
        return self._recalled(self._answers.find(cookies))

    def recall_for(self, cookies: Cookies, marks: Marks, browser: Callable[[], Browser]) -> Finding | None:
        """As ``recall``, for a browser that comes with cookies out of a seal of ours: what is about to end is asked for again."""
        found = self._answers.find_marked(marks, for_pass=True)
        if isinstance(found, KnownAnswer) and found.worth is EntryState.DUE and not self._is_asked(found.key):
            self._begin(found.key, cookies, browser(), vouched=True, for_pass=True)
        return self._recalled(found)

    def good_until(self, marks: Marks) -> Good | None:
        """For how long ``recall_for`` gives the session that it gives now, so that whoever got it need not ask again."""
        return self._answers.good_until(marks)

    def is_good(self, good: Good) -> bool:
        """Whether that is still so; counted as an answer from memory."""
        if self._answers.is_good(good):
            self.counts.hits += 1
            return True
        return False

    def _recalled(self, found: NoSession | Unknown | KnownAnswer) -> Finding | None:
        if not isinstance(found, KnownAnswer):
            return found
        key, entry, worth = found
        if entry is not None and (worth is EntryState.FRESH or (worth is EntryState.DUE and self._is_asked(key))):
            self.counts.hits += 1
            return entry.finding
        return None

    def seconds_left(self, marks: Marks) -> float:
        """For how long the answer about these cookies may still be believed without asking; 0 where there is none."""
        return self._answers.seconds_left(marks)

    @property
    def is_rate_short(self) -> bool:
        """Whether so little of Okta's rate limit is left that only what people wait for should be asked at once."""
        return self._asking.shortage > 0

    @property
    def hook_trust(self) -> HookTrust:
        """Which answers may be believed for ``session.ttl_with_hook``."""
        return self._answers.hook_trust

    def rely_on_hook(self, trust: HookTrust) -> None:
        """From now on this says which answers may be believed for longer."""
        self._answers.hook_trust = trust

    async def current(
        self, cookies: Cookies, browser: Browser, *, vouched: bool = False, patience: float | None = None, despite_hold: bool = False
    ) -> Finding:
        """Who these cookies are: from memory, or from Okta. Whoever comes while a question is under way gets its answer.

        With a ttl of 0 too: then each request validates, unless a question about the same cookies is under way when it comes.
        ``vouched``: they come out of a seal of ours, so Okta did name a session for all of them together once, and nobody guesses; one
        that was revoked since ends them all. Others are judged as ``judged`` says. After ``patience`` seconds Okta "does not say"; its
        answer is still taken down when it comes. ``despite_hold``: for whoever decides whose held cookies are; everybody else is told
        that it is undecided.
        """
        if vouched:
            return await self._found(cookies, browser, vouched=True, patience=patience, despite_hold=despite_hold)
        return (await self.judged(cookies, browser, patience=patience)).finding

    async def judged(self, cookies: Cookies, browser: Browser, *, patience: float | None = None, apart: bool = False) -> Judgement:
        """Who a browser is that presents these cookies, which of them carry its session, and which are to be expired in it.

        Left out and dead: what Okta cannot have issued, and what was revoked. Where a name occurs twice among the others, each is asked
        about by itself. ``apart``: also where all together carry no session, because a dead one may hide a living one; and a factor that
        was missing a moment ago may have been shown since, so Okta is asked about that anew.
        """
        possible, impossible = split(dict.fromkeys(cookies))
        living = tuple(cookie for cookie in possible if not self.is_revoked((cookie,)))
        left_out = (*impossible, *(cookie for cookie in possible if cookie not in living))
        if not living:
            return Judgement(REVOKED if possible else IMPOSSIBLE if impossible else NO_COOKIE, dead=left_out)
        if apart:
            self._answers.forget_nobody(self.fingerprints(living), waiting_only=True)
        finding = None if repeated(living) else await self._found(living, browser, vouched=False, patience=patience)
        if finding is None or (apart and isinstance(finding, NoSession) and len(living) > 1):
            findings = await asyncio.gather(*(self._found((cookie,), browser, vouched=False, patience=patience) for cookie in living))
            judgement = judged_apart(tuple(zip(living, findings, strict=True)))
            self._answers.forget_nobody(self.fingerprints(judgement.living))  # Okta has just named somebody for them
            return replace(judgement, dead=(*left_out, *judgement.dead))
        if isinstance(finding, Session):
            return Judgement(finding, living, left_out)
        return Judgement(finding, dead=(*left_out, *living) if finding == REVOKED else left_out)

    async def has_ended(self, cookies: Cookies, browser: Browser) -> bool:
        """Whether the session that Okta named a moment ago, for these cookies out of a seal of ours, is over.

        "No session" may be remembered here from before that moment, so Okta is asked anew, unless the cookies are revoked.
        """
        if not isinstance(self.recall(cookies), NoSession):
            return False
        if not self.is_revoked(cookies):
            self._answers.forget_nobody(self.fingerprints(cookies))
        return isinstance(await self.current(cookies, browser, vouched=True), NoSession)

    async def alone(self, cookie: SessionCookie, browser: Browser) -> OktaReply:
        """What Okta says now of this cookie by itself, past the memory; for one that may be made up it is a guess."""
        return await self._asking.session((cookie,), browser, known=self._known((cookie,)))

    def may_guess(self, browser: Browser) -> Unknown | None:
        """Why Okta is not asked about made-up cookies of this client now; None where it is."""
        return self._asking.guess_refused(browser)

    def is_known(self, cookie: SessionCookie) -> bool:
        """Whether this cookie was a session when Okta last spoke of it here; any other one may be made up."""
        return self._seen.is_known(self.fingerprints((cookie,)))

    def user_of(self, cookie: SessionCookie) -> str | None:
        """The user whom Okta last named for this cookie, as long as its session was not gone when Okta last spoke of it."""
        (fingerprint,) = self.fingerprints((cookie,))
        return self._seen.user_of(fingerprint) if self._seen.is_known((fingerprint,)) else None

    def has_session_ended(self, session_id: str) -> bool:
        """Whether this session of Okta's, by its id, is revoked, whatever cookie it is known by."""
        return self._answers.has_session_ended(session_id)

    def note_gone(self, cookie: SessionCookie) -> None:
        """Okta has just said that this cookie carries no session: whoever presents it again guesses."""
        self._seen.end(self.fingerprints((cookie,)))

    def vouch(self, cookies: Iterable[SessionCookie], user_id: str) -> None:
        """These cookies come out of a seal of ours in which Okta named this user for them: they are not made up."""
        unknown = tuple(one for one in self.fingerprints(cookies) if self._seen.user_of(one) is None)
        self._seen.name(unknown, user_id)

    def forget(self, cookies: Iterable[SessionCookie]) -> None:
        """Drop what is remembered of these cookies, and of every set of cookies with one of them: the next look asks Okta.

        A question that is under way was asked before: who waits for it gets its answer, but it is not kept.
        """
        self._forget(self.fingerprints(cookies))

    async def doubt(self, cookies: Iterable[SessionCookie]) -> None:
        """As ``forget``, in every process: Okta has just deleted these cookies in a browser, and may not let them in any more."""
        await self._publish(Revocation(doubted=self.fingerprints(cookies)))

    def _forget(self, fingerprints: tuple[Fingerprint, ...]) -> None:
        self._answers.forget_with(fingerprints)
        for key in tuple(self._questions):
            if not set(fingerprints).isdisjoint((key, *parts_of(key))):
                self._outdated.add(self._questions.pop(key))

    async def _found(
        self, cookies: Cookies, browser: Browser, *, vouched: bool, patience: float | None, despite_hold: bool = False
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
        await asyncio.wait({question}, timeout=patience)  # a waiter that is cancelled leaves the question alone, and the other way round
        finding = self._answer(cookies, question, despite_hold)
        self.counts.unknown += isinstance(finding, Unknown)
        return finding

    async def revoke(
        self, cookies: Iterable[SessionCookie], *, session_id: str | None = None, user_id: str | None = None, spared_for: str = ""
    ) -> None:
        """Never believe these cookies or their kin again, nor the session, nor anything that was asked about the user before.

        In force here before the first wait. The session's id is taken from memory where the caller does not name it. Raises
        ``OutsideFailed`` where other replicas could not be told. ``spared_for``: as in ``Revocation``; call ``moved`` afterwards.
        """
        own = self.fingerprints(cookies)
        known = self._answers.session(own)
        if session_id is None and known is not None:
            session_id = known.id
        fingerprints = self._families.kin(own)
        self._answers.forget(key_of(own), *fingerprints)
        unseen = tuple(one for one in own if self._seen.user_of(one) is None and self._families.kin((one,)) == (one,))
        mark = self._fingerprinter.of_session(session_id) if session_id is not None else None
        if fingerprints or mark is not None or user_id is not None:
            user = user_id or (known.user_id if known is not None else next(filter(None, map(self._seen.user_of, own)), ""))
            self._on_event("revoked", _told(user, fingerprints))
            await self._revocations.publish(Revocation(fingerprints, mark, user_id, unseen, spared_for=spared_for))

    async def moved(self, cookies: Iterable[SessionCookie], user_id: str, browser: str) -> None:
        """A redemption is over that revoked these cookies: this user's open connections go on under the browser's new session.

        All others are cut in every worker before this returns. ``user_id``: "" where nobody is known to have come. Raises
        ``OutsideFailed`` where others could not be told.
        """
        fingerprints = self._families.kin(self.fingerprints(cookies))
        if fingerprints:
            await self._revocations.publish(Revocation(moved=Moved(fingerprints, user_id, browser)))

    def issued(self, cookies: Iterable[SessionCookie]) -> None:
        """Okta has just set these cookies in an answer that passed through here: the first question about them is no guess."""
        self._seen.issue(self.fingerprints(cookies))

    def note_set(self, values: Iterable[bytes]) -> None:
        """Okta has set cookies with these values, whatever they are for."""
        self._seen.note_set(values)

    def is_oktas(self, value: bytes) -> bool:
        """Whether this is the value of a cookie that Okta set: it passed through here, Okta named its user, or it is revoked."""
        fingerprints = self.fingerprints(SessionCookie(name, value) for name in SESSION_NAMES)
        is_known = self._seen.was_set(value) or self._seen.is_known(fingerprints) or any(map(self._seen.user_of, fingerprints))
        return is_known or self._revocations.has_cookie(fingerprints)

    def are_kin(self, cookies: Iterable[SessionCookie], others: Iterable[SessionCookie]) -> bool:
        """Whether one of these cookies is known to be the same browser's as one of the others."""
        return not set(self._families.kin(self.fingerprints(cookies))).isdisjoint(self.fingerprints(others))

    async def adopt(self, old: Iterable[SessionCookie], new: Iterable[SessionCookie]) -> None:
        """Okta set ``new`` in answer to ``old``: they are one browser's, here before the first wait, and in every process.

        What joins a revoked family is revoked at once. Where others cannot be told, whoever revokes names the session's id, too.
        """
        olds, news = self.fingerprints(old), self.fingerprints(new)
        users = {one: self._seen.user_of(one) for one in olds}
        unseen = tuple(one for one, user in users.items() if user is None)
        if olds and news:
            await self._publish(Revocation(kin=Kin(olds, news, next(filter(None, users.values()), None), unseen)))

    def _hear(self, revocation: Revocation) -> None:
        """Learn of kin and of doubts, and revoke those of revoked cookies that only this process knows of."""
        self._forget(revocation.doubted)
        kin = revocation.kin
        if kin is not None:
            self._learn(kin)
            self._spawn(self._revoke_joined(kin), "revoking kin")
        if len(self._families.kin(revocation.fingerprints)) > len(revocation.fingerprints):
            self._spawn(self._revoke_kin(revocation), "revoking kin")

    def _learn(self, kin: Kin) -> None:
        self._families.adopt(kin.olds, kin.news, kin.user_id, kin.unseen)
        self._seen.issue(kin.news)

    async def _revoke_joined(self, kin: Kin) -> None:
        if self._revocations.has_cookie(kin.olds) and not all(self._revocations.has_cookie((one,)) for one in kin.news):
            await self._publish(Revocation(kin.news))

    async def _revoke_kin(self, revocation: Revocation) -> None:
        unknown = tuple(one for one in self._families.kin(revocation.fingerprints) if not self._revocations.has_cookie((one,)))
        if unknown:
            await self._publish(Revocation(unknown, spared_for=revocation.spared_for))

    def are_held(self, cookies: Iterable[SessionCookie]) -> bool:
        """Whether all of these cookies admit nobody until it is known whose they are."""
        return all(self._revocations.is_held((one,)) for one in self.fingerprints(cookies))

    async def hold(self, cookies: Iterable[SessionCookie]) -> None:
        """Let these cookies and their kin admit nobody until it is known whose they are, here before the first wait.

        Raises ``OutsideFailed``.
        """
        held = self._families.kin(self.fingerprints(cookies))
        if held and not all(self._revocations.is_held((one,)) for one in held):
            await self._revocations.publish(Revocation(held=held))

    async def release(self, cookies: Iterable[SessionCookie]) -> None:
        """It is known whose these cookies and their kin are: Okta's answer about them counts again. Raises ``OutsideFailed``."""
        held = self._families.kin(self.fingerprints(cookies))
        if self._revocations.is_held(held):
            await self._revocations.publish(Revocation(released=held))

    @contextmanager
    def noticing(self, cookies: Iterable[SessionCookie]) -> Iterator[asyncio.Event]:
        """An event that is set when one of these cookies is revoked while the block lasts."""
        watched, noticed = frozenset(self.fingerprints(cookies)), asyncio.Event()

        def hear(revocation: Revocation) -> None:
            if not watched.isdisjoint(revocation.fingerprints):
                noticed.set()

        unsubscribe = self._revocations.subscribe(hear)
        try:
            yield noticed
        finally:
            unsubscribe()

    def touch(self, cookies: Cookies, browser: Browser) -> None:
        """The user works: keep the session at Okta alive, in the background, at most once per ``session.keep_alive``."""
        if not self.keeps_alive:
            return
        found = self._answers.find(cookies)
        if isinstance(found, KnownAnswer) and found.key not in self._touched:
            self._touched[found.key] = None
            self._spawn(self._refresh(found.key, cookies, browser), "keeping alive")

    async def aclose(self) -> None:
        """Stop every question under way; who waits for one gets ``Unknown``."""
        tasks: list[asyncio.Task[OktaReply] | asyncio.Task[None]] = [*self._questions.values(), *self._outdated, *self._background]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_asked(self, key: bytes) -> bool:
        question = self._questions.get(key)
        return question is not None and not question.done()

    def _begin(self, key: bytes, cookies: Cookies, browser: Browser, vouched: bool, for_pass: bool) -> asyncio.Task[OktaReply]:
        self.counts.asked += 1
        question = asyncio.create_task(self._ask(key, cookies, browser, vouched, for_pass), name="asking Okta")
        self._questions[key] = question
        question.add_done_callback(lambda done: self._ended(key, done))
        return question

    def _ended(self, key: bytes, question: asyncio.Task[OktaReply]) -> None:
        self._outdated.discard(question)
        if self._questions.get(key) is question:
            del self._questions[key]
        if not question.cancelled() and (error := question.exception()) is not None:
            self._on_event("question_failed", {"error": type(error).__name__})

    async def _ask(self, key: bytes, cookies: Cookies, browser: Browser, vouched: bool, for_pass: bool) -> OktaReply:
        own = self.fingerprints(cookies)
        known = self._known(cookies) or (own[0] if vouched else b"")
        asked = await self._asking.session(cookies, browser, known=known)
        if self._answers.must_ask_again(asked):
            asked = await self._asking.session(cookies, browser, known=known)
        finding = self._answers.believed(cookies, asked)
        if asked.finding == GONE:
            self._seen.end(own)
        if finding == REVOKED and isinstance(asked.finding, Session) and self._answers.is_over(asked.finding):
            await self._publish(Revocation(self._families.kin(own)))
        if isinstance(finding, Session):
            is_new = self._seen.are_new(own) and all(self._seen.user_of(one) != finding.user_id for one in self._families.kin(own))
            self.on_named(finding, is_new)
            self._seen.name(own, finding.user_id)
            strangers = self._families.named(own, finding.user_id)
            if strangers:
                self._on_event("kin_revoked", {"cookies": len(strangers)})
                await self._publish(Revocation(strangers))
        if self._questions.get(key) is asyncio.current_task():  # else it was forgotten meanwhile
            self._answers.keep(key, asked, self._answers.believed(cookies, asked), self._asking.shortage, for_pass=for_pass)
        return asked

    def _known(self, cookies: Iterable[SessionCookie]) -> bytes:
        return self._seen.known_of(self.fingerprints(cookies)) or b""

    def _answer(self, cookies: Cookies, question: asyncio.Task[OktaReply], despite_hold: bool) -> Finding:
        """What a waiter gets; a revocation or a hold may have come between the answer and this moment."""
        if question.cancelled():
            return Unknown("closing")
        is_done = question.done()
        finding = self._answers.believed(cookies, question.result(), despite_hold=despite_hold) if is_done else Unknown("slow")
        if not isinstance(finding, Unknown):
            return finding
        found = self._answers.find(cookies, despite_hold=despite_hold)
        if not isinstance(found, KnownAnswer):
            return found
        last = found.entry.finding if found.entry is not None and found.worth is not EntryState.DEAD else None
        return last if isinstance(last, Session) else finding

    async def _refresh(self, key: bytes, cookies: Cookies, browser: Browser) -> None:
        asked = await self._asking.refresh(cookies, browser, self.fingerprints(cookies)[0])
        if isinstance(asked.finding, NoSession):
            self._answers.forget(key)

    async def _publish(self, revocation: Revocation) -> None:
        try:
            await self._revocations.publish(revocation)
        except OutsideFailed as error:
            self._on_event("revocation_not_shared", {"reason": error.reason})

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _nobody_listens(session: Session, is_new: bool) -> None:
    """Nobody asked to be told."""


def _told(user: str, fingerprints: tuple[Fingerprint, ...]) -> dict[str, object]:
    """For the audit: whose, how many cookies, and the first of them as the log names it."""
    named: dict[str, object] = {"user": user} if user else {}
    return named | ({"fingerprint": shown(fingerprints[0]), "cookies": len(fingerprints)} if fingerprints else {})
