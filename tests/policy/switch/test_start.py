"""Who may start a switch: the table of starts, and that nothing of a stranger's making is ever trusted."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.switch.start import (
    Asks,
    Judgement,
    StartRefused,
    StartRules,
    TokenOrigin,
    Trusted,
    is_trusted_place,
    judge,
)

LOGIN, HR, PORTAL = "https://login.example.com", "https://hr.example.com", "https://portal.example.org"
WIKI, EVIL = "https://wiki.example.com", "https://evil.net"
RULES = StartRules((LOGIN, HR), (PORTAL,))
LISTED = StartRules((LOGIN, HR), (PORTAL,), "listed")
WINDOW = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
STRANGE = TokenOrigin(by_stranger=True)


def head(*lines: str, method: str = "GET") -> RequestHead:
    pairs = tuple((name.encode(), value.encode("latin-1")) for name, _, value in (line.partition(": ") for line in lines))
    where = Authority("login.example.com", 443)
    return RequestHead(method, "/login/sessionCookieRedirect?token=t", where, pairs, True, "10.0.0.1", "192.0.2.1")


@pytest.mark.parametrize(
    ("texts", "is_trusted"),
    [
        (("Sec-Fetch-Site: same-origin",), True),
        (("Sec-Fetch-Site: same-site", "Referer: https://evil.net/"), True),
        (("Sec-Fetch-Site: none",), False),
        (("Sec-Fetch-Site: cross-site",), False),
        (("Sec-Fetch-Site: same-site", "Sec-Fetch-Site: cross-site"), False),
        (("Sec-Fetch-Site: Same-Origin",), False),
        (("Sec-Fetch-Site: cross-site", f"Origin: {PORTAL}"), True),
        (("Sec-Fetch-Site: cross-site", f"Referer: {PORTAL}/start?x"), True),
        (("Sec-Fetch-Site: cross-site", f"Referer: {LOGIN}/"), False),
        (("Sec-Fetch-Site: cross-site", f"Origin: {LOGIN}"), False),
        (("Sec-Fetch-Site: cross-site", "Origin: null", f"Referer: {PORTAL}/"), False),
        (("Sec-Fetch-Site: cross-site", f"Origin: {EVIL}", f"Referer: {PORTAL}/"), False),
        ((f"Origin: {LOGIN}",), True),
        ((f"Origin: {HR}",), True),
        ((f"Origin: {PORTAL}", f"Origin: {EVIL}"), False),
        ((f"Referer: {LOGIN}/login/login.htm",), True),
        ((f"Referer: {PORTAL}.evil.net/",), False),
        ((f"Referer: {PORTAL}@evil.net/",), False),
        ((f"Referer: {EVIL}/?{PORTAL}/",), False),
        (("Referer: http://portal.example.org/",), False),
        ((f"Referer: {PORTAL}:8443/",), False),
        ((f"Referer: {PORTAL}\\@evil.net/",), False),
        ((f"Referer: {LOGIN}/", f"Referer: {LOGIN}/"), False),
        ((), False),
    ],
)
def test_a_place_is_trusted_only_where_it_is_named(texts: tuple[str, ...], is_trusted: bool) -> None:
    assert is_trusted_place(head(*texts), RULES) is is_trusted


@pytest.mark.parametrize(
    ("texts", "is_trusted"),
    [
        (("Sec-Fetch-Site: same-origin",), True),
        (("Sec-Fetch-Site: same-site",), False),
        (("Sec-Fetch-Site: same-site", f"Referer: {WIKI}/page"), False),
        (("Sec-Fetch-Site: same-site", f"Referer: {HR}/"), True),
        (("Sec-Fetch-Site: same-site", f"Origin: {PORTAL}"), True),
    ],
)
def test_with_listed_only_named_hosts_of_the_site_are_trusted(texts: tuple[str, ...], is_trusted: bool) -> None:
    assert is_trusted_place(head(*texts), LISTED) is is_trusted


@pytest.mark.parametrize(
    ("texts", "token", "judgement"),
    [
        ((), TokenOrigin(), Trusted("program")),
        ((), STRANGE, Trusted("program")),
        (("Accept-Language: *", "Sec-Fetch-Mode: cors"), TokenOrigin(), Trusted("program")),
        (("Accept-Language: *", "Sec-Fetch-Mode: cors", "Cookie: a=b"), TokenOrigin(), StartRefused("script")),
        (("Accept-Language: *", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-site"), TokenOrigin(), StartRefused("script")),
        (("Accept-Language: *", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), TokenOrigin(), StartRefused("script")),
        (("Accept-Language: en", "Sec-Fetch-Mode: cors"), TokenOrigin(), StartRefused("script")),
        (("Accept-Language: en",), TokenOrigin(), Asks("untrusted_start")),
        (("Cookie: a=b",), TokenOrigin(), Asks("untrusted_start")),
        (("Cookie: a=b", "X-Requested-With: XMLHttpRequest"), TokenOrigin(), StartRefused("script")),
        (("Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin"), TokenOrigin(), StartRefused("script")),
        (("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Sec-Fetch-Site: same-site"), TokenOrigin(), StartRefused("script")),
        (("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: image"), TokenOrigin(), StartRefused("script")),
        (("Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"), TokenOrigin(), StartRefused("script")),
        (("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: same-site"), TokenOrigin(), Trusted("frame")),
        (("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: same-site"), STRANGE, StartRefused("foreign_frame")),
        (
            ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: cross-site"),
            TokenOrigin(),
            StartRefused("foreign_frame"),
        ),
        (
            ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: cross-site", f"Referer: {PORTAL}/"),
            TokenOrigin(),
            Trusted("frame"),
        ),
        ((*WINDOW, "Sec-Fetch-Site: same-origin"), TokenOrigin(), Trusted("trusted_place")),
        ((*WINDOW, "Sec-Fetch-Site: same-origin"), STRANGE, Asks("token_of_a_stranger")),
        ((*WINDOW, "Sec-Fetch-Site: same-origin"), TokenOrigin(by_stranger=True, announced=True), Asks("token_of_a_stranger")),
        ((*WINDOW, "Sec-Fetch-Site: cross-site"), TokenOrigin(announced=True), Trusted("announced")),
        ((*WINDOW, "Sec-Fetch-Site: cross-site"), TokenOrigin(own_transaction=True), Trusted("own_transaction")),
        ((*WINDOW, "Sec-Fetch-Site: cross-site", f"Origin: {EVIL}"), TokenOrigin(), Asks("untrusted_start", EVIL)),
        ((*WINDOW, "Sec-Fetch-Site: cross-site", f"Referer: {EVIL}/a?b"), TokenOrigin(), Asks("untrusted_start", EVIL)),
        ((*WINDOW, "Sec-Fetch-Site: cross-site", "Origin: null"), TokenOrigin(), Asks("untrusted_start")),
        ((*WINDOW, "Sec-Fetch-Site: none"), TokenOrigin(), Asks("untrusted_start")),
    ],
)
def test_who_may_start_a_switch(texts: tuple[str, ...], token: TokenOrigin, judgement: Judgement) -> None:
    assert judge(head(*texts), token, RULES) == judgement


SITE_OF = {LOGIN: "example.com", HR: "example.com", WIKI: "example.com", PORTAL: "example.org", EVIL: "evil.net"}


@dataclass(frozen=True)
class Chain:
    """One way to the redemption: the page that starts it, the servers that redirect on the way, and what the page says of itself."""

    page: str | None
    hops: tuple[str, ...]
    sends_referer: bool
    destination: str
    mode: str
    method: str

    def head(self) -> RequestHead:
        """The request at the end of the chain, as a browser makes it."""
        fields = ["Accept-Language: en", f"Sec-Fetch-Mode: {self.mode}", f"Sec-Fetch-Dest: {self.destination}"]
        way = (*self.hops, LOGIN)
        if self.page is None:
            site = "none" if not self.hops or {SITE_OF[hop] for hop in self.hops} == {"example.com"} else "cross-site"
        elif all(hop == self.page for hop in way):
            site = "same-origin"
        else:
            site = "same-site" if {SITE_OF[hop] for hop in way} == {SITE_OF[self.page]} else "cross-site"
        fields.append(f"Sec-Fetch-Site: {site}")
        if self.page is not None and self.sends_referer:
            fields.append(f"Referer: {self.page}/")
        if self.method == "POST":
            fields.append(f"Origin: {self.page if self.page is not None and len(set(way)) == 1 else 'null'}")
        return head(*fields, method=self.method)


def chains(pages: tuple[str | None, ...], hops: tuple[str, ...]) -> st.SearchStrategy[Chain]:
    return st.builds(
        Chain,
        st.sampled_from(pages),
        st.lists(st.sampled_from(hops), max_size=4).map(tuple),
        st.booleans(),
        st.sampled_from(("document", "iframe", "image", "empty", "script", "object")),
        st.sampled_from(("navigate", "cors", "no-cors", "same-origin")),
        st.sampled_from(("GET", "POST")),
    )


@given(chains((EVIL, None), (EVIL, LOGIN, HR, PORTAL)))
def test_no_chain_that_a_page_of_another_site_begins_is_trusted(chain: Chain) -> None:
    assert not isinstance(judge(chain.head(), TokenOrigin(), RULES), Trusted)


@given(chains((EVIL, WIKI, None), (EVIL, LOGIN, HR, WIKI)))
def test_with_listed_no_chain_that_any_other_page_of_the_site_begins_is_trusted(chain: Chain) -> None:
    assert not isinstance(judge(chain.head(), TokenOrigin(), LISTED), Trusted)


@given(chains((EVIL, WIKI, PORTAL, HR, LOGIN, None), (EVIL, LOGIN, HR)), st.sampled_from((RULES, LISTED)), st.booleans())
def test_a_token_that_a_stranger_chose_is_never_trusted_in_a_browser(chain: Chain, rules: StartRules, announced: bool) -> None:
    judgement = judge(chain.head(), TokenOrigin(by_stranger=True, announced=announced), rules)
    assert not isinstance(judgement, Trusted)


@given(st.sampled_from(("image", "script", "style", "empty", "worker")), st.sampled_from(("cors", "no-cors", "same-origin")))
def test_what_is_no_window_and_no_frame_is_refused_whoever_starts_it(destination: str, mode: str) -> None:
    request = head(f"Sec-Fetch-Mode: {mode}", f"Sec-Fetch-Dest: {destination}", "Sec-Fetch-Site: same-origin")
    assert isinstance(judge(request, TokenOrigin(own_transaction=True, announced=True), RULES), StartRefused)
