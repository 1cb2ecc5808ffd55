"""Rows S1 to S3: the raw messages of gunicorn's and llhttp's own tests, each sent at once and byte by byte.

Sent at once, nothing of an invalid message reaches the app. Sent byte by byte, the gateway forwards a head before it can know that the body
is invalid. Then the request never becomes complete at the app, and the client gets an error.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.attacks.corpora import Message, gunicorn, llhttp
from tests.attacks.strict import OPEN, StrictOutcome, StrictSite, strict

LIMITS = {"006", "007", "008", "010", "011", "012", "017", "limit_header_default_01"}
"""Refused by gunicorn for their size alone, with limits smaller than ours; see the test that sets ours to as little."""

FORWARDED = {
    **{f"invalid/{name}.http": "smaller than our limits" for name in LIMITS},
    "invalid/019.http": "fields about the scheme are believed from nobody, and dropped",
    **dict.fromkeys(
        ("invalid/003c.http", "invalid: Invalid method", "invalid: HTTP protocol and ANNOUNCE method"), "any token is a method"
    ),
    "invalid/rfc9110_trailer_forbidden_host_01.http": "trailers are dropped, whatever they say (S20)",
}
"""What gunicorn refuses and is forwarded once here, in our own form."""

UNFINISHED = {
    **dict.fromkeys(("invalid/001.http", "invalid/rfc9112_chunked_missing_final_crlf_01.http", "valid/099.http"), 0),
    **dict.fromkeys(
        ("content-length: Spaces in `Content-Length` (surrounding)", "content-length: Tabs in `Content-Length` (surrounding)"), 0
    ),
    **dict.fromkeys(
        (
            "transfer-encoding: Parsing and setting flag",
            "transfer-encoding: Chunk extensions quoting",
            "transfer-encoding: Chunk extensions",
        ),
        0,
    ),
    **dict.fromkeys(
        (
            *("content-length: Error on `Content-Length` overflow", "content-length: Error on duplicate `Content-Length`"),
            *("content-length: Missing CRLF-CRLF before body", "invalid: Headers separated by dummy characters"),
            *("invalid: Invalid HTTP version", "invalid: Invalid space after start line"),
        ),
        0,
    ),
    "pipelining: Should parse multiple events": 2,
}
"""Messages without their end, and how many are whole before: closed without an answer where the client leaves, else 408 (D2)."""

LAST = {
    *("valid/019.http", "valid/021.http", "connection: No restart when keep-alive is off (1.0)"),
    *("connection: CRLF between requests, explicit `close`", "connection: CRLF between requests, explicit `close` followed by tab"),
}
"""The last request of a connection, and bytes behind it: it is answered, and nobody looks at them."""

BEHIND = {
    "connection: Upgrade POST request",
    "connection: CRLF between requests, implicit `keep-alive`",
    "connection: Multiple tokens with folding and LWS",
}
"""Messages behind which stand bytes that are no request: these are refused, and the connection ends."""

RULES = {
    "a target is a path and a query, nothing else": {
        *("valid/005.http", "valid/rfc9112_target_absolute_01.http", "valid/rfc9112_target_absolute_https_01.http"),
        *("valid/rfc9112_target_absolute_ipv6_01.http", "valid/rfc9112_target_absolute_userinfo_01.http"),
        *("valid/rfc9112_target_asterisk_options_01.http", "method: M-SEARCH request", "uri: Fragment in URI"),
        *("uri: Host terminated by a query string", "uri: `host:port` terminated by a query string"),
        *("uri: `host:port` terminated by a space", "uri: `host:port` and basic auth"),
    },
    "no tunnels: CONNECT": {
        *("valid/rfc9112_target_authority_connect_01.http", "valid/rfc9112_target_authority_ipv6_01.http", "method: CONNECT request"),
        *("method: CONNECT request with CAPS", "method: CONNECT with body", "uri: Underscore in hostname"),
    },
    "no transfer coding but chunked": {
        *("valid/025.http", "valid/025_line.http", "valid/029.http", "valid/030.http", "valid/rfc9112_smuggle_gzip_chunked_01.http"),
        *("valid/rfc9112_smuggle_te_identity_chunked_01.http", "transfer-encoding: POST with `chunked` as last transfer-encoding"),
        "transfer-encoding: POST with `chunked` as last transfer-encoding (multiple headers)",
    },
    "no aliases of the fields that frame a message": {"valid/040.http", "valid/040_compat.http"},
    "no zeros in front of a length": {
        *("content-length: `Content-Length` with zeroes", "content-length: `Content-Length` with follow-up headers"),
    },
    "no blanks in chunk extensions": {"valid/013.http"},
    "valid only with a switch of gunicorn's: a blank before the colon, folded lines, the PROXY protocol": {
        "valid/028.http",
        *("valid/compat_obs_fold.http", "valid/compat_obs_fold_huge.http"),
        *(f"valid/pp_0{number}.http" for number in (1, 2, 4, 5)),
    },
    "HTTP 1.0 or 1.1": {
        *("sample: No HTTP version", "method: SOURCE request with ICE", "method: OPTIONS request with RTSP"),
        "method: ANNOUNCE request with RTSP",
    },
    "no WebSockets from before RFC 6455": {"connection: Upgrade GET request"},
}
"""Why a message that others take is refused here: rule, and the messages."""
REFUSED = {name: rule for rule, names in RULES.items() for name in names}


def _as_is_due(message: Message, told: StrictOutcome, by_byte: bool) -> bool:
    if message.name in UNFINISHED:
        return len(told.whole) <= UNFINISHED[message.name]  # a client that leaves takes what is under way with it
    if message.name in LAST:
        return told.statuses == (200,) and len(told.whole) == 1
    if message.name in REFUSED:
        return told.is_refused or (by_byte and told.statuses.count(200) == len(told.whole) <= message.requests)
    if message.is_valid or message.name in FORWARDED:
        due = max(message.requests, 1)
        behind = told.statuses[due:]
        is_due = behind == (400,) if message.name in BEHIND else behind in ((), (200,))
        return told.statuses[:due] == (200,) * due and is_due and len(told.whole) == due + behind.count(200)
    if by_byte:
        # What was whole before the fault was a request; the rest is refused, or the connection has ended before it.
        return told.statuses.count(200) == len(told.whole) <= message.requests
    return told.is_refused and told.begun == 0


async def _wrong(tried: StrictSite, messages: Iterable[Message], by_byte: bool) -> dict[str, StrictOutcome]:
    found = {}
    for message in messages:
        is_due = message.is_valid or message.name in FORWARDED
        answers = max(message.requests, 1) if is_due and message.name not in UNFINISHED.keys() | REFUSED.keys() | LAST else 0
        try:
            told = await tried.told(message.to(OPEN), answers, by_byte=by_byte, leaves=message.name in UNFINISHED)
        except TimeoutError:
            told = StrictOutcome((), tuple(tried.whole), -1, b"it hangs")
        if not _as_is_due(message, told, by_byte):
            found[message.name] = told
    return found


BOTH_WAYS = pytest.mark.parametrize("by_byte", [False, True], ids=["at once", "byte by byte"])


@BOTH_WAYS
async def test_s1_what_gunicorn_calls_invalid_is_refused(shared_folder: Path, by_byte: bool) -> None:
    messages = list(gunicorn(shared_folder, "invalid"))
    assert len(messages) > 80
    async with strict() as tried:
        assert await _wrong(tried, messages, by_byte) == {}


async def test_s1_as_it_stands_with_its_own_host_nothing_invalid_passes(shared_folder: Path) -> None:
    async with strict() as tried:
        for message in gunicorn(shared_folder, "invalid"):
            told = await tried.told(message.sent, leaves=message.name in UNFINISHED)
            assert told.begun == 0 and (told.is_refused or message.name in UNFINISHED), message.name


async def test_s1_what_is_too_large_for_gunicorn_is_too_large_here_with_limits_as_small(shared_folder: Path) -> None:
    async with strict(listen='request_line = "4KiB"\nfields_count = 50\nfields_size = "30B"') as tried:
        for message in gunicorn(shared_folder, "invalid"):
            if message.name.removeprefix("invalid/").removesuffix(".http") in LIMITS:
                told = await tried.told(message.to(OPEN))
                assert told.is_refused and set(told.statuses) <= {414, 431}, message.name


@BOTH_WAYS
async def test_s2_what_gunicorn_calls_valid_arrives_once_or_is_refused_by_a_rule(shared_folder: Path, by_byte: bool) -> None:
    messages = list(gunicorn(shared_folder, "valid"))
    assert len(messages) > 60
    async with strict() as tried:
        assert await _wrong(tried, messages, by_byte) == {}


@BOTH_WAYS
async def test_s3_what_llhttp_is_tested_with_is_read_in_the_same_way_or_refused(shared_folder: Path, by_byte: bool) -> None:
    messages = list(llhttp(shared_folder))
    assert len(messages) > 130
    async with strict() as tried:
        assert await _wrong(tried, messages, by_byte) == {}


def test_s3_no_rule_speaks_of_a_message_that_is_not_there(shared_folder: Path) -> None:
    known = {message.name for message in (*gunicorn(shared_folder, "invalid"), *gunicorn(shared_folder, "valid"), *llhttp(shared_folder))}
    assert (FORWARDED.keys() | UNFINISHED.keys() | REFUSED.keys() | BEHIND | LAST) - known == set()
