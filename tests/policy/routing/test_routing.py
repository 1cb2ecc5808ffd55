"""Routing: one spelling to judge by, every other reading bound too, and nothing public by accident."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.policy.http.hop_by_hop import NAMED_AWAY
from gateway.policy.http.messages import LINE_TOO_LONG, Authority, Fields, HeadLimits, Malformed, parse_authority
from gateway.policy.http.paths import ODD
from gateway.policy.routing.routing import DEFAULT_RULE, Access, App, LoginHost, RouteTable, Rule, normalised, rule_for, rule_of_path
from tests.policy.received import admitted
from tests.policy.routing.apps_and_rules import HR, app, paths, rules

METHODS = ("GET", "POST", "FOO")
LOGIN = LoginHost("https://login.example.com", Authority("login.example.com", 443))
PUBLIC = Rule("/public/**", Access.ANYONE)
ADMIN = Rule("/admin", Access.SESSION, users=frozenset({"root@example.com"}))


def bound(by: App, path: str) -> Rule:
    found = rule_for(by, path, "GET")
    assert isinstance(found, Rule)
    return found


def access(path: str, *of: Rule) -> Access:
    shape = normalised(path)
    assert isinstance(shape, str)
    return bound(app(*of), shape).access


def test_no_rule_means_a_session_is_needed() -> None:
    assert rule_for(app(), "/", "GET") == DEFAULT_RULE
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
    assert bound(app(ADMIN), shape).users == frozenset({"root@example.com"})


def test_a_rule_for_a_trailing_slash_stands_before_a_rule_for_everything() -> None:
    of = (Rule("/docs/", Access.ANYONE), Rule("/**", Access.SESSION))
    assert [access(path, *of) for path in ("/docs/", "/docs")] == [Access.ANYONE, Access.SESSION]


@pytest.mark.parametrize("path", ["/ADMIN", "/Admin/", "/admin.", "/admin%20", "/aDmIn.%20./"])
def test_a_case_insensitive_app_is_judged_as_it_reads(path: str) -> None:
    shape = normalised(path)
    assert isinstance(shape, str)
    assert bound(app(ADMIN, case_insensitive=True), shape).users == ADMIN.users
    assert bound(app(ADMIN), shape).access is Access.SESSION


@given(paths, st.lists(rules, max_size=4))
def test_a_path_is_open_only_where_its_own_first_rule_is_open(path: str, of: list[Rule]) -> None:
    shape = normalised(path)
    assume(isinstance(shape, str))
    assert isinstance(shape, str)
    first = next((rule for rule in of if rule.matches(shape) and (rule.methods is None or "GET" in rule.methods)), DEFAULT_RULE)
    order = [Access.ANYONE, Access.OPTIONAL, Access.SESSION, Access.NOBODY]
    assert order.index(bound(app(*of), shape).access) >= order.index(first.access)


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


@given(paths | st.from_regex(r"/[a-zA.%/;]{0,12}", fullmatch=True), st.lists(rules, max_size=4), st.booleans(), st.sampled_from(METHODS))
def test_a_path_as_sent_has_the_rule_of_its_canonical_spelling(path: str, of: list[Rule], case_insensitive: bool, method: str) -> None:
    here = app(*of, Rule("/a/", Access.OPTIONAL), case_insensitive=case_insensitive)
    shape = normalised(path)
    expected = shape if isinstance(shape, Malformed) else rule_for(here, shape, method)
    for _ in range(2):
        assert rule_of_path(here, path, method) == expected or (isinstance(expected, Malformed) and expected.reason in ODD)


@given(paths, st.lists(rules, max_size=4), st.sampled_from(METHODS))
def test_a_rule_is_for_the_methods_that_it_names(path: str, of: list[Rule], method: str) -> None:
    """Rules that do not name the method might as well not be there; and the rules of one method are not those of another."""
    here, other = app(*of), app(*(rule for rule in of if rule.methods is None or method in rule.methods))
    for asked in (method, "OTHER", method):
        found = rule_of_path(here, path, asked)
        assert asked != method or found == rule_of_path(other, path, method)
        for rule in of:
            if isinstance(found, Rule) and found == rule:
                assert rule.methods is None or asked in rule.methods


def test_a_method_that_no_rule_names_falls_to_the_next_rule_or_to_a_session() -> None:
    read, rest = Rule("/read/**", Access.ANYONE, methods=frozenset({"GET"})), Rule("/read/**", Access.NOBODY)
    placed = [rule_of_path(app(read), "/read/x", method) for method in ("GET", "get", "POST", "OPTIONS")]
    assert placed == [read, DEFAULT_RULE, DEFAULT_RULE, DEFAULT_RULE]
    assert [rule_of_path(app(read, rest), "/read/x", method) for method in ("GET", "POST")] == [read, rest]
    assert rest.and_also(read).access is Access.NOBODY and Rule("/", Access.NOBODY, users=frozenset({"a"})).needs is Access.NOBODY


def test_a_trailing_slash_is_bound_by_both_readings_of_a_path_as_sent() -> None:
    of = app(Rule("/docs/", Access.ANYONE), Rule("/docs", Access.SESSION), Rule("/wiki", Access.OPTIONAL))
    placed = [rule_of_path(of, path, "GET") for path in ("/docs/", "/docs", "/wiki/", "/x/", "/")]
    assert [rule.access for rule in placed if isinstance(rule, Rule)] == [Access.SESSION] * 5
    assert placed[3] == placed[4] == DEFAULT_RULE


PLAIN = App("plain", "http://plain.example.com:8080", Authority("plain.example.com", 8080))
TABLE = RouteTable(LOGIN, [HR, PLAIN, App("insecure", "http://in.example.com", Authority("in.example.com", 80))])
HOSTS = [
    "hr.example.com",
    "HR.example.com.:443",
    "hr.example.com:80",
    "in.example.com",
    "in.example.com:443",
    "plain.example.com:8080",
    "x",
    "a@b",
]


@pytest.mark.parametrize("host", [*HOSTS, "", None])
@pytest.mark.parametrize("target", ["/a?b", "*"])
def test_the_scheme_is_that_of_the_hosts_public_address(host: str | None, target: str) -> None:
    """F6, F10: whatever was received, the head is the one that is admitted under the scheme of the host that has it."""
    fields: Fields = () if host is None else ((b"Host", host.encode()),)
    came = admitted(TABLE, target, fields)
    found, at = None, None
    for is_secure in (True, False):
        found = parse_authority(host or "", is_secure)
        at = TABLE.host(found) if found is not None else None
        if found is None or at is not None:
            break
    if found is None or target == "*":
        assert isinstance(came, Malformed) and came.status == 400
    else:
        assert isinstance(came, tuple)
        head, here = came
        assert (head.authority, head.target, head.fields, here) == (found, target, fields, at)
        assert head.secure == (at is not None and at.origin.startswith("https://"))
        assert (head.peer, head.client) == ("10.0.0.1", "10.0.0.2")


@pytest.mark.parametrize("host", ["login.example.com", "hr.example.com", "nowhere.example"])
@pytest.mark.parametrize("length", [39, 40, 41, 60, 61])
def test_x14_only_the_login_host_takes_the_longest_line(host: str, length: int) -> None:
    limits = HeadLimits(line_bytes=40, longest_line_bytes=60)
    target = "/" + "x" * (length - len("GET / HTTP/1.1"))
    fields: Fields = ((b"Host", host.encode()),)
    came = admitted(TABLE, target, fields, limits)
    is_taken = length <= (60 if host == "login.example.com" else 40)
    assert (came != LINE_TOO_LONG) is is_taken and isinstance(came, tuple) is is_taken


@pytest.mark.parametrize("values", [(b"Cookie",), (b"close, X-Forwarded-For",), (b"close", b"Authorization"), (b"x-a", b"x-b, range")])
def test_a_request_that_names_its_fields_away_is_refused_at_every_host(values: tuple[bytes, ...]) -> None:
    for host in (b"hr.example.com", b"login.example.com", b"nowhere.example"):
        fields: Fields = ((b"Host", host), *((b"Connection", value) for value in values))
        assert admitted(TABLE, "/", fields) == NAMED_AWAY


@pytest.mark.parametrize("values", [(b"close",), (b"Keep-Alive",), (b"close, TE, x-hop",), (b"x-a", b"close"), ()])
def test_a_request_that_names_its_hop_is_admitted(values: tuple[bytes, ...]) -> None:
    fields: Fields = ((b"Host", b"hr.example.com"), *((b"Connection", value) for value in values))
    assert not isinstance(admitted(TABLE, "/", fields), Malformed)


def test_a_path_that_windows_may_read_as_any_other_is_refused_where_rules_differ() -> None:
    assert rule_of_path(app(ADMIN, case_insensitive=True), "/admin~1/x", "GET") == Malformed(400, "path_short_name")
    assert isinstance(rule_of_path(app(case_insensitive=True), "/admin~1/x", "GET"), Rule)
    assert isinstance(rule_of_path(app(ADMIN), "/admin~1/x", "GET"), Rule)


@pytest.mark.parametrize("path", ["/admin", "/public/" + "x" * 300, "/a/%2e%2e/b", "/" + "%2e" * 300 + "/x"])
def test_a_path_that_came_before_has_the_rule_it_had_and_a_long_one_is_not_kept(path: str) -> None:
    here = app(PUBLIC, ADMIN)
    first = rule_of_path(here, path, "GET")
    assert rule_of_path(here, path, "GET") == first and len(here.rules_by_path) == (len(path) <= 256)


@pytest.mark.parametrize("host", ["login.example.com", "hr.example.com", "nowhere.example"])
def test_bytes_beyond_ascii_in_a_query_are_for_apps_alone(host: str) -> None:
    came = admitted(TABLE, "/x?q=\xe4", ((b"Host", host.encode()),))
    assert isinstance(came, Malformed) is (host != "hr.example.com")
    assert isinstance(admitted(TABLE, "/\xe4", ((b"Host", host.encode()),)), Malformed)


def test_pages_call_an_app_by_its_title_or_by_its_host() -> None:
    assert (App("hr", HR.origin, HR.authority, title="Payroll").title, HR.title) == ("Payroll", "hr.example.com")
