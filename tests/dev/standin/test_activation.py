"""Activation links: they begin a session whatever session the browser has."""

import pytest

from gateway.dev.standin import Engine, Org, fingerprint
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_an_activation_signs_in_once_beside_the_older_session(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser, admin = browse(running), browse(running)
    alice = enter(running, browser, ALICE)
    made = await admin.ask("POST", "/.standin/activations", payload={"login": BOB})
    assert made.status == 201 and made.json["activationUrl"] == f"{running.url}/welcome/{made.json['activationToken']}"
    link = f"/welcome/{made.json['activationToken']}"
    seen = await browser.get(link)
    assert (seen.status, seen.location) == (302, "/app/UserHome")
    assert ("idx" in {line.partition("=")[0] for line in seen.set_cookies}) is (engine == "identity")
    assert await browser.who() == BOB
    assert not alice.is_over and logins(running) == [ALICE, BOB]
    again = await admin.get(link)
    assert (again.status, await admin.who(), logins(running)) == (403, None, [ALICE, BOB])


@pytest.mark.parametrize(("days", "status"), [(6.9, 302), (7.1, 403)])
async def test_an_activation_link_lives_for_seven_days(start: Serve, browse: Open, days: float, status: int) -> None:
    running = await start(Org())
    token = running.org.activation_token(BOB)
    running.org.clock.advance(days * 86_400)
    assert (await browse(running).get(f"/welcome/{token}")).status == status


async def test_the_journal_shows_the_path_without_its_token(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.activation_token(BOB)
    await browser.get(f"/welcome/{token}")
    await browser.get(f"/welcome/{token}/more")
    await browser.get("/welcome")
    rows = [row.as_json() for row in running.org.journal.rows]
    assert [(row["path"], row["status"], row["token"]) for row in rows] == [
        ("/welcome/{token}", 302, fingerprint(token)),
        ("/welcome/{token}", 404, fingerprint(f"{token}/more")),
        ("/welcome", 404, None),
    ]
    assert token not in str(rows)


async def test_an_activation_of_nobody_is_refused(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org()))
    assert (await browser.ask("POST", "/.standin/activations", payload={"login": "nobody@example.com"})).status == 404
    assert (await browser.ask("POST", "/.standin/activations", payload={})).status == 400
