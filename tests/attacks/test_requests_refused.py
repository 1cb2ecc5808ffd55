"""Rows P18 to P23: hosts, methods and targets that are refused, and what holds for paths without a rule."""

import pytest

from tests.harness.browser import ALICE, HR, WIKI
from tests.harness.configuration import SMALLEST, problems, settings
from tests.harness.replies import told
from tests.harness.site import FETCH, NAVIGATE, Site


async def status_of(site: Site, head: bytes) -> int:
    """The status for a request whose request line and Host are these bytes."""
    answer = await site.raw(head + b"Connection: close\r\n" + FETCH + b"\r\n")
    return int(answer.split(b" ")[1])


@pytest.mark.parametrize(
    "host", ["hr.example.com", "HR.Example.COM", "hr.example.com.", "hr.example.com:443", "HR.EXAMPLE.COM.:443", "hr.example.com:0443"]
)
async def test_p18_one_host_in_all_its_spellings_has_one_policy(site: Site, host: str) -> None:
    cookie, origin = await site.signed_in(), f"https://{host}"
    assert (await site.ask("/admin", origin=origin)).status == 401
    assert (await site.ask("/bob/x", cookie, origin=origin)).status == 403
    assert (await site.ask("/admin", cookie, origin=origin)).status == 200
    assert told(site.behind.last, "Host") == told(site.behind.last, "X-Forwarded-Host") == ["hr.example.com"]
    assert (await site.ask("/", NAVIGATE, origin=origin)).location.startswith("https://login.example.com/.gateway/handoff?start=")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"Host: evil.example\r\n", 421),
        (b"Host: hr.example.com:444\r\n", 421),
        (b"Host: hr.example.com:80\r\n", 421),
        (b"Host: 127.0.0.1\r\n", 421),
        (b"Host: [::1]\r\n", 421),
        (b"Host: xn--hr-example-com\r\n", 421),
        (b"Host: user@hr.example.com\r\n", 400),
        (b"Host: evil.example@hr.example.com\r\n", 400),
        (b"Host: hr.example.com@evil.example\r\n", 400),
        (b"Host: hr.example.com, evil.example\r\n", 400),
        (b"Host: hr.example.com/public\r\n", 400),
        (b"Host: hr.example.com#\r\n", 400),
        (b"Host: hr.example.com?x\r\n", 400),
        (b"Host: hr.example.com..\r\n", 400),
        (b"Host: hr..example.com\r\n", 400),
        (b"Host: .hr.example.com\r\n", 400),
        (b"Host: hr.example.com:\r\n", 400),
        (b"Host: hr.example.com:443:443\r\n", 400),
        (b"Host: hr.example.com:4_43\r\n", 400),
        (b"Host: hr.example.com:99999\r\n", 400),
        (b"Host: hr%2eexample.com\r\n", 400),
        (b"Host: hr example.com\r\n", 400),
        (b"Host: hr\\example.com\r\n", 400),
        ("Host: hr\u3002example.com\r\n".encode(), 400),
        ("Host: \u212ar.example.com\r\n".encode(), 400),
        (b"Host: \r\n", 400),
        (b"", 400),
        (b"Host: hr.example.com\r\nHost: evil.example\r\n", 400),
        (b"Host: hr.example.com\r\nHost: hr.example.com\r\n", 400),
        (b"Host: hr.example.com\r\n evil.example\r\n", 400),
    ],
)
async def test_p18_a_host_that_is_not_plainly_one_of_ours_is_refused(site: Site, host: bytes, status: int) -> None:
    assert await status_of(site, b"GET /public/x HTTP/1.1\r\n" + host) == status
    assert site.behind.visits == []


@pytest.mark.parametrize(
    "target",
    [
        b"http://hr.example.com/public/x",
        b"https://hr.example.com/public/x",
        b"http://evil.example/",
        b"hr.example.com:443",
        b"public/x",
        b"?x",
        b"/public/x#y",
    ],
)
async def test_p18_only_the_origin_form_names_a_target(site: Site, target: bytes) -> None:
    """Not in the list of attacks: an absolute target has a host of its own, which some servers believe over Host."""
    assert await status_of(site, b"GET " + target + b" HTTP/1.1\r\nHost: hr.example.com\r\n") == 400
    assert site.behind.visits == []


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "trace", "Connect"])
async def test_p19_methods_that_reflect_or_tunnel_are_refused(site: Site, method: str) -> None:
    cookie = await site.signed_in()
    for target in ("/", "/public/x"):
        reply = await site.ask(target, cookie, method=method)
        assert reply.status in (400, 405, 501) and b"__Host-gateway=" not in reply.raw
    assert site.behind.visits == []


