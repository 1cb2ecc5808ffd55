"""Preflights, and fields that ask for another method: neither leads a request past a rule."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Fields, Malformed
from gateway.policy.http.methods import is_preflight, overridden
from gateway.policy.routing.routing import DEFAULT_RULE, Access, Rule, rule_of_path
from tests.field.pattern_functions import head
from tests.policy.routing.apps_and_rules import app, rules

ORIGIN, WANTED = (b"Origin", b"https://spa.example.net"), (b"Access-Control-Request-Method", b"PUT")
FORM = Rule("/form/**", Access.ANYONE, methods=frozenset({"POST"}))
FIELD = b"x-http-method"


def asking(method: str, *values: bytes, path: str = "/form/x") -> tuple[Rule | Malformed, Rule | Malformed]:
    here = app(FORM, overrides=frozenset({FIELD}))
    asked = head(path, method, *((b"X-HTTP-Method", value) for value in values))
    first = rule_of_path(here, path, method)
    return first, overridden(first, asked, here)


@pytest.mark.parametrize(
    ("method", "fields", "is_one"),
    [
        ("OPTIONS", (ORIGIN, WANTED), True),
        ("OPTIONS", (ORIGIN, (b"access-control-request-method", b"VERSION-CONTROL")), True),
        ("OPTIONS", (ORIGIN,), False),
        ("OPTIONS", (WANTED,), False),
        ("OPTIONS", (ORIGIN, ORIGIN, WANTED), False),
        ("OPTIONS", (ORIGIN, WANTED, WANTED), False),
        ("OPTIONS", (ORIGIN, (WANTED[0], b"P T")), False),
        ("OPTIONS", (ORIGIN, (WANTED[0], b"")), False),
        ("GET", (ORIGIN, WANTED), False),
        ("options", (ORIGIN, WANTED), False),
    ],
)
def test_a_preflight_is_what_browsers_send(method: str, fields: Fields, is_one: bool) -> None:
    assert is_preflight(head("/x", method, *fields)) is is_one


def test_the_rules_of_both_methods_bind() -> None:
    assert asking("POST", b"POST") == (FORM, FORM)
    for method, value in (("POST", b"DELETE"), ("DELETE", b"POST"), ("PUT", b"post")):
        first, both = asking(method, value)
        assert isinstance(first, Rule) and both == first.and_also(DEFAULT_RULE if first == FORM else FORM)
    first, both = asking("POST")
    assert both == first == FORM


@pytest.mark.parametrize("value", [b"", b"DE LETE", b"GET,POST", b"\xff", b"G" * 65])
def test_what_is_no_method_is_refused(value: bytes) -> None:
    assert asking("POST", value)[1] == Malformed(400, "method_override")


def test_a_path_that_is_refused_stays_so() -> None:
    here = app(FORM, Rule("/open/**", Access.ANYONE, methods=frozenset({"GET"})), overrides=frozenset({FIELD}))
    for first, other in product(("POST", "GET", "PUT"), repeat=2):
        asked = head("/form/../open", first, (b"X-HTTP-Method", other.encode()))
        found = overridden(rule_of_path(here, asked.path, first), asked, here)
        apart = {method: rule_of_path(here, asked.path, method) for method in (first, other)}
        assert isinstance(found, Malformed) is any(isinstance(one, Malformed) for one in apart.values())


@given(
    st.lists(rules, max_size=4),
    st.sampled_from(["GET", "POST", "FOO"]),
    st.sampled_from(["GET", "POST", "foo"]),
    st.sampled_from(["a@x.com", "root"]),
)
def test_a_field_makes_nothing_more_open(of: list[Rule], method: str, other: str, login: str) -> None:
    here = app(*of, overrides=frozenset({FIELD}))
    asked = head("/public/a", method, (b"X-HTTP-Method", other.encode()))
    first = rule_of_path(here, asked.path, method)
    both = overridden(first, asked, here)
    order = [Access.ANYONE, Access.OPTIONAL, Access.SESSION, Access.NOBODY]
    assert isinstance(first, Rule) and isinstance(both, Rule)
    for one in (first, rule_of_path(here, asked.path, other), rule_of_path(here, asked.path, other.upper())):
        assert isinstance(one, Rule) and order.index(both.access) >= order.index(one.access)
        assert one.permits(login) or not both.permits(login)
