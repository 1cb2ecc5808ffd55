"""Paths: one canonical spelling, every other reading told, and what is read in several ways refused."""

import re
from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.policy.http.messages import Malformed
from gateway.policy.http.paths import (
    LONGEST_PATTERN,
    LONGEST_PIECE,
    MOST_SEGMENTS_BEHIND_REST,
    MOST_WILDCARDS,
    ascii_lower,
    expression,
    is_own,
    is_plain,
    normalised,
    pattern_problem,
    readings,
    trimmed,
)
from tests.policy.routing.apps_and_rules import paths

REFUSED = r"""admin * /public/../admin /./admin /admin/. /admin/.. /.. /. // //admin /admin//x /a// /public/%2e%2e/admin /public/.%2e/admin
/public/%2E%2E%2Fadmin /public%2F..%2Fadmin /a%2F%2Fb /%2Fadmin /a/%2F /a%2F. /public/..;/admin /public/..;x=1/admin
/public/%2e%2e%3B/admin /;/admin /;x=1/admin /public/.;/x /.../x /%20/x /..%20/x /admin%00.css /public%0a/admin /%0d%0aX:1 /a%7f /a%1Fb
/a\b /a%5Cb /..%5cadmin /%c0%ae%c0%ae/admin /%C1%9C /%c0%af /%e0%80%af /%f0%80%80%af /%f8%80%80%80%af /%fc%80%80%80%80%af
/% /%4 /%zz /%u002e%u002e/admin /a%2"""
OWN = """/.gateway /.gateway/ /.gateway/x /.GATEWAY/x /%2egateway/x /.gatewa%79 /.gateway%2Fx /.gateway;x=1/y /.gateway%3Bx /.gateway%3Fx
/.gateway%23 /.gateway./x /.gateway%20/x"""


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


def is_own_read_slowly(path: str) -> bool:
    """Whether the first segment is ours after decoding, for any path: without a look at whether decoding can matter."""
    first = re.split("[/;?#]", unquote(path, "latin-1").removeprefix("/"), maxsplit=1)[0]
    return ascii_lower(first).rstrip(" .") == ".gateway"


@given(paths | st.text() | st.text(alphabet="/.gGateway;%2e", max_size=12))
def test_a_path_is_ours_only_where_its_first_segment_says_so(path: str) -> None:
    assert is_own(path) == is_own_read_slowly(path)


@given(paths | st.text(alphabet="/.aB~%;:*+ ", max_size=12).map(lambda text: "/" + text), st.booleans())
def test_a_plain_path_has_no_other_reading_but_for_a_slash_at_its_end(path: str, case_insensitive: bool) -> None:
    if is_plain(path):
        assert normalised(path) == path and not is_own(path)
        assert set(readings(path)) == {path}
        assert trimmed(path, case_insensitive) in {path, path.removesuffix("/")}


@pytest.mark.parametrize("path", ["/", "/a", "/a/b.css", "/a/b/", "/a.b.c/d-e_f~g", "/@a/b:c,d=e"])
def test_usual_paths_are_plain(path: str) -> None:
    assert is_plain(path)


@pytest.mark.parametrize(
    "path", ["", "a", "//", "/a//b", "/.", "/.a", "/a.", "/a..b", "/a/./b", "/a;b", "/a%20b", "/a b", "/a\n", "/\u00e9", "/a?b"]
)
def test_whatever_might_be_read_in_two_ways_is_not_plain(path: str) -> None:
    assert not is_plain(path)


def test_every_reading_of_a_path_is_told_and_the_path_itself_first() -> None:
    told = list(readings("/a;x%2Fb%3Fc"))
    assert told[0] == "/a;x%2Fb%3Fc"
    assert set(told) == {"/a;x%2Fb%3Fc", "/a", "/a;x%2Fb", "/a;x/b%3Fc", "/a/b%3Fc", "/a;x/b", "/a/b"}


def test_what_servers_ignore_at_an_end_is_trimmed() -> None:
    assert [trimmed(path, False) for path in ("/", "/a/", "/a.")] == ["/", "/a", "/a."]
    assert [trimmed(path, True) for path in ("/", "/a./b%20./", "/A.b")] == ["/", "/a/b", "/A.b"]


def test_a_pattern_matches_as_its_app_reads() -> None:
    assert expression("/a*/**", False).fullmatch("/ab/c/d") and not expression("/a*/**", False).fullmatch("/Ab")
    assert expression("/a/*", True).fullmatch("/A/b") and not expression("/a/*", True).fullmatch("/a/b/c")
    assert not expression("/../a", False).fullmatch("/a")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("/" + "a" * LONGEST_PATTERN, "has more than 1024 characters"),
        ("/*" * (MOST_WILDCARDS + 1), "has more than 8 wildcards"),
        ("/**" + "/a" * (MOST_SEGMENTS_BEHIND_REST + 1), "has more than 16 segments behind its first **"),
        ("/*" + "a" * (LONGEST_PIECE + 1) + "*", "has more than 32 characters between two * of one segment"),
        ("/**" + "/a" * MOST_SEGMENTS_BEHIND_REST, None),
        ("/a" * 40 + "/**", None),
    ],
)
def test_a_pattern_is_bounded_where_its_match_costs_time(pattern: str, problem: str | None) -> None:
    assert pattern_problem(pattern) == problem


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("/**", "/ /a /a/b/", ""),
        ("/a/**/b", "/a/b /a/x/b /a/b/b", "/a /ab /a/bb /ac/b /a/b/"),
        ("/**/a/**/b*/**/c", "/a/b/c /x/a/a/bx/y/c", "/a/c /a/c/b /xa/b/c"),
        ("/**/*.pdf", "/.pdf /a/b.pdf", "/a.pdf/ /apdf"),
        ("/**/a/*/b*d", "/a/x/bd /a/a/a/bcd", "/a/bd /a/x/bd/y"),
        ("/a*b*c*d", "/abcd /axbxcxd", "/abd /acbd /abc/d"),
        ("/**/**/a", "/a /b/a", "/b"),
        ("/a*", "/a /ab", "/ba /a/"),
        ("/*", "/a", "/ /a/"),
    ],
)
def test_a_pattern_matches_whole_paths(pattern: str, matched: str, others: str) -> None:
    assert all(expression(pattern, False).fullmatch(path) for path in matched.split())
    assert not any(expression(pattern, False).fullmatch(path) for path in others.split())
