"""Prefixes: what browsers ask for and what the app gets, one to one, and nothing that the judge did not see."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.policy.http.messages import Malformed
from gateway.policy.http.paths import normalised
from gateway.policy.routing.prefixes import Prefixes, prefix_problem

HR = Prefixes(strip="/hr")
APP = Prefixes(add="/app")
BOTH = Prefixes(strip="/a/hr", add="/v1/app")

prefixes = st.builds(Prefixes, st.sampled_from(["", "/hr", "/a/hr", "/h%20r"]), st.sampled_from(["", "/app", "/v1/app"]))
PIECES = ["/x", "/hr", "/app", "/%2F", "/a%2Fb", "/;v=1", "/", "/%68r", "/..", "/.gateway", "%2Fy", "?q=//z&a"]
rests = st.lists(st.sampled_from(PIECES), max_size=5)
fronts = st.sampled_from(["", "/v1", "/v1/app", "/app", "/hr", "/x"])
ends = st.sampled_from(["", "/", "/x", "/x/", "/y"])


@pytest.mark.parametrize(
    ("prefixes", "target", "inner"),
    [
        (HR, "/hr/x?y=%7E&z=+&", "/x?y=%7E&z=+&"),
        (HR, "/hr/a%2Fb/%2e%2e?/hr", "/a%2Fb/%2e%2e?/hr"),
        (HR, "/hr", "/"),
        (HR, "/hr?x", "/?x"),
        (HR, "/hr/", "/"),
        (HR, "/hr/hr/x", "/hr/x"),
        (HR, "/%68r/x", "/x"),
        (HR, "/%68%72", "/"),
        (APP, "/x?y", "/app/x?y"),
        (APP, "/", "/app/"),
        (BOTH, "/a/hr", "/v1/app"),
        (BOTH, "/a/%68r/x", "/v1/app/x"),
        (Prefixes(), "/x?y", "/x?y"),
        # outside of the prefix
        (HR, "/", None),
        (HR, "/hrx", None),
        (HR, "/HR/x", None),
        (HR, "/x/hr", None),
        (HR, "/hr%2Fx", None),
        (HR, "/hr;v=1/x", None),
        (HR, "/hr%3Fx", None),
        (HR, "/?/hr/x", None),
        (BOTH, "/a%2Fhr/x", None),
        (BOTH, "/a", None),
        # what the judge did not see
        (HR, "/hr//evil.example/x", None),
        (HR, "/hr/.gateway/auth", None),
        (HR, "/hr/%2egateway", None),
        (HR, "/hr/.GATEWAY%2Fauth", None),
    ],
)
def test_what_the_app_is_sent(prefixes: Prefixes, target: str, inner: str | None) -> None:
    assert prefixes.inner(target) == inner


@given(prefixes, rests)
def test_what_is_forwarded_is_what_was_judged(prefixes: Prefixes, rest: list[str]) -> None:
    target = prefixes.strip + "".join(rest)
    path = target.partition("?")[0]
    judged = normalised(path)
    assume(isinstance(judged, str))
    assert isinstance(judged, str)
    inner = prefixes.inner(target)
    if inner is not None:
        forwarded = normalised(inner.partition("?")[0])
        assert not isinstance(forwarded, Malformed)
        assert forwarded.removeprefix(prefixes.add).rstrip("/") == judged.removeprefix(prefixes.strip).rstrip("/")
        assert inner.endswith(target.removeprefix(prefixes.strip))


@given(prefixes, rests)
def test_what_an_app_names_is_found_again(prefixes: Prefixes, rest: list[str]) -> None:
    inner = prefixes.inner(prefixes.strip + "/x" + "".join(rest).partition("?")[0])
    assume(inner is not None)
    assert inner is not None
    public = prefixes.outer(inner)
    if public is not None:
        assert public.startswith(prefixes.strip + "/")
        assert not public.startswith("//")
        assert prefixes.inner(public) == inner


@pytest.mark.parametrize(
    ("prefixes", "path", "outer"),
    [
        (HR, "/login", "/hr/login"),
        (HR, "/", "/hr/"),
        (HR, "/hr/login", "/hr/login"),
        (HR, "/hr", "/hr"),
        (HR, "/hrx", "/hr/hrx"),
        (HR, "//x", "/hr//x"),
        (APP, "/app/x", "/x"),
        (APP, "/app", "/"),
        (BOTH, "/v1/app/x", "/a/hr/x"),
        (Prefixes(), "/a/../b", "/a/../b"),
        # nothing that a browser could ask for
        (APP, "/login", None),
        (APP, "/apple", None),
        (BOTH, "/a/hr/x", None),
        (HR, "/../x", None),
        (HR, "/a/%2E./x", None),
        (HR, "/a/.", None),
        (HR, "/a\\b", None),
        (APP, "/app//evil.example", None),
        (APP, "/app/\\evil.example", None),
    ],
)
def test_where_a_browser_finds_a_path_of_the_app(prefixes: Prefixes, path: str, outer: str | None) -> None:
    assert prefixes.outer(path) == outer


@pytest.mark.parametrize(
    ("prefixes", "path", "scope"),
    [
        (HR, "/", "/hr"),
        (HR, "/x", "/hr/x"),
        (HR, "/x/", "/hr/x/"),
        (HR, "/hr", "/hr"),
        (HR, "/hr/x", "/hr/x"),
        (APP, "/", "/"),
        (APP, "/app", "/"),
        (APP, "/app/", "/"),
        (APP, "/app/x", "/x"),
        (APP, "/apple", None),
        (APP, "/ap", None),
        (BOTH, "/v1", "/a/hr"),
        (BOTH, "/v1/", "/a/hr"),
        (BOTH, "/v1/app", "/a/hr"),
        (BOTH, "/v1/app/", "/a/hr/"),
        (BOTH, "/v2", None),
        (Prefixes(), "/", "/"),
        (Prefixes(), "/x", "/x"),
    ],
)
def test_how_far_a_cookie_reaches(prefixes: Prefixes, path: str, scope: str | None) -> None:
    assert prefixes.outer_scope(path) == scope


def _reaches(scope: str, path: str) -> bool:
    """RFC 6265 §5.1.4."""
    return path == scope or (path.startswith(scope) and (scope.endswith("/") or path[len(scope)] == "/"))


@given(prefixes, fronts, ends, st.sampled_from(["/x", "/x/y", "/y", "/x/hr"]))
def test_a_cookie_reaches_the_same_pages_by_either_path(prefixes: Prefixes, front: str, end: str, rest: str) -> None:
    own = front + end or "/"
    assume(prefixes.add or not prefixes.strip or not own.startswith(prefixes.strip))
    scope = prefixes.outer_scope(own)
    inner = prefixes.inner(prefixes.strip + rest)
    assert inner is not None
    assert (scope is not None and _reaches(scope, prefixes.strip + rest)) == _reaches(own, inner)


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("", None),
        ("/hr", None),
        ("/a/b%20c", None),
        ("hr", "must begin with a slash and end without one"),
        ("/", "must begin with a slash and end without one"),
        ("/hr/", "must begin with a slash and end without one"),
        ("/a//b", "is no plain path"),
        ("/a/../b", "is no plain path"),
        ("/a?b", "is no plain path"),
        ("/a#b", "is no plain path"),
        ("/a%zz", "is no plain path"),
        ("/a b", "must be spelled as it is sent: /a%20b"),
        ("/%68r", "must be spelled as it is sent: /hr"),
        ("/\u00fcber", "must be spelled as it is sent: /%C3%BCber"),
        ("/.gateway", "is a path of the gateway's own"),
        ("/.gateway/x", "is a path of the gateway's own"),
    ],
)
def test_a_prefix_that_cannot_be_used_says_why(prefix: str, problem: str | None) -> None:
    assert prefix_problem(prefix) == problem
