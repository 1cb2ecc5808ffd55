"""What every page must be for a keyboard, a screen reader and a strict content policy; and what no page may be made to say."""

from pathlib import Path
from typing import get_args

import pytest

import gateway.pages
from gateway.pages import (
    BadRequest,
    ConfirmSignOut,
    ConfirmSwitch,
    Forbidden,
    GoingOn,
    NobodyPage,
    RefusedPage,
    SessionPage,
    SignedOutPage,
    SignInWithheld,
    View,
    render,
)
from gateway.pages.views import SWITCH_PATH
from tests.pages.parsed import Parsed, parse
from tests.pages.views_of_every_kind import NOW, PLAIN_VIEWS, views

HOSTILE_WORDS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)",
    "{{ 7 * 7 }}",
    "&lt;b&gt;",
    "",
    "\ud800\x00",
    "ä" * 5000,
]
HOSTILE_ADDRESSES = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example/", "/\\evil.example",
    "\\\\evil.example", "https://good@evil.example/",
    "https:evil.example", "http:///evil.example",
    "/ok\nSet-Cookie: a=b", " /leading", "vbscript:x", "evil.example", '/"><script>', "/a\tb", "/a\\b",
]  # fmt: skip
ALLOWED_ELEMENTS = {
    "html", "head", "meta", "title", "link", "script", "body", "main", "footer", "div", "h1", "h2", "p", "ul", "ol", "li", "dl", "dt",
    "dd", "code", "svg", "path", "span", "bdi", "strong", "em", "time", "form", "input", "button", "a", "template",
}  # fmt: skip


def test_every_page_is_looked_at() -> None:
    assert {type(view) for view in PLAIN_VIEWS} == set(get_args(View))


@pytest.mark.parametrize("view", PLAIN_VIEWS, ids=lambda view: type(view).__name__)
def test_a_page_has_language_title_landmarks_and_one_heading(view: View) -> None:
    page = parse(render(view).html)
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == 1
    assert page.text("h1")
    assert page.text("title") == page.text("h1")
    assert len(page.named("main")) == len(page.named("footer")) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.named("meta")


