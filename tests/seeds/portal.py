"""Owns the thread's story in Chromium: an Express portal, an org fronted in some way, a SAML application elsewhere, one browser."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import expect

from gateway.dev.standin import Engine
from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB, ME, PASSWORD, Visitor
from tests.harness.demonstration import Stage, Stages
from tests.seeds.node import Node
from tests.seeds.service import LINK, service

SECRET = "a-portals-secret-of-some-length-0123456789"
FRONTED: Mapping[str, Mapping[str, str]] = {
    "custom_domain": {},
    "name_of_ones_own": {"SESSION_GATEWAY__OKTA__HOST": ""},
}
HOSTS = {"same_site": "desk.example.localhost", "other_site": "desk.localhost", "other_site_no_referrer": "desk.localhost"}


@dataclass(frozen=True, slots=True)
class Story:
    """One arrangement, with a person before it; `home` is the portal's origin, `port` that of its server."""

    stage: Stage
    visitor: Visitor
    home: str
    port: int

    async def enter(self, login: str) -> None:
        """Open the portal and press the button of this user; wait for what follows."""
        await self.visitor.page.goto(f"{self.home}/")
        async with self.visitor.page.expect_navigation():
            await self.visitor.page.get_by_role("button", name=f"Enter as {login}").click()

    async def is_in_as(self, login: str) -> None:
        """The application says that this is the user."""
        await expect(self.visitor.page.locator("#who")).to_have_text(login)

    def order_is_proven(self) -> bool:
        """Of the last entry: closed, then proven gone, and only then redeemed, as the org wrote it down."""
        rows = [(row.method, row.path, row.status) for row in self.stage.org.journal.rows]
        steps = [("DELETE", ME, 204), ("GET", ME, 404), ("GET", LINK, 200)]
        places = [rows.index(step) for step in steps]
        return places == sorted(places) and rows.count(steps[-1]) == 1

    async def seen_by_server(self) -> Any:
        """The statuses that the thread's server got for its DELETE."""
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{self.port}/seen") as answer:
            return await answer.json()


@asynccontextmanager
async def story(
    start: Stages,
    arrive: Arrive,
    node: Node,
    saml: Any,
    folder: Path,
    *,
    engine: Engine = "classic",
    portal: str = "same_site",
    fronted: str = "custom_domain",
    shape: str = "recipe",
) -> AsyncIterator[Story]:
    """Everything running; `fronted` "not" sends the links straight to the org."""
    port = await node.serve("portal.cjs")
    home = f"http://{HOSTS[portal]}:{port}"
    secret = folder / "portals"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    is_announced = portal == "other_site_no_referrer"
    switch = {"TRUSTED_ORIGINS": json.dumps([] if is_announced else [home]), "RETURN_ORIGINS": json.dumps([home])}
    if is_announced:
        switch["PORTAL_SECRETS_FILE"] = str(secret)
    environ = {**FRONTED.get(fronted, {}), **{f"SESSION_GATEWAY__SWITCH__{name}": value for name, value in switch.items()}}
    stage = await start(engine=engine, environ=environ)
    login = stage.where.org if fronted == "not" else stage.where.login
    told = {"shape": shape, "login": login, "link": login + LINK, "home": home, "users": {ALICE: PASSWORD, BOB: PASSWORD}}
    told |= {"secret": SECRET, "referrerPolicy": "no-referrer"} if is_announced else {}
    async with aiohttp.ClientSession() as client, client.post(f"http://127.0.0.1:{port}/setup", json=told) as answer:
        assert answer.status == 200, await answer.text()
    visitor = await arrive(stage)
    async with service(saml, stage.org, login):
        yield Story(stage, visitor, home, port)
