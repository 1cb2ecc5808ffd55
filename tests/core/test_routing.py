"""Routing: one spelling to judge by, every other reading bound too, and nothing public by accident."""

import re
from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.core.messages import Authority, Malformed
from gateway.core.routing import (
    DEFAULT_RULE,
    Access,
    App,
    LoginHost,
    RouteTable,
    Rule,
    ascii_lower,
    is_own,
    normalised,
    pattern_problem,
    rule_for,
)

LOGIN = LoginHost("https://login.example.com", Authority("login.example.com", 443))
HR = App("hr", "https://hr.example.com", Authority("hr.example.com", 443))
PUBLIC = Rule("/public/**", Access.ANYONE)
ADMIN = Rule("/admin", Access.SESSION, users=frozenset({"root@example.com"}))

PIECES = """/ a B . .. %2e %2E %2F %2f %5c %00 %0a %7F ; x % %25 %252e %41 %c0%ae %ff %e2%82%ac %20 * ~ %7e = %3F %23 public admin
.gateway %zz \u00e9 \ud800"""
REFUSED = r"""admin * /public/../admin /./admin /admin/. /admin/.. /.. /. // //admin /admin//x /a// /public/%2e%2e/admin /public/.%2e/admin
/public/%2E%2E%2Fadmin /public%2F..%2Fadmin /a%2F%2Fb /%2Fadmin /a/%2F /a%2F. /public/..;/admin /public/..;x=1/admin
/public/%2e%2e%3B/admin /;/admin /;x=1/admin /public/.;/x /.../x /%20/x /..%20/x /admin%00.css /public%0a/admin /%0d%0aX:1 /a%7f /a%1Fb
/a\b /a%5Cb /..%5cadmin /%c0%ae%c0%ae/admin /%C1%9C /%c0%af /%e0%80%af /%f0%80%80%af /%f8%80%80%80%af /%fc%80%80%80%80%af
/% /%4 /%zz /%u002e%u002e/admin /a%2"""
OWN = """/.gateway /.gateway/ /.gateway/x /.GATEWAY/x /%2egateway/x /.gatewa%79 /.gateway%2Fx /.gateway;x=1/y /.gateway%3Bx /.gateway%3Fx
/.gateway%23 /.gateway./x /.gateway%20/x"""

paths = st.lists(st.sampled_from(PIECES.split()), max_size=9).map(lambda parts: "/" + "".join(parts))
rules = st.builds(
    Rule,
    st.sampled_from(["/**", "/public/**", "/admin", "/admin/**", "/*", "/a/*"]),
    st.sampled_from(Access),
    st.none() | st.frozensets(st.sampled_from(["GET", "POST"])),
    st.none() | st.frozensets(st.sampled_from(["a@x.com", "B@x.com", "a@y.com", "@x.com", "@Y.com", "root"])),
    st.none() | st.frozensets(st.sampled_from(["pwd", "mfa"])),
    st.none() | st.integers(0, 99),
)


def app(*of: Rule, case_insensitive: bool = False) -> App:
    return App("hr", HR.origin, HR.authority, of, case_insensitive)


def access(path: str, *of: Rule) -> Access:
    shape = normalised(path)
    assert isinstance(shape, str)
    return rule_for(app(*of), shape).access


@pytest.mark.parametrize("path", [*REFUSED.split(), "", "/a\tb", "/... /x", "/a/. ./b", "/% 2e", "/\n"])
def test_what_apps_read_in_several_ways_is_refused(path: str) -> None:
    shape = normalised(path)
    assert isinstance(shape, Malformed)
    assert shape.status == 400


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/a/b/", "/a/b/"),
        ("/%7e%41%2d", "/~A-"),
        ("/a%2fb", "/a%2Fb"),
        ("/public/%252e%252e/admin", "/public/%252e%252e/admin"),
        ("/%ff%E9", "/%FF%E9"),
        ("/%e2%82%ac", "/%E2%82%AC"),
        ("/a%20b%3Fc%23d", "/a%20b%3Fc%23d"),
        ("/a;jsessionid=1", "/a;jsessionid=1"),
        ("/app/;jsessionid=1", "/app/;jsessionid=1"),
        ("/.well-known/..x/x..", "/.well-known/..x/x.."),
        ('/"<a>|', "/%22%3Ca%3E%7C"),
    ],
)
def test_a_path_has_one_canonical_spelling(path: str, canonical: str) -> None:
    assert normalised(path) == canonical


