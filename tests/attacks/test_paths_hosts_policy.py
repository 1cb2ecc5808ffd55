"""Rows P1 to P15 and P24: the path that the rules judge is the path that the app gets, however an app may read it."""

import pytest

from tests.harness.browser import ALICE, BOB
from tests.harness.site import FETCH, IIS, Site

DOTTED = (
    *("/public/../admin/secrets", "/public/./../admin", "/public/..", "/public/x/../../admin", "/public/...", "/public/..;/admin"),
    *("/public/..;a=b/admin", "/public/.;/../admin", "/public/%2e%2e/admin", "/public/.%2e/admin", "/public/%2e./admin"),
    *("/public/%2E%2E%2Fadmin", "/public%2f..%2fadmin", "/public/..%2fadmin", "/public/..%5cadmin", "/public/%5c..%5cadmin"),
    *("/public/..%3b/admin", "/public/..%00/admin", "/public/..%20/admin", "/public/.. /admin", "/public/..\\admin", "/public\\..\\admin"),
    *("/public/%c0%ae%c0%ae/admin", "/public/%c0%ae./admin", "/public/..%c0%af../admin", "/public/%e0%80%ae%e0%80%ae/admin"),
    *("/public/%2e%2e;/admin", "/public/%2e%2e%3b/admin", "/public/..#/admin", "/public/..//admin", "/public//../admin"),
    *("/../admin", "/%2e%2e/admin", "/..", "/public/%u002e%u002e/admin", "/public/%%32%65%%32%65/admin"),
    *("/public/..%3f", "/public/..%3Fx/y", "/public/x/../..%23", "/public/..%3bx%3fy", "/public/x/%2e%2e/%2e%2e%23"),
)


@pytest.mark.parametrize("signed_in", [False, True])
async def test_p1_p2_a_public_prefix_is_no_way_up(site: Site, signed_in: bool) -> None:
    fields = await site.signed_in() if signed_in else FETCH
    for target in DOTTED:
        reply = await site.ask(target, fields)
        assert (reply.status, b"hello" in reply.raw) == (400, False), target
    assert site.behind.visits == []


async def test_p1_nobody_walks_up_into_a_rule_for_another_user(site: Site) -> None:
    """Not in the list of attacks: a signed-in user who is not the one that the rule names."""
    cookie = await site.signed_in(ALICE)
    for target in (
        "/bob",
        "/bob/",
        "/bob/x",
        "/b%6fb/x",
        "/%62%6F%62",
        "/bob%2Fx",
        "/x%2F..%2Fbob",
        "/bob;x=1/y",
        "/bob;/y",
        "/bob%3Fx",
        "/bob%23x",
    ):
        assert (await site.ask(target, cookie)).status in (400, 403), target
    assert site.behind.visits == []
    assert (await site.ask("/b%6fb/x", await site.signed_in(BOB))).status == 200
    assert site.behind.last.line == b"GET /b%6fb/x HTTP/1.1"


async def test_p4_a_path_is_decoded_once_and_forwarded_as_it_came(site: Site) -> None:
    for target in ("/public/%252e%252e/admin", "/public/%252E%252E%252Fadmin", "/public/%25252e", "/public/%255c..x", "/public/%2500"):
        assert (await site.ask(target)).status == 200
        assert site.behind.last.line == f"GET {target} HTTP/1.1".encode()


async def test_p6_control_characters_are_refused_in_any_spelling(site: Site) -> None:
    cookie = await site.signed_in()
    for number in (*range(0x20), 0x7F):
        for target in (f"/public/a%{number:02x}b", f"/public/a%{number:02X}", f"/admin%{number:02x}.css"):
            assert (await site.ask(target, cookie)).status == 400, target
    for raw in (
        b"/public/a\x00b",
        b"/public/a\x01b",
        b"/public/a\x7fb",
        b"/public/a\xffb",
        b"/public/\xc3\xa9",
        b"/public/a\tb",
        b"/public/a\rb",
    ):
        answer = await site.raw(b"GET " + raw + b" HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 "), raw
    for target in ("/admin%00.css", "/public%0a/admin", "/%0d%0aX:1"):
        reply = await site.ask(target, cookie)
        assert (reply.status, reply.values("X")) == (400, [])
    assert site.behind.visits == []


async def test_p8_rules_see_the_path_alone(site: Site) -> None:
    for target in (
        *("/api/private?path=/status", "/api/private?/status", "/api/private%3Fpath=/status", "/api/private%3F/status", "/admin?/public/x"),
        *("/api/private%23/status", "/admin?x=/../public/x", "/api/private;/x?/status", "/admin;/public/x", "/admin%2F?/public/"),
    ):
        assert (await site.ask(target)).status == 401, target
    assert (await site.ask("/api/private#/status")).status == 400
    assert site.behind.visits == []
    assert (await site.ask("/api/a/b/status?path=/admin")).status == 200


