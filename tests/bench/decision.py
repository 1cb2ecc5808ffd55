"""What one decision costs: microseconds of each step between a parsed head and the fields for the app, and of an answer's way back.

Run: ``python -m tests.bench.decision``. A browser's request with eleven fields and a pass beside three cookies of the app; path, query and
Referer are never the same, and every name and value is a new object, as from a parser: so nothing is found again that production would
not find. CPU time, medians over batches. Exits 1 where the quickest batch is over its limit, so that a busy neighbour fails nobody.
"""

import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from gateway.clock import Clock
from gateway.doors.pass_resolver import PassResolver, Principal
from gateway.policy.http.app_cookies import kept_cookie
from gateway.policy.http.cookies import PASS_NAME, not_the_apps
from gateway.policy.http.fields import FieldRules, ForwardedFrom, answered, to_app
from gateway.policy.http.messages import Authority, Fields, HeadLimits, Malformed, Received, RequestHead, read_head
from gateway.policy.routing.navigation import RequestKind, client_address, is_document, kind_of
from gateway.policy.routing.routing import Access, App, LoginHost, RouteTable, Rule, is_own, rule_of_path
from gateway.policy.session.admission import Admit, judge_at
from gateway.policy.session.passes import Pass, Passes, Sealer
from gateway.policy.session.session import Session, SessionCookie
from gateway.sessions import Sessions
from tests.bench.session_check import BROWSER, HOST, new_sessions

BATCHES, BATCH = 40, 300
LIMIT_REQUEST, LIMIT_ANSWER = 20.0, 3.0
PEER = "192.0.2.9"
COOKIES = (SessionCookie(b"sid", b"102%022d" % 7), SessionCookie(b"idx", b"eyJ" + os.urandom(180).hex().encode()))
RULES = (
    Rule("/health", Access.ANYONE),
    Rule("/public/**", Access.ANYONE),
    Rule("/admin/**", Access.SESSION, users=frozenset({"@admin.example.com"})),
)
KEEP_COOKIE = partial(kept_cookie, login_host="login.example.com")
APP = App("hr", "https://hr.example.com", Authority("hr.example.com", 443), RULES)
TABLE = RouteTable(LoginHost("https://login.example.com", Authority("login.example.com", 443)), [APP])
FIELD_RULES = FieldRules(((b"Remote-User", "login"), (b"Remote-User-Id", "user_id")))
REQUEST = """Host: hr.example.com
Connection: keep-alive
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: navigate
Sec-Fetch-Dest: document
Referer: https://hr.example.com/reports/%(before)d/index?from=%(before)d
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en;q=0.9,de;q=0.8
Cookie: JSESSIONID=0123456789ABCDEF0123456789ABCDEF; theme=dark; %(cookie)s; _ga=GA1.2.1234567890.1700000000"""
ANSWER = """Server: nginx/1.25
Date: Mon, 01 Jan 2024 00:00:00 GMT
Content-Type: text/html; charset=utf-8
Content-Length: 12345
Connection: keep-alive
ETag: "5f1e-60a"
Cache-Control: no-cache
X-Frame-Options: DENY"""

Before = TypeVar("Before")
After = TypeVar("After")


def as_parsed(text: str) -> tuple[tuple[bytes, bytes], ...]:
    """The lines of a head, each name and value an object of its own."""
    return tuple((name.encode("ascii"), value.encode("ascii")) for name, _, value in (line.partition(": ") for line in text.splitlines()))


def _admitted(target: str, fields: Fields, client: str, limits: HeadLimits) -> tuple[RequestHead, App | LoginHost | None] | Malformed:
    """As for a request of this client."""
    named = read_head("GET", target, (1, 1), fields, limits)
    if isinstance(named, Malformed):
        return named
    received = Received("GET", target, fields, named, PEER)
    received.address = client
    return TABLE.admit(received, limits)


