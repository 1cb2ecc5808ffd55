"""Where a cookie belongs is read as browsers read it, fits into four characters, and is found again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.cookie_scopes import (
    LONGEST_PATH,
    MOST_LABELS,
    Attributes,
    Scope,
    attributes_of,
    domain_of,
    possible_paths,
    removal,
    removal_at,
    scope_of,
    scope_read,
)

HOST = b"hr.example.com"


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        (b"", Attributes(False, b"", b"", False)),
        (b" Path=/a; HttpOnly", Attributes(True, b"/a", b"", False)),
        (b"PATH = /a ;httponly=no; domain=.Example.COM;Partitioned", Attributes(True, b"/a", b"example.com", True)),
        (b"Path=/a; Path=/b; Domain=a.com; Domain=b.com", Attributes(False, b"/b", b"b.com", False)),
        (b"Path=/a; Path=b", Attributes(False, b"", b"", False)),
        (b"Domain=a.com; Domain=", Attributes(False, b"", b"a.com", False)),
        (b"Path=/a; Path=/" + b"x" * LONGEST_PATH, Attributes(False, b"/a", b"", False)),
        (b"Max-Age=1; Secure; x; =", Attributes(False, b"", b"", False)),
    ],
)
def test_attributes_are_read_as_browsers_read_them(text: bytes, attributes: Attributes) -> None:
    assert attributes_of[text] == attributes


@pytest.mark.parametrize(
    ("attributes", "path", "scope"),
    [
        (b"", b"/a/b", Scope(2)),
        (b"", b"/a/", Scope(2)),
        (b"", b"/a", Scope(1)),
        (b"", b"*", Scope(1)),
        (b"Path=/a/b/c", b"/", Scope(6)),
        (b"Domain=example.com", b"/", Scope(1, 2)),
        (b"Domain=hr.example.com; Partitioned", b"/", Scope(1, 3, True)),
        (b"Domain=com", b"/", Scope(1, 1)),
        (b"Domain=other.com", b"/", Scope(1)),
        (b"Domain=r.example.com", b"/", Scope(1)),
    ],
)
def test_the_scope_is_where_a_browser_keeps_the_cookie(attributes: bytes, path: bytes, scope: Scope) -> None:
    assert scope_of(attributes_of[attributes], HOST, path) == scope


@given(st.integers(0, 9000), st.integers(0, MOST_LABELS), st.booleans())
def test_a_scope_is_four_characters_and_is_read_again(length: int, labels: int, is_partitioned: bool) -> None:
    scope = Scope(length, labels, is_partitioned)
    assert len(scope.text) == 4 and scope_read[scope.text] == scope._replace(path_length=min(length, 4095))


@given(st.binary(max_size=6))
def test_other_characters_are_no_scope(text: bytes) -> None:
    scope = scope_read[text]
    assert scope is None or scope.text == text


@pytest.mark.parametrize("text", [b"", b"AAA", b"AAA=", b"A A=", b"____", b"AAAC"])
def test_a_scope_has_one_spelling(text: bytes) -> None:
    assert scope_read[text] is None


@pytest.mark.parametrize(("labels", "domain"), [(0, b""), (1, b"com"), (2, b"example.com"), (3, HOST), (4, None)])
def test_the_domain_of_so_many_labels(labels: int, domain: bytes | None) -> None:
    assert domain_of(HOST, labels) == domain


DEAD = b"; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
ENDS = b"; Secure; HttpOnly; SameSite=None"


@pytest.mark.parametrize(
    ("scope", "path", "line"),
    [
        (Scope(1), b"/a/b", b"n=; Path=/" + DEAD + ENDS),
        (Scope(2), b"/a/b", b"n=; Path=/a" + DEAD + ENDS),
        (Scope(3, 2), b"/a/b", b"n=; Path=/a/" + DEAD + b"; Domain=example.com" + ENDS),
        (Scope(2, 0, True), b"/a/b", b"n=; Path=/a" + DEAD + ENDS + b"; Partitioned"),
        (Scope(4095), b"/a/b", b"n=; Path=/" + DEAD + ENDS),
        (Scope(5), b"/a;x/b", b"n=; Path=/" + DEAD + ENDS),
        (Scope(2, 9), b"/a/b", b"n=; Path=/a" + DEAD + ENDS),
    ],
)
def test_a_cookie_is_removed_where_it_belongs(scope: Scope, path: bytes, line: bytes) -> None:
    assert removal(b"n", scope, HOST, path) == line


@pytest.mark.parametrize("name", [b"", b"a;b", b"a\r\nb", b"a=b"])
def test_no_line_is_made_for_a_name_that_would_add_to_it(name: bytes) -> None:
    assert removal_at(name, b"/") is None


def test_a_cookie_for_one_host_alone_has_no_domain() -> None:
    assert removal_at(b"__Host-x", b"/", b"example.com") is None and removal_at(b"__Host-x", b"/") is not None


@pytest.mark.parametrize(
    ("path", "most", "paths"),
    [
        (b"/", 6, (b"/",)),
        (b"/a", 6, (b"/", b"/a")),
        (b"/a/", 6, (b"/", b"/a", b"/a/")),
        (b"/a/b", 6, (b"/", b"/a", b"/a/", b"/a/b")),
        (b"/a/b/c", 3, (b"/", b"/a", b"/a/")),
        (b"/a;b/c", 6, (b"/",)),
        (b"*", 6, (b"/",)),
    ],
)
def test_the_paths_that_a_cookie_can_have(path: bytes, most: int, paths: tuple[bytes, ...]) -> None:
    assert possible_paths(path, most) == paths


@given(st.text("/ab;% ", max_size=40), st.text("/ab;% ", max_size=20))
def test_what_a_browser_keeps_is_removed_there(path: str, set_at: str) -> None:
    asked, given_path = b"/" + path.encode(), b"/" + set_at.encode()
    scope = scope_of(attributes_of[b"Path=" + given_path], HOST, asked)
    kept = given_path.partition(b";")[0].strip(b" ")
    sent_back = asked == kept or (asked.startswith(kept) and (kept.endswith(b"/") or asked[len(kept) :].startswith(b"/")))
    line = removal(b"n", scope, HOST, asked)
    if sent_back and b" " not in kept:
        assert line is not None and line.startswith(b"n=; Path=" + kept + DEAD)
