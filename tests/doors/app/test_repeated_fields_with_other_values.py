"""Fields that came before with other values: those that decide nothing reach the app as they are, and nobody else's field with them."""

import pytest

from tests.doors.app.repeated_fields import HOST, answered, get, sent_before
from tests.harness.browser import ALICE
from tests.harness.site import CONFIGURATION, FETCH, Site, deployed
from tests.harness.wire import Wire

CHANGING = (b"Referer", b"If-None", b"X-Request-Id")
REFERER = b"Referer: https://hr.example.com/%d\r\n"


async def known(site: Site, *lines: bytes) -> tuple[Wire, bytes, bytes]:
    """A connection, and what stands around these lines in fields that are known on it."""
    before, behind = HOST + FETCH, await site.signed_in(ALICE) + b"\r\n"
    wire = await site.connect()
    await sent_before(site, wire, before + b"".join(lines) + behind)
    return wire, before, behind


async def test_each_value_reaches_the_app_in_its_place() -> None:
    async with deployed() as site:
        tag = b'If-None-Match: "%d"\r\n'
        wire, before, behind = await known(site, REFERER % 0, b"X-Between: 1\r\n", tag % 0)
        for number in range(1, 4):
            block = before + REFERER % number + b"X-Between: 1\r\n" + tag % number + behind
            assert (await answered(wire, get(b"/a", block))).startswith(b"HTTP/1.1 200 ")
        fields = [visit.fields for visit in site.behind.visits]
        for number, lines in enumerate(fields, 1):
            assert [(REFERER % number)[:-2], b"X-Between: 1", (tag % number)[:-2]] == [
                line for line in lines if line.startswith((b"Referer", b"X-Between", b"If-None"))
            ]
            assert [line for line in lines if not line.startswith(CHANGING)] == [
                line for line in fields[0] if not line.startswith(CHANGING)
            ]


@pytest.mark.parametrize("name", [b"X-Correlation-Id", b"x-correlation-id", b"X-Correlation-ID"])
async def test_a_field_that_the_operator_has_made_anew_is_never_the_clients(name: bytes) -> None:
    configuration = CONFIGURATION.replace('name = "hr"', 'name = "hr"\nidentity = {{ "X-Correlation-Id" = "login" }}', 1)
    async with deployed(configuration=configuration) as site:
        # The first value is the very one that the gateway puts there.
        wire, before, behind = await known(site, name + b": alice@example.com\r\n")
        for value in (b"bob@example.com", b"alice@example.com", b"x"):
            await answered(wire, get(b"/a", before + name + b": " + value + b"\r\n" + behind))
            assert [line for line in site.behind.last.fields if line.lower().startswith(b"x-correlation-id")] == [
                b"X-Correlation-Id: alice@example.com"
            ]


async def test_fields_that_connection_would_name_away_are_never_known() -> None:
    async with deployed() as site:
        wire, before, behind = await known(site, REFERER % 0)
        site.behind.visits.clear()
        block = before + b"Connection: keep-alive, Referer\r\n" + REFERER % 1 + behind
        for _ in range(2):
            wire = await site.connect()
            await wire.say(get(b"/a", block))
            assert (await wire.head()).startswith(b"HTTP/1.1 400 ")
        assert site.behind.visits == []


@pytest.mark.parametrize(
    "value", [b"a\x00b", b"a\x0bb", b"a\nHost: x", b"a\r\nHost: other.example.com", b"a\r\n b", b"a\r\nContent-Length: 5"]
)
async def test_a_value_that_is_no_plain_value_is_the_parsers_business(value: bytes) -> None:
    async with deployed() as site:
        wire, before, behind = await known(site, REFERER % 0)
        await wire.say(get(b"/a", before + b"Referer: " + value + b"\r\n" + behind))
        if b"Content-Length" in value:
            await wire.say(b"GET /b HTTP/1.1\r\n")
            assert (await wire.head()).startswith(b"HTTP/1.1 ")
            assert [visit.line for visit in site.behind.visits] in ([], [b"GET /a HTTP/1.1"])
        else:
            assert (await wire.head()).startswith(b"HTTP/1.1 400 ")
            assert site.behind.visits == []


@pytest.mark.parametrize("value", [b"", b" padded ", b"caf\xc3\xa9", b"caf\xe9", b"a\tb"])
async def test_a_value_that_is_odd_but_allowed_arrives_as_if_it_were_new(value: bytes) -> None:
    async with deployed() as site:
        wire, before, behind = await known(site, REFERER % 0)
        assert (await answered(wire, get(b"/a", before + b"Referer: " + value + b"\r\n" + behind))).startswith(b"HTTP/1.1 200 ")
        assert site.behind.last.fields.count(b"Referer: " + value.strip()) == 1


async def test_a_value_that_makes_the_fields_too_large_is_refused() -> None:
    async with deployed(listen='fields_size = "2KiB"') as site:
        wire, before, behind = await known(site, REFERER % 0)
        await wire.say(get(b"/a", before + b"Referer: /" + b"a" * 2048 + b"\r\n" + behind))
        assert (await wire.head()).startswith(b"HTTP/1.1 431 ")
        assert site.behind.visits == []


async def test_a_field_more_or_twice_is_another_block() -> None:
    async with deployed() as site:
        wire, before, behind = await known(site, REFERER % 0)
        for lines in (b"", REFERER % 1 + REFERER % 2, b"Range: bytes=0-1\r\n" + REFERER % 3, REFERER % 4 + b"Range: bytes=0-1\r\n"):
            for _ in range(3):
                await answered(wire, get(b"/a", before + lines + behind))
                got = [line for line in site.behind.last.fields if line.startswith((b"Referer", b"Range"))]
                assert got == lines.split(b"\r\n")[:-1]
