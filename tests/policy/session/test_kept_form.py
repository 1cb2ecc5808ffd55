"""Which form a browser keeps, and how it travels: a form of another site never, and a note that was changed is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.session.kept_form import (
    LARGEST_FORM_BYTES,
    LARGEST_SENT_BYTES,
    FormPlace,
    Framed,
    Keep,
    KeptForm,
    Lose,
    form_or_frame,
    may_be_kept,
    media_type,
)

HR = "https://hr.example.com"
URLENCODED = "application/x-www-form-urlencoded"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FORM = {**PAGE, "Sec-Fetch-Site": "same-origin", "Origin": HR, "Content-Type": URLENCODED}
OLD = {"Accept": "text/html", "Origin": HR, "Content-Type": URLENCODED}


def head(fields: dict[str, str], method: str = "POST", target: str = "/save?a=b") -> RequestHead:
    pairs = tuple((name.encode(), value.encode("latin-1")) for name, value in fields.items())
    return RequestHead(method, target, Authority("hr.example.com", 443), pairs, True, "", "")


@pytest.mark.parametrize(
    ("fields", "method", "target", "length", "expected"),
    [
        (FORM, "POST", "/save?a=b", 3, Keep()),
        (FORM, "POST", "/save?a=b", None, Keep()),
        (FORM, "POST", "/save?a=b", LARGEST_FORM_BYTES, Keep()),
        (OLD, "POST", "/save", 3, Keep()),
        ({**FORM, "Content-Type": f"{URLENCODED.upper()} ; charset=gbk"}, "POST", "/", 3, Keep()),
        ({**FORM, "Sec-Fetch-Dest": "iframe"}, "POST", "/", 3, Keep()),
        (FORM, "POST", "/save?a=b", LARGEST_FORM_BYTES + 1, Lose("too_large")),
        (FORM, "POST", "/x%0d%0aSet-Cookie:a=b", 3, Lose("address")),
        (FORM, "POST", "//evil.example.net/", 3, Lose("address")),
        ({**FORM, "Content-Type": "multipart/form-data; boundary=x"}, "POST", "/", 3, Lose("not_urlencoded")),
        ({**FORM, "Content-Type": ""}, "POST", "/", 3, Lose("not_urlencoded")),
        ({**FORM, "Sec-Fetch-Site": "same-site"}, "POST", "/", 3, Lose("other_site")),
        ({**FORM, "Sec-Fetch-Site": "none"}, "POST", "/", 3, Lose("other_site")),
        ({**FORM, "Origin": "https://evil.example.net"}, "POST", "/", 3, Lose("other_site")),
        ({**OLD, "Origin": "null"}, "POST", "/", 3, Lose("other_site")),
        ({"Accept": "text/html", "Content-Type": URLENCODED}, "POST", "/", 3, Lose("other_site")),
        ({**OLD, "X-Requested-With": "XMLHttpRequest"}, "POST", "/", 3, None),
        ({**FORM, "Sec-Fetch-Dest": "empty"}, "POST", "/", 3, None),
        ({**OLD, "Accept": "*/*"}, "POST", "/", 3, None),
        ({**FORM, "Sec-Purpose": "prefetch"}, "POST", "/", 3, None),
        (FORM, "PUT", "/", 3, None),
        (PAGE, "GET", "/", 0, None),
        ({**PAGE, "Sec-Fetch-Dest": "iframe"}, "GET", "/", 0, Framed()),
        ({**PAGE, "Sec-Fetch-Dest": "object"}, "GET", "/", 0, Framed()),
        ({**PAGE, "Sec-Fetch-Dest": "iframe"}, "HEAD", "/", 0, None),
        ({**PAGE, "Sec-Fetch-Dest": "image"}, "GET", "/", 0, None),
    ],
)
def test_w2_what_a_request_without_a_session_is(
    fields: dict[str, str], method: str, target: str, length: int | None, expected: object
) -> None:
    assert form_or_frame(head(fields, method, target), HR, length) == expected


@given(
    st.sampled_from(["same-origin", "same-site", "cross-site", "none", "", None]),
    st.sampled_from([HR, "https://evil.example.net", "http://hr.example.com", "https://hr.example.com.evil.example.net", "null", None]),
)
def test_w2_only_a_form_of_the_apps_own_pages_is_kept(site: str | None, origin: str | None) -> None:
    fields = {name: value for name, value in {**FORM, "Sec-Fetch-Site": site, "Origin": origin}.items() if value is not None}
    found = form_or_frame(head(fields), HR, 3)
    is_own = (site == "same-origin" and origin in (HR, "null", None)) or (site is None and origin == HR)
    assert found == (Keep() if is_own else Lose("other_site"))


def test_only_plain_forms_are_looked_into() -> None:
    assert may_be_kept(head({**FORM, "Content-Type": "Text/Plain;charset=UTF-8"}))
    assert not may_be_kept(head(FORM))
    assert not may_be_kept(head({**FORM, "Content-Type": "text/plain"}, "PUT"))
    assert not may_be_kept(head({**FORM, "Content-Type": "text/plain", "Sec-Fetch-Dest": "empty"}))


def test_two_content_types_are_none() -> None:
    pairs = ((b"Content-Type", b"text/plain"), (b"content-type", b"text/plain"))
    assert media_type(RequestHead("POST", "/", Authority("hr.example.com", 443), pairs, True, "", "")) == b""


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_a_kept_form_is_read_as_it_was_written(body: bytes, target: str, kind: str) -> None:
    kept = KeptForm("id", "mark", target, kind, 12.5, body)
    assert KeptForm.unpacked(kept.packed()) == kept
    assert kept.renamed("other") == KeptForm("other", "mark", target, kind, 12.5, body)


@given(st.binary(max_size=60))
def test_nothing_else_is_a_kept_form(payload: bytes) -> None:
    assert KeptForm.unpacked(payload) is None


@pytest.mark.parametrize("change", [b"", b":", b"0:", b"9999999:", b"999:x", b"2:[]a=b", "١:[]".encode()])
def test_a_kept_form_that_was_changed_is_none(change: bytes) -> None:
    assert KeptForm.unpacked(change) is None


def test_the_largest_form_fits_into_what_its_page_sends() -> None:
    kept = KeptForm("x" * 22, "m" * 22, "/" + "a" * 4095, URLENCODED + "; charset=" + "x" * 200, 1e10, b"a" * LARGEST_FORM_BYTES)
    assert (len(kept.packed()) + 64) * 4 / 3 + 100 < LARGEST_SENT_BYTES


def test_a_place_is_read_as_it_was_written() -> None:
    place = FormPlace("id", "mark", "/x", 1.0)
    assert FormPlace.unpacked(place.packed()) == place
