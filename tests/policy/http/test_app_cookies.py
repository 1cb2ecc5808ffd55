"""Cookies of apps: none of ours, no session of Okta's at the login host, every other as the app set it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.http.app_cookies import MOST_ATTRIBUTES, kept_cookie
from gateway.policy.http.cookies import is_gateway_name, is_okta_name

LOGIN, APP = "login.example.com", "hr.example.com"
NAMES = [b"sid", b"idx", b"xids", b"myr", b"DT", b"SID", b"JSESSIONID", b"=sid", b" sid ", b"\tidx", b"a=1, sid", b"__Host-gateway", b""]
ATTRIBUTES = [
    *(b"Domain=example.com", b" domain = .EXAMPLE.com ", b"DOMAIN=hr.example.com", b"Domain=", b"Domain", b"domain=com", b"Path=/", b""),
    *(b"Secure", b"Domain=login.example.com", b"Domain=ample.com", b"xDomain=example.com", b"Domain=.", b"Domain=..example.com", b" "),
]
lines = st.builds(
    lambda name, value, attributes: b";".join((name + b"=" + value, *attributes)),
    st.sampled_from(NAMES),
    st.sampled_from([b"1", b"", b'"x"', b"a b"]),
    st.lists(st.sampled_from(ATTRIBUTES), max_size=4),
)


def stored(line: bytes) -> tuple[bytes, str, bool] | None:
    """What a browser at the app's host keeps of a line (RFC 6265bis §5.6, §5.7): what it sends as name, for which host or domain, and
    whether for that host alone; None where it keeps nothing."""
    pair, *attributes = line.split(b";")
    name, equals, value = pair.partition(b"=")
    name, value = (name.strip(b" \t"), value.strip(b" \t")) if equals else (b"", pair.strip(b" \t"))
    sent = name or value.partition(b"=")[0].strip(b" \t")
    domain = ""
    for attribute in attributes:
        key, _, text = attribute.partition(b"=")
        if key.strip(b" \t").lower() == b"domain":
            domain = text.strip(b" \t").decode().removeprefix(".").lower()
    if not domain:
        return sent, APP, True
    return (sent, domain, False) if domain == APP or APP.endswith(f".{domain}") else None


@example(b"sid=1;Domain=example.com;Domain=")
@example(b"sid=1;Domain=;Domain=example.com")
@example(b"=sid=1; Domain=example.com")
@given(lines)
def test_no_line_of_an_app_reaches_the_login_host_as_oktas_or_ours(line: bytes) -> None:
    kept = kept_cookie(line, LOGIN)
    found = stored(kept) if kept is not None else None
    if found is not None:
        name, domain, is_host_only = found
        assert not is_gateway_name(name)
        assert is_host_only or not is_okta_name(name) or not (domain == LOGIN or LOGIN.endswith(f".{domain}"))


@given(lines)
def test_only_a_domain_is_ever_taken_and_only_from_oktas_names(line: bytes) -> None:
    kept = kept_cookie(line, LOGIN)
    if kept is None:
        assert b"__Host-gateway" in line
    elif kept != line:
        pieces = line.split(b";")
        assert kept.split(b";") == [one for one in pieces if one is pieces[0] or one.partition(b"=")[0].strip(b" \t").lower() != b"domain"]
        assert any(name in pieces[0] for name in (b"sid", b"idx", b"xids", b"myr", b"DT"))
    else:
        assert kept is line


DOMAINS = r"""
Domain=example.com
;domain=EXAMPLE.COM
; DOMAIN = .example.com
;\tDomain\t=\texample.com
; Domain=..example.com
; Domain="example.com"
; Domain=example.com.
; Domain=login.example.com
; Domain=com
; Domain=%65xample.com
; Domain=; Domain=example.com
; Domain=example.com; Domain=
; Domain=hr.example.com; Domain=example.com
; Domain=\xef\xbd\x85xample.com
; Domain=exam\tple.com
; Domain=[example.com]
"""
PAIRS = [b"sid=1", b"idx=x", b"xids=", b"myr=1", b"DT=1", b"=sid=1", b" = sid=1", b"a=1, sid=2", b'a="x sid=2"', b"sid"]


@pytest.mark.parametrize("written", DOMAINS.strip().splitlines())
@pytest.mark.parametrize("pair", PAIRS)
def test_every_spelling_of_a_domain_above_the_login_host_goes(pair: bytes, written: str) -> None:
    attributes = written.encode().decode("unicode_escape").encode("latin-1").removeprefix(b";")
    for empty in (b"", b";;"):
        assert (
            kept_cookie(pair + b"; Path=/x" + empty + b";" + attributes + b"; Secure", LOGIN) == pair + b"; Path=/x" + empty + b"; Secure"
        )


UNTOUCHED = """
sid=1
sid=1; Path=/
sid=1; Domain=hr.example.com
sid=1; Domain=
sid=1; Domain
sid=1; Domain=.
SID=1; Domain=example.com
JSESSIONID=1; Domain=example.com
mysid=1; Domain=example.com
sid=1; Domain=ample.com
sid=1; Domain=xlogin.example.com
sid=1; Domain=a.login.example.com
sid=Domain=example.com
sid=1; Path=/Domain=example.com
sid=1; SubDomain=example.com
;
=; Domain=example.com
"""


@pytest.mark.parametrize("text", ["", *UNTOUCHED.strip().splitlines()])
def test_every_other_cookie_goes_on_to_the_byte(text: str) -> None:
    line = text.encode()
    assert kept_cookie(line, LOGIN) is line


def test_a_cookie_with_more_attributes_than_anybody_sets_is_dropped() -> None:
    line = b"sid=1; Domain=example.com" + b";" * MOST_ATTRIBUTES
    assert kept_cookie(line, LOGIN) is None
    assert kept_cookie(line[:-1], LOGIN) == b"sid=1" + b";" * (MOST_ATTRIBUTES - 1)


OURS = [b"__Host-gateway=x", b"__HOST-gateway-start=x; Path=/", b"=__Host-gateway=x", b" __host-Gateway =x", b"__Host-gateway"]


@pytest.mark.parametrize("line", OURS)
def test_a_cookie_of_ours_is_dropped(line: bytes) -> None:
    assert kept_cookie(line, LOGIN) is None
