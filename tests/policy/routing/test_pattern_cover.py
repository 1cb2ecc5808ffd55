"""A pattern that is said to cover another matches every path that the other one matches."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.policy.http.paths import expression, normalised, pattern_problem
from gateway.policy.routing.pattern_cover import covers

COVERED = [
    ("/**", "/"),
    ("/**", "/admin/**"),
    ("/**", "/**"),
    ("/admin/**", "/admin"),
    ("/admin/**", "/admin/users/*"),
    ("/admin/**", "/admin/**"),
    ("/*", "/admin"),
    ("/*/x", "/a/x"),
    ("/a*", "/abc"),
    ("/*.pdf", "/x.pdf"),
    ("/a*c*e", "/abcde"),
    ("/**/x", "/a/b/x"),
    ("/a/**/x", "/a/**/b/x"),
]
NOT_COVERED = [
    ("/admin", "/admin/**"),
    ("/*", "/**"),
    ("/*", "/a/b"),
    ("/*/x", "/a/y"),
    ("/a*a", "/a"),
    ("/a*c*e", "/abde"),
    ("/*.pdf", "/*.p*"),
    ("/**/x", "/**"),
    ("/a/**", "/b/**"),
    ("/Admin/**", "/admin/x"),
    ("/a//b", "/a"),
    ("/**", "/a//b"),
]


@pytest.mark.parametrize(("wide", "narrow"), COVERED)
def test_covered(wide: str, narrow: str) -> None:
    assert covers(wide, narrow, False)


@pytest.mark.parametrize(("wide", "narrow"), NOT_COVERED)
def test_not_covered(wide: str, narrow: str) -> None:
    assert not covers(wide, narrow, False)


def test_case_makes_no_difference_where_the_app_takes_it_for_none() -> None:
    assert covers("/Admin/**", "/admin/x", True)


segments = st.sampled_from(["a", "b", "ab", "*", "a*", "*b", "a*b", "**"])
patterns = st.lists(segments, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
paths = st.lists(st.text(alphabet="ab", min_size=1, max_size=3), max_size=5).map(lambda parts: "/" + "/".join(parts))


@given(patterns, patterns, paths)
@example("/*", "/a**b", "/ab")
@example("/a*b", "/a*b", "/ab")
def test_what_is_covered_is_matched(wide: str, narrow: str, path: str) -> None:
    assume(pattern_problem(wide) is None and pattern_problem(narrow) is None and isinstance(normalised(path), str))
    if covers(wide, narrow, False) and expression(narrow, False).fullmatch(path):
        assert expression(wide, False).fullmatch(path)
