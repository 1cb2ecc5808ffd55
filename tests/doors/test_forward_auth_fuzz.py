"""The sub-request door under whatever can be sent: never a 200 without a live session that the rules admit."""

import asyncio
import ipaddress
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import unquote

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.doors.forward_auth import SubrequestDoor, SubrequestRules
from gateway.doors.pass_resolver import PassResolver
from gateway.policy.http.messages import Authority, Fields, HeadLimits, Malformed
from gateway.policy.routing.forward_auth_response import ForwardAuthResponse
from gateway.policy.routing.routing import Access, App, LoginHost, RouteTable, Rule
from gateway.policy.session.passes import Pass, Passes
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import SessionCookie
from tests.attacks.careless_readings import careless_readings
from tests.harness.clock import WALL
from tests.harness.subrequests import DIALECTS, told
from tests.policy.received import admitted
from tests.sessions.scripted import BROWSER, GONE, answer, memory, session

EXAMPLES, TARGETS, COOKIES, FIELDS = 40, 8, 8, 8
"""Every example asks for each of its targets, with each cookie, with each set of fields, in every dialect."""
RULES = (
    Rule("/public/**", Access.ANYONE),
    Rule("/bob/**", Access.SESSION, users=frozenset({"bob@example.com"})),
    Rule("/read/**", Access.SESSION, methods=frozenset({"GET"})),
    Rule("/read/**", Access.NOBODY),
)
HOST = "hr.example.com:443"
TABLE = RouteTable(
    LoginHost("https://login.example.com", Authority("login.example.com", 443)),
    [App("hr", "https://hr.example.com", Authority("hr.example.com", 443), RULES)],
)
CLIENTS_OWN = (
    *(b"X-Original-Method", b"X-Original-URL", b"X-Original-URI", b"X-Forwarded-Method", b"X-Forwarded-Uri", b"X-Forwarded-Host"),
    *(b"X-Forwarded-Proto", b"X-Forwarded-For", b"X_Forwarded_Uri", b"Remote-User", b"X-Gateway-Omitted", b"X-Gateway-Relayed"),
    *(b"Connection", b"Upgrade", b"Sec-WebSocket-Key", b"Origin", b"Sec-Fetch-Mode", b"Accept", b"Cookie", b"Host", b"Content-Length"),
)
SAID = (b"/public/x", b"GET", b"https://hr.example.com/public/x", b"hr.example.com", b"https", b"websocket", b"Upgrade", b"navigate")
SHAPES = (
    *("/", "/x", "/public/x", "/public", "/bob/x", "/bob", "/bob/", "/read/x", "/public/../bob/x", "/public/%2e%2e/bob/x", "/%62ob/x"),
    *("/public%2fx", "/public;x/y", "/public/..;/bob/x", "//bob/x", "/public//x", "/bob%2Fx", "/bob;a=1/x", "/x?/public/x", "/public/x%00"),
    *("/.gateway/session", "/.gateway/auth/nginx", "/public/%252e%252e/bob", "/\\bob", "https://hr.example.com/x", "", "*"),
)


