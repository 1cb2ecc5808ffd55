"""Judges each answer of Okta's that may begin a session without a token, before the browser gets it.

Owns what the browser gets of such an answer. Runs the state machine ``policy.switch.new_session`` with ``Sessions`` and the closer, one
answer of a browser at a time (under the browser's lease, see ``browser_leases``). Must never deliver an answer that begins another user's
session before the older session was proven gone. Must never close the session of the same user.

If a session is revoked while one of its requests is on its way to Okta, that request gets no session cookie from the answer. (It is a
late answer of another tab; the code that revoked the session waits until it has come.)
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import replace
from typing import assert_never

from gateway.closing.session_closer import Closer
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import Cookies, LoginBrowser, Withheld
from gateway.doors.login.presented_sessions import PresentedSessions
from gateway.doors.login.session_comparison import Comparison, OlderSessions, SessionComparer, groups
from gateway.doors.login.switch_audit import SwitchAudit
from gateway.doors.pending_cookie import PendingCookie
from gateway.errors import OutsideFailed, TimedOut
from gateway.policy.http.cookies import expired, repeated
from gateway.policy.http.messages import Authority, Fields, RequestHead
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.browser_record import BrowserRecord, SessionStanding
from gateway.policy.session.session import SESSION_NAMES, Session
from gateway.policy.switch.clients import client_of
from gateway.policy.switch.new_session import Deliver, DeliveryReason, Withhold
from gateway.policy.switch.redemption import (
    MOST_SESSION_COOKIES,
    cookies_set,
    deleted_names,
    expiries,
    names_set,
    parent_domains,
    without_deletions,
    without_session,
)
from gateway.policy.switch.switch import Refuse
from gateway.sessions import Sessions

AGAIN_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0) + 120 * (30.0,)
"""Seconds between the questions to Okta about an undecided session: together about an hour."""

MOST_UNDECIDED = 1000

_NO_HEAD = RequestHead("GET", "/", Authority("", 443), (), True, "", "")
"""Stands for the request of a browser of which only the record is known."""

Tell = Callable[[str, Mapping[str, object]], None]


class NewSessions:
    """Judges the answers for one login host. Close it with ``aclose``."""

    def __init__(self, sessions: Sessions, closer: Closer, browsers: Browsers, pending_cookie: PendingCookie, audit: SwitchAudit) -> None:
        """``audit``: is told who signed in."""
        self._sessions = sessions
        self._closer = closer
        self._browsers = browsers
        self._pending_cookie = pending_cookie
        self._audit = audit
        self._tell = audit.tell
        self._comparer = SessionComparer(sessions, closer)
        self._presented = PresentedSessions(sessions, browsers, self._comparer, audit.tell)
        self._deciding: set[asyncio.Task[None]] = set()
        self._judging: set[asyncio.Task[Fields]] = set()

    async def judged(self, answered: Fields, sender: LoginBrowser, in_flight: ExitStack) -> Fields:
        """The answer's fields as the browser may have them. Raises ``Withheld``, and ``OutsideFailed`` if the state is away.

        ``in_flight`` registers the request with the sender's cookies as on its way to Okta; it is closed as soon as no other code waits
        for that.
        """
        begun = cookies_set(answered)
        if self._is_late(sender):
            return self._late(answered, begun, sender)
        if not begun and not sender.presented:
            # Okta's sign-in page deletes `sid` whenever a request has none. In the browser that could only delete the cookie that
            # another tab got meanwhile, so deletions are left out.
            return without_deletions(answered)
        if not begun:
            if deleted_names(answered).intersection(cookie.name for cookie in sender.presented):
                await self._doubt(sender)
            if not await self._may_bring_a_factor(sender):
                return answered
        # A task of its own, because it must end even if the client leaves: the session has begun at Okta, and the record must say so.
        judging = asyncio.create_task(self._under_lease(answered, begun, sender, in_flight), name="judging an answer")
        self._judging.add(judging)
        judging.add_done_callback(self._ended)
        return await asyncio.shield(judging)

    async def settle(self, sender: LoginBrowser) -> None:
        """Decide what is still open about this browser's session, before other code relies on the cookies that it presents.

        Raises ``OutsideFailed`` if the state is away. If Okta still names no user, it stays open.
        """
        arrived = await self._browsers.record_of(sender)
        if arrived.standing is SessionStanding.SETTLED and set(sender.presented) <= set(arrived.cookies):
            return
        async with self._browsers.leases.held(self._keys(sender)):
            record = await self._browsers.record_of(sender)
            if record.standing is not SessionStanding.SETTLED:
                await self._decide_again(sender, browser_key(sender.browser_id), record)
            elif sender.presented and record.cookies == arrived.cookies:
                # If the record changed, the browser signed in while this request waited: then its cookies are the older ones.
                await self._presented.replace(sender, record)

    async def handed_out(self, sender: LoginBrowser, arrived: BrowserRecord) -> bool:
        """Called when an app gets a pass for the presented session.

        The session goes into the record, so the browser's next sign-in ends it.

        False if the browser was given another session since the request ``arrived``: then the pass must not be made. Okta may have named
        the session only after ``settle`` gave up. Raises ``OutsideFailed`` if the state is away, or if the browser has a session already
        that could not be compared with this one.
        """
        record = await self._browsers.record(sender.browser_id)
        if set(sender.presented) <= set(record.cookies):
            return True
        async with self._browsers.leases.held(self._keys(sender)):
            record = await self._browsers.record(sender.browser_id)
            if record.cookies != arrived.cookies:
                # ``settle`` of this same request may have changed the record: it stored the living cookies, and left out dead ones.
                given, presented = set(record.cookies), set(sender.presented)
                return presented <= given or (bool(given) and given <= presented)
            if record.standing is not SessionStanding.SETTLED:
                return await self._presented.has_come_between(sender, record)
            if not await self._presented.replace(sender, record):
                if not all(self._sessions.is_revoked((cookie,)) for cookie in record.cookies):
                    raise TimedOut("first_byte")  # it has another session already, and Okta did not name this one in time
                known = tuple(dict.fromkeys((*record.cookies, *sender.presented)))[-2 * MOST_SESSION_COOKIES :]
                await self._browsers.keep(sender.browser_id, record.given(known, ""))
        return True

    async def redeemed(self, sender: LoginBrowser, begun: Cookies) -> Session | None:
        """A token became this session, after every older session was proven gone: store it, and return it if Okta names its user."""
        record = await self._browsers.record(sender.browser_id)
        session: Session | None = None
        if begun:
            self._sessions.issued(begun)
            finding = await self._comparer.who(begun, sender.browser)
            session = finding if isinstance(finding, Session) else None
        if begun or record.cookies:  # invented tokens must not fill the store with records
            user_id = session.user_id if session is not None else ""
            given = record.given(begun, user_id)
            # A token in an authorize request signs its user in for that client too.
            await self._browsers.keep(sender.browser_id, given.used(client_of(sender.head), user_id) if user_id else given)
        return session

    async def resume(self) -> None:
        """Hold every undecided session (its cookies admit nobody), and ask Okta about those whose process is gone.

        Raises ``OutsideFailed``.

        Call it before any request is answered. Only the records of these browsers are known, not their requests.
        """
        unsettled = await self._browsers.unsettled()
        for key, record in unsettled:
            if not self._sessions.are_held(record.all_cookies):
                await self._sessions.hold(record.all_cookies)
                self._begin(self._release_where_settled(key, record))
        await self._browsers.undecided.adopt([key for key, _ in unsettled])
        await self._browsers.undecided.look(self._take)
        self._browsers.undecided.start(self._take)

    async def _take(self, key: bytes) -> bool:
        """Ask about this browser in place of a process that is gone."""
        return self._ask_later(LoginBrowser(_NO_HEAD, "", ()), key)

    async def _release_where_settled(self, key: bytes, record: BrowserRecord) -> None:
        """Release the cookies if another process decided between this one's reading of the record and its ``hold``."""
        with suppress(OutsideFailed):
            async with self._browsers.leases.held((key,)):
                if (await self._browsers.record_at(key)).standing is not SessionStanding.UNDECIDED:
                    await self._sessions.release(record.all_cookies)

    async def aclose(self) -> None:
        """Stop asking, and wait for the answers that are being judged."""
        for task in tuple(self._deciding):
            task.cancel()
        await asyncio.gather(*self._deciding, *self._judging, return_exceptions=True)

    # Answers that begin no session.

    def _is_late(self, sender: LoginBrowser) -> bool:
        return bool(sender.presented) and any(self._sessions.is_revoked((cookie,)) for cookie in sender.presented)

    def _late(self, answered: Fields, begun: Cookies, sender: LoginBrowser) -> Fields:
        """The answer without the session that was revoked while it was on its way. The new cookies reach no browser, so they are closed."""
        begun = tuple(cookie for cookie in begun if cookie not in sender.presented)
        if begun:
            until_closed = ExitStack()
            until_closed.enter_context(self._closer.in_flight.counted(self._sessions.fingerprints(sender.presented)))
            self._closer.close_soon(begun, sender.browser).add_done_callback(lambda _: until_closed.close())
        return without_session(answered)

    async def _doubt(self, sender: LoginBrowser) -> None:
        """Okta deletes a presented cookie: ask Okta again about its session.

        Other processes are told only if the browser's record has the cookie.
        """
        self._sessions.forget(sender.presented)
        if not set((await self._browsers.record(sender.browser_id)).cookies).isdisjoint(sender.presented):
            await self._sessions.doubt(sender.presented)

    async def _may_bring_a_factor(self, sender: LoginBrowser) -> bool:
        """Whether the browser presents a session for which Okta has named no user so far: this request may bring the missing factor."""
        record = await self._browsers.record_of(sender)
        return record.standing is SessionStanding.NOBODY_YET and not set(record.cookies).isdisjoint(sender.presented)

    def _ended(self, judging: "asyncio.Task[Fields]") -> None:
        self._judging.discard(judging)
        if not judging.cancelled():
            judging.exception()  # the waiting request gets it; if none waits, asyncio must not report it as never retrieved

    # Answers that begin a session.

    async def _under_lease(self, answered: Fields, begun: Cookies, sender: LoginBrowser, in_flight: ExitStack) -> Fields:
        """What the browser gets. If the answer cannot be judged or stored, the browser gets nothing, and the new session is closed."""
        self._sessions.issued(begun)
        try:
            return await self._judged_under_lease(answered, begun, sender, in_flight)
        except OutsideFailed:
            if begun:
                self._closer.close_soon(tuple(one for one in begun if one not in sender.presented), sender.browser)
            raise

    async def _judged_under_lease(self, answered: Fields, begun: Cookies, sender: LoginBrowser, in_flight: ExitStack) -> Fields:
        """Take the browser's lease, then judge the answer against the browser's record."""
        async with AsyncExitStack() as held:
            if not await self._take_lease(sender, held):
                return self._late(answered, begun, sender)
            in_flight.close()
            record = await self._browsers.record_of(sender)
            if begun and _left_before(sender, record):
                await self._sessions.hold(begun)
                await self._browsers.keep(sender.browser_id, record.with_unproven(begun))
                return without_session(answered)
            if begun:
                unproven = self._presented.unproven(record, begun)
                sender = replace(sender, carried=tuple(dict.fromkeys((*sender.carried, *unproven))))
                return await self._run(answered, Comparison(sender, begun, self._older(begun, sender, record), unproven), record)
            if record.standing is not SessionStanding.NOBODY_YET:
                return answered
            self._sessions.forget(record.cookies)
            before = OlderSessions(groups(record.before, record.before_user_id))
            return await self._run(
                answered, Comparison(sender, record.cookies, before, self._presented.unproven(record, record.cookies)), record
            )

    def _older(self, begun: Cookies, sender: LoginBrowser, record: BrowserRecord) -> OlderSessions:
        """The older sessions, as groups of cookies that are one session each: presented ones, those of the record, and those before."""
        older: list[tuple[Cookies, str | None]] = []
        known = set(begun)
        for cookies, user_id in (
            (record.cookies, record.user_id),
            (record.before, record.before_user_id),
            (sender.presented, self._recalled_user(sender.presented)),
        ):
            rest = tuple(cookie for cookie in cookies if cookie not in known and not self._sessions.is_revoked((cookie,)))
            known.update(rest)
            older.extend(groups(rest, user_id))
        return OlderSessions(older)

    def _recalled_user(self, cookies: Cookies) -> str | None:
        finding = self._sessions.recall(cookies) if cookies else None
        return finding.user_id if isinstance(finding, Session) else None

    async def _run(self, answered: Fields, judging: Comparison, record: BrowserRecord) -> Fields:
        """Run the machine to its end, store the record, and return what the browser gets. The caller holds the browser's lease."""
        sender = judging.sender
        final = await self._comparer.run(judging)
        if isinstance(final, Withhold):
            raise self._withheld(final, judging)
        if final.why is DeliveryReason.OTHER_USER:
            # If Okta said that the older session is gone already, nothing was closed; but its passes must be revoked too.
            await self._sessions.revoke(judging.older.ending)
        recorded = _recorded(final, judging, record)
        if final.why not in (DeliveryReason.FIRST, DeliveryReason.OTHER_USER):
            recorded = recorded.with_unproven(judging.unproven)  # this answer did not close them
        await self._browsers.keep(sender.browser_id, recorded)
        await self._follow(final, judging, browser_key(sender.browser_id) if sender.browser_id else b"")
        if final.why not in (DeliveryReason.FIRST, DeliveryReason.OTHER_USER):
            return answered
        cleared = self._pending_cookie.cleared(sender.head) if sender.carried else ()
        expiries = self._expiries(answered, judging) if final.why is DeliveryReason.OTHER_USER else ()
        return (*answered, *expiries, *cleared)

    async def _follow(self, final: Deliver, judging: Comparison, key: bytes) -> None:
        """What follows for the app hosts once the record is stored.

        (A process that had lost its lease could not store it, and stopped there.)

        ``key``: the key of the browser's record, or empty.
        """
        older = judging.older
        match final.why:
            case DeliveryReason.SAME_USER:
                await self._sessions.adopt(older.cookies, judging.new)
                await self._sessions.release((*older.cookies, *judging.new))
            case DeliveryReason.OTHER_USER:
                await self._sessions.release((*older.same, *judging.new))
                self._audit.taken_over(older.user_id or "", final.session, judging.sender.head.client)
                self._tell("user_changed_without_token", {"client": judging.sender.head.client})
                if older.same:
                    await self._sessions.adopt(older.same, judging.new)
            case DeliveryReason.FIRST:
                user_id = final.session.user_id if final.session is not None else ""
                self._audit.signed_in(user_id, judging.new, judging.sender.head.client, "okta")
            case DeliveryReason.UNDECIDED:
                await self._sessions.hold((*judging.new, *older.cookies))
                if key and self._ask_later(judging.sender, key):
                    await self._browsers.undecided.begin(key)
            case _:
                return

    def _withheld(self, final: Withhold, judging: Comparison) -> Withheld:
        """Close the new session too. The older sessions are moved from their own cookie names into the pending cookie."""
        sender = judging.sender
        self._closer.close_soon(judging.new, sender.browser)
        self._tell("answer_withheld", {"reason": final.reason, "client": sender.head.client})
        older = tuple(dict.fromkeys((*sender.carried, *judging.older.cookies)))
        return Withheld(Refuse(final.reason, revoked=True), self._pending_cookie.moved(sender.head, sender.presented, older))

    def _expiries(self, answered: Fields, judging: Comparison) -> Fields:
        """Lines that remove every older session cookie, under all names that the new session does not use.

        The lines for parent domains remove what a sibling host may have planted.
        """
        host = judging.sender.head.authority.host
        presented = {cookie.name for cookie in judging.sender.presented}
        kept = names_set(answered) | {cookie.name for cookie in (*judging.new, *judging.older.same)}
        planted = tuple(expired(name, parent) for parent in parent_domains(host) for name in sorted(presented))
        return (*expiries((presented | set(SESSION_NAMES)) - kept, ()), *planted)

    # Sessions that are undecided.

    def _ask_later(self, sender: LoginBrowser, key: bytes) -> bool:
        """Ask Okta again from time to time. False if too many are undecided: then the browser's next visit decides."""
        if len(self._deciding) >= MOST_UNDECIDED:
            return False
        self._begin(self._decide(sender, key))
        return True

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="asking again who a session is")
        self._deciding.add(task)
        task.add_done_callback(self._deciding.discard)

    async def _decide(self, sender: LoginBrowser, key: bytes) -> None:
        """Ask Okta again and again about an undecided session, until it is settled or another process took over."""
        for seconds in AGAIN_SECONDS:
            await asyncio.sleep(seconds)
            try:
                if not await self._browsers.undecided.is_mine(key):
                    return  # this process was stopped for a while, and another one has taken over
                async with self._browsers.leases.held((key, *self._sessions.fingerprints(sender.presented))):
                    record = await self._browsers.record_at(key)
                    if record.standing is not SessionStanding.UNDECIDED or await self._decide_again(sender, key, record):
                        if record.standing is SessionStanding.SETTLED:
                            await self._sessions.release(record.all_cookies)  # the process that settled it may have died before its release
                        await self._browsers.undecided.end(key)
                        return
            except OutsideFailed as error:
                self._tell("session_undecided", {"reason": error.reason})

    async def _decide_again(self, sender: LoginBrowser, key: bytes, record: BrowserRecord) -> bool:
        """Ask Okta once more whose the session in this record is. True if that is settled now. The caller holds the browser's lease."""
        if record.standing is SessionStanding.UNDECIDED and self._sessions.is_revoked(record.cookies):
            await self._end_before(sender, key, record)
            return True
        self._sessions.forget(record.cookies)
        older = OlderSessions(groups(record.before, record.before_user_id))
        judging = Comparison(LoginBrowser(sender.head, sender.browser_id, record.before), record.cookies, older)
        unproven: Cookies = ()
        final = await self._comparer.run(judging)
        if isinstance(final, Withhold):
            # The browser has the answer already, so it cannot be withheld. The older session is refused everywhere, and the gateway
            # goes on trying to end it.
            final, unproven = Deliver(DeliveryReason.OTHER_USER, judging.session), older.ending
        if final.why is DeliveryReason.UNDECIDED:
            await self._sessions.hold(record.all_cookies)
            return False
        if final.why is DeliveryReason.OTHER_USER:
            await self._sessions.revoke(older.ending)
        unproven = (*unproven, *self._presented.unproven(record, record.cookies))
        await self._browsers.keep_at(key, _recorded(final, judging, record).with_unproven(unproven))
        await self._follow(final, judging, key)
        before = tuple(cookie for cookie in record.before if not self._sessions.is_revoked((cookie,)))
        if final.why is DeliveryReason.NOBODY_YET and record.standing is SessionStanding.UNDECIDED and not repeated(before):
            # There was one session before, and it goes on. If there were several, it is not known which is the user's.
            await self._sessions.release(before)
        return final.why is not DeliveryReason.NOBODY_YET

    async def _end_before(self, sender: LoginBrowser, key: bytes, record: BrowserRecord) -> None:
        """The newest session ended before Okta named its user, perhaps by a sign-out: the session before it must not come back."""
        await self._sessions.revoke(record.before)
        self._closer.close_soon(record.before, sender.browser)
        await self._browsers.keep_at(key, record.given(record.cookies, "").with_unproven(record.before))
        await self._sessions.release(record.all_cookies)

    # The browser's lease (see ``browser_leases``).

    def _keys(self, sender: LoginBrowser) -> tuple[bytes, ...]:
        """The keys of the lease. A new id is known to no other request, so a new browser without a session needs no lease."""
        if sender.fresh and not sender.presented:
            return ()
        own = (browser_key(sender.browser_id),) if sender.browser_id else ()
        return (*own, *self._sessions.fingerprints(sender.presented))

    async def _take_lease(self, sender: LoginBrowser, held: AsyncExitStack) -> bool:
        """Take the browser's lease. False if its session was revoked during the wait, or by the previous holder of the lease.

        The code that revoked it may hold the lease, and wait for this answer: so the wait ends with the revocation.
        """
        lease = asyncio.ensure_future(held.enter_async_context(self._browsers.leases.held(self._keys(sender))))
        with self._sessions.noticing(sender.presented) as revoked:
            ended = asyncio.ensure_future(revoked.wait())
            try:
                await asyncio.wait({lease, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
                if not lease.done():
                    lease.cancel()
                    await asyncio.wait({lease})
        if lease.cancelled() or not lease.done():
            return False
        lease.result()  # raises if the lease could not be taken
        return not self._is_late(sender)


def _left_before(sender: LoginBrowser, record: BrowserRecord) -> bool:
    """Whether this request was sent before the browser got its newest session, and Okta has not yet named the user of that session.

    The cookies in its answer may belong to the older session. So they must not replace the newer ones; they end with the older session.
    """
    is_open = record.standing is SessionStanding.UNDECIDED
    return is_open and bool(sender.presented) and set(sender.presented).isdisjoint(record.cookies)


def _recorded(final: Deliver, judging: Comparison, record: BrowserRecord) -> BrowserRecord:
    """The browser's record once the answer is delivered."""
    older = judging.older
    user_id = final.session.user_id if final.session is not None else ""
    match final.why:
        case DeliveryReason.FIRST:
            return record.given(judging.new, user_id)
        case DeliveryReason.SAME_USER:
            return record.given(_held(judging.sender, judging.new, record), user_id or older.user_id or "")
        case DeliveryReason.OTHER_USER:
            return record.given(tuple(dict.fromkeys((*judging.new, *older.same))), user_id)
        case DeliveryReason.NOBODY_YET:
            return record.waits(judging.new, SessionStanding.NOBODY_YET, older.cookies, older.user_id or "")
        case DeliveryReason.UNDECIDED:
            return record.waits(judging.new, SessionStanding.UNDECIDED, older.cookies, older.user_id or "")
        case _:
            assert_never(final.why)


def _held(sender: LoginBrowser, new: Cookies, record: BrowserRecord) -> Cookies:
    """The browser's cookies after an answer to the same user: the new ones, and the presented ones under other names.

    Also what the browser was given since the request was sent: a renewed cookie of the older session does not end a newer session.
    """
    names = {cookie.name for cookie in new}
    kept = (cookie for cookie in sender.presented if cookie.name not in names)
    since = (cookie for cookie in record.cookies if cookie not in sender.presented)
    return tuple(dict.fromkeys((*new, *kept, *since)))[: 2 * MOST_SESSION_COOKIES]