@given(paths | st.text().map(lambda text: "/" + text))
def test_an_accepted_path_has_no_dot_segment_empty_segment_or_control_after_one_decoding(path: str) -> None:
    shape = normalised(path)
    assume(isinstance(shape, str))
    assert isinstance(shape, str)
    assert normalised(shape) == shape
    assert unquote_to_bytes(shape) == unquote_to_bytes(path.encode("utf-8", "surrogatepass"))
    segments = unquote(shape, "latin-1").split("/")[1:]
    assert not [name for name in segments if name.partition(";")[0] in (".", "..")]
    assert "" not in segments[:-1]
    assert not re.search(r"[\x00-\x1f\x7f\\]", "".join(segments))


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (
            "/public/**",
            ["/public", "/public/", "/public/a", "/public/a/b", "/public/a%2Fb"],
            ["/publicadmin", "/x/public/a", "/publi", "/"],
        ),
        ("/status", ["/status", "/stat%75s"], ["/x/status", "/status/x", "/statusx", "/status;x=1", "/STATUS", "/status/"]),
        ("/a/*", ["/a/b", "/a/b.css", "/a/b%2Fc"], ["/a", "/a/", "/a/b/c"]),
        ("/a/*/c", ["/a/b/c"], ["/a/c", "/a/b/b/c"]),
        ("/*.css", ["/a.css", "/.css"], ["/a/b.css", "/a.cssx", "/axcss"]),
        ("/api/**/status", ["/api/status", "/api/a/status", "/api/a/b/status"], ["/api/xstatus", "/api/a", "/apistatus"]),
        ("/**", ["/", "/a", "/a/b/"], []),
        ("/", ["/"], ["/a"]),
        ("/caf\u00e9 bar", ["/caf%C3%A9%20bar"], ["/cafe%20bar"]),
        ("/a.b+c", ["/a.b+c", "/a.b%2Bc"], ["/axb+c", "/a.bbc"]),
    ],
)
def test_a_pattern_matches_whole_segments_of_the_whole_path(pattern: str, yes: list[str], no: list[str]) -> None:
    rule = Rule(pattern, Access.ANYONE)
    shapes = {path: normalised(path) for path in yes + no}
    assert [path for path, shape in shapes.items() if isinstance(shape, str) and rule.matches(shape)] == yes


def test_no_rule_means_a_session_is_needed() -> None:
    assert rule_for(app(), "/") == DEFAULT_RULE
    assert access("/x", PUBLIC) is Access.SESSION
    assert DEFAULT_RULE.access is Access.SESSION


def test_the_first_rule_that_matches_holds() -> None:
    special = Rule("/public/secret", Access.SESSION)
    assert access("/public/secret", special, PUBLIC) is Access.SESSION
    assert access("/public/secret", PUBLIC, special) is Access.ANYONE


@pytest.mark.parametrize(
    "path", ["/public/b%2Fa", "/public/a;x=1", "/public/a%3Fb", "/public/a%23b", "/public/a/", "/public/x;y/a", "/wiki/C%23"]
)
def test_readings_that_agree_change_nothing(path: str) -> None:
    assert access(path, PUBLIC, Rule("/wiki/*", Access.ANYONE)) is Access.ANYONE


@pytest.mark.parametrize("path", ["/a/x%2Fy", "/admin%3F.css", "/admin%23.css", "/admin;.css", "/a;x/b/c", "/admin%2F.css"])
def test_a_reading_under_a_stricter_rule_binds(path: str) -> None:
    assert (
        access(path, Rule("/a/*", Access.ANYONE), Rule("/*.css", Access.ANYONE), Rule("/a;*/b/c", Access.ANYONE), ADMIN) is Access.SESSION
    )


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin;x", "/admin%3Fx", "/admin/;x=1", "/admin%2F", "/%61dmin"])
def test_a_restriction_cannot_be_shaken_off_by_spelling(path: str) -> None:
    shape = normalised(path)
    assert isinstance(shape, str)
    assert rule_for(app(ADMIN), shape).users == frozenset({"root@example.com"})


def test_a_rule_for_a_trailing_slash_stands_before_a_rule_for_everything() -> None:
    of = (Rule("/docs/", Access.ANYONE), Rule("/**", Access.SESSION))
    assert [access(path, *of) for path in ("/docs/", "/docs")] == [Access.ANYONE, Access.SESSION]


@pytest.mark.parametrize("path", ["/ADMIN", "/Admin/", "/admin.", "/admin%20", "/aDmIn.%20./"])
def test_a_case_insensitive_app_is_judged_as_it_reads(path: str) -> None:
    shape = normalised(path)
    assert isinstance(shape, str)
    assert rule_for(app(ADMIN, case_insensitive=True), shape).users == ADMIN.users
    assert rule_for(app(ADMIN), shape).access is Access.SESSION


