"""The response fields of the own pages, and the assets beside them."""

from hashlib import sha256

import pytest

from gateway.pages import (
    ASSET_NAMES,
    BadRequest,
    Forbidden,
    RefusedPage,
    SignedOutPage,
    TokenSpent,
    UnavailablePage,
    UpstreamDown,
    View,
    asset,
    render,
)
from tests.pages.parsed import parse
from tests.pages.views_of_every_kind import PLAIN_VIEWS

SAME_ON_EVERY_PAGE = {
    b"Content-Type": b"text/html; charset=utf-8",
    b"Cache-Control": b"no-store",
    b"X-Content-Type-Options": b"nosniff",
    b"X-Frame-Options": b"DENY",
    b"Referrer-Policy": b"same-origin",
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
}


@pytest.mark.parametrize("view", PLAIN_VIEWS, ids=lambda view: type(view).__name__)
def test_every_page_carries_every_security_field_once(view: View) -> None:
    fields = render(view).fields
    names = [name.lower() for name, _ in fields]
    assert len(names) == len(set(names))
    assert SAME_ON_EVERY_PAGE.items() <= dict(fields).items()


@pytest.mark.parametrize("view", PLAIN_VIEWS, ids=lambda view: type(view).__name__)
def test_the_policy_allows_only_the_own_stylesheet_script_and_mark(view: View) -> None:
    policy = dict(render(view).fields)[b"Content-Security-Policy"].decode()
    directives = {words[0]: words[1:] for words in (part.split() for part in policy.split(";"))}
    assert directives == {
        "default-src": ["'none'"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "img-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_form_targets_join_the_form_action_once_each() -> None:
    login, app = "https://login.example.com", "http://app.example.localhost:8080"
    policy = dict(render(SignedOutPage(True), form_targets=(login, app, login)).fields)[b"Content-Security-Policy"]
    assert f"form-action 'self' {login} {app};".encode() in policy


@pytest.mark.parametrize(
    "target",
    [
        "*",
        "login.example.com",
        "https://a.example/; script-src *",
        "https://a.example b",
        "https://a.example\r\nX: y",
        "https://",
        "'none'",
        "",
    ],
)
def test_a_form_target_that_is_not_an_origin_is_an_error(target: str) -> None:
    with pytest.raises(ValueError, match="not an origin"):
        render(SignedOutPage(True), form_targets=(target,))


@pytest.mark.parametrize(
    ("view", "status", "retry_after"),
    [
        (SignedOutPage(True), 200, None),
        (SignedOutPage(False), 200, None),
        (RefusedPage("x", 12, None), 503, b"12"),
        (RefusedPage("x", None, None), 503, None),
        (UnavailablePage("x", 5), 503, b"5"),
        (UnavailablePage("x", -3), 503, b"0"),
        (Forbidden("a", "x"), 403, None),
        (TokenSpent(), 409, None),
        (BadRequest(421, "x"), 421, None),
        (BadRequest(431, "x"), 431, None),
        (UpstreamDown("hr", 504), 504, None),
    ],
)
def test_status_and_retry_after(view: View, status: int, retry_after: bytes | None) -> None:
    page = render(view)
    assert page.status == status
    assert dict(page.fields).get(b"Retry-After") == retry_after


@pytest.mark.parametrize("name", ASSET_NAMES)
def test_an_asset_is_linked_by_the_hash_of_what_is_served(name: str) -> None:
    found = asset(name)
    assert found is not None
    assert found.version == sha256(found.body).hexdigest()[:12]
    fields = dict(found.fields)
    assert fields[b"Content-Type"] == found.content_type
    assert b"immutable" in fields[b"Cache-Control"]
    page = parse(render(SignedOutPage(True)).html)
    linked = {element.get("href") or element.get("src") for element in page.named("link", "script")}
    assert f"/.gateway/{name}?v={found.version}" in linked


@pytest.mark.parametrize("name", ["", "page", "Page.css", "../views.py", "../templates/base.html", "page.css/", "page.css?v=1"])
def test_no_other_name_is_served(name: str) -> None:
    assert asset(name) is None