@dataclass
class Bench:
    """The gateway's parts behind a parsed head, and the times that they took."""

    sessions: Sessions
    pass_resolver: PassResolver
    cookie: str
    clock: Clock = field(default_factory=Clock)
    limits: HeadLimits = field(default_factory=HeadLimits)
    times: dict[str, list[float]] = field(default_factory=dict)
    number: int = 0

    def requests(self) -> list[tuple[str, Fields]]:
        """A batch of targets and fields that were never seen before."""
        self.number += BATCH
        return [
            (
                f"/reports/{number}/quarter-{number % 4}/items?page={number}&q=some+words",
                as_parsed(REQUEST % {"before": number - 1, "cookie": self.cookie}),
            )
            for number in range(self.number, self.number + BATCH)
        ]

    def timed(self, name: str, work: Callable[[Before], After], given: Sequence[Before]) -> list[After]:
        """What the step makes of a batch; its microseconds per request are noted."""
        started_at = time.thread_time()
        made = [work(one) for one in given]
        self.times.setdefault(name, []).append((time.thread_time() - started_at) / len(given) * 1e6)
        return made

    def receive(self, parsed: tuple[str, Fields]) -> tuple[str, Fields, str]:
        """Who sent it."""
        return *parsed, client_address(PEER, (), ())

    def admit(self, received: tuple[str, Fields, str]) -> RequestHead:
        """Strictness, host."""
        target, fields, client = received
        admitted = _admitted(target, fields, client, self.limits)
        if isinstance(admitted, Malformed) or admitted[1] is not APP:
            raise AssertionError("not admitted")
        return admitted[0]

    def place(self, head: RequestHead) -> tuple[RequestHead, Rule]:
        """Rule."""
        rule = rule_of_path(APP, path := head.path, "GET")
        if isinstance(rule, Malformed) or is_own(path):
            raise AssertionError("no place")
        return head, rule

    def kind(self, at: tuple[RequestHead, Rule]) -> tuple[RequestHead, Rule]:
        """What the browser wants."""
        if kind_of(at[0]) is not RequestKind.NAVIGATION or not is_document(at[0]):
            raise AssertionError("no document")
        return at

    def look_up(self, at: tuple[RequestHead, Rule]) -> tuple[RequestHead, Rule, Principal]:
        """Pass, memory, revocations, and the fingerprint for the log."""
        principal = self.pass_resolver.from_cache(*at)
        if principal is None or not principal.shown:
            raise AssertionError("not recalled")
        return *at, principal

    def judge(self, at: tuple[RequestHead, Rule, Principal]) -> tuple[RequestHead, Session]:
        """The verdict."""
        head, rule, principal = at
        verdict = judge_at(rule, principal.finding, self.clock.wall())
        if not isinstance(verdict, Admit) or verdict.session is None:
            raise AssertionError("not admitted")
        return head, verdict.session

    def forward(self, at: tuple[RequestHead, Session]) -> Fields:
        """The fields for the app."""
        head, session = at
        way = ForwardedFrom(head.client, "https" if head.secure else "http", "hr.example.com")
        fields = to_app(head.fields, FIELD_RULES, session, way, not_the_apps)
        if isinstance(fields, Malformed):
            raise AssertionError("not forwarded")
        return fields

    def whole(self, parsed: tuple[str, Fields]) -> Fields:
        """All of it, as one function: what its parts hand to each other costs nothing here."""
        target, fields = parsed
        admitted = _admitted(target, fields, client_address(PEER, (), ()), self.limits)
        if isinstance(admitted, Malformed):
            raise AssertionError("not admitted")
        head, host = admitted
        path = head.path
        rule = rule_of_path(APP, path, "GET")
        if host is not APP or is_own(path) or isinstance(rule, Malformed):
            raise AssertionError("no place")
        if kind_of(head) is not RequestKind.NAVIGATION or not is_document(head):
            raise AssertionError("no document")
        principal = self.pass_resolver.from_cache(head, rule)
        if principal is None or not principal.shown:
            raise AssertionError("not recalled")
        verdict = judge_at(rule, principal.finding, self.clock.wall())
        if not isinstance(verdict, Admit):
            raise AssertionError("not admitted")
        way = ForwardedFrom(head.client, "https" if head.secure else "http", "hr.example.com")
        told = to_app(fields, FIELD_RULES, verdict.session, way, not_the_apps)
        if isinstance(told, Malformed):
            raise AssertionError("not forwarded")
        return told

    def run(self) -> None:
        """One batch, step by step and whole, and one of answers."""
        gc.collect()
        heads = self.timed("admit, host", self.admit, self.timed("receive", self.receive, self.requests()))
        wanted = self.timed("kind, document", self.kind, self.timed("place: own, rule", self.place, heads))
        known = self.timed("pass, session, revocations", self.look_up, wanted)
        self.timed("fields for the app", self.forward, self.timed("judge", self.judge, known))
        self.timed("REQUEST", self.whole, self.requests())
        answers = [as_parsed(ANSWER) for _ in range(BATCH)]
        self.timed("ANSWER", lambda fields: answered(fields, is_private=True, is_document=True, keep_cookie=KEEP_COOKIE), answers)


async def main() -> int:
    """Measure, print, and return the exit status."""
    sessions, sealer = new_sessions(), Sealer([os.urandom(32)], os.urandom)
    session = await sessions.current(COOKIES, BROWSER)
    if not isinstance(session, Session):
        raise AssertionError("nobody is signed in")
    value = sealer.seal("pass", HOST, Pass(COOKIES, session.user_id, session.id, time.time()).packed())
    bench = Bench(sessions, PassResolver(Passes(sealer), sessions, Clock()), f"{PASS_NAME.decode()}={value}")
    for _ in range(BATCHES):
        bench.run()
    await sessions.aclose()
    for name, times in bench.times.items():
        print(f"{name:28} {statistics.median(times):7.2f} µs, {min(times):6.2f} at best")
    is_good = min(bench.times["REQUEST"]) < LIMIT_REQUEST and min(bench.times["ANSWER"]) < LIMIT_ANSWER
    print(f"limits: {LIMIT_REQUEST:.0f} µs and {LIMIT_ANSWER:.0f} µs: {'held' if is_good else 'BROKEN'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
