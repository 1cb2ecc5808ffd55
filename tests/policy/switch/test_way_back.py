"""Where a user goes on who stays who she is: to an app of ours, by its home page or by the page that she came from."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.switch.way_back import LARGEST_FORM_BYTES, MOST_PARAMETERS, way_back

HR, WIKI = "https://hr.example.com", "https://wiki.example.com"
BOTH = (HR, WIKI)
REDEMPTION = "/login/sessionCookieRedirect?token=x"


def head(target: str = REDEMPTION, referer: str = "") -> RequestHead:
    fields = ((b"Referer", referer.encode("latin-1")),) if referer else ()
    return RequestHead("GET", target, Authority("login.example.com", 443), fields, True, "", "")


def link(url: str, name: str = "redirectUrl") -> str:
    return f"{REDEMPTION}&{name}={quote(url, safe='')}"


@pytest.mark.parametrize(
    ("target", "referer", "form", "expected"),
    [
        (link(f"{HR}/salary?of=bob"), f"{WIKI}/page?x=1", "", f"{WIKI}/page?x=1"),
        (link(f"{HR}/salary?of=bob"), "https://evil.example.net/", "", f"{HR}/"),
        (link(f"{HR}/x", "FromURI"), "", "", f"{HR}/"),
        (link(HR), "", "", f"{HR}/"),
        (link("https://hr.example.com.evil.example.net/"), "", "", ""),
        (link("https://evil.example.net/"), "/wiki", "", ""),
        (link("/relative"), "", "", ""),
        (link(f"{HR}/.gateway/sign-out"), "", "", ""),
        (REDEMPTION, "", f"RelayState={quote(WIKI + '/a', safe='')}", f"{WIKI}/"),
        (REDEMPTION, "", f"RelayState={quote(WIKI + '/a', safe='')}" + "&" * LARGEST_FORM_BYTES, ""),
        (link(f"{HR}/x") + "&a=b" * MOST_PARAMETERS, "", "", ""),
        (f"{REDEMPTION}&other={quote(HR, safe='')}/", "", "", ""),
    ],
)
def test_v3_it_leads_to_the_app_that_she_came_from_or_that_the_link_was_for(target: str, referer: str, form: str, expected: str) -> None:
    assert way_back(head(target, referer), form.encode(), BOTH) == expected


def test_v3_with_one_app_it_leads_there() -> None:
    assert way_back(head(), b"", (HR,)) == f"{HR}/"
    assert way_back(head(), b"", ()) == ""


@given(st.text(max_size=60), st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_v3_whatever_the_link_says_it_leads_to_an_app_or_nowhere(destination: str, referer: str) -> None:
    found = way_back(head(link(destination), referer), destination.encode(), BOTH)
    assert found == "" or found.startswith((f"{HR}/", f"{WIKI}/"))