@example(
    Rule("/**", Access.SESSION, users=frozenset({"@X.com", "root"})), Rule("/a", Access.ANYONE, users=frozenset({"@x.com"})), "c@x.com"
)
@given(rules, rules, st.sampled_from(["a@x.com", "A@X.COM", "b@x.com", "c@x.com", "a@y.com", "root", "c@z.com", "a@x.com@y.com"]))
def test_two_rules_together_admit_only_whom_both_admit(one: Rule, other: Rule, login: str) -> None:
    both = one.and_also(other)
    assert both.permits(login) == (one.permits(login) and other.permits(login))
    order = [Access.ANYONE, Access.OPTIONAL, Access.SESSION]
    assert order.index(both.access) == max(order.index(one.access), order.index(other.access))
    for method in ("GET", "POST"):
        needed = [rule.methods is None or method in rule.methods for rule in (one, other)]
        assert (both.methods is None or method in both.methods) == all(needed)
    assert (both.amr or frozenset()) == (one.amr or frozenset()) | (other.amr or frozenset())
    ages = [rule.authenticated_within_seconds for rule in (one, other) if rule.authenticated_within_seconds is not None]
    assert both.authenticated_within_seconds == (min(ages) if ages else None)


@given(paths, st.lists(rules, max_size=4))
def test_a_path_is_open_only_where_its_own_first_rule_is_open(path: str, of: list[Rule]) -> None:
    shape = normalised(path)
    assume(isinstance(shape, str))
    assert isinstance(shape, str)
    first = next((rule for rule in of if rule.matches(shape)), DEFAULT_RULE)
    order = [Access.ANYONE, Access.OPTIONAL, Access.SESSION]
    assert order.index(rule_for(app(*of), shape).access) >= order.index(first.access)


@pytest.mark.parametrize("path", OWN.split())
def test_own_paths_are_known_in_every_spelling(path: str) -> None:
    assert is_own(path)
    shape = normalised(path)
    assert isinstance(shape, Malformed) or is_own(shape)


@pytest.mark.parametrize(
    "path", ["/", "/gateway", "/.gatewayx", "/x/.gateway", "/.gate way", "/%252egateway", "/.well-known", "/\u212a.gateway"]
)
def test_other_paths_are_the_apps(path: str) -> None:
    assert not is_own(path)


@given(paths)
def test_whether_a_path_is_ours_does_not_depend_on_its_spelling(path: str) -> None:
    shape = normalised(path)
    assert isinstance(shape, Malformed) or is_own(shape) == is_own(path)


def test_lower_case_is_ascii_only() -> None:
    assert ascii_lower("AZ\u212a\u0130") == "az\u212a\u0130"


@pytest.mark.parametrize("pattern", ["", "admin", "/a?b", "/a#b", "/a**", "/**b/c", "/a//b", "/../x", "/a/%2e%2e", "/%zz"])
def test_a_pattern_that_cannot_be_meant_is_a_problem(pattern: str) -> None:
    assert pattern_problem(pattern)


@pytest.mark.parametrize("pattern", ["/", "/**", "/*", "/a/*/b/**", "/*.css", "/caf\u00e9", "/a%3Fb"])
def test_a_usable_pattern_is_no_problem(pattern: str) -> None:
    assert pattern_problem(pattern) is None


def test_hosts_are_found_by_authority_and_nothing_else_exists() -> None:
    table = RouteTable(LOGIN, [HR])
    assert table.host(Authority("hr.example.com", 443)) is HR
    assert table.host(Authority("login.example.com", 443)) is LOGIN
    assert [table.host(Authority(*other)) for other in (("hr.example.com", 80), ("example.com", 443), ("xhr.example.com", 443))] == [
        None
    ] * 3
    assert table.app("https://hr.example.com") is table.app("hr.example.com:443") is HR
    assert table.app("https://login.example.com") is None
    assert (table.apps, table.origins) == ((HR,), ("https://login.example.com", "https://hr.example.com"))


@pytest.mark.parametrize("apps", [[HR, App("b", HR.origin, HR.authority)], [App("b", LOGIN.origin, LOGIN.authority)]])
def test_two_hosts_of_one_authority_are_refused(apps: list[App]) -> None:
    with pytest.raises(ValueError, match="two hosts"):
        RouteTable(LOGIN, apps)