async def test_p9_a_pattern_matches_the_whole_path(site: Site) -> None:
    assert (await site.ask("/status")).status == 200
    site.behind.visits.clear()
    for target in (
        "/x/status",
        "/status/",
        "/statusx",
        "/status.json",
        "/status%2F",
        "/status%2Fx",
        "/STATUS",
        "/x/api/a/status",
        "/api/a/statusx",
    ):
        assert (await site.ask(target)).status == 401, target
    for target in ("/status%0a", "/status%0Ax", "/status%0d", "/api/a/status%0a", "/admin/../status"):
        assert (await site.ask(target)).status == 400, target
    assert (await site.ask("/status/../admin")).status == 401  # neither reading is the open one
    assert site.behind.visits == []


async def test_p10_a_prefix_ends_where_a_segment_ends(site: Site) -> None:
    for target in (
        "/publicadmin",
        "/public.admin",
        "/public-admin",
        "/public%2Fadmin",
        "/public%20",
        "/publi",
        "/public%3Bx",
        "/xpublic/x",
    ):
        assert (await site.ask(target)).status == 401, target
    assert site.behind.visits == []
    for target in ("/public", "/public/", "/public/x"):
        assert (await site.ask(target)).status == 200


@pytest.mark.parametrize(
    "target", ["//hr.example.com/public/x", "//x/bob", "/x//../bob", "/public/;/../x", "///../public/x", "/bob/./../x"]
)
async def test_p12_empty_and_dotted_segments_are_refused_where_their_readings_fall_under_different_rules(site: Site, target: str) -> None:
    assert (await site.ask(target, await site.signed_in())).status == 400
    assert site.behind.visits == []


@pytest.mark.parametrize(
    "target", ["//admin", "/admin//x", "/./admin", "/admin/.", "///", "/public//x", "/public/;/x", "/%2Fadmin", "/;/x"]
)
async def test_p12_empty_and_dotted_segments_are_forwarded_as_sent_where_their_readings_agree(site: Site, target: str) -> None:
    is_public = target.startswith("/public/")
    assert (await site.ask(target)).status == (200 if is_public else 401)
    assert (await site.ask(target, await site.signed_in())).status == 200
    assert site.behind.last.line == f"GET {target} HTTP/1.1".encode()


async def test_p14_letter_case_and_endings_shake_off_no_rule(site: Site) -> None:
    """By default paths compare exactly and what no rule names needs a session; `case_insensitive` is for servers that fold."""
    for target in ("/ADMIN", "/admin%20", "/admin.", "/admin/", "/PUBLIC/x", "/Public/x", "/%50ublic/x"):
        assert (await site.ask(target)).status == 401, target
    assert site.behind.visits == []
    alice, bob = await site.signed_in(ALICE, IIS), await site.signed_in(BOB, IIS)
    for target in ("/Bob/x", "/bob/x", "/BOB", "/bob/", "/bob./x", "/bob%20/x", "/bob..%20/x", "/b%4Fb/x", "/BOB;v=1/x", "/bob%2Fx"):
        assert (await site.ask(target, alice, origin=IIS)).status == 403, target
    assert (await site.ask("/bob./x", bob, origin=IIS)).status == 200
    assert (await site.ask("/X/OPEN", origin=IIS)).status == 200
    for target in ("/bob/open.", "/open./x", "/x/open%20y"):
        assert (await site.ask(target, origin=IIS)).status == 401, target


async def test_p15_overlong_and_broken_utf_8_is_never_decoded_differently(site: Site) -> None:
    """What is overlong goes on where all its readings fall under one rule, because a GBK site writes its names so."""
    cookie = await site.signed_in(ALICE)
    for target in ("/%c0%ae%c0%ae/admin", "/public/%c0%ae%c0%ae/x", "/x%c0%afbob/%c0%ae.%c0%af..%c0%afbob", "/%C1%A2ob/x", "/%e0%80%afbob"):
        assert (await site.ask(target, cookie)).status in (400, 403), target
    assert site.behind.visits == []
    overlong = ("/x/%c0%af", "/public/%c0%af", "/public/%C1%9C", "/%C0%B4.html", "/x%f8%80%80%80%af", "/x%fc%80%80%80%80%af")
    for target in (*overlong, "/%ff", "/%c3", "/%C3%A9", "/public/%ff%FE", "/%ed%a0%80", "/%ef%bc%8f"):
        assert (await site.ask(target, cookie)).status == 200, target
        assert site.behind.last.line == f"GET {target} HTTP/1.1".encode()


async def test_p24_path_and_query_arrive_byte_for_byte(site: Site) -> None:
    cookie = await site.signed_in()
    for target in (
        *("/a%2Fb?x=%7E&y=+&z", "/a%2fb%2Fc", "/~a/%7ea", "/a+b%20c", "/a:b@c!$&'()*,;=", "/?", "/??", "/?a=%00%0d%0a", "/?//x/../y"),
        *(
            "/x?%zz",
            "/x?%",
            '/x?a[]=1&b={}|^`"<>',
            "/x?a=\\",
            "/a?redirect=https://evil.example/",
            "/%E2%82%AC",
            "/a;b=c;d",
            "/x?=&&=",
            "/a?b?c#".rstrip("#"),
        ),
    ):
        assert (await site.ask(target, cookie)).status == 200, target
        assert site.behind.last.line == f"GET {target} HTTP/1.1".encode("latin-1")
