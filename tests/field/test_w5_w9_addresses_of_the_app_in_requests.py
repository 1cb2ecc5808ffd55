"""Rows W5 and W9: the app's own address in a request is translated to the one that the app knows. Other addresses are unchanged.

A second path in a request (COPY, MOVE) is judged like the first. Only a user who may use both is admitted.
"""

import pytest

from tests.field.moved_app import MOVED, OWN
from tests.harness.app import hello
from tests.harness.browser import BOB, HR
from tests.harness.replies import told
from tests.harness.site import FETCH, Site, deployed


async def heard(site: Site, name: str, value: str, method: str = "MOVE") -> list[str] | int:
    """What the app was told under this name, or the status where it was told nothing."""
    site.behind.visits.clear()
    site.behind.script = hello
    cookie = await site.signed_in()
    reply = await site.ask("/a", FETCH + f"{name}: {value}\r\n".encode() + cookie, method=method)
    return told(site.behind.last, name) if site.behind.visits else reply.status


@pytest.mark.parametrize("method", ["MOVE", "COPY"])
async def test_w5_a_destination_has_the_scheme_that_the_app_knows(site: Site, method: str) -> None:
    assert await heard(site, "Destination", f"{HR}/b%20c", method) == ["http://hr.example.com/b%20c"]
    assert await heard(site, "If", f"<{HR}/b> (<urn:uuid:1>)", method) == ["<http://hr.example.com/b> (<urn:uuid:1>)"]
    assert await heard(site, "Destination", "/b", method) == ["/b"]


async def test_w5_a_destination_elsewhere_stays_as_it_is_and_the_app_refuses_it(site: Site) -> None:
    assert await heard(site, "Destination", "https://evil.example/b") == ["https://evil.example/b"]


async def test_w5_with_a_name_and_paths_of_its_own() -> None:
    async with deployed(configuration=MOVED) as site:
        site.behind.script = hello
        await site.ask("/hr/a", FETCH + f"Destination: {HR}/hr/b\r\n".encode(), method="MOVE")
        assert told(site.behind.last, "Destination") == ["http://intranet.corp:3000/app/b"]
        assert site.behind.last.line.startswith(b"MOVE /app/a ")
        assert told(site.behind.last, "X-Forwarded-Prefix") == ["/hr"]


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        (f"{HR}/bob/x", 403),
        ("/bob/x", 403),
        (f"{HR}/%62ob/x", 403),
        (f"{HR}/.gateway/session", 400),
        (f"{HR}/a\r\nDestination: {HR}/b", 400),
        (f"{HR}/a/../bob/x", 400),
        ("a/b", 400),
    ],
)
async def test_w5_who_may_not_go_to_the_destination_moves_nothing_there(site: Site, destination: str, status: int) -> None:
    assert await heard(site, "Destination", destination) == status


async def test_w5_who_may_does(site: Site) -> None:
    site.behind.script = hello
    cookie = await site.signed_in(BOB)
    assert (await site.ask("/a", FETCH + f"Destination: {HR}/bob/x\r\n".encode() + cookie, method="MOVE")).status == 200


async def test_w5_a_public_path_does_not_open_a_protected_destination(site: Site) -> None:
    site.behind.script = hello
    assert (await site.ask("/public/x", FETCH, method="COPY")).status == 200
    assert (await site.ask("/public/x", FETCH + f"Destination: {HR}/a\r\n".encode(), method="COPY")).status == 401
    assert len(site.behind.visits) == 1


@pytest.mark.parametrize(
    ("name", "sent", "wanted"),
    [
        ("Origin", HR, ["https://intranet.corp:3000"]),
        ("Origin", "https://evil.example", ["https://evil.example"]),
        ("Origin", "null", ["null"]),
        ("Origin", "http://intranet.corp:3000", ["null"]),
        ("Referer", f"{HR}/form?x", ["https://intranet.corp:3000/form?x"]),
        ("Referer", "https://evil.example/", ["https://evil.example/"]),
        ("Referer", "http://intranet.corp:3000/form", []),
    ],
)
async def test_w9_origin_and_referer_go_with_the_host(name: str, sent: str, wanted: list[str]) -> None:
    async with deployed(configuration=OWN) as site:
        assert await heard(site, name, sent, "POST") == wanted
        assert told(site.behind.last, "Host") == ["intranet.corp:3000"]


async def test_w9_where_the_app_is_told_its_public_name_they_stay_as_they_are(site: Site) -> None:
    assert await heard(site, "Origin", HR, "POST") == [HR]
    assert await heard(site, "Referer", f"{HR}/form", "POST") == [f"{HR}/form"]


async def test_w9_a_websocket_of_the_apps_own_page_has_its_origin_too() -> None:
    async with deployed(configuration=OWN) as site:
        cookie = await site.signed_in()
        shake = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        await site.ask("/ws", shake.replace(b"Connection: Upgrade\r\n", b"") + f"Origin: {HR}\r\nConnection: Upgrade\r\n".encode() + cookie)
        assert told(site.behind.last, "Origin") == ["https://intranet.corp:3000"]
