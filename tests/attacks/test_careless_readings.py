"""Group P, with servers that read paths carelessly: no request passes that such a server would read as a different path."""

import random
import re

import pytest

from gateway.dev.standin import User
from tests.attacks.careless_readings import PIECES, careless_readings
from tests.harness.browser import BOB, HR, LOGIN
from tests.harness.replies import told
from tests.harness.site import NAVIGATE, Site


async def test_p2_whatever_passes_unasked_is_public_in_every_careless_reading(site: Site) -> None:
    """Not in the list of attacks: random compositions of everything that the rows above are made of."""
    dice = random.Random(20)
    forwarded = 0
    wire = await site.connect()
    for _ in range(600):
        target = "/public" + "".join(dice.choices(PIECES, k=dice.randint(1, 6)))
        if dice.random() < 0.3:
            target = target.removeprefix("/public") if target[7] == "/" else target
        site.behind.visits.clear()
        await wire.say(f"GET {target} HTTP/1.1\r\nHost: hr.example.com\r\n\r\n".encode())
        head = await wire.head()
        await wire.exactly(int(re.findall(rb"(?i)content-length: (\d+)", head)[0]))
        if b"connection: close" in head.lower():
            await wire.close()
            wire = await site.connect()
        if site.behind.visits:
            forwarded += 1
            assert site.behind.last.line == f"GET {target} HTTP/1.1".encode()
            assert all(one.startswith("/public/") or one == "/public" for one in careless_readings(target)), target
        else:
            assert head.split(b" ")[1] in (b"400", b"401"), target
    assert forwarded > 20


@pytest.mark.parametrize("origin", [HR, LOGIN])
async def test_p14_own_paths_are_never_forwarded_in_any_spelling(site: Site, origin: str) -> None:
    """Not in the list of attacks: what lies under /.gateway/ is the gateway's in every reading."""
    cookie = await site.signed_in()
    site.org.journal.rows.clear()
    for name in (
        "/.gateway",
        "/.GATEWAY",
        "/%2egateway",
        "/.%67ateway",
        "/.gateway%2F",
        "/.gateway;x",
        "/.gateway.",
        "/.gateway%20",
        "/.gateway%2e",
        "/%2E%47ATEWAY",
    ):
        for rest in ("", "/", "/session", "/x", "/accept?ticket=x", "%2Fsession", ";/session", "?x"):
            reply = await site.ask(name + rest, cookie + NAVIGATE, origin=origin)
            assert reply.status in (200, 302, 303, 400, 401, 404, 405), name + rest
    assert site.behind.visits == []
    assert {row.path for row in site.org.journal.rows} <= {"/api/v1/sessions/me"}


async def test_p15_a_path_that_no_rule_was_written_for_is_not_let_in_by_a_users_login(site: Site) -> None:
    """Not in the list of attacks: a user whose login looks like a pattern is still only who they are."""
    for login in ("**", "@example.com", "*@example.com", "bob@example.com/../x"):
        site.org.users = (*site.org.users, User(login, "x"))
        assert (await site.ask("/bob/x", await site.signed_in(login))).status == 403
    assert site.behind.visits == []
    assert (await site.ask("/bob/x", await site.signed_in(BOB))).status == 200
    assert told(site.behind.last, "Remote-User") == [BOB]
