"""Whatever Okta answers, in whatever order and however late: while a revocation is remembered, nothing revives the session."""

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.okta import OktaAnswer
from gateway.policy.session.cache import Lifetimes, RateLimits
from gateway.policy.session.session import NoSession, Session, SessionCookie, Unknown
from gateway.revocations import Revocation
from tests.harness.clock import WALL
from tests.sessions.scripted import BROWSER, Memory, answer, idle, memory, session

JARS = tuple((SessionCookie(name, b"%d" % number),) for name in (b"sid", b"idx") for number in range(2))
PAIRS = tuple(sid + idx for sid in JARS[:2] for idx in JARS[2:])
USERS = ("alice", "bob")
REVOKED = NoSession("revoked")

jars = st.sampled_from(JARS + PAIRS)
users = st.sampled_from(USERS)
answers = st.one_of(
    users.map(lambda user: answer(session(user, f"102{user}"))),
    st.sampled_from(
        [
            answer(NoSession("not_found")),
            answer(Unknown("timed_out")),
            answer(Unknown("status_403"), 403),
            answer(Unknown("rate_limited", WALL + 3), 429, RateLimits(600, 0)),
        ]
    ),
)


class RevokedStaysRevoked(RuleBasedStateMachine):
    """Requests, answers, revocations, rotations and time in any order, against a list of what was revoked."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.dead: set[SessionCookie] = set()
        self.dead_ids: set[str] = set()
        self.since: dict[str, float] = {}
        self.waiting: list[tuple[asyncio.Task[object], tuple[SessionCookie, ...], float]] = []
        self.m: Memory

    @initialize(ttl=st.sampled_from([0.0, 10.0]), grace=st.sampled_from([0.0, 30.0]))
    def begin(self, ttl: float, grace: float) -> None:
        async def made() -> Memory:
            return memory(Lifetimes(ttl=ttl, grace=grace))

        self.m = self.loop.run_until_complete(made())

    @rule(jar=jars)
    def ask(self, jar: tuple[SessionCookie, ...]) -> None:
        async def asked() -> asyncio.Task[object]:
            task: asyncio.Task[object] = asyncio.create_task(self.m.sessions.current(jar, BROWSER))
            await idle()
            return task

        self.waiting.append((self.loop.run_until_complete(asked()), jar, self.m.times.passed))

    @precondition(lambda self: any(not question.answered.done() for question in self.m.org.asked))
    @rule(data=st.data(), reply=answers)
    def okta_answers(self, data: st.DataObject, reply: OktaAnswer) -> None:
        open_questions = [question for question in self.m.org.asked if not question.answered.done()]
        data.draw(st.sampled_from(open_questions)).answered.set_result(reply)
        self.loop.run_until_complete(idle())
        for task, jar, _ in [entry for entry in self.waiting if entry[0].done()]:
            self.judge(task.result(), jar)
        self.waiting = [entry for entry in self.waiting if not entry[0].done()]

    @rule(seconds=st.sampled_from([0.5, 8.0, 15.0]))
    def time_passes(self, seconds: float) -> None:
        self.m.times.passed += seconds

    @rule(jar=jars)
    def revoke(self, jar: tuple[SessionCookie, ...]) -> None:
        self.loop.run_until_complete(self.m.sessions.revoke(jar))
        self.dead.update(jar)

    @rule(user=users)
    def revoke_session_elsewhere(self, user: str) -> None:
        self.loop.run_until_complete(self.m.revocations.publish(Revocation(session_mark=f"102{user}")))
        self.dead_ids.add(f"102{user}")

    @rule(user=users)
    def revoke_user(self, user: str) -> None:
        self.m.times.passed += 0.5
        self.loop.run_until_complete(self.m.sessions.revoke((), user_id=f"00u-{user}"))
        self.since[f"00u-{user}"] = self.m.times.passed

    @rule(old=jars, new=jars)
    def rotate(self, old: tuple[SessionCookie, ...], new: tuple[SessionCookie, ...]) -> None:
        async def adopted() -> None:
            await self.m.sessions.adopt(old, new)
            await idle()

        self.loop.run_until_complete(adopted())
        if self.dead.intersection(old):
            self.dead.update(new)

    def judge(self, finding: object, jar: tuple[SessionCookie, ...]) -> None:
        if self.dead.issuperset(jar):
            assert finding == REVOKED
        elif isinstance(finding, Session):
            assert finding.id not in self.dead_ids
            since = self.since.get(finding.user_id)
            about = [asked for asked in self.m.org.asked if self.dead.isdisjoint(asked.cookies) and set(asked.cookies) <= set(jar)]
            sent = [asked for asked in about if asked.answered.done()]
            assert sent
            assert since is None or since < self.m.times.passed or self.m.times.passed == 0.0

    @invariant()
    def nothing_dead_is_recalled(self) -> None:
        for jar in JARS + PAIRS:
            finding = self.m.sessions.from_cache(jar)
            if self.dead.intersection(jar):
                assert finding == REVOKED
                assert self.m.sessions.is_revoked(jar)
            elif isinstance(finding, Session):
                assert finding.id not in self.dead_ids
                assert self.m.times.passed > self.since.get(finding.user_id, -1.0)

    def teardown(self) -> None:
        if hasattr(self, "m"):
            self.loop.run_until_complete(self.m.sessions.aclose())
            self.loop.run_until_complete(idle())
        self.loop.close()


RevokedStaysRevoked.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestRevokedStaysRevoked = RevokedStaysRevoked.TestCase
