"""The gateway as a contestant: composed as in production, before a stand-in org, with the pass of somebody who really signed in.

Owns the org and the one seal key, so that a gateway that starts again knows the pass; and which gateway is measured: the compiled build
where ``make compiled`` has made it of these very sources, and then the same as Python beside it. The journey is a browser's: a session
token from the org, the login host, the hand-off, the pass.
"""

import asyncio
import base64
import os
import sys
from pathlib import Path

import aiohttp

from gateway.core.cookies import PASS_NAME
from gateway.standin import ALICE_AND_BOB
from tests.bench.proxies.asked import Asked
from tests.bench.proxies.contestants import Contestant, Place, filled_in
from tests.bench.proxies.processes import Command, Program, free_port
from tests.journeys.person import HR, Person, redemption

NAME = "session-gateway"
APPS_OWN_COOKIE = "JSESSIONID=0123456789ABCDEF0123456789ABCDEF"
AS_PYTHON = f"{NAME}, as Python"
ROOT = Path(__file__).parents[3]
COMPILED = ROOT / "build" / "compiled"
COMMAND_LINE = (sys.executable, "-P", "-c", "from gateway.cli import main; main()")


def is_compiled() -> bool:
    """Whether there is a compiled build, and it is not older than a source."""
    made = COMPILED / ".made"
    return made.exists() and all(source.stat().st_mtime <= made.stat().st_mtime for source in (ROOT / "gateway").rglob("*.py"))


def _beside(tree: Path) -> dict[str, str]:
    """The environment in which the gateway of this tree is the one that starts."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(tree), os.environ.get("PYTHONPATH", ""))))}


class Town:
    """The org, running on the core of the load, and the gateway before it as a contestant. ``with`` ends the org."""

    def __init__(self, core: int, folder: Path) -> None:
        """Start the org."""
        self._port = free_port()
        self._state = folder / "state"
        self._key = base64.b64encode(os.urandom(32)).decode()
        self._tree = COMPILED if is_compiled() else ROOT
        self._org = Program(Command((*COMMAND_LINE, "org", "--port", str(self._port)), _beside(ROOT)), core, folder / "org.log")
        self._org.listens(self._port)
        self.contestant = Contestant(NAME, sys.executable, "", self._command)
        self.others = (Contestant(AS_PYTHON, sys.executable, "", self._as_python),) if is_compiled() else ()
        self.companion = Contestant(f"{NAME}, sub-requests", sys.executable, "", self._companion)

    def __enter__(self) -> "Town":
        """Itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End the org."""
        self._org.__exit__()

    def _command(self, place: Place, proxies: str = "", tree: Path | None = None) -> Command:
        """``proxies``: who may ask for decisions, as in ``listen.trusted_proxies``."""
        file = filled_in("gateway.toml", place, {"ORG": self._port, "ADMIN": free_port(), "STATE": self._state, "PROXIES": proxies})
        return Command(
            (*COMMAND_LINE, "run", "--config", str(file)), {"SESSION_GATEWAY_SEAL_KEYS": self._key, **_beside(tree or self._tree)}
        )

    def _as_python(self, place: Place) -> Command:
        return self._command(place, tree=ROOT)

    def _companion(self, place: Place) -> Command:
        return self._command(place, '"127.0.0.1/32"')

    def signed_in(self, gateway_port: int) -> Asked:
        """Sign alice in through a running gateway; what her browser then asks of the app."""
        return asyncio.run(self._journey(gateway_port))

    async def _journey(self, gateway_port: int) -> Asked:
        alice = ALICE_AND_BOB[0]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as client:
            asked = {"username": alice.login, "password": alice.password}
            async with client.post(f"http://127.0.0.1:{self._port}/api/v1/authn", json=asked) as answer:
                token = (await answer.json())["sessionToken"]
            person = Person(client, lambda: gateway_port)
            await person.ask(redemption(token, "/app/UserHome"))
            reply = await person.go(f"{HR}/", site="none")
        sealed = person.cookie(PASS_NAME.decode(), HR)
        if reply.status != 200 or sealed is None:
            raise AssertionError(f"the journey ended at {reply.url} with {reply.status}: {reply.body[:300]}")
        return Asked(f"{PASS_NAME.decode()}={sealed}; {APPS_OWN_COOKIE}")
