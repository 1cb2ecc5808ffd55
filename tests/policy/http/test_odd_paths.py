"""Paths that servers read in many ways: each reading is told, and a path goes on only where all of them fall under the same rule."""

import posixpath
import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.policy.http.messages import Malformed
from gateway.policy.http.odd_paths import MOST_READINGS, may_leave, odd_readings
from gateway.policy.http.paths import ODD, is_own, normalised
from gateway.policy.routing.routing import DEFAULT_RULE, Access, Rule, rule_of_path
from tests.policy.routing.apps_and_rules import app

PUBLIC, ADMIN = Rule("/public/**", Access.ANYONE), Rule("/admin/**", Access.SESSION, users=frozenset({"root@example.com"}))
PIECES = (
    *("/", "/", "/public", "/admin", "public", "admin", "..", ".", "/..", "/../", "...", ";", ";x=1", "//", "x"),
    *(
        "%2e",
        "%2F",
        "%5c",
        "%3b",
        "%3f",
        "%23",
        "%20",
        "%252e",
        "%C0%AF",
        "%C0%AE",
        "%C0%B4",
        "%E0%80%AF",
        "%C1%A1dmin",
        "%ff",
        "/.gateway",
    ),
)
paths = st.lists(st.sampled_from(PIECES), max_size=7).map(lambda parts: "/" + "".join(parts))


def careless_readings(path: str) -> set[str]:
    """What servers make of a path, in other words than the gateway's: any of these steps, in this order, once or not at all."""
    overlong = {b"%C0%AF": b"/", b"%C0%AE": b".", b"%C0%B4": b"4", b"%E0%80%AF": b"/", b"%C1%A1": b"a"}
    raw = path.encode()
    plain = raw
    for spelled, meant in overlong.items():
        plain = plain.replace(spelled, meant)
    seen = {unquote_to_bytes(one).decode("latin-1") for one in (raw, plain, raw.replace(b"%2F", b"%252F"))}
    steps: tuple[Callable[[str], str], ...] = (
        lambda one: one.replace("\\", "/"),
        lambda one: re.split("[?#]", one)[0],
        lambda one: re.sub(";[^/]*", "", one),
        lambda one: re.sub("/+", "/", one),
        lambda one: posixpath.normpath(one) if one else one,
    )
    for step in steps:
        seen |= {step(one) for one in seen}
    return {re.sub("^//", "/", one) for one in seen if one}


@example("/public/..%C0%AFadmin")
@example("/public/%2e%2e%2Fadmin")
@given(paths)
def test_what_goes_on_as_public_is_public_in_every_careless_reading(path: str) -> None:
    found = rule_of_path(app(PUBLIC, ADMIN), path, "GET")
    if isinstance(found, Rule) and found.access is Access.ANYONE:
        assert all(one == "/public" or one.startswith("/public/") for one in careless_readings(path)), careless_readings(path)
    if isinstance(found, Rule) and found.users is None:
        assert not any(one == "/admin" or one.startswith("/admin/") for one in careless_readings(path)), careless_readings(path)


@given(paths, st.booleans())
def test_an_odd_path_is_refused_only_where_two_readings_fall_under_different_rules(path: str, case_insensitive: bool) -> None:
    shape = normalised(path)
    assume(isinstance(shape, Malformed) and shape.reason in ODD)
    here = app(PUBLIC, ADMIN, case_insensitive=case_insensitive)
    told = odd_readings(path, case_insensitive)
    found = rule_of_path(here, path, "GET")
    if told is None:
        assert isinstance(found, Malformed)
        return
    kinds = {None if is_own(one) else placed_apart(one, case_insensitive) for one in told}
    assert isinstance(found, Malformed) is (len(kinds) > 1 or kinds == {None})
    assert isinstance(found, Malformed) or {found.conditions} == kinds


def placed_apart(reading: str, case_insensitive: bool) -> object:
    """What is asked of those who come to a reading, with and without what servers ignore at its end."""
    text = reading.lower() if case_insensitive else reading
    ends = [text, "/".join(re.sub(r"(?:\.|%20)+\Z", "", part) for part in text.split("/")) if case_insensitive else text]
    ends += [(end.rstrip("/") or "/") for end in ends]
    kinds = {next((rule for rule in (PUBLIC, ADMIN) if rule.matches(end)), DEFAULT_RULE).conditions for end in ends}
    return kinds.pop() if len(kinds) == 1 else frozenset(kinds)


