"""W3: a rule holds for the methods that it names, preflights may be left to the app, and all doors decide the same way."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.doors.deciding import Decisions
from gateway.doors.explaining import word
from gateway.doors.forward_auth import SubrequestDoor, SubrequestRules
from gateway.doors.pass_resolver import PassResolver
from gateway.policy.http.messages import Authority, Fields, HeadLimits, Malformed
from gateway.policy.routing.forward_auth_response import ForwardAuthResponse
from gateway.policy.routing.routing import Access, App, LoginHost, RouteTable, Rule, is_own
from gateway.policy.session.passes import Pass, Passes
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import SessionCookie
from tests.harness.browser import HR
from tests.harness.clock import WALL
from tests.harness.site import CONFIGURATION, FETCH, Site, deployed
from tests.harness.subrequests import DIALECTS, TRUSTING, ask, told
from tests.policy.received import admitted
from tests.sessions.scripted import BROWSER, answer, memory, session

PREFLIGHT = b"Origin: https://spa.example.net\r\nAccess-Control-Request-Method: PUT\r\n"
PREFLIGHTS_PASS = CONFIGURATION.replace('name = "hr"', 'name = "hr"\ncors_preflight = "app"', 1)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed(listen=TRUSTING) as made:
        yield made


async def test_w3_a_rule_that_does_not_name_the_method_does_not_match_it(site: Site) -> None:
    """``/form`` is open for POST; ``/shut`` is shut for POST: what these rules do not name falls to the rule for everything else."""
    cookie = await site.signed_in()
    expected = {("/form/x", "POST"): 200, ("/form/x", "GET"): 401, ("/shut/x", "POST"): 403, ("/shut/x", "GET"): 401}
    for (target, method), status in expected.items():
        assert (await site.ask(target, method=method)).status == status
        for dialect in DIALECTS:
            assert (await ask(site, dialect, target, method=method)).status == status, dialect
    for target, method in (("/form/x", "GET"), ("/form/x", "OPTIONS"), ("/shut/x", "GET"), ("/read/x", "PUT"), ("/read/x", "PROPFIND")):
        assert (await site.ask(target, FETCH + cookie, method=method)).status == 200
    for fields in (FETCH, FETCH + cookie):
        assert (await site.ask("/shut/x", fields, method="POST")).status == 403


async def test_w3_by_default_a_preflight_is_judged_as_any_request(site: Site) -> None:
    assert (await site.ask("/api/x", PREFLIGHT, method="OPTIONS")).status == 401
    assert (await site.ask("/public/x", PREFLIGHT, method="OPTIONS")).status == 200
    for dialect in DIALECTS:
        assert (await ask(site, dialect, "/api/x", PREFLIGHT, method="OPTIONS")).status == 401


async def test_w3_preflights_pass_to_an_app_that_answers_them_itself() -> None:
    async with deployed(configuration=PREFLIGHTS_PASS, listen=TRUSTING) as site:
        cookie = await site.signed_in()
        for fields in (PREFLIGHT, PREFLIGHT + cookie):
            reply = await site.ask("/bob/x", fields, method="OPTIONS")
            assert reply.status == 200
            assert site.behind.last.line == b"OPTIONS /bob/x HTTP/1.1"
            assert b"remote-user" not in site.behind.last.head.lower() and b"__Host-gateway" not in site.behind.last.head
            for dialect in DIALECTS:
                reply = await ask(site, dialect, "/bob/x", fields, method="OPTIONS")
                assert (reply.status, reply.values("Remote-User")) == (200, [""]), dialect


NO_PREFLIGHTS = {
    "another method": ("GET", PREFLIGHT),
    "no Origin": ("OPTIONS", b"Access-Control-Request-Method: PUT\r\n"),
    "no wanted method": ("OPTIONS", b"Origin: https://spa.example.net\r\n"),
    "a wanted method that is none": ("OPTIONS", b"Origin: https://spa.example.net\r\nAccess-Control-Request-Method: P T\r\n"),
    "two Origins": ("OPTIONS", b"Origin: null\r\n" + PREFLIGHT),
    "two wanted methods": ("OPTIONS", b"Access-Control-Request-Method: GET\r\n" + PREFLIGHT),
    "in lower case": ("options", PREFLIGHT),
}


@pytest.mark.parametrize(("method", "fields"), NO_PREFLIGHTS.values(), ids=NO_PREFLIGHTS.keys())
async def test_w3_what_is_no_preflight_does_not_pass_for_one(method: str, fields: bytes) -> None:
    async with deployed(configuration=PREFLIGHTS_PASS, listen=TRUSTING) as site:
        assert (await site.ask("/bob/x", fields, method=method)).status == 401
        assert [(await ask(site, dialect, "/bob/x", fields, method=method)).status for dialect in DIALECTS] == [401] * len(DIALECTS)
        assert site.behind.visits == []


async def test_w3_a_preflight_leads_nobody_where_nobody_may_come() -> None:
    text = PREFLIGHTS_PASS.replace(', methods = ["POST"] }},\n]', " }},\n]", 1)
    assert text != PREFLIGHTS_PASS
    async with deployed(configuration=text, listen=TRUSTING) as site:
        assert (await site.ask("/shut/x", PREFLIGHT, method="OPTIONS")).status == 403
        assert [(await ask(site, dialect, "/shut/x", PREFLIGHT, method="OPTIONS")).status for dialect in DIALECTS] == [403] * len(DIALECTS)
        assert site.behind.visits == []


async def test_w3_a_preflight_for_a_path_that_cannot_be_read_in_one_way_is_refused_all_the_same() -> None:
    async with deployed(configuration=PREFLIGHTS_PASS, listen=TRUSTING) as site:
        for path in ("/public/../x", "/x%00", "/%zz"):
            assert (await site.ask(path, PREFLIGHT, method="OPTIONS")).status == 400
        assert site.behind.visits == []


# Every door on the same memory, without sockets: for any path and method they decide alike.

HOST = "hr.example.com:443"
RULES = (
    Rule("/public/**", Access.ANYONE),
    Rule("/form/**", Access.ANYONE, methods=frozenset({"POST", "VERSION-CONTROL"})),
    Rule("/form/**", Access.NOBODY, methods=frozenset({"DELETE"})),
    Rule("/bob/**", Access.SESSION, users=frozenset({"bob@example.com"})),
    Rule("/maybe/**", Access.OPTIONAL, methods=frozenset({"GET"})),
)
PIECES = (
    *("/", "/public", "/form", "/bob", "/maybe", "x", "..", ".", "/..", "//", ";", ";x=1", "%2F", "%2f", "%5C", "%5c", "%2e", "%252e"),
    *(
        "%C0%B4.html",
        "%C0%AF",
        "%3f",
        "%23",
        "%00",
        "%zz",
        "%ff",
        "%E2%82%AC",
        "/.gateway",
        "~1",
        ":a",
        "...",
        "%20",
        '"',
        "?q=\xe4",
        "?//",
    ),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "VERSION-CONTROL", "RPC_IN_DATA", "!#$%&'*+-.^_`|~09", "TRACE", "P ST")
targets = st.lists(st.sampled_from(PIECES), max_size=7).map(lambda parts: "/" + "".join(parts))


class DecidingDoors:
    """The decision of the app door and of the sub-request door in each dialect, for who comes with a live pass or with none."""

    def __init__(self, *, case_insensitive: bool, lets_preflights_pass: bool) -> None:
        hr = App(
            "hr",
            "https://hr.example.com",
            Authority("hr.example.com", 443),
            RULES,
            case_insensitive,
            lets_preflights_pass=lets_preflights_pass,
        )
        self.table = RouteTable(LoginHost("https://login.example.com", Authority("login.example.com", 443)), [hr])
        made, sealer, cookies = memory(), Sealer([b"k" * 32], lambda count: b"n" * count), (SessionCookie(b"sid", b"102live"),)

        async def fill() -> None:
            made.org.now = answer(session("alice", "102live"))
            await made.sessions.current(cookies, BROWSER)

        asyncio.run(fill())
        sealed = sealer.seal("pass", HOST, Pass(cookies, "00u-alice", "102abc", WALL).packed()).encode()
        self.line = (b"Cookie", b"__Host-gateway=" + sealed)
        gate = PassResolver(Passes(sealer), made.sessions, made.times.clock)
        rules = SubrequestRules((ipaddress.ip_network("10.0.0.0/8"),), HeadLimits())
        self.decisions = Decisions(gate, made.times.clock)
        self.asked = SubrequestDoor(self.table, gate, {"hr": ForwardAuthResponse(((b"Remote-User", "login"),))}, rules, made.times.clock)

    def at_app(self, method: str, target: str, fields: Fields) -> tuple[str, str]:
        came = admitted(self.table, target, ((b"Host", b"hr.example.com"), *fields), method=method)
        if isinstance(came, Malformed):
            return "refused", came.reason
        head, app = came
        if is_own(head.path):
            return "refused", "own"
        assert isinstance(app, App)
        decision = self.decisions.from_cache(head, app)
        assert decision is not None
        return word(decision.verdict), "" if word(decision.verdict) == "admit" else getattr(decision.verdict, "reason", "")

    def at_dialect(self, dialect: str, method: str, target: str, fields: Fields) -> tuple[str, str]:
        lines = [line.partition(": ")[::2] for line in told(dialect, target, method=method)]
        beside = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in lines)
        how, sub = (method, f"/.gateway/auth/envoy{target}") if dialect == "envoy" else ("GET", f"/.gateway/auth/{dialect}")
        came = admitted(self.table, sub, ((b"Host", b"hr.example.com"), *beside, *fields), method=how)
        if isinstance(came, Malformed):
            return "refused", came.reason
        reply = self.asked.from_cache(came[0])
        assert reply is not None
        if reply.verdict == "refused" and reply.reason in ("own_path", "auth_of_auth"):
            return "refused", "own"
        return reply.verdict, reply.reason


DOORS = [DecidingDoors(case_insensitive=windows, lets_preflights_pass=passes) for windows in (False, True) for passes in (False, True)]
ORIGIN, WANTED = (b"Origin", b"https://hr.example.com"), (b"Access-Control-Request-Method", b"PUT")


@settings(max_examples=300, deadline=None)
@given(targets, st.sampled_from(METHODS), st.booleans(), st.sampled_from([(), (ORIGIN, WANTED)]))
def test_w3_w4_every_door_decides_alike(target: str, method: str, is_live: bool, beside: Fields) -> None:
    for doors in DOORS:
        fields = (*beside, doors.line) if is_live else beside
        there = doors.at_app(method, target, fields)
        for dialect in DIALECTS:
            assert doors.at_dialect(dialect, method, target, fields) == there, dialect


def test_w3_the_doors_are_asked_what_differs() -> None:
    """The property above is worth what it compares: all verdicts are among them."""
    plain = (("/public/x", "PUT"), ("/form/x", "POST"), ("/form/x", "DELETE"), ("/bob/x", "GET"), ("/public/../x", "GET"), ("/x", "GET"))
    seen = {DOORS[0].at_app(method, target, fields) for (target, method), fields in product(plain, ((), (DOORS[0].line,)))}
    assert {verdict for verdict, _ in seen} == {"admit", "sign_in", "forbid", "refused"}
    preflight = DOORS[1].at_app("OPTIONS", "/bob/x", (ORIGIN, WANTED)), DOORS[0].at_app("OPTIONS", "/bob/x", (ORIGIN, WANTED))
    assert [verdict for verdict, _ in preflight] == ["admit", "sign_in"]
    assert HR.endswith("hr.example.com")