@dataclass
class FuzzedDoor:
    """The door over a memory in which alice's session lives and another one has ended; what was asked of it is counted."""

    cookies: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0
    let_in: int = 0
    as_alice: int = 0
    waiting: int = 0

    def __post_init__(self) -> None:
        made, sealer = memory(), Sealer([b"k" * 32], lambda count: b"n" * count)
        live, ended, unseen = ((SessionCookie(b"sid", name),) for name in (b"102live", b"102ended", b"102unseen"))

        async def fill() -> None:
            for cookies in (live, ended):
                made.org.now = answer(session("alice", cookies[0].value.decode()))
                await made.sessions.current(cookies, BROWSER)
            await made.sessions.revoke(ended)
            made.org.now = GONE

        asyncio.run(fill())
        for name, cookies, host in (("live", live, HOST), ("ended", ended, HOST), ("unseen", unseen, HOST), ("other", live, "wiki.x:443")):
            self.cookies[name] = sealer.seal("pass", host, Pass(cookies, "00u-alice", "102abc", WALL).packed()).encode()
        clock = made.times.clock
        rules = SubrequestRules((ipaddress.ip_network("10.0.0.0/8"),), HeadLimits(), 5.0)
        told_of = {"hr": ForwardAuthResponse(((b"Remote-User", "login"), (b"Remote-User-Id", "user_id")))}
        self.door = SubrequestDoor(TABLE, PassResolver(Passes(sealer), made.sessions, clock), told_of, rules, clock)

    def asks(self, dialect: str, method: str, target: str, fields: Fields, peer: str) -> None:
        """One sub-request; a 200 must be deserved."""
        self.asked += 1
        lines = [line.partition(": ")[::2] for line in told(dialect, target, method=method)]
        all_fields = (*((name.encode("latin-1"), value.encode("latin-1")) for name, value in lines), *fields)
        how, sub = (method, f"/.gateway/auth/envoy{target}") if dialect == "envoy" else ("GET", f"/.gateway/auth/{dialect}")
        came = admitted(TABLE, sub, ((b"Host", b"hr.example.com"), *all_fields), method=how, peer=peer, address=peer)
        if isinstance(came, Malformed):
            assert self.door.unreadable(sub, came).status != 200
            return
        reply = self.door.from_cache(came[0])
        self.waiting += reply is None
        if reply is None or reply.answer.status != 200:
            return
        self.let_in += 1
        assert reply.verdict == "admit"
        assert peer.endswith("10.0.0.1")
        names = [value for name, value in reply.answer.fields if name == b"Remote-User"]
        is_alice = names == [b"alice@example.com"]
        self.as_alice += is_alice
        assert is_alice or names == [b""]
        assert self._is_hers(fields) or not is_alice
        assert self._may(method, target, is_alice), (dialect, method, target, fields)

    def _is_hers(self, fields: Fields) -> bool:
        """Whether these fields hold the pass of her living session, and no other."""
        passes = [piece.strip(b" \t") for name, value in fields if name.lower() == b"cookie" for piece in value.split(b";")]
        own = [piece for piece in passes if piece.partition(b"=")[0].strip(b" \t") == b"__Host-gateway"]
        return [piece.partition(b"=")[2].strip(b" \t") for piece in own] == [self.cookies["live"]]

    def _may(self, method: str, target: str, is_alice: bool) -> bool:
        """What the rules say, in other words than the gateway's."""
        path = target.partition("?")[0]
        if not path.startswith("/") or "\0" in unquote(path):
            return False
        firsts = {reading.split("/")[1].partition(";")[0] for reading in careless_readings(path) if reading.startswith("/")}
        if firsts == {"public"}:
            return True
        return is_alice and firsts.isdisjoint(("bob", ".gateway")) and ("read" not in firsts or method == "GET")


visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
targets = st.one_of(st.sampled_from(SHAPES), visible.map("/".__add__), st.tuples(st.sampled_from(SHAPES), visible).map("".join))
values = st.one_of(st.sampled_from(SAID), st.binary(max_size=20))
own_fields = st.lists(st.tuples(st.sampled_from(CLIENTS_OWN), values), max_size=3).map(tuple)
odd_fields = st.lists(st.tuples(st.binary(max_size=10), values), max_size=2).map(tuple)
others = st.one_of(st.just(()), own_fields, own_fields, odd_fields)
peers = st.sampled_from(("10.0.0.1", "10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "11.0.0.1", "unknown", ""))
methods = st.sampled_from(("GET", "GET", "GET", "POST", "HEAD", "get", "TRACE"))


def lines_of(kind: str, text: bytes, fronted: FuzzedDoor) -> Fields:
    """A Cookie line of this kind; ``text`` is what else is in it, or the whole of it."""
    value = fronted.cookies.get(kind.partition("+")[0], text)
    line = (b"Cookie", b"__Host-gateway=" + value)
    match kind.partition("+")[2]:
        case "twice":
            return (line, line)
        case "beside":
            return ((b"Cookie", b"a=1; __Host-gateway=" + value + b"; b=" + text),)
        case "cut":
            return ((b"Cookie", line[1][:-1]),)
        case "raw":
            return ((b"Cookie", text),)
        case _:
            return (line,)


KINDS = ("live", "live", "live+twice", "live+beside", "live+cut", "ended", "unseen", "other", "none", "none+raw")


def test_a_hundred_thousand_sub_requests_are_never_let_in_without_a_live_session_that_the_rules_admit() -> None:
    fronted = FuzzedDoor()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    )
    @given(
        st.lists(st.tuples(targets, methods), min_size=TARGETS, max_size=TARGETS),
        st.lists(st.tuples(st.sampled_from(KINDS), st.binary(max_size=30)), min_size=COOKIES, max_size=COOKIES),
        st.lists(st.tuples(others, peers), min_size=FIELDS, max_size=FIELDS),
    )
    def check(wanted: list[tuple[str, str]], cookies: list[tuple[str, bytes]], beside: list[tuple[Fields, str]]) -> None:
        wanted[0], cookies[0], beside[0] = ("/x", "GET"), ("live", b""), ((), "10.0.0.1")  # beside all that is odd, something that is good
        held = [lines_of(kind, text, fronted) for kind, text in cookies]
        for dialect, (target, method), cookie, (fields, peer) in product(DIALECTS, wanted, held, beside):
            fronted.asks(dialect, method, target, (*cookie, *fields), peer)

    check()
    assert fronted.asked >= 100_000
    assert fronted.as_alice >= EXAMPLES * len(DIALECTS)
    assert fronted.let_in > fronted.as_alice
    assert fronted.waiting > 0