@given(paths, st.booleans())
def test_where_no_rule_tells_paths_apart_only_the_gateways_own_are_refused(path: str, case_insensitive: bool) -> None:
    shape = normalised(path)
    assume(isinstance(shape, Malformed) and shape.reason in ODD)
    for of in ((), (Rule("/**", Access.OPTIONAL),)):
        found = rule_of_path(app(*of, case_insensitive=case_insensitive), path, "GET")
        assert isinstance(found, Rule) or may_leave(path, case_insensitive)
    told = odd_readings(path, case_insensitive)
    assert may_leave(path, case_insensitive) or told is None or not any(map(is_own, told))


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/api/queues/%2F/orders", DEFAULT_RULE),
        ("/view/https%3A%2F%2Fx", DEFAULT_RULE),
        ("/users/CORP%5Calice", DEFAULT_RULE),
        ("/%C0%B4.html", DEFAULT_RULE),
        ("/a/;v=1/b", DEFAULT_RULE),
        ("/public//x", PUBLIC),
        ("/public/./x", PUBLIC),
        ("/public/a/../b%5Cc", PUBLIC),
        ("/public/%C0%B4.html", PUBLIC),
        ("/admin//x", ADMIN),
        ("/public/../admin", None),
        ("/public/..%5Cadmin", None),
        ("/public/%C0%AE%C0%AE/admin", None),
        ("/public/..%F8%80%80%80%AFx", None),
        ("/public%5C..%5Cadmin", None),
        ("//public/admin/x", None),
        ("//x/public/y", None),
        ("/public/.../x", None),
        ("/public/;/../x", None),
        ("/..", None),
        ("/%2e%2e/x", None),
        ("/a/../../a", None),
        ("/a/%2E%2E%5C..%5Ca", None),
        ("/.../a", DEFAULT_RULE),
        ("/x/..;/.gateway/session", None),
        ("/%5C.gateway", None),
        ("/%C0%AE%67ateway/x//", None),
        ("/public/%C0%80/../../admin", None),
        ("/public/x%C0%8Aadmin", PUBLIC),
        ("/public/..%C0%80y", None),
        ("/public/..%3F//x", None),
    ],
)
def test_a_path_goes_on_where_its_readings_agree(path: str, rule: Rule | None) -> None:
    found = rule_of_path(app(PUBLIC, ADMIN), path, "GET")
    assert found == rule if rule is not None else isinstance(found, Malformed), found


def test_a_slash_more_or_less_shakes_off_no_rule() -> None:
    docs, deep = Rule("/docs", Access.SESSION, users=frozenset({"root@example.com"})), Rule("/a/b", Access.SESSION)
    here = app(docs, deep, Rule("/**", Access.ANYONE))
    for path in ("/docs//", "//docs/", "/x/../docs/", "/a///../b"):
        assert isinstance(rule_of_path(here, path, "GET"), Malformed), path
    assert rule_of_path(here, "/x//y", "GET") == Rule("/**", Access.ANYONE)


@pytest.mark.parametrize(
    ("path", "is_taken"),
    [
        ("/users//x:y", True),
        ("/ADMIN//x", True),
        ("/public/x//..%5C..%5Cadmin", False),
        ("//ADMIN~1/x", False),
        ("/x/%5C%EF%BC%8F..%EF%BC%8Fadmin", False),
        ("/public//x%EF%BC%A1", True),
        ("/public//..%EF%BC%8Fadmin", False),
        ("//%EF%BC%8E%47ateway/x", False),
        ("/public/:..%5C..%5C", False),
    ],
)
def test_a_server_on_windows_has_readings_of_its_own(path: str, is_taken: bool) -> None:
    assert isinstance(rule_of_path(app(PUBLIC, ADMIN, case_insensitive=True), path, "GET"), Rule) is is_taken


def test_a_path_with_more_readings_than_anybody_means_is_told_to_have_none() -> None:
    odd = "//a;b/%2F/..%5C%C0%AF.../%3F/%23"
    assert odd_readings(odd, False) is None or len(odd_readings(odd, False) or ()) <= MOST_READINGS
    assert odd_readings("//a" * 900, False) is not None
    assert odd_readings("/a%2F;b/%5C/../" * 500, False) is None
    assert isinstance(rule_of_path(app(PUBLIC), "/a%2F;b/%5C/../" * 500, "GET"), Malformed)
