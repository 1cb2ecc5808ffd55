"""Rewriting: an app that insists on its inner name is met by its public one, and nothing else is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.app_cookies import MOST_ATTRIBUTES
from gateway.policy.http.messages import Authority
from gateway.policy.http.rewriting import Rewriting
from gateway.policy.routing.prefixes import Prefixes

PUBLIC = "https://hr.example.com"
INNER = frozenset(
    [
        ("http", Authority("intranet.corp.local", 80)),
        ("https", Authority("intranet.corp.local", 443)),
        ("http", Authority("10.0.0.5", 3000)),
        ("http", Authority("[fd00::5]", 3000)),
    ]
)
NAMED = Rewriting(PUBLIC, INNER, Prefixes())
MOVED = Rewriting(PUBLIC, INNER, Prefixes("/hr", "/app"))
STRIPPED = Rewriting(PUBLIC, INNER | {("https", Authority("hr.example.com", 443))}, Prefixes("/hr"))
ADDED = Rewriting(PUBLIC, INNER, Prefixes("", "/app"))
EVERY = (NAMED, MOVED, STRIPPED, ADDED)

UNTOUCHED = [
    "https://evil.example/",
    "http://intranet.corp.local.evil.example/app",
    "http://evil-intranet.corp.local/app",
    "http://corp.local/app",
    "http://intranet.corp.local:8080/app",
    "https://intranet.corp.local:80/app",
    "https://10.0.0.5:3000/app",
    "http://10.0.0.5/app",
    "http://a@intranet.corp.local/app",
    "http://intranet.corp.local:80@evil.example/app",
    "http://intranet.corp.local\\@evil.example/app",
    "http://evil.example\\@intranet.corp.local/app",
    "ftp://intranet.corp.local/app",
    "javascript:alert(1)",
    "data:text/html,x",
    "intranet.corp.local/app",
    "http:intranet.corp.local/app",
    "http:/intranet.corp.local/app",
    "http:///intranet.corp.local/app",
    "///intranet.corp.local/app",
    "//evil.example/app",
    "/\\intranet.corp.local/app",
    "\\\\intranet.corp.local/app",
    "app/x",
    "../app",
    "?x=/app",
    "#/app",
    ".",
    "http://intranet.corp.local%2Fapp",
    "http://",
]
UNTOUCHED += [" http://intranet.corp.local/app", "", "*", "http://intranet.corp.local /app"]


def rewritten(rewriting: Rewriting, name: str, value: str) -> str:
    ((kept, found),) = rewriting.answer(((name.encode(), value.encode("latin-1")),))
    assert kept == name.encode()
    return found.decode("latin-1")


@pytest.mark.parametrize(
    ("rewriting", "location", "public"),
    [
        (NAMED, "http://intranet.corp.local/x?y#z", "https://hr.example.com/x?y#z"),
        (NAMED, "HTTPS://Intranet.Corp.LOCAL./x", "https://hr.example.com/x"),
        (NAMED, "http://intranet.corp.local:80", "https://hr.example.com"),
        (NAMED, "http://intranet.corp.local?x", "https://hr.example.com?x"),
        (NAMED, "http://10.0.0.5:3000/x", "https://hr.example.com/x"),
        (NAMED, "http://[FD00::5]:3000/x", "https://hr.example.com/x"),
        (NAMED, "//intranet.corp.local/x", "//hr.example.com/x"),
        (NAMED, "//10.0.0.5:3000", "//hr.example.com"),
        (NAMED, "http://intranet.corp.local//evil.example", "https://hr.example.com//evil.example"),
        (
            NAMED,
            "http://intranet.corp.local/\xe9?to=http://intranet.corp.local/",
            "https://hr.example.com/\xe9?to=http://intranet.corp.local/",
        ),
        (NAMED, "/x", "/x"),
        (MOVED, "http://intranet.corp.local/app/x?/app", "https://hr.example.com/hr/x?/app"),
        (MOVED, "/app/x#y", "/hr/x#y"),
        (MOVED, "/app", "/hr"),
        (MOVED, "/login", "/login"),
        (MOVED, "http://intranet.corp.local/login", "http://intranet.corp.local/login"),
        (MOVED, "https://hr.example.com/hr/x", "https://hr.example.com/hr/x"),
        (STRIPPED, "/", "/hr/"),
        (STRIPPED, "/hr/login", "/hr/login"),
        (STRIPPED, "https://hr.example.com/login", "https://hr.example.com/hr/login"),
        (STRIPPED, "https://hr.example.com/hr/login", "https://hr.example.com/hr/login"),
        (STRIPPED, "http://intranet.corp.local", "https://hr.example.com/hr/"),
        (STRIPPED, "/a/../b", "/a/../b"),
        # off the host, were it rewritten
        (ADDED, "/app//evil.example", "/app//evil.example"),
        (ADDED, "/app/\\evil.example", "/app/\\evil.example"),
        (ADDED, "/app/\t/evil.example", "/app/\t/evil.example"),
        (ADDED, "http://intranet.corp.local/app//evil.example", "http://intranet.corp.local/app//evil.example"),
    ],
)
def test_a_redirect_of_the_app_leads_to_its_public_place(rewriting: Rewriting, location: str, public: str) -> None:
    assert rewritten(rewriting, "Location", location) == public
    assert rewritten(rewriting, "content-location", location) == public


@pytest.mark.parametrize("location", UNTOUCHED)
def test_what_is_not_exactly_the_apps_own_stays_as_it_is(location: str) -> None:
    assert [rewritten(one, "Location", location) for one in EVERY] == [location] * len(EVERY)


_odd = st.lists(
    st.sampled_from(
        [*"/\\:.@?#% \t", "//", "http:", "https:", "intranet.corp.local", "evil.example", "/app", "/hr", "..", "%2f", "%5C", ":80", "\xe9"]
    ),
    max_size=8,
).map("".join)


@given(st.sampled_from(EVERY), _odd)
def test_no_reference_is_changed_into_one_that_leads_elsewhere(rewriting: Rewriting, location: str) -> None:
    found = rewritten(rewriting, "Location", location)
    if found != location:
        assert found.startswith((PUBLIC, "//hr.example.com", "/"))
        authority = found.partition("//")[2] if not found.startswith("/") or found.startswith("//") else "hr.example.com"
        assert authority.startswith("hr.example.com")
        assert authority[len("hr.example.com") :][:1] in ("", "/", "?", "#")
        assert not found.startswith("/\\")


@pytest.mark.parametrize(
    ("refresh", "public"),
    [
        ("5; url=/app/x", "5; url=/hr/x"),
        ("0;URL='http://intranet.corp.local/app/x'", "0;URL='https://hr.example.com/hr/x'"),
        ('1.5 , Url = "/app" ', '1.5 , Url = "/hr" '),
        ("5", "5"),
        ("5; /app/x", "5; /app/x"),
        ("5; url=https://evil.example/app", "5; url=https://evil.example/app"),
        ("5; url='/app/x", "5; url='/app/x"),
    ],
)
def test_a_refresh_is_a_redirect_too(refresh: str, public: str) -> None:
    assert rewritten(MOVED, "Refresh", refresh) == public


@pytest.mark.parametrize(
    ("rewriting", "line", "public"),
    [
        # the inner name goes, and nothing takes its place: this host alone
        (NAMED, "a=1; Domain=intranet.corp.local; Path=/; HttpOnly", "a=1; Path=/; HttpOnly"),
        (NAMED, "a=1;domain = .INTRANET.corp.local ;Secure", "a=1;Secure"),
        (NAMED, "a=1; Domain=corp.local", "a=1"),
        (NAMED, "a=1; Domain=10.0.0.5", "a=1"),
        # not the inner name
        (NAMED, "a=1; Domain=example.com", "a=1; Domain=example.com"),
        (NAMED, "a=1; Domain=hr.example.com", "a=1; Domain=hr.example.com"),
        (NAMED, "a=1; Domain=orp.local", "a=1; Domain=orp.local"),
        (NAMED, "a=1; Domain=x.intranet.corp.local", "a=1; Domain=x.intranet.corp.local"),
        (NAMED, "a=1; Domain=0.0.5", "a=1; Domain=0.0.5"),
        (NAMED, "a=1; Domain=", "a=1; Domain="),
        (NAMED, "a=1; Domain", "a=1; Domain"),
        # the path
        (MOVED, "a=1; Path=/app/x; Secure", "a=1; Path=/hr/x; Secure"),
        (MOVED, "a=1; Path=/", "a=1; Path=/hr"),
        (MOVED, "a=1; path= /app ", "a=1; path=/hr"),
        (MOVED, "a=1; Path=/other", "a=1; Path=/other"),
        (MOVED, 'a=1; Path="/app"', 'a=1; Path="/app"'),
        (MOVED, "a=1; Path", "a=1; Path"),
        (MOVED, "a=/app; b=Path=/app", "a=/app; b=Path=/app"),
        (STRIPPED, "a=1; Path=/hr", "a=1; Path=/hr"),
        (NAMED, "a=1;  Path = /x ; ;x", "a=1;  Path = /x ; ;x"),
        # bound to one scope by its name
        (MOVED, "__Host-a=1; Path=/; Secure", "__Host-a=1; Path=/; Secure"),
        (MOVED, "__hOST-a=1; Path=/; Domain=intranet.corp.local", "__hOST-a=1; Path=/; Domain=intranet.corp.local"),
        (MOVED, "__Secure-a=1; Path=/app; Secure", "__Secure-a=1; Path=/hr; Secure"),
    ],
)
def test_a_cookie_of_the_app_fits_its_public_place(rewriting: Rewriting, line: str, public: str) -> None:
    assert rewritten(rewriting, "Set-Cookie", line) == public


def test_a_domain_that_browsers_take_here_stays() -> None:
    sibling = Rewriting(PUBLIC, frozenset({("http", Authority("hr-inner.example.com", 80))}), Prefixes())
    assert rewritten(sibling, "Set-Cookie", "a=1; Domain=example.com") == "a=1; Domain=example.com"
    assert rewritten(sibling, "Set-Cookie", "a=1; Domain=hr-inner.example.com") == "a=1"
    strange = "a=1; Domain=hr-inner.example.com" + ";" * MOST_ATTRIBUTES
    assert rewritten(sibling, "Set-Cookie", strange) == strange


@given(st.sampled_from(EVERY), st.lists(st.tuples(st.sampled_from([b"Server", b"Link", b"X-Location", b"Cookie"]), st.binary(max_size=20))))
def test_other_fields_stay_as_they_are_and_in_order(rewriting: Rewriting, others: list[tuple[bytes, bytes]]) -> None:
    fields = (*others, (b"Location", b"/app/x"), *others, (b"Set-Cookie", b"\xff=\xfe; x"))
    found = rewriting.answer(fields)
    assert found[: len(others)] == tuple(others) == found[len(others) + 1 : -1]
    assert found[-1] == fields[-1]


@pytest.mark.parametrize(
    ("sent", "public"),
    [
        ("<http://intranet.corp.local/app/2>; rel=next", "<https://hr.example.com/hr/2>; rel=next"),
        ("</app/2>; rel=next, </app/3>", "</hr/2>; rel=next, </hr/3>"),
        ('<https://evil.example/app/2>; title="</app/2>"', '<https://evil.example/app/2>; title="</app/2>"'),
        ('<a>; title="\\"</app/2>"', '<a>; title="\\"</app/2>"'),
        ('<a>; title="never closed </app/2>', '<a>; title="never closed </app/2>'),
        ("<http://intranet.corp.local/\tapp/2>", "<http://intranet.corp.local/\tapp/2>"),
    ],
)
@pytest.mark.parametrize("name", ["Link", "URI"])
def test_addresses_between_angle_brackets_are_addresses_outside_of_strings(name: str, sent: str, public: str) -> None:
    assert rewritten(MOVED, name, sent) == public