@pytest.mark.parametrize("view", PLAIN_VIEWS, ids=lambda view: type(view).__name__)
def test_every_control_has_a_name_and_every_id_is_unique(view: View) -> None:
    html = render(view).html.decode()
    page = parse(html.encode())
    for piece in html.split("<button")[1:] + html.split('<a class="button')[1:]:
        assert piece.partition(">")[2].partition("<")[0].strip()
    assert all(field["type"] == "hidden" for field in page.named("input"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    spoken = {attributes["data-speaks"] for _, attributes in page.elements if "data-speaks" in attributes}
    assert spoken <= set(ids)


def _assert_inert(page: Parsed) -> None:
    for name, attributes in page.elements:
        assert name in ALLOWED_ELEMENTS
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    assert len(page.named("script")) == 1
    assert page.texts.get("script", []) == []
    assert page.named("style") == []
    for attributes in page.named("script", "link"):
        address = attributes.get("src") or attributes.get("href")
        assert address is not None
        assert address.startswith("/.gateway/")


@pytest.mark.parametrize("view", PLAIN_VIEWS, ids=lambda view: type(view).__name__)
def test_a_page_has_nothing_inline_and_nothing_from_elsewhere(view: View) -> None:
    _assert_inert(parse(render(view).html))
    assert b"://" not in render(view).html


@pytest.mark.parametrize("word", HOSTILE_WORDS, ids=str)
def test_hostile_words_stay_words(word: str) -> None:
    plain = views("alice", "/x")
    for view, likeness in zip(views(word, "/x"), plain, strict=True):
        page, usual = (parse(render(each, request_id="7f3a", at=NOW).html) for each in (view, likeness))
        _assert_inert(page)
        names = [
            [name for name, _ in each.elements if name not in {"footer", "code", "dl", "dt", "dd", "p", "div", "form", "input"}]
            for each in (page, usual)
        ]
        if word:
            assert names[0] == names[1]


def test_the_word_is_shown_as_it_was_written() -> None:
    page = parse(render(Forbidden(HOSTILE_WORDS[0], "reason")).html)
    assert HOSTILE_WORDS[0] in page.text("main")


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES, ids=str)
def test_a_hostile_address_becomes_the_session_page(address: str) -> None:
    for view in views("alice", address):
        page = parse(render(view).html)
        addresses = [each.get("href") for each in page.named("a")] + [each.get("action") for each in page.named("form")]
        addresses += [str(each["content"]).removeprefix("0; url=") for each in page.named("meta") if each.get("http-equiv") == "refresh"]
        for found in addresses:
            assert found in {"", "/", "/.gateway/", "/.gateway/sign-out", SWITCH_PATH} or found == address == '/"><script>'


def test_an_address_of_another_configured_host_is_kept() -> None:
    page = parse(render(SignedOutPage(True, "https://hr.example.com/.gateway/sign-in?to=/a%2Fb&x=1")).html)
    assert page.named("a")[0]["href"] == "https://hr.example.com/.gateway/sign-in?to=/a%2Fb&x=1"


def _forms(view: View) -> list[tuple[str | None, str | None, dict[str | None, str | None]]]:
    forms = []
    for piece in render(view).html.split(b"<form")[1:]:
        page = parse(b"<form" + piece.partition(b"</form>")[0] + b"</form>")
        form = page.named("form")[0]
        forms.append((form.get("method"), form.get("action"), {each.get("name"): each.get("value") for each in page.named("input")}))
    return forms


def test_the_session_page_signs_out_and_switches_by_post() -> None:
    assert _forms(SessionPage("alice", NOW, NOW, "hr.example.com")) == [
        ("post", "/.gateway/sign-out", {"then": "switch"}),
        ("post", "/.gateway/sign-out", {}),
    ]


def test_the_confirmed_switch_carries_the_sealed_request_and_a_way_to_stay() -> None:
    view = ConfirmSwitch("alice", "c2VhbGVk")
    assert _forms(view) == [("post", "/.gateway/switch", {"request": "c2VhbGVk"})]
    page = parse(render(view).html)
    assert page.named("a")[0]["href"] == "/.gateway/"
    assert "Stay signed in as alice" in page.text("a")
    assert "alice is signed out first, in all your work applications." in page.text("main")


def test_a_sign_in_by_a_strangers_link_names_the_place_it_comes_from_and_a_way_to_refuse() -> None:
    view = ConfirmSwitch(None, "c2VhbGVk", "https://shop.example.net")
    assert _forms(view) == [("post", "/.gateway/switch", {"request": "c2VhbGVk"})]
    page = parse(render(view).html)
    assert page.text("h1") == "Sign in with this link?"
    assert page.named("a")[0]["href"] == "/.gateway/"
    assert "A link from https://shop.example.net wants to sign you in." in page.text("main")
    assert "A link from an unknown place wants to sign you in." in parse(render(ConfirmSwitch(None, "c2VhbGVk")).html).text("main")


def test_a_confirmed_switch_leads_on_by_itself_and_by_a_link() -> None:
    page = parse(render(GoingOn("https://app.example.org/a?b=c&d=e")).html)
    assert {"http-equiv": "refresh", "content": "0; url=https://app.example.org/a?b=c&d=e"} in page.named("meta")
    assert page.named("a")[0]["href"] == "https://app.example.org/a?b=c&d=e"
    assert page.named("form") == []
    assert "signed in" not in page.text("main")
    assert "changed" not in page.text("main")


def test_no_other_page_leads_on_by_itself() -> None:
    for view in PLAIN_VIEWS:
        refreshes = [each for each in parse(render(view).html).named("meta") if "http-equiv" in each]
        assert bool(refreshes) is isinstance(view, GoingOn)


def test_a_sign_in_that_was_stopped_says_that_nobody_is_signed_in_and_names_nobody() -> None:
    page = parse(render(SignInWithheld("close_unproven", 5)).html)
    assert "Nobody is signed in here now." in page.text("main")
    assert [each["href"] for each in page.named("a")] == ["/.gateway/"]
    assert page.named("form") == []
    assert (b"Retry-After", b"5") in render(SignInWithheld("close_unproven", 5)).fields


def test_sign_out_carries_where_to_go_only_when_there_is_somewhere() -> None:
    assert _forms(ConfirmSignOut("alice", to="/a?b=c&d")) == [("post", "/.gateway/sign-out", {"to": "/a?b=c&d"})]
    assert _forms(ConfirmSignOut(None)) == [("post", "/.gateway/sign-out", {})]


def test_forbidden_offers_to_sign_out_and_use_another_account() -> None:
    assert _forms(Forbidden("alice", "users")) == [("post", "/.gateway/sign-out", {"then": "switch"})]


def test_an_incomplete_sign_out_says_so_and_goes_nowhere_by_itself() -> None:
    page = parse(render(SignedOutPage(False, "/x")).html)
    assert "could not be reached" in page.text("main")
    assert not [each for each in page.named("meta") if "http-equiv" in each]
    assert "could not be reached" not in parse(render(SignedOutPage(True, "/x")).html).text("main")


def test_a_sign_out_that_other_servers_do_not_know_of_says_so_and_blames_okta_only_for_what_it_did() -> None:
    for is_closed in (True, False):
        page = parse(render(SignedOutPage(is_closed, "/x", is_shared=False)).html)
        assert page.text("h1") == "You are signed out in this browser" and "Some of our servers could not be told yet" in page.text("main")
        assert ("could not be reached" in page.text("main")) is not is_closed
        assert ("when they next ask Okta, where you are signed out" in page.text("main")) is is_closed


def test_no_page_promises_a_sign_out_beyond_this_gateway() -> None:
    signed_out = parse(render(SignedOutPage(True)).html).text("main")
    assert "You are signed out in all your work applications." in signed_out
    assert "Some applications also have a sign-in of their own. Sign out there as well." in signed_out
    for view in (ConfirmSignOut("alice"), ConfirmSignOut(None)):
        assert "all your work applications." in parse(render(view).html).text("main")


def test_an_unknown_name_leads_nowhere() -> None:
    assert parse(render(BadRequest(421, "unknown_host")).html).named("a") == []
    assert parse(render(BadRequest(404, "no_such_path")).html).named("a") != []


def test_a_refused_switch_can_be_tried_again_at_its_own_address_without_writing_it_down() -> None:
    assert parse(render(RefusedPage("x", 5, "")).html).named("a")[0]["href"] == ""
    assert parse(render(RefusedPage("x", 5, None)).html).named("a") == []


def test_the_small_print_shows_reason_time_and_request() -> None:
    footer = parse(render(RefusedPage("close_unproven", 5, ""), at=NOW, request_id="7f3a-91c2").html).text("footer")
    assert "close_unproven" in footer
    assert "2026-10-05 15:28:12 UTC" in footer
    assert "7f3a-91c2" in footer
    assert parse(render(NobodyPage("/x")).html).text("footer") == ""


def test_no_template_or_asset_names_another_site() -> None:
    room = Path(gateway.pages.__file__).parent
    for path in [*room.glob("templates/*.html"), *room.glob("static/*")]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("\n  // ", "").replace("// Counts", ""), path.name
        assert "|safe" not in text
        assert "Markup" not in text
