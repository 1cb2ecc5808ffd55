"""Rules: whole paths by a pattern, whom they permit, and what two of them ask together."""

from dataclasses import fields

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.http.paths import normalised
from gateway.policy.routing.rules import Access, Rule
from tests.policy.routing.apps_and_rules import rules

PLAIN = Rule("/**", Access.OPTIONAL)
CONDITIONS = {
    "users": Rule("/**", Access.OPTIONAL, users=frozenset({"a@x.com"})),
    "amr": Rule("/**", Access.OPTIONAL, amr=frozenset({"mfa"})),
    "authenticated_within_seconds": Rule("/**", Access.OPTIONAL, authenticated_within_seconds=60),
}
"""Each condition alone; a new one enters here too."""


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


@example(
    Rule("/**", Access.SESSION, users=frozenset({"@X.com", "root"})), Rule("/a", Access.ANYONE, users=frozenset({"@x.com"})), "c@x.com"
)
@given(rules, rules, st.sampled_from(["a@x.com", "A@X.COM", "b@x.com", "c@x.com", "a@y.com", "root", "c@z.com", "a@x.com@y.com"]))
def test_two_rules_together_admit_only_whom_both_admit(one: Rule, other: Rule, login: str) -> None:
    both = one.and_also(other)
    assert both.permits(login) == (one.permits(login) and other.permits(login))
    order = [Access.ANYONE, Access.OPTIONAL, Access.SESSION, Access.NOBODY]
    assert order.index(both.access) == max(order.index(one.access), order.index(other.access))
    for method in ("GET", "POST"):
        needed = [rule.methods is None or method in rule.methods for rule in (one, other)]
        assert (both.methods is None or method in both.methods) == all(needed)
    assert (both.amr or frozenset()) == (one.amr or frozenset()) | (other.amr or frozenset())
    ages = [rule.authenticated_within_seconds for rule in (one, other) if rule.authenticated_within_seconds is not None]
    assert both.authenticated_within_seconds == (min(ages) if ages else None)


def test_every_condition_of_a_rule_is_known_here() -> None:
    assert {field.name for field in fields(Rule) if field.init} == {"pattern", "access", "methods", *CONDITIONS}


@pytest.mark.parametrize("rule", CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_needs_a_session_tells_rules_apart_and_holds_for_both_of_two(rule: Rule) -> None:
    assert rule.needs is Access.SESSION
    assert rule.conditions != PLAIN.conditions
    assert PLAIN.and_also(rule).conditions == rule.and_also(PLAIN).conditions == rule.conditions
