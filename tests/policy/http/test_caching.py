"""What a script reads is asked for again each time; parts of pages are kept where the app lets a browser; nothing is kept longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.answer_fields import answered
from gateway.policy.http.caching import Use, asked_again, use_of
from gateway.policy.http.messages import Authority, Fields, RequestHead

PARTS = (
    *("script", "style", "image", "font", "audio", "video", "track", "manifest", "xslt"),
    *("worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet"),
)
DIRECTIVES = (
    *("max-age=600", "s-maxage=9", "public", "private", "immutable"),
    *("stale-while-revalidate=60", "stale-if-error=9", "must-revalidate", "no-cache"),
)


def head(**fields: str) -> RequestHead:
    given = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in fields.items())
    return RequestHead("GET", "/", Authority("hr.example.com", 443), given, True, "192.0.2.1", "192.0.2.1")


@pytest.mark.parametrize("destination", PARTS)
def test_parts_of_a_page_are_parts(destination: str) -> None:
    assert use_of(head(Sec_Fetch_Dest=destination, Sec_Fetch_Mode="no-cors")) is Use.PART


@pytest.mark.parametrize("destination", ["empty", "json", "report", "webidentity", "", "Script", "script, style"])
def test_everything_else_is_read_by_a_script(destination: str) -> None:
    assert use_of(head(Sec_Fetch_Dest=destination)) is Use.READ


def test_two_destinations_are_no_part() -> None:
    doubled = head(Sec_Fetch_Dest="script", sec_fetch_dest="style")
    assert use_of(doubled) is Use.READ


@pytest.mark.parametrize("destination", ["document", "iframe", "frame", "embed", "object"])
def test_what_is_shown_as_a_page_is_a_page(destination: str) -> None:
    assert use_of(head(Sec_Fetch_Dest=destination, Sec_Fetch_Mode="navigate")) is Use.PAGE


def test_without_fetch_metadata_the_accepted_types_name_a_page_and_nothing_else() -> None:
    assert use_of(head(Accept="text/html")) is Use.PAGE
    assert use_of(head(Accept="*/*")) is Use.UNSAID


lines = st.one_of(
    st.lists(st.sampled_from(DIRECTIVES), min_size=1, max_size=4).map(lambda said: (b"Cache-Control", ", ".join(said).encode())),
    st.just((b"expires", b"Thu, 01 Jan 2037 00:00:00 GMT")),
    st.sampled_from([b"text/css", b"Text/JavaScript; charset=utf-8", b"image/png", b"application/json", b"text/html", b""]).map(
        lambda kind: (b"Content-Type", kind)
    ),
    st.just((b"ETag", b'"1"')),
    st.just((b"Last-Modified", b"Thu, 01 Jan 2015 00:00:00 GMT")),
    st.just((b"Set-Cookie", b"a=no-store")),
)
answers = st.lists(lines, max_size=6).map(tuple)


def control(fields: Fields) -> list[bytes]:
    return [value for name, value in fields if name.lower() == b"cache-control"]


def made(fields: Fields, use: Use) -> Fields:
    """As the app door does it."""
    return asked_again(answered(fields, is_private=True, is_document=use is Use.PAGE, keep_cookie=lambda line: line), fields, use)


def lets_keep(fields: Fields) -> bool:
    """Whether the app says that a browser may keep it, or sends it as a file is sent."""
    words = [piece.strip() for value in control(fields) for piece in value.split(b",")]
    return b"public" in words or b"private" in words or any(name.lower() in (b"expires", b"last-modified", b"etag") for name, _ in fields)


@given(answers)
def test_what_a_script_reads_has_no_freshness_left(fields: Fields) -> None:
    read = made(fields, Use.READ)
    assert control(read) == [b"private, no-cache"]
    rest = [line for line in fields if line[0].lower() != b"cache-control"]
    assert [line for line in read if line[0].lower() != b"cache-control"] == rest


@given(answers, st.sampled_from([Use.READ, Use.UNSAID, Use.PART]), st.sampled_from([b"no-store", b"private, No-Store", b"no-store,public"]))
def test_what_must_not_be_stored_stays_so(fields: Fields, use: Use, said: bytes) -> None:
    assert control(made((*fields, (b"cache-control", said)), use)) == [b"no-store"]


@given(answers)
def test_a_page_is_not_stored(fields: Fields) -> None:
    assert control(made(fields, Use.PAGE)) == [b"no-store"]


@given(answers)
def test_parts_of_a_page_are_kept_where_the_app_lets_a_browser_keep_them(fields: Fields) -> None:
    private = answered(fields, is_private=True, is_document=False, keep_cookie=lambda line: line)
    part = made(fields, Use.PART)
    if not lets_keep(fields):
        assert control(part) == [b"no-store"]
    else:
        assert control(part) == (control(private) if control(fields) else [b"private"])
    assert part[:-1] == private[:-1]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (((b"Expires", b"Thu, 01 Jan 2037 00:00:00 GMT"),), b"private"),
        (((b"Last-Modified", b"Thu, 01 Jan 2015 00:00:00 GMT"),), b"private"),
        (((b"ETag", b'"1"'),), b"private"),
        (((b"Cache-Control", b"private, max-age=600"),), b"private, max-age=600"),
        (((b"Cache-Control", b"public, max-age=600"),), b"private, max-age=600"),
        (((b"Cache-Control", b"max-age=600"), (b"ETag", b'"1"')), b"private, max-age=600"),
        (((b"Cache-Control", b"no-cache"), (b"ETag", b'"1"')), b"private, no-cache"),
        (((b"Cache-Control", b"private, no-store"), (b"ETag", b'"1"')), b"no-store"),
        (((b"Cache-Control", b"max-age=600, immutable"),), b"no-store"),
        (((b"Vary", b"Origin"), (b"X-Private-Thing1", b"1")), b"no-store"),
        ((), b"no-store"),
    ],
)
def test_what_becomes_of_parts(fields: Fields, wanted: bytes) -> None:
    assert control(made(fields, Use.PART)) == [wanted]


@given(answers)
def test_where_the_browser_did_not_say_the_type_decides(fields: Fields) -> None:
    kinds = [value for name, value in fields if name == b"Content-Type"]
    is_part = len(kinds) == 1 and kinds[0].lower().startswith((b"text/css", b"text/javascript", b"image/"))
    assert made(fields, Use.UNSAID) == made(fields, Use.PART if is_part else Use.READ)


@pytest.mark.parametrize("kind", ["font/woff2", "audio/ogg", "video/mp4", "application/wasm", "application/manifest+json"])
def test_types_of_parts(kind: str) -> None:
    fields = ((b"content-type", kind.encode()), (b"Cache-Control", b"Public, max-age=600"))
    assert control(made(fields, Use.UNSAID)) == [b"private, max-age=600"]
