"""Rules: whole paths by a pattern, whom they permit, and what two of them ask together."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.http.paths import normalised
from gateway.policy.routing.rules import Access, Rule

rules = st.builds(
    Rule,
    st.sampled_from(["/**", "/public/**", "/admin", "/admin/**", "/*", "/a/*"]),
    st.sampled_from(Access),
    st.none() | st.frozensets(st.sampled_from(["GET", "POST"])),
    st.none() | st.frozensets(st.sampled_from(["a@x.com", "B@x.com", "a@y.com", "@x.com", "@Y.com", "root"])),
    st.none() | st.frozensets(st.sampled_from(["pwd", "mfa"])),
    st.none() | st.integers(0, 99),
)


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
