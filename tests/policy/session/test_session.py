"""Session: only exactly a session is one, only exactly E0000007 ends one, and no secret is ever shown."""

import json
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.cache import rate_limits
from gateway.policy.session.session import (
    FINGERPRINT_BYTES,
    LARGEST_ANSWER_BYTES,
    Fingerprint,
    Fingerprinter,
    Marks,
    NoSession,
    Session,
    SessionCookie,
    SessionToken,
    Unknown,
    error_code,
    interpret,
    is_json,
    key_of,
    login_key,
    moment,
    parts_of,
    shown,
)

KEY = b"k" * 32
ANSWER = {"id": "102", "userId": "00u", "login": "alice@example.com", "status": "ACTIVE", "expiresAt": "2030-01-01T00:00:00.000Z"}
MISSING = json.dumps({"errorCode": "E0000007"}).encode()
anything = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=4)

answers = st.fixed_dictionaries({}, optional=dict.fromkeys([*ANSWER, "errorCode"], anything)).map(
    lambda answer: json.dumps(answer).encode()
)


JSON = {"Content-Type": "application/json;charset=UTF-8"}


def body(**changes: object) -> bytes:
    return json.dumps({**ANSWER, **changes}).encode()


def test_an_active_session_is_read_whole() -> None:
    found = interpret(
        200, JSON, body(amr=["pwd", 7, "mfa"], lastPasswordVerification="2029-12-31T23:00:00+01:00", lastFactorVerification=None)
    )
    assert found == Session(
        "102",
        "00u",
        "alice@example.com",
        datetime(2030, 1, 1, tzinfo=UTC),
        ("pwd", "mfa"),
        datetime(2029, 12, 31, 22, tzinfo=UTC),
        None,
    )


@pytest.mark.parametrize("amr", [None, "pwd", {"pwd": 1}])
def test_an_amr_that_is_no_list_is_empty(amr: object) -> None:
    found = interpret(200, JSON, body(amr=amr))
    assert isinstance(found, Session)
    assert found.amr == ()


@pytest.mark.parametrize(
    ("status", "answer", "finding"),
    [
        (404, MISSING, NoSession("not_found")),
        (404, b"<h1>not found</h1>", Unknown("strange_404")),
        (404, b'{"errorCode":"E0000008"}', Unknown("strange_404")),
        (404, b"", Unknown("strange_404")),
        (200, body(status="MFA_REQUIRED"), NoSession("mfa_pending")),
        (200, body(status="MFA_ENROLL"), NoSession("mfa_pending")),
        (200, body(status="active"), Unknown("strange_status")),
        (200, body(status=None), Unknown("strange_status")),
        (200, body(status=["ACTIVE"]), Unknown("strange_status")),
        (200, body(id=""), Unknown("incomplete_session")),
        (200, body(userId=7), Unknown("incomplete_session")),
        (200, body(login=None), Unknown("incomplete_session")),
        (200, body(expiresAt="soon"), Unknown("incomplete_session")),
        (200, body(expiresAt=1893456000), Unknown("incomplete_session")),
        (200, body(expiresAt="2030-01-01T00:00:00"), Unknown("incomplete_session")),
        (200, b"[]", Unknown("not_json")),
        (200, b"<html>", Unknown("not_json")),
        (200, b"\xff", Unknown("not_json")),
        (200, b"[" * 60000, Unknown("not_json")),
        (200, body() + b" " * LARGEST_ANSWER_BYTES, Unknown("too_large")),
        (404, MISSING + b" " * LARGEST_ANSWER_BYTES, Unknown("too_large")),
        (401, MISSING, Unknown("status_401")),
        (403, b"", Unknown("status_403")),
        (302, b"", Unknown("status_302")),
        (204, b"", Unknown("status_204")),
        (500, MISSING, Unknown("status_500")),
    ],
)
def test_every_other_answer_is_what_the_table_says(status: int, answer: bytes, finding: object) -> None:
    assert interpret(status, JSON, answer) == finding