async def test_p19_rules_for_methods_are_exact(site: Site) -> None:
    """A rule that does not name the method is none for it: ``/form`` is open for POST alone, and everything else asks for a session."""
    cookie = await site.signed_in()
    for method in ("GET", "HEAD"):
        assert (await site.ask("/read/x", cookie, method=method)).status == 200
    assert (await site.ask("/form/x", method="POST", body=b"a=b")).status == 200
    site.behind.visits.clear()
    for method in ("get", "Get", "hEAD", "post", "DELETE", "OPTIONS", "PROPFIND", "FOO", "GETX", "G"):
        assert (await site.ask("/form/x", method=method)).status == 401, method
    assert site.behind.visits == []


@pytest.mark.parametrize("method", ['G=":<>(e),[T];?"', "GE T", "G\tET", "GET\x00", "G\u00cbT", "", "GET/", "{GET}"])
async def test_p19_a_method_that_is_no_token_is_refused(site: Site, method: str) -> None:
    answer = await site.raw(f"{method} /public/x HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert site.behind.visits == []


@pytest.mark.parametrize("target", ["hr.example.com:443", "evil.example:80", "127.0.0.1:22", "/public/x", "*"])
@pytest.mark.parametrize("body", [b"", b"GET /public/x HTTP/1.1\r\nHost: hr.example.com\r\n\r\n"], ids=["without a body", "with a body"])
async def test_p20_connect_opens_no_tunnel_and_ends_the_connection(site: Site, target: str, body: bytes) -> None:
    for framing in (b"", b"Content-Length: %d\r\n" % len(body), b"Transfer-Encoding: chunked\r\n"):
        answer = await site.raw(f"CONNECT {target} HTTP/1.1\r\nHost: hr.example.com\r\n".encode() + framing + b"\r\n" + body)
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 ", b"HTTP/1.1 501 ")) and answer.count(b"HTTP/1.1 ") == 1
    assert site.behind.connections == 0


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
async def test_p21_the_asterisk_matches_no_rule(site: Site, method: str) -> None:
    for target in ("*", "/*", "/**"):
        reply = await site.ask(target, method=method)
        assert reply.status == (400 if target == "*" else 401)
    assert site.behind.visits == []


async def test_p22_where_no_rule_was_written_a_session_is_needed(site: Site) -> None:
    """404 for a route that nobody configured has no place here: an app is a whole host, and what its rules do not name needs a session."""
    for origin in (HR, WIKI):
        for target in ("/", "/x", "/index.html", "/favicon.ico", "/robots.txt", "/.well-known/x", "/static/app.js"):
            for method in ("GET", "HEAD", "POST", "OPTIONS"):
                assert (await site.ask(target, method=method, origin=origin)).status == 401
    assert site.behind.visits == []
    assert (await site.ask("/x", await site.signed_in(ALICE, WIKI), origin=WIKI)).status == 200


async def test_p22_a_preflight_is_no_way_in(site: Site) -> None:
    """Not in the list of attacks: CORS preflights carry no cookie; an app that wants them opened says so with a rule."""
    preflight = b"Origin: https://chat.example.com\r\nAccess-Control-Request-Method: DELETE\r\nSec-Fetch-Mode: cors\r\n"
    assert (await site.ask("/api/x", preflight, method="OPTIONS")).status == 401
    assert site.behind.visits == []


@pytest.mark.parametrize(
    "rule", ['access = "anyone"', *(f'rule = [{{ path = "{path}", access = "anyone" }}]' for path in ("/", "/**", "/*"))]
)
def test_p23_an_app_that_is_open_to_everybody_says_so_twice(rule: str) -> None:
    (problem,) = problems(f"{SMALLEST}{rule}\n")
    assert "allow_public_root" in problem
    (warning,) = settings(f"{SMALLEST}{rule}\nallow_public_root = true\n").warnings
    assert "WARNING" in warning and "hr" in warning