@pytest.mark.parametrize(
    ("reset", "retry_at"),
    [("1893456000", 1893456000.0), ("", None), ("-1", None), ("1e9", None), ("\u0661\u0662", None), ("9" * 13, None), (None, None)],
)
def test_a_rate_limit_is_unknown_and_says_until_when(reset: str | None, retry_at: float | None) -> None:
    fields = {} if reset is None else {"X-Rate-Limit-Reset": reset}
    assert interpret(429, fields, MISSING) == Unknown("rate_limited", retry_at)


@given(st.integers(100, 599), st.binary() | answers)
def test_no_answer_ends_a_session_but_oktas_own_words(status: int, answer: bytes) -> None:
    found = interpret(status, JSON, answer)
    if isinstance(found, NoSession):
        assert (status, error_code(answer)) == (404, "E0000007") or (status == 200 and b"MFA_" in answer)
    if isinstance(found, Session):
        assert status == 200
        assert b'"ACTIVE"' in answer


@pytest.mark.parametrize(
    ("answer", "code"), [(MISSING, "E0000007"), (b'{"errorCode": 7}', None), (b"{}", None), (b"x", None), (b"[]", None)]
)
def test_an_error_code_is_read_only_as_text(answer: bytes, code: str | None) -> None:
    assert error_code(answer) == code


@pytest.mark.parametrize("text", [None, 7, "", "now", "2030-13-01T00:00:00Z", "2030-01-01", "2030-01-01T00:00:00"])
def test_a_moment_without_a_zone_is_none(text: object) -> None:
    assert moment(text) is None


@given(st.sampled_from([b"sid", b"idx"]), st.binary(min_size=8, max_size=40))
def test_secrets_never_show(name: bytes, value: bytes) -> None:
    text = value.hex()
    shown_cookie, shown_token = repr(SessionCookie(name, text.encode())), repr(SessionToken(text))
    assert text not in shown_cookie
    assert text not in shown_token
    assert shown_cookie.startswith(f"SessionCookie({name.decode()}, ")


@given(st.text(), st.text())
def test_two_values_share_a_fingerprint_only_when_they_are_one(one: str, other: str) -> None:
    prints = Fingerprinter(KEY, "https://a.okta.com")
    first, second = (SessionCookie(b"sid", text.encode()) for text in (one, other))
    assert (prints.of(first) == prints.of(second)) == (first.value.strip(b' \t"') == second.value.strip(b' \t"'))


def test_quotes_and_blanks_around_a_value_make_no_difference() -> None:
    prints = Fingerprinter(KEY, "https://a.okta.com")
    assert len({prints.of(SessionCookie(b"sid", value)) for value in (b"1", b'"1"', b' "1"\t')}) == 1


def test_org_key_name_and_kind_keep_fingerprints_apart() -> None:
    cookie = SessionCookie(b"sid", b"1")
    here, there, rekeyed = (Fingerprinter(*of) for of in ((KEY, "https://a"), (KEY, "https://b"), (b"j" * 32, "https://a")))
    found = [here.of(cookie), there.of(cookie), rekeyed.of(cookie), here.of(SessionCookie(b"idx", b"1")), here.of_token(SessionToken("1"))]
    assert len(set(found)) == 5
    assert {len(one) for one in found} == {16}
    assert here.all((cookie, SessionCookie(b"idx", b"1"))) == (found[0], found[3])
    assert shown(Fingerprint(bytes(range(16)))) == "000102030405"


def test_the_id_of_a_session_is_known_by_what_nobody_can_turn_back() -> None:
    one, other = Fingerprinter(b"k" * 32, "https://example.okta.com"), Fingerprinter(b"o" * 32, "https://example.okta.com")
    assert one.of_session("102abc") == one.of_session("102abc") != one.of_session("102abd")
    assert one.of_session("102abc") != other.of_session("102abc") and "102abc" not in one.of_session("102abc")


def test_a_cookie_that_carries_no_session_has_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="no session cookie"):
        Fingerprinter(KEY, "https://a").of(SessionCookie(b"DT", b"1"))


def test_marks_are_what_a_memory_knows_cookies_by() -> None:
    printer, sid, idx = Fingerprinter(KEY, "https://o.example"), SessionCookie(b"sid", b"1"), SessionCookie(b"idx", b"2")
    marks = printer.marks((sid, idx))
    assert marks == Marks(printer.all((sid, idx)), key_of(printer.all((idx, sid))), False, shown(printer.of(sid)))
    assert printer.marks((idx, sid)).key == marks.key != printer.marks((sid,)).key
    assert printer.marks((sid,)).key == printer.of(sid)
    assert printer.marks((sid, idx, sid)).is_repeated and not printer.marks((sid,)).is_repeated
    assert printer.marks(()) == Marks()


@given(st.lists(st.binary(min_size=FINGERPRINT_BYTES, max_size=FINGERPRINT_BYTES), min_size=1, max_size=5), st.randoms())
def test_a_key_is_of_its_parts_in_any_order(values: list[bytes], random: Random) -> None:
    fingerprints = [Fingerprint(value) for value in values]
    key = key_of(tuple(fingerprints))
    assert parts_of(key) == (tuple(sorted(values)) if len(values) > 1 else ())
    random.shuffle(fingerprints)
    assert key_of(tuple(fingerprints)) == key


def test_the_end_of_a_session_is_also_known_in_unix_seconds() -> None:
    assert Session("s", "u", "l", datetime(2030, 1, 1, tzinfo=UTC)).ends_at == datetime(2030, 1, 1, tzinfo=UTC).timestamp()


moments = st.text() | st.from_regex(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}(:\d{2})?)?", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | moments | st.sampled_from(["ACTIVE", "MFA_REQUIRED", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
spoilt = st.fixed_dictionaries({}, optional=dict.fromkeys([*ANSWER, "amr", "lastPasswordVerification"], values))
types = st.sampled_from(["application/json", "application/okta+json", "text/html", "", "application/json;"]) | st.text()


@given(st.sampled_from([200, 404, 429]), types, st.dictionaries(st.sampled_from(["id", "status"]), values), spoilt, st.text())
def test_t19_no_answer_of_okta_is_an_exception(
    status: int, content_type: str, more: dict[str, object], changes: dict[str, object], reset: str
) -> None:
    fields = {
        "Content-Type": content_type,
        "X-Rate-Limit-Reset": reset,
        "X-Rate-Limit-Limit": reset,
        "X-Rate-Limit-Remaining": "1",
        "Date": reset,
    }
    found = interpret(status, fields, json.dumps({**ANSWER, **changes, **more}).encode())
    if isinstance(found, Session):
        assert found.expires_at.tzinfo is UTC
        assert all(text.encode() for text in (found.id, found.user_id, found.login, *found.amr) if text)
    rate_limits(fields)


@pytest.mark.parametrize("moment_text", ["2026-01-01T00:00:00+99:99", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_t19_a_date_that_leads_out_of_the_calendar_is_none(moment_text: str) -> None:
    assert moment(moment_text) is None
    assert interpret(200, JSON, body(expiresAt=moment_text)) == Unknown("incomplete_session")


def test_half_a_character_is_no_text() -> None:
    assert interpret(200, JSON, body(login="\ud800")) == Unknown("incomplete_session")
    found = interpret(200, JSON, body(amr=["pwd", "\udfff"]))
    assert isinstance(found, Session) and found.amr == ("pwd",)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", True),
        ("Application/JSON ;charset=UTF-8", True),
        ("application/ion+json; okta-version=1.0.0", True),
        ("application/+json", False),
        ("application/a/b+json", False),
        ("text/json", False),
        ("text/html", False),
        ("application/jsonp", False),
        ("", False),
        (None, False),
    ],
)
def test_t27_only_what_is_called_json_is_read(content_type: str | None, expected: bool) -> None:
    assert is_json(content_type) == expected
    fields = {} if content_type is None else {"Content-Type": content_type}
    assert isinstance(interpret(200, fields, body()), Session) == expected
    assert (interpret(404, fields, MISSING) == NoSession("not_found")) == expected


@pytest.mark.parametrize("login", ["M\u00fcller@example.com", "MU\u0308LLER@Example.com", "m\u00fcller@EXAMPLE.com"])
def test_a_login_is_one_whatever_its_case_and_the_composition_of_its_letters(login: str) -> None:
    assert login_key(login) == login_key("mu\u0308ller@example.com") != login_key("muller@example.com")


@given(st.text())
def test_a_login_s_key_is_its_own_key(login: str) -> None:
    assert login_key(login_key(login)) == login_key(login)
